"""Packing loses nothing, keeps every bound, and its segments are those of attention."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenkit.corpus.packing import pack, positions_of, segments_of
from tokenkit.tokens import Ragged

rows = st.lists(st.lists(st.integers(1, 9), max_size=12), max_size=8)


@given(rows, st.integers(1, 7))
def test_pack(rows, length):
    packed = pack(Ragged.from_rows(rows, np.uint16), length, fill=0)
    flat = [id_ for row in rows for id_ in row]
    assert packed.rows.values.dtype == np.uint16
    assert packed.rows.values.tolist() == flat + [0] * packed.filling
    assert 0 <= packed.filling < length
    assert packed.sequences().shape == (len(packed), length)
    bounds = set(packed.rows.offsets.tolist())
    assert set(np.cumsum([0, *map(len, rows)]).tolist()) <= bounds
    assert set(range(0, len(flat) + packed.filling + 1, length)) <= bounds
    assert len(bounds) == len(packed.rows.offsets)
    segments = packed.segment_lengths()
    assert len(segments) == len(packed)
    for sequence in range(len(packed)):
        assert segments[sequence].sum() == length
        start = sequence * length
        cumulative = segments_of(packed.rows.offsets, start, start + length)
        assert np.diff(cumulative).tolist() == segments[sequence].tolist()


def test_a_length_must_be_positive():
    with pytest.raises(ValueError, match="0 tokens"):
        pack(Ragged.from_rows([[1]]), 0, 0)


@given(rows.filter(lambda r: sum(map(len, r)) > 0), st.data())
def test_segments_of_any_window(rows, data):
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    start = data.draw(st.integers(0, int(offsets[-1]) - 1))
    stop = data.draw(st.integers(start + 1, int(offsets[-1])))
    document_of = np.repeat(np.arange(len(rows)), np.diff(offsets))[start:stop]
    changes = np.flatnonzero(np.diff(document_of)) + 1
    expected = [0, *changes.tolist(), stop - start]
    segments = segments_of(offsets, start, stop)
    assert segments.dtype == np.int32
    assert segments.tolist() == expected
    positions = positions_of(segments)
    assert positions.tolist() == [i for a, b in itertools.pairwise(expected) for i in range(b - a)]
