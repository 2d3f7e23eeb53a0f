"""Cuts of many texts are those that spans tell of each."""

import json

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import documents, texts, trained
from tokenkit import Tokenizer
from tokenkit.domain.cuts import counted, cut

surrogates = st.text(alphabet="a \ud83d\ude00\udfffé")


def nfkc():
    """What KL3M's are: byte-level BPE behind NFKC."""
    spec = json.loads(trained().to_bytes())
    spec["normalizer"] = {"type": "NFKC"}
    return Tokenizer.from_bytes(json.dumps(spec).encode())


def dropping():
    """A tokenizer that drops white space."""
    peer = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[U]": 0, "a": 1}, unk_token="[U]"))
    peer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    return Tokenizer.from_bytes(peer.to_str().encode())


@pytest.mark.parametrize("make", [trained, nfkc, dropping])
def test_against_spans(make):
    tokenizer = make()

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
            tokens = [tokenizer.id_to_bytes(id_) for id_ in encoding.ids.tolist()]
            spans = encoding.byte_spans.ravel().tolist()
            if b"".join(tokens) == clean.encode():
                spans = np.cumsum([len(token) for token in tokens]).tolist()
            ends = set(spans) - {0, stop - start}
            inside = {
                at - start for at in np.flatnonzero(found.flags).tolist() if start < at < stop
            }
            assert inside == ends
        assert not found.flags[found.bounds].any()

    check()


def test_counted():
    found = cut(trained(), [*documents()[:3], ""])
    assert counted(found.flags, found.bounds).tolist() == [*(found.ids.lengths[:3] - 1), 0]
    empty = cut(trained(), [])
    assert (len(empty.ids), empty.flags.tolist()) == (0, [False])
