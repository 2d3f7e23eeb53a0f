"""Counting segmentations equals listing them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.buffers import joined
from encoders.segment import SATURATED, Segmenter

tokens = st.lists(st.binary(max_size=4) | st.text("abé", max_size=3).map(str.encode), max_size=12)
texts = st.lists(
    st.text("abé", max_size=7).map(str.encode) | st.binary(max_size=6), min_size=1, max_size=4
)


def listed(text, tokens):
    """All segmentations as lists of ids."""
    if not text:
        return [[]]
    return [
        [id_, *rest]
        for id_, token in enumerate(tokens)
        if token and text.startswith(token)
        for rest in listed(text[len(token) :], tokens)
    ]


@given(tokens, texts)
def test_counts_are_those_of_the_list(tokens, texts):
    expected = [len(listed(text, tokens)) for text in texts]
    assert Segmenter.of(tokens).counts(*joined(texts)).tolist() == expected


@given(tokens, texts)
def test_pairs_part_between_characters(tokens, texts):
    known = set(tokens) - {b""}
    expected = [
        sum(
            text[:k] in known and text[k:] in known and text[k] & 0xC0 != 0x80
            for k in range(1, len(text))
        )
        for text in texts
    ]
    assert Segmenter.of(tokens).pairs(*joined(texts)).tolist() == expected


@given(tokens, texts)
def test_edges_are_all_occurrences(tokens, texts):
    segmenter = Segmenter.of(tokens)
    for text in texts:
        expected = sorted(
            {
                (at, at + len(token))
                for token in tokens
                if token
                for at in range(len(text))
                if text.startswith(token, at)
            }
        )
        edges = segmenter.edges(text).tolist()
        assert [(start, stop) for start, stop, _ in edges] == expected
        assert all(tokens[id_] == text[start:stop] for start, stop, id_ in edges)


@pytest.mark.parametrize("length", [63, 64, 65, 200])
def test_counts_saturate(length):
    # With "a" to "aaaa…" every composition of the length is a segmentation: 2**(length - 1).
    segmenter = Segmenter.of([b"a" * n for n in range(1, length + 1)])
    found = segmenter.counts(*joined([b"a" * length])).tolist()
    assert found == [min(2 ** (length - 1), SATURATED)]


def test_more_edges_than_room():
    segmenter = Segmenter.of([b"a" * n for n in range(1, 101)])
    assert len(segmenter.edges(b"a" * 100)) == 100 * 101 // 2


def test_no_tokens():
    nothing = Segmenter.of([])
    assert nothing.counts(*joined([b"", b"a"])).tolist() == [1, 0]
    assert nothing.edges(b"abc").shape == (0, 3)
    assert nothing.weights.dtype == np.uint64
