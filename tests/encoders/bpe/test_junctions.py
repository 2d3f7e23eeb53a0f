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


LETTERS = "aé日"


@st.composite
def scored_pieces(draw):
    """Pieces over a few letters, best first, as SentencePiece has them: those of one score may
    merge in any way that gives one of them; some letters may be no pieces."""
    letters = draw(st.sampled_from(["aé日", "aé"]))
    longer = draw(st.lists(st.text(LETTERS, min_size=2, max_size=5), unique=True, max_size=12))
    scores = draw(st.lists(st.integers(1, 5), min_size=len(longer), max_size=len(longer)))
    if draw(st.booleans()):
        scores = [len(text) for text in longer]  # so that what makes a piece ranks before it
    return list(letters), list(zip(longer, scores, strict=True))


def of_characters(letters, longer):
    pieces = letters + [text for text, _ in longer]
    ids = {text: id_ for id_, text in enumerate(pieces)}
    rows = sorted(
        (score, ids[text[:cut]], ids[text[cut:]], ids[text])
        for text, score in longer
        for cut in range(1, len(text))
        if text[:cut] in ids and text[cut:] in ids
    )
    table = np.array(rows, np.uint32).reshape(-1, 4)
    tables = tables_from_merges(
        [piece.encode() for piece in pieces],
        np.ascontiguousarray(table[:, 1:]),
        np.full(256, 0xFFFFFFFF, np.uint32),
        characters=[{letter.encode(): ids[letter] for letter in letters}] * 4,
        ranks=np.ascontiguousarray(table[:, 0]),
    )
    return pieces, {(left, right): (rank, made) for rank, left, right, made in rows}, tables


@settings(deadline=None)
@given(scored_pieces())
def test_characters_are_symbols_too(vocabulary):
    letters, longer = vocabulary
    pieces, ranked, tables = of_characters(letters, longer)
    found = Junctions(tables)

    def merged(text):
        if not set(text) <= set(letters):
            return []
        return naive([pieces.index(letter) for letter in text], ranked)

    whole = [id_ for id_, piece in enumerate(pieces) if merged(piece) == [id_]]
    assert np.flatnonzero(found.whole).tolist() == whole
    for left in whole:
        after = found.after(left)
        for right in range(len(pieces)):
            expected = right in whole and merged(pieces[left] + pieces[right]) == [left, right]
            assert bool(after[right]) == expected, (pieces[left], pieces[right])


def test_symbols_that_depend_on_their_place_are_refused():
    tables = tables_from_merges(
        [b"a", b"a"], np.empty((0, 3), np.uint32), np.full(256, 0xFFFFFFFF, np.uint32),
        characters=[{b"a": 0}, {b"a": 1}, {b"a": 0}, {b"a": 1}],
    )  # fmt: skip
    with pytest.raises(ValueError, match="place"):
        Junctions(tables)
