"""Viability under byte-level BPE behind a split pattern.

The tokens of a text lie in pieces. Inside a piece two neighbours must be what merging makes of
their bytes (`encoders.bpe.junctions`); between pieces anything goes. Where the pattern will cut
depends on what follows, so a string of tokens is viable if one of the ways to cut fits it: no cut
inside a token, and all neighbours without a cut between them fit. ``encode(decode(t)) == t`` is
not that: of "  1" the tokens are " ", " ", "1" to Llama 3, of "  " they are "  ".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from byteprob.shapes import Shapes, completions, cut_character, kind_of
from byteprob.splits import Cuts, Splits
from byteprob.viability import Mask
from encoders.bpe import BpeTables
from encoders.bpe.junctions import Junctions
from encoders.byte_ranges import ByteRanges
from encoders.scan.scanners import Scanner

_DEEPEST = 4  # white space, then more of it: a text that needs more than this is not sought
_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
_KINDS = 128  # classes of characters are less than this, so that a set of them is an array


@dataclass(frozen=True)
class Unit:
    """Tokens without a cut between them, most often one. ``alone``: a token that merging never
    makes, and that a piece becomes outright. ``joins``: whether it may stand in one piece with the
    unit before. ``token`` is -1 for several."""

    shape: bytes
    raw: bytes
    token: int
    alone: bool
    joins: bool


@dataclass(frozen=True)
class Tail:
    """The tokens since the last cut that is sure, and the last of them (-1 for none)."""

    units: tuple[Unit, ...] = ()
    last: int = -1


@dataclass(frozen=True, eq=False)
class _Ways:
    """For each shape, how a token of it may follow a tail: bool[shapes], and bool[shapes, kinds]
    for those that end with a cut character.

    ``starts``: as the beginning of a piece, ``joins``: of the piece before; which then may end
    with the token (``closed``), or has to go on (``open``). ``joins_closed`` is by the first unit
    of that piece.
    """

    starts_closed: NDArray[np.bool_]
    starts_open: NDArray[np.bool_]
    starts_cut: NDArray[np.bool_]
    joins_closed: dict[int, NDArray[np.bool_]]
    joins_open: NDArray[np.bool_]
    joins_cut: NDArray[np.bool_]


class BpeViability:
    """See `byteprob.viability.Viability`; states are `Tail`."""

    def __init__(self, tables: BpeTables, scanner: Scanner, ranges: ByteRanges) -> None:
        self._junctions = Junctions(tables)
        self._ranges = ranges
        self._shapes = Shapes()
        self._bytes = [
            ranges.values[ranges.offsets[i] : ranges.offsets[i + 1]].tobytes()
            for i in range(len(ranges))
        ]
        shape_of = [self._shapes.of(raw) for raw in self._bytes]
        shapes = sorted(set(shape_of))
        number = {shape: i for i, shape in enumerate(shapes)}
        self._shape_at = np.array([number[shape] for shape in shape_of], np.int64)
        self._count = len(shapes)
        self._splits, self._ends = Splits(scanner, shapes), Splits(scanner, [b""])
        self._made = self._junctions.whole[ranges.order].astype(np.bool_)
        taken = tables.whole[tables.whole != _EMPTY] & np.uint64(0xFFFFFFFF)
        outright = np.isin(ranges.order, taken.astype(np.uint32)) & ~self._made
        self._ever = self._made | outright
        self._alone = {self._bytes[i] for i in np.flatnonzero(outright)}
        self._longest = max(map(len, self._alone), default=0)
        self.following = lru_cache(1 << 10)(self._following)
        self.after = lru_cache(1 << 14)(self._after)
        self._cuts = lru_cache(1 << 12)(self._splits.cuts)
        self._cutting = lru_cache(1 << 8)(self._cutting_of)
        self._row = lru_cache(1 << 8)(self._row_of)

    @property
    def start(self) -> Tail:
        """No tokens."""
        return Tail()

    def ends(self, state: Tail) -> bool:
        """See `Viability`: whether a text may end here."""
        shapes = tuple(unit.shape for unit in state.units)
        if cut_character(b"".join(shapes)):
            return False
        bits = self._ends.at_end(shapes)
        return bits is not None and self._fits(state.units, bits)

    def _following(self, state: Tail) -> Mask:
        starts, joins = self._masks(state, _DEEPEST)
        return (starts | joins).astype(np.uint8)

    def _after(self, state: Tail, place: int) -> Tail:
        """See `Viability`."""
        token, raw = int(self._ranges.order[place]), self._bytes[place]
        joins = bool(state.units) and bool(self._row(state.last)[place])
        unit = Unit(self._shapes.of(raw), raw, token, not self._made[place], joins)
        return self._shortened(Tail((*state.units, unit), token))

    # --- how tokens may follow

    def _masks(self, state: Tail, depth: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """By place: tokens that may begin a piece behind a tail, and that may go on its last."""
        ways, at = self._ways(state), self._shape_at
        row = self._row(state.last) if state.units else np.zeros(len(at), np.bool_)
        starts = ways.starts_closed[at] & self._ever
        joins = np.zeros(len(at), np.bool_)
        for first, shapes in ways.joins_closed.items():
            joins |= shapes[at] & row & ~self._completing(state.units[first:])
        starts_open = ways.starts_open[at] & self._made & ~starts
        joins_open = ways.joins_open[at] & row & ~joins
        for place in np.flatnonzero(starts_open | joins_open):
            if depth and self._masks(self.after(state, int(place)), depth - 1)[1].any():
                starts[place] |= starts_open[place]
                joins[place] |= joins_open[place]
        begun = cut_character(b"".join(unit.shape for unit in state.units))
        places, kinds = self._cutting(begun)
        cut = at[places]
        starts[places] |= (ways.starts_cut[cut] & kinds).any(axis=1) & self._made[places]
        joins[places] |= (ways.joins_cut[cut] & kinds).any(axis=1) & row[places]
        return starts, joins

    def _ways(self, state: Tail) -> _Ways:
        starts_closed, starts_open, joins_open = np.zeros((3, self._count), np.bool_)
        starts_cut, joins_cut = np.zeros((2, self._count, _KINDS), np.bool_)
        joins_closed: dict[int, NDArray[np.bool_]] = {}
        units = state.units
        cuts: Cuts = self._cuts(tuple(unit.shape for unit in units))
        for bits in np.unique(cuts.bits).tolist():
            before = bits & ~(-1 << len(units))
            first = before.bit_length()  # of the units behind the last cut
            joined = first < len(units)
            if not self._fits(units, before, is_open=joined):
                continue
            rows = cuts.bits == bits
            shapes, kinds = cuts.shapes[rows], cuts.kinds[rows]
            uncut = shapes[kinds < 0]
            shapes, kinds = shapes[kinds >= 0], kinds[kinds >= 0]
            closed = bits >> len(units) & 1
            if joined:
                joins_cut[shapes, kinds] = True
                none = np.zeros(self._count, np.bool_)
                (joins_closed.setdefault(first, none) if closed else joins_open)[uncut] = True
            else:
                starts_cut[shapes, kinds] = True
                (starts_closed if closed else starts_open)[uncut] = True
        return _Ways(starts_closed, starts_open, starts_cut, joins_closed, joins_open, joins_cut)

    def _fits(self, units: Sequence[Unit], bits: int, *, is_open: bool = False) -> bool:
        """Whether units may be cut so. ``is_open``: the last piece goes on behind them."""
        piece: list[Unit] = []
        for i, unit in enumerate(units):
            if piece and not unit.joins:
                return False
            piece.append(unit)
            if bits >> i & 1 or (i == len(units) - 1 and not is_open):
                if not self._may_be_piece(piece):
                    return False
                piece = []
        return not any(unit.alone for unit in piece)

    def _may_be_piece(self, piece: Sequence[Unit]) -> bool:
        if len(piece) == 1 and piece[0].token >= 0:
            return True
        whole = b"".join(unit.raw for unit in piece)
        return whole not in self._alone and not any(unit.alone for unit in piece)

    def _completing(self, piece: Sequence[Unit]) -> NDArray[np.bool_]:
        """By place: tokens that make of a piece one that is a token outright."""
        found = np.zeros(len(self._ranges), np.bool_)
        begun = b"".join(unit.raw for unit in piece)
        for whole in self._alone:
            if whole.startswith(begun) and len(whole) > len(begun):
                rest = whole[len(begun) :]
                low, high = self._ranges.ending(self._ranges.starting_with(rest), len(rest))
                found[low:high] = True
        return found

    # --- the tail

    def _shortened(self, tail: Tail) -> Tail:
        """Without what is settled; units that nothing that follows cuts apart are one."""
        shapes = tuple(unit.shape for unit in tail.units)
        settled = self._ends.settled(shapes)
        units = tail.units[settled:]
        if not units:
            return Tail()
        some = 0
        for bits in self._ends.cuts(shapes[settled:]).bits.tolist():
            if self._fits(units, bits, is_open=not bits >> (len(units) - 1) & 1):
                some |= bits
        kept = [units[0]]
        for i, unit in enumerate(units[1:]):
            if some >> i & 1:
                kept.append(unit)
            else:
                kept[-1] = self._one(kept[-1], unit)
        return Tail(tuple(kept), tail.last)

    def _one(self, left: Unit, right: Unit) -> Unit:
        raw = (left.raw + right.raw)[: self._longest + 1]  # no longer is a token outright
        shape = self._shapes.of(left.shape + right.shape)
        return replace(left, shape=shape, raw=raw, token=-1, alone=False)

    def _row_of(self, token: int) -> NDArray[np.bool_]:
        """By place: tokens that may stand behind a token in one piece."""
        row: NDArray[np.bool_] = self._junctions.after(token)[self._ranges.order].astype(np.bool_)
        return row & self._made

    def _cutting_of(self, begun: bytes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Places of tokens that behind a begun character end with a cut one, perhaps the same; and
        bool[places, kinds]: the classes it may get by tokens behind it that lie in it."""
        inner = [
            (place, raw)
            for place, raw in enumerate(self._bytes)
            if len(raw) < 4 and _goes_on_character(raw) and self._made[place]
        ]
        cuts = [
            (place, cut)
            for place, raw in enumerate(self._bytes)
            if self._made[place]
            and (not begun or _goes_on_character(raw[:1]))
            and (cut := cut_character(begun + raw))
        ]
        kinds = np.zeros((len(cuts), _KINDS), np.bool_)
        for (place, cut), found in zip(cuts, kinds, strict=True):
            row = self._row_of(int(self._ranges.order[place]))
            for follower, raw in inner:
                if row[follower]:
                    found[list(_kinds_of(cut + raw))] = True
        return np.array([place for place, _ in cuts], np.int64), kinds


def _goes_on_character(raw: bytes) -> bool:
    return all(0x80 <= byte < 0xC0 for byte in raw)


@cache
def _kinds_of(begun: bytes) -> set[int]:
    """Classes of the characters that begin with these bytes or are them."""
    cut = cut_character(begun)
    if cut == begun:
        return set(completions(begun))
    try:
        text = begun.decode()
    except UnicodeDecodeError:
        return set()
    return {kind_of(ord(text))} if len(text) == 1 else set()
