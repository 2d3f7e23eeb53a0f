"""Neighbours are what the plainest BPE makes of their bytes, and they decide for whole strings."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.bpe import tables_from_merges
from encoders.bpe.junctions import Junctions
from tests.encoders.bpe.test_engine import BYTES, IDENTITY, merge_lists, naive


@st.composite
def ordered_merge_lists(draw, alphabet=b"ab"):
    """Merges of tokens that are there already, a token perhaps made in several ways."""
    tokens, merges, parts = list(BYTES), [], list(alphabet)
    for _ in range(draw(st.integers(0, 20))):
        left, right = draw(st.sampled_from(parts)), draw(st.sampled_from(parts))
        if any((left, right) == pair[:2] for pair in merges):
            continue
        token = tokens[left] + tokens[right]
        if token not in tokens:
            tokens.append(token)
            parts.append(len(tokens) - 1)
        merges.append((left, right, tokens.index(token)))
    return tokens, merges


def built(tokens, merges):
    table = np.array(merges, np.uint32).reshape(-1, 3)
    ranked = {(left, right): (i, made) for i, (left, right, made) in enumerate(merges)}
    return Junctions(tables_from_merges(tokens, table, IDENTITY)), ranked


@settings(deadline=None)
@given(st.one_of(ordered_merge_lists(), merge_lists()))
def test_neighbours_are_what_merging_makes(vocabulary):
    tokens, merges = vocabulary[:2]
    found, ranked = built(tokens, merges)
    few = [*range(97, 100), *range(256, len(tokens))]
    whole = {id_ for id_ in few if naive(list(tokens[id_]), ranked) == [id_]}
    assert {id_ for id_ in few if found.whole[id_]} == whole
    for left in whole:
        after = found.after(left)
        for right in few:
            merged = naive([*tokens[left], *tokens[right]], ranked)
            assert bool(after[right]) == (right in whole and merged == [left, right])


@settings(deadline=None)
@given(ordered_merge_lists(), st.data())
def test_neighbours_decide_for_the_string(vocabulary, data):
    tokens, merges = vocabulary
    found, ranked = built(tokens, merges)
    few = st.sampled_from([97, 98, *range(256, len(tokens))])
    ids = data.draw(st.lists(few, min_size=1, max_size=5))
    allowed = bool(found.whole[ids[0]]) and all(
        found.whole[left] and found.after(left)[right] for left, right in itertools.pairwise(ids)
    )
    merged = naive([byte for id_ in ids for byte in tokens[id_]], ranked)
    assert allowed == (merged == ids)


def test_symbols_that_are_characters_are_refused():
    tables = tables_from_merges(
        [b"a"], np.empty((0, 3), np.uint32), np.full(256, 0xFFFFFFFF, np.uint32),
        characters=[{b"a": 0}] * 4,
    )  # fmt: skip
    with pytest.raises(ValueError, match="bytes"):
        Junctions(tables)
