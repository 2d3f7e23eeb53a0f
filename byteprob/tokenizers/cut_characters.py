"""Tokens of byte-level BPE that end inside a character, and what it may become behind them."""

from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from byteprob.tokenizers.shapes import completions, cut_character, kind_of
from encoders.bpe.junctions import Junctions
from encoders.byte_ranges import ByteRanges

KINDS = 128
"""Classes of characters are less than this, so that a set of them is an array."""
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


class CutTokens:
    """Of a vocabulary, those that merging makes."""

    def __init__(self, junctions: Junctions, ranges: ByteRanges) -> None:
        self._junctions, self._ranges = junctions, ranges
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

    def behind(self, begun: bytes) -> tuple[Places, Flags]:
        """Which of `places` end inside a character behind a begun one, perhaps the same, as
        indices; and bool[indices, KINDS]: the classes it may get by tokens that lie in it."""
        found, kinds = [], []
        for i, raw in enumerate(self._raws):
            if begun and not _inside(raw[:1]):
                continue
            if cut := cut_character(begun + raw):
                found.append(i)
                kinds.append(self._kinds_behind(cut)[self._followed[i]].any(axis=0))
        return np.array(found, np.int64), np.array(kinds, np.bool_).reshape(-1, KINDS)

    @cached_property
    def _raws(self) -> list[bytes]:
        return [self._raw(place) for place in self.places.tolist()]

    @cached_property
    def _inner(self) -> Places:
        """Places of tokens that lie inside a character."""
        raws = zip(self.places.tolist(), self._raws, strict=True)
        return np.array([place for place, raw in raws if _inside(raw)], np.int64)

    @cached_property
    def _followed(self) -> Flags:
        """bool[places, inner]: whether a token that lies inside may follow."""
        order = self._ranges.order
        spots = self._junctions.spots[order[self._inner]]
        found = [self._junctions.marks(int(order[place]))[spots] == 0 for place in self.places]
        return np.array(found, np.bool_).reshape(len(self.places), len(spots))

    def _kinds_behind(self, cut: bytes) -> Flags:
        """bool[inner, KINDS]: classes of the characters that begin so, by the token that follows;
        kept for the length of the process, as there are few beginnings."""
        if cut not in self._known:
            found = np.zeros((len(self._inner), KINDS), np.bool_)
            for row, place in zip(found, self._inner.tolist(), strict=True):
                row[list(_kinds_of(cut + self._raw(place)))] = True
            self._known[cut] = found
        return self._known[cut]

    @cached_property
    def _known(self) -> dict[bytes, Flags]:
        return {}

    def _raw(self, place: int) -> bytes:
        values, offsets = self._ranges.values, self._ranges.offsets
        return values[offsets[place] : offsets[place + 1]].tobytes()


def _inside(raw: bytes) -> bool:
    return all(0x80 <= byte < 0xC0 for byte in raw)


@cache
def _kinds_of(begun: bytes) -> frozenset[int]:
    """Classes of the characters that begin with these bytes or are them."""
    cut = cut_character(begun)
    if cut == begun:
        return frozenset(completions(begun))
    try:
        text = begun.decode()
    except UnicodeDecodeError:
        return frozenset()
    return frozenset({kind_of(ord(text))} if len(text) == 1 else ())
