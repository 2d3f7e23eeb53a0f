"""Viability under byte-level BPE behind a split pattern.

The tokens of a text lie in pieces. Inside a piece two neighbours must be what merging makes of
their bytes (`encoders.bpe.junctions`); between pieces anything goes. Where the pattern will cut
depends on what follows, so a string of tokens is viable if one of the ways to cut fits it: no cut
inside a token, and all neighbours without a cut between them fit. ``encode(decode(t)) == t`` is
not that: of "  1" the tokens are " ", " ", "1" to Llama 3, of "  " they are "  ".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from byteprob.tokenizers.cut_characters import CutTokens
from byteprob.tokenizers.shapes import Shapes, cut_character
from byteprob.tokenizers.sights import Sight
from byteprob.tokenizers.splits import Cuts, Splits
from encoders.bpe import BpeTables
from encoders.bpe.junctions import Flags, Junctions
from encoders.byte_ranges import ByteRanges, Mask
from encoders.scan.scanners import Scanner

_DEEPEST = 4  # white space, then more of it: a text that needs more than this is not sought
_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
_START, _JOIN, _START_OPEN, _JOIN_OPEN = 1, 2, 4, 8  # as in `_kernels`


@dataclass(frozen=True)
class Unit:
    """Tokens without a cut between them, most often one, which is then ``single``.

    ``raw``: as much of the bytes as tells whether a piece is a token outright. ``alone``: a token
    that merging never makes, and that a piece becomes outright. ``joins``: whether it may stand in
    one piece with the unit before.
    """

    shape: bytes
    raw: bytes
    single: bool
    alone: bool
    joins: bool


@dataclass(frozen=True)
class Tail:
    """The tokens since the last cut that is sure, and the last of them (-1 for none)."""

    units: tuple[Unit, ...] = ()
    last: int = -1


@dataclass(frozen=True, eq=False)
class _Ways:
    """How tokens may follow units. ``flags``: uint8[groups], see `BpeViability`.

    A token may start a piece, or join the last; which then may end with it, or has to go on
    (open). ``joins``: the shapes that join and may end, by the first unit of that piece.
    """

    flags: Flags
    joins: dict[int, NDArray[np.bool_]]


class BpeViability:
    """See `byteprob.viability.Viability`; states are `Tail`.

    Whether a token may follow is looked up: by its group, which is its shape, or the token itself
    where it ends inside a character; and by its mark in `Junctions.marks` of the last token.
    """

    def __init__(
        self, tables: BpeTables, scanner: Scanner, sight: Sight, ranges: ByteRanges
    ) -> None:
        """``sight``: that of the scanner, see `byteprob.tokenizers.sights.sight_of`."""
        self._junctions = Junctions(tables)
        self._ranges = ranges
        self._shapes = Shapes(sight)
        self._names, self._shape_at = self._shapes.of_all(ranges.values, ranges.offsets)
        self._splits = Splits(scanner, sight, self._names)
        self._ends = Splits(scanner, sight, [b""])
        self._made = self._junctions.whole[ranges.order].astype(np.bool_)
        taken = tables.whole[tables.whole != _EMPTY] & np.uint64(0xFFFFFFFF)
        outright = np.isin(ranges.order, taken.astype(np.uint32)) & ~self._made
        self._have = np.zeros(len(ranges.every), np.uint8)
        self._have[ranges.order[outright]] = _START
        self._have[ranges.order[self._made]] = _START | _START_OPEN
        self._alone = {ranges.token_at(place) for place in np.flatnonzero(outright).tolist()}
        self._longest = max(map(len, self._alone), default=-1)
        self._cut_tokens = CutTokens(self._junctions, ranges, sight)
        own = self._cut_tokens.places
        self._spots = self._junctions.spots[: len(ranges.every)]
        self._no_marks = np.ones(len(self._junctions.whole) + 1, np.uint8)
        self._own = slice(len(self._names), len(self._names) + len(own))
        self._group_of = np.full(len(ranges.every), self._own.stop, np.uint16)  # in no way
        self._group_of[ranges.order] = self._shape_at
        self._group_of[ranges.order[own]] = np.arange(self._own.start, self._own.stop)
        self.following = lru_cache(1 << 9)(self._following)
        self.after = lru_cache(1 << 14)(self._after)
        self._ended = lru_cache(1 << 12)(self._may_end)
        self._tail = lru_cache(1 << 14)(self._shortened)
        self._ways = lru_cache(1 << 12)(self._ways_behind)
        self._goes_on = lru_cache(1 << 14)(self._may_go_on)
        self._cuts = lru_cache(1 << 12)(self._splits.cuts)
        self._cutting = lru_cache(1 << 8)(self._cut_tokens.behind)
        self._settled = lru_cache(1 << 12)(self._ends.settled)
        self._inner_cuts = lru_cache(1 << 12)(self._ends.cuts)
        self._marks = lru_cache(1 << 7)(self._junctions.marks)

    @property
    def start(self) -> Tail:
        """No tokens."""
        return Tail()

    def ends(self, state: Tail) -> bool:
        """See `Viability`: whether a text may end here."""
        return self._ended(state.units)

    def _following(self, state: Tail) -> Mask:
        """See `Viability`."""
        mask, waiting = self._tokens(state, _START | _JOIN | _START_OPEN | _JOIN_OPEN)
        for id_ in waiting:
            mask[id_] = self._goes_on(self.after(state, id_), _DEEPEST - 1)
        return mask

    def _after(self, state: Tail, id_: int) -> Tail:
        """See `Viability`."""
        place = int(self._ranges.place[id_])
        raw = self._ranges.token_at(place)
        joins = bool(state.units) and not self._marks(state.last)[self._spots[id_]]
        shape, alone = self._names[self._shape_at[place]], not self._made[place]
        unit = Unit(shape, raw[: self._longest + 1], True, alone, joins)
        units = self._tail((*state.units, unit))
        return Tail(units, id_) if units else Tail()

    def _may_end(self, units: tuple[Unit, ...]) -> bool:
        shapes = [unit.shape for unit in units]
        if cut_character(b"".join(shapes)):
            return False
        bits = self._ends.at_end(shapes)
        return bits is not None and self._fits(units, bits)

    # --- how tokens may follow

    def _tokens(self, state: Tail, wanted: int) -> tuple[Mask, list[int]]:
        """Those that may follow in one of the ``wanted`` ways. And ids that may if something goes
        on with them."""
        from byteprob.tokenizers import _kernels

        ways = self._ways(state.units)
        flags = ways.flags & np.uint8(wanted)
        marks = self._marks(state.last) if state.units else self._no_marks
        mask, found = np.empty_like(self._have), np.empty(len(self._have), np.int32)
        count = _kernels.tokens_that_follow(
            self._group_of, flags, self._have, self._spots, marks, mask, found
        )
        waiting = found[:count].tolist()
        for id_ in self._spoiling(state.units, ways) if self._alone else ():
            flag = int(flags[self._group_of[id_]])
            may = flag & int(self._have[id_])
            if mask[id_] and not may & _START:
                mask[id_] = 0
                waiting += [id_] if may or flag & _JOIN_OPEN else []
        return mask, waiting

    def _may_go_on(self, state: Tail, depth: int) -> bool:
        """Whether a token may join the last piece."""
        mask, waiting = self._tokens(state, _JOIN | _JOIN_OPEN)
        if mask.any():
            return True
        return depth > 0 and any(
            self._goes_on(self.after(state, id_), depth - 1) for id_ in waiting
        )

    def _ways_behind(self, units: tuple[Unit, ...]) -> _Ways:
        cuts: Cuts = self._cuts(tuple(unit.shape for unit in units))
        flags = np.zeros(cuts.count + 1, np.uint8)  # the last of shapes without a group
        starts, joins = np.zeros((2, cuts.count + 1), np.uint64)
        ends: dict[int, NDArray[np.bool_]] = {}
        for bits in np.unique(cuts.bits).tolist():
            before = bits & ~(-1 << len(units))
            first = before.bit_length()  # of the units behind the last cut
            joined = first < len(units)
            if not self._fits(units, before, is_open=joined):
                continue
            rows = cuts.bits == bits
            groups, kinds = cuts.groups[rows], cuts.kinds[rows]
            uncut, cut = groups[kinds < 0], kinds >= 0
            sets = np.uint64(1) << kinds[cut].astype(np.uint64)
            np.bitwise_or.at(joins if joined else starts, groups[cut], sets)
            closed = bits >> len(units) & 1
            if joined:
                flags[uncut] |= _JOIN if closed else _JOIN_OPEN
                if closed and self._alone:
                    ends.setdefault(first, np.zeros(cuts.count + 1, np.bool_))[uncut] = True
            else:
                flags[uncut] |= _START if closed else _START_OPEN
        own = self._shape_at[self._cut_tokens.places]
        found = flags[np.concatenate([cuts.group_of, cuts.group_of[own], [cuts.count]])]
        which, kinds_of = self._cutting(cut_character(b"".join(unit.shape for unit in units)))
        at, group = self._own.start + which, cuts.group_of[own[which]]
        found[at] |= ((starts[group] & kinds_of) != 0) * np.uint8(_START)
        found[at] |= ((joins[group] & kinds_of) != 0) * np.uint8(_JOIN)
        return _Ways(found, {first: shapes[cuts.group_of] for first, shapes in ends.items()})

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
        if len(piece) == 1 and piece[0].single:
            return True
        whole = b"".join(unit.raw for unit in piece)
        return whole not in self._alone and not any(unit.alone for unit in piece)

    def _spoiling(self, units: Sequence[Unit], ways: _Ways) -> set[int]:
        """Ids that join and end all pieces that they may only to make of each one that is a token
        outright."""
        joins = ways.joins
        by_first = {first: self._completing(units[first:]) for first in joins}
        return {
            int(self._ranges.order[place])
            for place in set().union(*by_first.values())
            if any(shapes[self._shape_at[place]] for shapes in joins.values())
            and all(
                place in by_first[first] or not shapes[self._shape_at[place]]
                for first, shapes in joins.items()
            )
        }

    def _completing(self, piece: Sequence[Unit]) -> set[int]:
        """Places of tokens that make of a piece one that is a token outright."""
        begun, found = b"".join(unit.raw for unit in piece), set[int]()
        for whole in self._alone:
            if whole.startswith(begun) and len(whole) > len(begun):
                rest = whole[len(begun) :]
                found.update(
                    range(*self._ranges.ending(self._ranges.starting_with(rest), len(rest)))
                )
        return found

    # --- the tail

    def _shortened(self, units: tuple[Unit, ...]) -> tuple[Unit, ...]:
        """Without what is settled; units that nothing that follows cuts apart are one."""
        shapes = tuple(unit.shape for unit in units)
        settled = self._settled(shapes)
        units = units[settled:]
        if not units:
            return ()
        some = 0
        for bits in self._inner_cuts(shapes[settled:]).bits.tolist():
            if self._fits(units, bits, is_open=not bits >> (len(units) - 1) & 1):
                some |= bits
        kept = [self._behind([], units[0])]
        for i, unit in enumerate(units[1:]):
            if some >> i & 1:
                kept.append(self._behind(kept, unit))
            else:
                kept[-1] = self._one(kept[-1], unit)
        return tuple(kept)

    def _behind(self, before: Sequence[Unit], unit: Unit) -> Unit:
        """A unit behind others, which mostly makes its shape a simpler one."""
        shape = self._shapes.of(unit.shape, before=b"".join(each.shape for each in before))
        return unit if shape == unit.shape else replace(unit, shape=shape)

    def _one(self, left: Unit, right: Unit) -> Unit:
        raw = (left.raw + right.raw)[: self._longest + 1]  # no longer is a token outright
        shape = self._shapes.of(left.shape + right.shape)
        return replace(left, shape=shape, raw=raw, single=False, alone=False)
