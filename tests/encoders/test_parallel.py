"""Sharing a batch among threads changes nothing of it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders import parallel
from encoders.buffers import joined
from encoders.parallel import Workspaces, in_parallel, share, worth_sharing


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(parallel, "_LEAST", 1)
    monkeypatch.setattr(parallel, "_CHUNK", 2)


def lines(text, bounds):
    """A stand-in for an encoder that cuts at lines: one id a line, its length."""
    rows = [
        [len(line) for line in text[a:b].tobytes().splitlines(keepends=True)]
        for a, b in pairwise(bounds)
    ]
    ends = np.cumsum([0, *map(len, rows)])
    return np.array([size for row in rows for size in row], np.uint32), ends


documents = st.lists(st.text("a\n", max_size=9).map(str.encode), max_size=30)


@given(documents, st.integers(1, 5), st.booleans())
def test_the_same_on_any_number_of_threads(texts, threads, cuts):
    text, bounds = joined(texts)
    alone = lines(text, bounds)
    ids, id_bounds = in_parallel(lines, text, bounds, threads, cuts)
    assert ids.tolist() == alone[0].tolist()
    assert id_bounds.tolist() == alone[1].tolist()


@given(documents, st.integers(2, 5))
def test_documents_are_handed_out_once_and_in_order(texts, threads):
    _, bounds = joined(texts)
    seen = []

    def encode(first, last):
        seen.append((first, last))
        size = last - first
        return np.arange(first, last, dtype=np.uint32), np.arange(size + 1)

    ids, id_bounds = share(encode, bounds, threads)
    assert ids.tolist() == list(range(len(texts)))
    assert id_bounds.tolist() == list(range(len(texts) + 1))
    ends = [0, *(last for _, last in sorted(seen))]
    assert [first for first, _ in sorted(seen)] == ends[:-1]
    assert ends[-1] == len(texts)


def test_the_first_error_is_raised():
    def encode(first, _last):
        raise ValueError(str(first))

    with pytest.raises(ValueError, match=r"^0$"):
        share(encode, np.arange(100), 3)


def test_one_long_document_is_not_shared_whole():
    assert worth_sharing(np.full(9, 100), 3)
    assert not worth_sharing(np.array([1000, 1, 1]), 2)
    assert not worth_sharing(np.full(9, 100), 1)
    assert not worth_sharing(np.empty(0, np.int64), 2)


def test_a_share_finds_the_workspace_it_had_before():
    workspaces = Workspaces(list)

    def encode(first, last):
        had = workspaces.take()
        ids = np.full(last - first, first in had, np.uint32)
        had.append(first)
        workspaces.give(had)
        return ids, np.arange(last - first + 1)

    bounds = np.arange(100)
    assert not share(encode, bounds, 3)[0].any()
    assert share(encode, bounds, 3)[0].all()
