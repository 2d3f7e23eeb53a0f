"""Ragged batches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenkit import Ragged

rows = st.lists(st.lists(st.integers(0, 2**32 - 1)))


@given(rows)
def test_rows_come_back(rows):
    batch = Ragged.from_rows(rows)
    assert batch.to_lists() == rows
    assert len(batch) == len(rows)
    assert batch == Ragged.from_rows(rows)
    assert batch.to_arrow().to_pylist() == rows
    assert batch.cu_seqlens().tolist() == [0, *np.cumsum([len(row) for row in rows])]


@given(rows, st.integers(0, 9), st.integers(0, 6), st.booleans())
def test_padding(rows, fill, length, left):
    matrix, mask = Ragged.from_rows(rows).to_padded(fill, length, left)
    assert matrix.shape == mask.shape == (len(rows), length)
    for row, line, real in zip(rows, matrix, mask, strict=True):
        kept = row[:length]
        assert line[real].tolist() == kept
        assert (line[~real] == fill).all()
        assert real.tolist() == sorted(real.tolist(), reverse=not left)


def test_a_row_outside_is_refused():
    batch = Ragged.from_rows([[1], [2, 3]])
    assert batch[-1].tolist() == [2, 3]
    with pytest.raises(IndexError, match="row 2 of a batch of 2"):
        batch[2]
