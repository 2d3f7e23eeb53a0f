"""The kernels against their rules in plain Python."""

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from encoders import patches
from encoders.buffers import joined
from tokenkit.testing.words import batches


def bits(marks, size):
    return np.unpackbits(marks.view(np.uint8), bitorder="little")[:size].astype(bool)


def expected_marks(texts, starts_of):
    found = []
    for text in texts:
        row = np.zeros(len(text), bool)
        row[[0, *starts_of(text)] if text else []] = True
        found.append(row)
    return np.concatenate(found or [np.zeros(0, bool)])


def spacelike_starts(text):
    alphanumeric = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    spacelike = [byte not in alphanumeric and not 0x80 <= byte < 0xC0 for byte in text]
    ends = [i for i in range(1, len(text)) if spacelike[i] and not spacelike[i - 1]]
    return [end + 1 for end in ends if end + 1 < len(text)]


def word_starts(text, before_space, before_word):
    """From the text as characters, a byte outside UTF-8 being no space."""
    characters = text.decode("utf-8", "surrogateescape")
    spaces = []
    for character in characters:
        size = len(character.encode("utf-8", "surrogateescape"))
        spaces += [bool(regex.fullmatch(r"\s", character))] * size
    changes = [i for i in range(1, len(text)) if spaces[i] != spaces[i - 1]]
    return [i for i in changes if (before_space if spaces[i] else before_word)]


# Long runs, so that blocks of 64 bytes are crossed with every phase.
_STRETCHES = (
    b"a", b" ", b"\n\t", b"\xc2\xa0", b"\xe2\x80\x83", b"\xe3\x80\x80", b"\xe2\x80", b"\xc2",
    b"\xa0", b"x" * 61, "日本".encode(), "“é”".encode(), b"\xe1\x9a\x80",
)  # fmt: skip
_LONG = st.lists(st.sampled_from(_STRETCHES), max_size=30).map(b"".join)
long_batches = st.one_of(batches(), st.lists(_LONG, max_size=6))


@given(long_batches)
def test_spacelike(texts):
    text, bounds = joined(texts)
    found = bits(patches.spacelike_marks(text, bounds), int(bounds[-1]))
    assert np.array_equal(found, expected_marks(texts, spacelike_starts))


@pytest.mark.parametrize("sides", [(True, False), (False, True), (True, True)])
@given(texts=long_batches)
def test_words(sides, texts):
    text, bounds = joined(texts)
    found = bits(patches.word_marks(text, bounds, *sides), int(bounds[-1]))
    assert np.array_equal(found, expected_marks(texts, lambda text: word_starts(text, *sides)))


def test_white_space_of_all_of_unicode():
    characters = [chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000]
    texts = [("a" + character + "b").encode() for character in characters]
    text, bounds = joined(texts)
    marks = patches.word_marks(text, bounds, True, True)
    offsets = patches.patch_offsets(marks, bounds)
    counts = np.diff(np.searchsorted(offsets, bounds))
    spaces = [character for character, count in zip(characters, counts, strict=True) if count == 3]
    assert spaces == regex.findall(r"\s", "".join(characters))
    assert set(counts.tolist()) == {1, 3}


def test_a_character_never_crosses_documents():
    text, bounds = joined([b"a\xc2", b"\xa0b", b"\xe2\x80", b"\x83b"])
    assert bits(patches.word_marks(text, bounds, True, True), 8).tolist() == [
        True, False, True, False, True, False, True, False,
    ]  # fmt: skip


@given(long_batches, st.integers(1, 70))
def test_strides(texts, stride):
    _, bounds = joined(texts)
    found = bits(patches.stride_marks(bounds, stride), int(bounds[-1]))
    expected = expected_marks(texts, lambda text: range(0, len(text), stride))
    assert np.array_equal(found, expected)


@given(st.lists(st.integers(0, 500), max_size=80), st.integers(1, 500))
def test_offsets_are_the_marks(positions, size):
    bounds = np.array([0, size], np.int64)
    marks = patches.marks_at(np.array([p for p in positions if p < size], np.int64), bounds)
    offsets = patches.patch_offsets(marks, bounds)
    assert offsets.tolist() == sorted({0, size, *(p for p in positions if p < size)})


def refined_reference(text, starts, longest, whole):
    """Starts of one document, from the definition."""
    characters = text.decode("utf-8", "surrogateescape")
    begins, at = [], 0
    for character in characters:
        begins.append(at)
        at += len(character.encode("utf-8", "surrogateescape"))

    def snapped(place):
        return max(begin for begin in begins if begin <= place) if whole else place

    kept = sorted({snapped(start) for start in starts})
    found = []
    for start, stop in zip(kept, [*kept[1:], len(text)], strict=True):
        found.append(start)
        while longest and stop - found[-1] > longest:
            found.append(snapped(found[-1] + longest))
    return found


@given(
    batches(),
    st.sets(st.integers(0, 60)),
    st.one_of(st.none(), st.integers(1, 9)),
    st.booleans(),
)
def test_refining(texts, places, longest, whole):
    if whole and longest:
        longest = max(longest, 4)
    text, bounds = joined(texts)
    starts = [sorted({0} | {p for p in places if p < len(t)}) if t else [] for t in texts]
    offsets = np.array([int(b) + s for b, row in zip(bounds, starts, strict=False) for s in row])
    offsets = np.append(offsets, bounds[-1]).astype(np.int64)
    found = patches.refined(offsets, text, bounds, longest, whole)
    expected = [
        int(bound) + start
        for bound, raw, row in zip(bounds, texts, starts, strict=False)
        for start in (refined_reference(raw, row, longest, whole) if raw else [])
    ]
    assert found.tolist() == [*expected, int(bounds[-1])]


@pytest.mark.parametrize("dtype", [np.int16, np.int64])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@given(rows=st.lists(st.binary(min_size=1, max_size=12), max_size=9), width=st.integers(1, 14))
def test_rows(dtype, kind, rows, width):
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    values = np.frombuffer(b"".join(rows), np.uint8).astype(kind)
    matrix = patches.rows_of(values, offsets, width, -1, dtype)
    assert matrix.dtype == dtype
    assert matrix.tolist() == [[*row[:width], *[-1] * (width - len(row))] for row in rows]
