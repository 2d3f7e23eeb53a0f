"""Cuts of many texts are those that spans tell of each."""

import json

import numpy as np
import pytest
import tokenizers
from hypothesis import example, given
from hypothesis import strategies as st

from tests.samples import documents, texts, trained
from tokenkit import Tokenizer
from tokenkit.domain.cuts import counted, cut
from tokenkit.numbers import TST, NumericTokenizer

surrogates = st.text(alphabet="a \ud83d\ude00\udfffé")


def nfkc():
    """What KL3M's are: byte-level BPE behind NFKC."""
    spec = json.loads(trained().to_bytes())
    spec["normalizer"] = {"type": "NFKC"}
    return Tokenizer.from_bytes(json.dumps(spec).encode())


def lowercasing():
    """Two normalizers, the second of which changes most characters."""
    spec = json.loads(trained().to_bytes())
    steps = [{"type": "NFKC"}, {"type": "Lowercase"}]
    spec["normalizer"] = {"type": "Sequence", "normalizers": steps}
    return Tokenizer.from_bytes(json.dumps(spec).encode())


def stripping():
    """A normalizer that has the slow road."""
    spec = json.loads(trained().to_bytes())
    spec["normalizer"] = {"type": "Strip", "strip_left": True, "strip_right": True}
    return Tokenizer.from_bytes(json.dumps(spec).encode())


def numeric():
    return NumericTokenizer(trained(), TST())


def dropping():
    """A tokenizer that drops white space."""
    peer = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[U]": 0, "a": 1}, unk_token="[U]"))
    peer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    return Tokenizer.from_bytes(peer.to_str().encode())


def whole(text, places):
    """Places, those inside a character being both its ends."""
    ends = np.cumsum([0, *(len(character.encode()) for character in text)])
    low = ends[np.searchsorted(ends, list(places), side="right") - 1].tolist()
    return set(low) | set(ends[np.searchsorted(ends, list(places))].tolist())


@pytest.mark.parametrize("make", [trained, nfkc, lowercasing, stripping, dropping, numeric])
def test_against_spans(make):
    tokenizer = make()

    @example([" a"])  # decoding puts a blank before a word of `dropping`, which is no part of it
    @given(st.lists(texts | surrogates, max_size=5))
    def check(many):
        found = cut(tokenizer, many)
        assert len(found.ids) == len(many)
        for i, text in enumerate(many):
            encoding = tokenizer.encode_with_offsets(text)
            assert found.ids[i].tolist() == encoding.ids.tolist()
            start, stop = found.bounds[i : i + 2].tolist()
            clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            assert stop - start == len(clean.encode())
            spans = encoding.byte_spans.ravel().tolist()
            ends = set(spans) - {0, stop - start}
            inside = {
                at - start for at in np.flatnonzero(found.flags).tolist() if start < at < stop
            }
            if tokenizer.contract == "normalizing":  # its spans are those of whole characters
                inside = whole(clean, inside) - {0, stop - start}
            assert inside == ends
        assert not found.flags[found.bounds].any()

    check()


def test_counted():
    found = cut(trained(), [*documents()[:3], ""])
    assert counted(found.flags, found.bounds).tolist() == [*(found.ids.lengths[:3] - 1), 0]
    empty = cut(trained(), [])
    assert (len(empty.ids), empty.flags.tolist()) == (0, [False])


@given(st.lists(texts, max_size=8))
def test_in_shares(many):
    whole_batch = cut(trained(), many)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tokenkit.domain.cuts._SHARE", 7)
        shared = cut(trained(), many)
    assert shared.ids == whole_batch.ids
    assert shared.bounds.tolist() == whole_batch.bounds.tolist()
    assert shared.flags.tolist() == whole_batch.flags.tolist()
