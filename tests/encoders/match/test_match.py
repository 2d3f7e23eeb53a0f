"""Added-token matching equals leftmost-longest search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.buffers import joined
from encoders.match import Matcher, stitch


def leftmost_longest(text, patterns):
    found, at = [], 0
    while at < len(text):
        here = [(len(p), i) for i, p in enumerate(patterns) if text.startswith(p, at)]
        if here:
            length, which = max(here)
            found.append((at, at + length, which))
            at += length
        else:
            at += 1
    return found


patterns = st.lists(
    st.binary(min_size=1, max_size=4).map(lambda b: bytes(x % 3 for x in b)), unique=True
)
documents = st.lists(st.binary(max_size=20).map(lambda b: bytes(x % 3 for x in b)), max_size=5)


@given(patterns, documents)
def test_equals_plain_search(patterns, documents):
    text, bounds = joined(documents)
    matches = Matcher.build(patterns).find(text, bounds)
    expected = [
        (start + a, start + b, which)
        for start, document in zip(bounds.tolist(), documents, strict=False)
        for a, b, which in leftmost_longest(document, patterns)
    ]
    rows = np.stack((matches.starts, matches.stops, matches.which), axis=1)
    assert [tuple(row) for row in rows.tolist()] == expected


def test_more_matches_than_one_array_holds():
    text, bounds = joined([b"ab" * 10_000])
    assert len(Matcher.build([b"a"]).find(text, bounds).starts) == 10_000


def test_an_empty_pattern_is_refused():
    with pytest.raises(ValueError, match="pattern 1"):
        Matcher.build([b"a", b""])


@given(st.lists(st.lists(st.tuples(st.integers(-1, 9), st.lists(st.integers(0, 99), max_size=4)))))
def test_stitch_puts_ids_in_place(documents):
    segments = [segment for document in documents for segment in document]
    ids = np.array([id_ for _, row in segments for id_ in row], np.uint32)
    bounds = np.cumsum([0, *(len(row) for _, row in segments)])
    replaced = np.array([id_ for id_, _ in segments], np.int64)
    segment_of = np.cumsum([0, *map(len, documents)])
    out, out_bounds = stitch(ids, bounds, replaced, segment_of)
    for i, document in enumerate(documents):
        expected = [x for id_, row in document for x in ([id_] if id_ >= 0 else row)]
        assert out[out_bounds[i] : out_bounds[i + 1]].tolist() == expected
