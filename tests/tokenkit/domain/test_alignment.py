"""Edits and places, against plain definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import documents, texts
from tokenkit.domain.alignment import Alignment, align, apply_edits
from tokenkit.domain.noise import OcrNoise
from tokenkit.errors import AlignmentError, TokenkitError

surrogates = st.text(alphabet="a \ud83d\ude00\udfffé")
short = st.text(alphabet="abé日", max_size=12)


def sound(text):
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@st.composite
def alignments(draw):
    """A text, one made of it by known edits, and those edits."""
    parts = draw(st.lists(st.tuples(short, short, short), max_size=5))
    tail = draw(short)
    source, target, spans = "", "", []
    for same, old, new in parts:
        at = len(source) + len(same), len(target) + len(same)
        source, target = source + same + old, target + same + new
        spans.append(((at[0], len(source)), (at[1], len(target))))
    both = np.array(spans, np.int64).reshape(-1, 2, 2)
    source, target = source + tail, target + tail
    return source, target, Alignment(len(source), len(target), both[:, 0], both[:, 1])


def distance(source, target):
    """Levenshtein's, row by row."""
    row = list(range(len(target) + 1))
    for i, a in enumerate(source, 1):
        last, row = row, [i]
        for j, b in enumerate(target, 1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (a != b)))
    return row[-1]


def edits(alignment):
    """Insertions, deletions and substitutions that it takes."""
    sides = (np.diff(spans)[:, 0] for spans in (alignment.source_spans, alignment.target_spans))
    return int(np.maximum(*sides).sum())


@given(texts | short | surrogates, texts | short | surrogates)
def test_a_shortest_script(source, target):
    found = align(source, target)
    assert apply_edits(source, found.edits(target)) == sound(target)
    assert apply_edits(target, found.inverse.edits(source)) == sound(source)
    assert edits(found) == distance(sound(source), sound(target))


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_bytes_and_ids(source, target):
    found = align(source, target)
    assert edits(found) == distance(source, target)
    same = align(np.frombuffer(source, np.uint8), np.frombuffer(target, np.uint8))
    assert (same.source_spans == found.source_spans).all()
    assert (same.target_spans == found.target_spans).all()


def test_long_texts():
    noisy = OcrNoise(0.05).read("\n".join(documents()[:6]), seed=3)
    found = align(noisy.clean, noisy.text)
    assert apply_edits(noisy.clean, found.edits(noisy.text)) == noisy.text
    sides = (
        np.diff(spans)[:, 0]
        for spans in (noisy.alignment.source_spans, noisy.alignment.target_spans)
    )
    assert 0 < edits(found) <= np.maximum(*sides).sum()


@given(short, short, st.integers(0, 12))
def test_a_limit(source, target, most):
    if distance(source, target) <= most:
        assert edits(align(source, target, most=most)) <= most
    else:
        with pytest.raises(AlignmentError, match=f"more than {most}"):
            align(source, target, most=most)


@given(alignments())
def test_edits_make_one_of_the_other(made):
    source, target, alignment = made
    assert apply_edits(source, alignment.edits(target)) == target
    assert apply_edits(target, alignment.inverse.edits(source)) == source


def stretches(alignment):
    """Start and stop on both sides of all that is unchanged."""
    source, target = alignment.source_spans.ravel(), alignment.target_spans.ravel()
    both = zip(
        [0, *source, alignment.source_length], [0, *target, alignment.target_length], strict=True
    )
    pairs = list(both)
    return [(*pairs[i], *pairs[i + 1]) for i in range(0, len(pairs), 2)]


@given(alignments())
def test_places(made):
    """A place is in the target where the ends of an edit or an unchanged stretch have it."""
    _, _, alignment = made
    for place in range(alignment.source_length + 1):
        found = {t + place - s for s, t, end, _ in stretches(alignment) if s <= place <= end}
        for side, pick in (("left", min), ("right", max)):
            expected = pick(found) if found else -1
            assert alignment.places([place], side).tolist() == [expected]


@given(alignments())
def test_places_there_and_back(made):
    _, _, alignment = made
    every = np.arange(alignment.source_length + 1)
    left, right = alignment.places(every), alignment.places(every, "right")
    assert ((left >= 0) == (right >= 0)).all()
    known = left >= 0
    assert (np.diff(left[known]) >= 0).all()
    assert (left <= right).all()
    back = alignment.inverse
    assert (back.places(left[known], "left") <= every[known]).all()
    assert (back.places(right[known], "right") >= every[known]).all()


@given(alignments(), st.data())
def test_cover(made, data):
    """What a span became holds what each part of it became, and nothing less would."""
    _, _, alignment = made
    place = st.integers(0, alignment.source_length)
    start, stop = sorted((data.draw(place), data.draw(place)))
    first, last = alignment.cover([(start, stop)])[0].tolist()
    inside = alignment.places(np.arange(start, stop + 1))
    assert ((inside < 0) | ((first <= inside) & (inside <= last))).all()
    cut = [
        (c, d)
        for (a, b), (c, d) in zip(alignment.source_spans, alignment.target_spans, strict=True)
        if (a < stop and start < b) or (a == b and start <= a <= stop)
    ]
    ends = [*alignment.places([start, stop]), *alignment.places([start, stop], "right")]
    ends = [end for end in ends if end >= 0] + [end for pair in cut for end in pair]
    assert (first, last) == (min(ends), max(ends))


@given(alignments())
def test_in_bytes(made):
    source, target, alignment = made
    found = alignment.in_bytes(source, target)
    assert (found.source_length, found.target_length) == (
        len(source.encode()),
        len(target.encode()),
    )
    for (a, b), (c, d) in zip(alignment.source_spans, found.source_spans, strict=True):
        assert source[a:b].encode() == source.encode()[c:d]
    for (a, b), (c, d) in zip(alignment.target_spans, found.target_spans, strict=True):
        assert target[a:b].encode() == target.encode()[c:d]
    with pytest.raises(AlignmentError, match="characters"):
        alignment.in_bytes(source + "x", target)


@pytest.mark.parametrize(
    "wrong",
    [
        (3, 3, [(2, 1)], [(2, 1)]),
        (3, 3, [(0, 2), (1, 3)], [(0, 2), (1, 3)]),
        (3, 4, [(1, 2)], [(1, 2)]),
        (3, 3, [(1, 4)], [(1, 4)]),
        (3, 3, [(1, 2), (2, 3)], [(1, 2)]),
    ],
)
def test_what_is_no_alignment(wrong):
    with pytest.raises(AlignmentError):
        Alignment(*wrong[:2], *(np.array(spans, np.int64) for spans in wrong[2:]))
    assert issubclass(AlignmentError, TokenkitError)


def test_places_outside():
    alignment = align("abc", "abd")
    for place in (-1, 4):
        with pytest.raises(AlignmentError, match="0 to 3"):
            alignment.places([place])
        with pytest.raises(AlignmentError, match="0 to 3"):
            alignment.cover([(0, place)])


def test_edits_that_cannot_be_applied():
    for wrong in ([(0, 2, ""), (1, 3, "")], [(2, 1, "")], [(0, 4, "")]):
        with pytest.raises(AlignmentError, match="edit"):
            apply_edits("abc", wrong)
