"""Tokens of byte-level BPE that end inside a character, and what it may become behind them."""

from collections.abc import Sequence
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from byteprob.tokenizers.shapes import begins_inside, cut_character
from byteprob.tokenizers.sights import Sight
from encoders.bpe.junctions import Junctions
from encoders.byte_ranges import ByteRanges

Flags = NDArray[np.bool_]
Places = NDArray[np.int64]
Sets = NDArray[np.uint64]
"""Sets of kinds of characters, a bit for each."""


class CutTokens:
    """Of a vocabulary, those that merging makes."""

    def __init__(self, junctions: Junctions, ranges: ByteRanges, sight: Sight) -> None:
        self._junctions, self._ranges, self._sight = junctions, ranges, sight
        self._made = junctions.whole[ranges.order] != 0

    @cached_property
    def places(self) -> Places:
        """Those that end inside a character, or do behind one that has begun; sorted."""
        values, offsets = self._ranges.values, self._ranges.offsets
        size = np.diff(offsets)
        last = [
            np.where(size >= back, values[np.maximum(offsets[1:] - back, 0)], 0)
            for back in (1, 2, 3)
        ]
        inner = [(byte >= 0x80) & (byte < 0xC0) for byte in last]
        inside = inner[0] & (inner[1] | (size < 2)) & (inner[2] | (size < 3)) & (size < 4)
        cut = (last[0] >= 0xC0) | inner[0] & (last[1] >= 0xE0)
        cut |= inner[0] & inner[1] & (last[2] >= 0xF0)
        return np.flatnonzero((cut | inside) & self._made)

    def behind(self, begun: bytes) -> tuple[Places, Sets]:
        """Which of `places` end inside a character behind a begun one, perhaps the same, as
        indices; and the kinds that it may get by tokens that lie in it."""
        which = self._going_on if begun else range(len(self._raws))
        all_ = ((i, cut_character(begun + self._raws[i])) for i in which)
        cuts = {i: cut for i, cut in all_ if cut}
        found = np.array([*cuts], np.int64)
        sets = kinds_behind(self._sight, [*cuts.values()], self._inner_raws)
        sets = np.where(self._followed[found], sets, np.uint64(0))
        return found, np.bitwise_or.reduce(sets, axis=1)

    @cached_property
    def _raws(self) -> list[bytes]:
        return [self._ranges.token_at(place) for place in self.places.tolist()]

    @cached_property
    def _going_on(self) -> list[int]:
        """Indices of tokens that go on with a character."""
        return [i for i, raw in enumerate(self._raws) if begins_inside(raw)]

    @cached_property
    def _inner(self) -> Places:
        """Places of tokens that lie inside a character."""
        raws = zip(self.places.tolist(), self._raws, strict=True)
        return np.array([place for place, raw in raws if _inside(raw)], np.int64)

    @cached_property
    def _inner_raws(self) -> list[bytes]:
        return [raw for raw in self._raws if _inside(raw)]

    @cached_property
    def _followed(self) -> Flags:
        """bool[places, inner]: whether a token that lies inside may follow."""
        order = self._ranges.order
        spots = self._junctions.spots[order[self._inner]]
        found = [self._junctions.marks(int(order[place]))[spots] == 0 for place in self.places]
        return np.array(found, np.bool_).reshape(len(self.places), len(spots))


def _inside(raw: bytes) -> bool:
    return all(0x80 <= byte < 0xC0 for byte in raw)


def kinds_behind(sight: Sight, cuts: Sequence[bytes], inner: Sequence[bytes]) -> Sets:
    """The kinds that a character can have that begins with a cut one and then with bytes that
    lie inside one, or is these: uint64[cuts, inner]."""
    left = np.array([_begun(cut) for cut in cuts], np.int64).reshape(-1, 3)
    right = np.array([(_continued(raw), len(raw)) for raw in inner], np.int64).reshape(-1, 2)
    missing = left[:, 1:2] - right[:, 1]
    code = left[:, :1] << 6 * right[:, 1] | right[:, 0]
    first = code << 6 * np.maximum(missing, 0)
    may = (missing >= 0) & (first >= left[:, 2:]) & (first < 0x110000)
    may &= (first < 0xD800) | (first >= 0xE000)  # surrogates
    first[~may] = 0
    by_64, by_4096 = _sets(sight)
    whole = np.uint64(1) << sight.kinds[first].astype(np.uint64)
    found = np.where(missing == 0, whole, by_64[first >> 6])
    found = np.where(missing == 2, by_4096[first >> 12], found)
    return np.where(may, found, np.uint64(0))


def _begun(cut: bytes) -> tuple[int, int, int]:
    """Of a cut character the bits so far, the bytes that it lacks, and its least code point."""
    length = 2 if cut[0] < 0xE0 else 3 if cut[0] < 0xF0 else 4
    least = (0x80, 0x800, 0x10000)[length - 2] if cut[0] < 0xF8 else 0x110000
    value = (cut[0] & (0xFF >> (length + 1))) << 6 * (len(cut) - 1) | _continued(cut[1:])
    return value, length - len(cut), least


def _continued(raw: bytes) -> int:
    """The bits in bytes that go on with a character."""
    found = 0
    for byte in raw:
        found = found << 6 | byte & 0x3F
    return found


@cache
def _sets(sight: Sight) -> tuple[Sets, Sets]:
    """The kinds of 64 code points in a row, and of 4096."""
    sets = np.uint64(1) << sight.kinds.astype(np.uint64)
    sets[0xD800:0xE000] = 0
    by_64 = np.bitwise_or.reduce(sets.reshape(-1, 64), axis=1)
    return by_64, np.bitwise_or.reduce(by_64.reshape(-1, 64), axis=1)
