"""Edits are in order, make the target of the source, and are as few as can be."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from encoders.align import shortest_edits

sequences = st.lists(st.integers(0, 2), max_size=14)
wide = st.lists(st.sampled_from([0, 7, 2**32 - 1]), max_size=8)


def distance(source, target):
    """Levenshtein's, from the recurrence."""
    row = list(range(len(target) + 1))
    for i, a in enumerate(source, 1):
        last, row = row, [i]
        for j, b in enumerate(target, 1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (a != b)))
    return row[-1]


def symbols(sequence):
    return np.array(sequence, np.uint32)


@given(sequences | wide, sequences | wide)
def test_shortest(source, target):
    edits = shortest_edits(symbols(source), symbols(target), 99)
    made, done, cost = [], 0, 0
    for i, (start, stop, first, last) in enumerate(edits.tolist()):
        assert start > done or i == 0  # those that touch are one
        made += source[done:start] + target[first:last]
        done = stop
        cost += max(stop - start, last - first)
        assert len(made) == last
    assert made + source[done:] == target
    assert cost == distance(source, target)
    assert (shortest_edits(symbols(source), symbols(target), cost) == edits).all()
    assert cost == 0 or shortest_edits(symbols(source), symbols(target), cost - 1) is None


@given(st.integers(0, 10**6))
def test_long_and_far_apart(seed):
    """Random sequences: nearly every diagonal is used, at every depth."""
    generator = np.random.default_rng(seed)
    source, target = (generator.integers(0, 3, generator.integers(0, 150)) for _ in range(2))
    edits = shortest_edits(symbols(source), symbols(target), 999)
    spans = np.diff(edits.reshape(-1, 2)).reshape(-1, 2)
    assert spans.max(axis=1).sum() == distance(source.tolist(), target.tolist())


def test_read_only_symbols():
    source = symbols([1, 2, 3])
    source.flags.writeable = False
    assert shortest_edits(source, source, 9).tolist() == []
    assert shortest_edits(source[::2], source, 9).tolist() == [[1, 1, 1, 2]]
