"""Truncation and padding equal those of `tokenizers`."""

import json

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import trained
from tokenkit import Tokenizer
from tokenkit.errors import EncodeError
from tokenkit.text import Padding, Truncation

WORDS = ["the", "parser", "reads", "tokens", "and", "names", "of", "modules"]
sentences = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
sides = st.sampled_from(["left", "right"])


def peer():
    tok = tokenizers.Tokenizer.from_str(trained().to_bytes().decode())
    tok.post_processor = tokenizers.processors.TemplateProcessing(
        single="<|endoftext|> $A <|pad|>",
        pair="<|endoftext|> $A <|pad|> $B:1",
        special_tokens=[("<|endoftext|>", 0), ("<|pad|>", 1)],
    )
    return tok


PEER = peer()
TOK = Tokenizer.from_bytes(PEER.to_str().encode())


@given(text=sentences, length=st.integers(3, 9), stride=st.integers(0, 3), side=sides)
def test_windows(text, length, stride, side):
    stride = min(stride, length - 3)
    theirs = peer()
    theirs.enable_truncation(length, stride=stride, direction=side)
    encoding = theirs.encode(text)
    expected = [encoding.ids, *(window.ids for window in encoding.overflowing)]
    windows = Truncation(length, side, stride).windows(TOK.encode(text), reserved=2)
    assert [TOK.template.apply(window).tolist() for window in windows] == expected


@given(
    first=sentences,
    second=sentences,
    length=st.integers(2, 12),
    side=sides,
    strategy=st.sampled_from(["longest_first", "only_first", "only_second"]),
)
def test_pairs(first, second, length, side, strategy):
    theirs = peer()
    theirs.enable_truncation(length, strategy=strategy, direction=side)
    truncation = Truncation(length, side, strategy=strategy)
    try:
        expected = theirs.encode(first, second)
    except Exception:
        with pytest.raises(EncodeError, match=strategy):
            TOK.encode_pair(first, second, truncation=truncation)
        return
    ids, types = TOK.encode_pair(first, second, truncation=truncation)
    assert ids.tolist() == expected.ids
    assert types.tolist() == expected.type_ids


@given(
    batch=st.lists(sentences, min_size=1, max_size=5),
    length=st.none() | st.integers(40, 50),
    multiple=st.none() | st.integers(1, 8),
    side=sides,
    special=st.booleans(),
)
def test_padding(batch, length, multiple, side, special):
    theirs = peer()
    theirs.enable_padding(
        direction=side, pad_id=7, pad_to_multiple_of=multiple, length=length, pad_token="x"
    )
    expected = theirs.encode_batch(batch, add_special_tokens=special)
    padding = Padding(7, length=length, multiple_of=multiple, direction=side)
    found = TOK.encode_padded(batch, padding=padding, add_special_tokens=special)
    assert found.ids.tolist() == [row.ids for row in expected]
    assert found.mask.tolist() == [list(map(bool, row.attention_mask)) for row in expected]
    assert found.ids.dtype == np.uint32


def test_what_the_file_asks_for_is_kept_and_applied():
    theirs = peer()
    theirs.enable_padding(direction="left", pad_id=3, length=9)
    theirs.enable_truncation(6, stride=1, strategy="only_first", direction="left")
    tok = Tokenizer.from_bytes(theirs.to_str().encode())
    assert tok.truncation == Truncation(6, "left", 1, "only_first")
    assert tok.padding == Padding(3, length=9, direction="left")
    batch = ["the parser reads tokens and names", "the"]
    found = tok.encode_padded(batch, add_special_tokens=True)
    assert found.ids.tolist() == [row.ids for row in theirs.encode_batch(batch)]
    # Plain encoding cuts and fills nothing.
    assert tok.encode(batch[0]).tolist() == TOK.encode(batch[0]).tolist()
    assert json.loads(tok.to_bytes()) == json.loads(theirs.to_str())


def test_impossible_requests_say_why():
    with pytest.raises(EncodeError, match="states no padding"):
        TOK.encode_padded(["a"])
    with pytest.raises(EncodeError, match="truncate it too"):
        TOK.encode_padded(["the parser reads tokens"], padding=Padding(length=2))
    with pytest.raises(EncodeError, match="less than 2 added"):
        Truncation(1).cut(TOK.encode("a"), reserved=2)
    with pytest.raises(ValueError, match="stride 4"):
        Truncation(4, stride=4)
    with pytest.raises(EncodeError, match="stride of 3"):
        Truncation(4, stride=3).windows(TOK.encode("the parser reads tokens"), reserved=2)
