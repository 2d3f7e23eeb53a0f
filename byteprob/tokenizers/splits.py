"""Where a split pattern may cut a text whose end is not known yet.

Asked of the scanner itself: every way of going on that a pattern can tell from others is tried
(`_ways_on`). The patterns look ahead to the end of white space and three characters beyond an
apostrophe, so that there are few.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from byteprob.errors import ByteprobError
from byteprob.tokenizers.shapes import (
    Numbers,
    Shapes,
    begins_inside,
    completions,
    cut_character,
    may_be_named,
)
from byteprob.tokenizers.sights import Sight
from encoders.buffers import PADDING, Bytes, Offsets, padded
from encoders.scan.scanners import Scanner

_MOST_UNITS = 32


@dataclass(frozen=True, eq=False)
class Cuts:
    """Ways to cut: row by row a group of shapes and the cuts that a text of one of them has.

    Bit ``i`` of ``bits`` is a cut behind unit ``i``; the bit behind all units is a cut behind the
    shape itself. ``kinds``: what the character is that is cut at the end of the shape; -1 where
    none is. ``group_of``: by shape, -1 where it does not make well-formed UTF-8 of the units.
    """

    groups: Numbers
    bits: Numbers
    kinds: Numbers
    group_of: Numbers
    count: int


class Splits:
    """The cuts of a scanner in units followed by one of ``shapes`` and by any text."""

    def __init__(self, scanner: Scanner, sight: Sight, shapes: Sequence[bytes]) -> None:
        self._scanner, self._size, self._whole = scanner, len(shapes), Shapes(sight)
        numbered = [*enumerate(shapes)]
        self._inner = [(i, shape) for i, shape in numbered if begins_inside(shape) or not shape]
        self._outer = [(i, shape) for i, shape in numbered if not begins_inside(shape)]
        self._bodies: dict[bytes, _Bodies] = {}

    def cuts(self, units: Sequence[bytes]) -> Cuts:
        """All ways to cut ``units`` and a shape behind them that never cut one of them in two."""
        if len(units) >= _MOST_UNITS:
            raise ByteprobError(
                f"{len(units)} tokens between which the split pattern may still cut or not: "
                "this text has more white space in a row than is followed here"
            )
        bodies = self._bodies_behind(b"".join(units))
        text, bounds = bodies.behind(b"".join(units))
        names = bodies.groups << 40 | (bodies.kinds + 1) << 32  # few units, few kinds
        found = np.unique(self._cut(units, text, bounds, bodies.lengths, names))
        groups, kinds = found >> 40, (found >> 32 & 0xFF) - 1
        return Cuts(groups, found & 0xFFFFFFFF, kinds, bodies.group_of, bodies.count)

    def at_end(self, units: Sequence[bytes]) -> int | None:
        """The cuts of a text that ends behind the units, as `Cuts.bits`; None if one is cut in two.

        The text is well-formed UTF-8.
        """
        text = b"".join(units)
        bounds, none = np.array([0, len(text)], np.int64), np.zeros(1, np.int64)
        bits = self._cut(units, padded(text), bounds, none, none)
        return int(bits[0]) if len(bits) else None

    def settled(self, units: Sequence[bytes]) -> int:
        """How many units lie before a cut that is there, with all cuts before it, whatever follows.

        What follows can then tell nothing about them, nor they about it.
        """
        bodies = self._bodies_behind(b"".join(units))
        text, bounds = bodies.behind(b"".join(units))
        document, at = self._ends(text, bounds)
        stops = np.cumsum([len(unit) for unit in units], dtype=np.int64)
        first = at[document == 0]
        for count in range(len(units), 0, -1):
            expected = first[first <= stops[count - 1]]
            if stops[count - 1] not in expected:
                continue
            within = at <= stops[count - 1]
            same = np.array_equal(at[within], np.tile(expected, len(bounds) - 1))
            if same and (np.bincount(document[within]) == len(expected)).all():
                return count
        return 0

    def _cut(
        self,
        units: Sequence[bytes],
        text: Bytes,
        bounds: Offsets,
        lengths: Numbers,
        names: Numbers,
    ) -> Numbers:
        """Of documents that begin with units, then so many bytes: their names with their bits.

        Those that have a cut that is not at a bound are left out, and some repetitions.
        """
        from byteprob.tokenizers import _kernels

        stops = np.cumsum([len(unit) for unit in units], dtype=np.int64)
        size = int(stops[-1]) if len(units) else 0
        bit_at = np.full(size + 1, -1, np.int64)
        bit_at[stops] = np.arange(len(units))
        rows = np.empty(len(names), np.int64)
        ends = self._all_ends(text, bounds)
        found = _kernels.cut_rows(ends, bounds, size, bit_at, lengths, len(units), names, rows)
        return rows[:found]

    def _all_ends(self, text: Bytes, bounds: Offsets) -> Offsets:
        """All cuts, as places in the text."""
        parts = [ends.copy() for ends in self._scanner.chunks(text, bounds)]
        return np.concatenate([np.empty(0, np.int64), *parts])

    def _ends(self, text: Bytes, bounds: Offsets) -> tuple[Numbers, Numbers]:
        """All cuts: in which document, and where in it."""
        ends = self._all_ends(text, bounds)
        document = np.searchsorted(bounds, ends) - 1
        return document, ends - bounds[document]

    def _bodies_behind(self, before: bytes) -> "_Bodies":
        cut = cut_character(before)
        if cut not in self._bodies:
            some = self._inner if cut else self._outer
            self._bodies[cut] = _Bodies.of(self._whole, some, self._size, cut)
        return self._bodies[cut]


@dataclass(frozen=True, eq=False)
class _Bodies:
    """Shapes with all their ways on, end to end; one shape of each group.

    ``text``, ``bounds``: the bodies. ``groups``: of which group each is; ``lengths``: how many of
    its bytes belong to the shape; ``kinds``, ``group_of``, ``count``: see `Cuts`.
    """

    text: Bytes
    bounds: Offsets
    groups: Numbers
    lengths: Numbers
    kinds: Numbers
    group_of: Numbers
    count: int

    @staticmethod
    def of(whole: Shapes, shapes: Iterable[tuple[int, bytes]], size: int, cut: bytes) -> "_Bodies":
        """Those of some of ``size`` shapes that make text of the cut character before them.

        Shapes that are one together with it are a group, whatever is cut at their own end: the
        kinds that it can have are looked at elsewhere.
        """
        sight, number = whole.sight, dict[tuple[bytes, bool], int]()
        group_of = np.full(size, -1, np.int64)
        bodies = list[tuple[bytes, int, int, int]]()
        for i, shape in shapes:
            head = _head(sight, cut + shape)
            if head is None:
                continue
            key = whole.of(head) if cut else head, len(head) < len(cut + shape)
            if key not in number:
                rest = head[len(cut) :]
                length = len(rest) + (key[1] and bool(shape))
                ways = _ways_on(sight, cut, *key)
                bodies += [(rest + on, len(number), length, kind) for on, kind in ways]
            group_of[i] = number.setdefault(key, len(number))
        texts = [text for text, *_ in bodies]
        bounds = np.zeros(len(texts) + 1, np.int64)
        np.cumsum([len(text) for text in texts], out=bounds[1:])
        groups, lengths, kinds = np.array([row for _, *row in bodies], np.int64).reshape(-1, 3).T
        return _Bodies(
            np.frombuffer(bytearray().join(texts), np.uint8),  # bytes would be read-only
            bounds, groups.copy(), lengths.copy(), kinds.copy(), group_of, len(number),
        )  # fmt: skip

    def behind(self, before: bytes) -> tuple[Bytes, Offsets]:
        """Documents, each with ``before`` in front, as scanners take them."""
        from byteprob.tokenizers import _kernels

        added = len(before) * len(self.groups)
        text = np.zeros(len(self.text) + added + PADDING, np.uint8)
        bounds = np.empty(len(self.bounds), np.int64)
        front = np.frombuffer(bytearray(before), np.uint8)
        _kernels.put_before(front, self.text, self.bounds, text, bounds)
        return text, bounds


def _ways_on(sight: Sight, cut: bytes, shape: bytes, is_cut: bool) -> Iterator[tuple[bytes, int]]:
    """Texts behind a shape, enough for every way in which it may be cut, and `Cuts.kinds`.

    ``is_cut``: whether the shape is followed by the beginning of a character, which is ``cut``
    where the shape is empty.
    """
    if not is_cut:
        ends_white = not shape or shape.decode()[-1] in sight.blanks
        yield from ((on, -1) for on in _texts(sight, may_be_named(shape), ends_white))
        return
    for kind, end in completions(sight, b"" if shape else cut).items():
        is_white = sight.standing[kind] in sight.blanks
        for on in _texts(sight, False, True) if is_white else (b"", b"a"):
            yield end + on, kind


@cache
def _texts(sight: Sight, named: bool, white: bool) -> tuple[bytes, ...]:
    found = ["", *(one for one in sight.standing if one not in sight.blanks[1:])]
    if named and sight.named:
        found += ["s", "re", "ll", "e", "l"]
    if white:
        found += [blank + "a" for blank in sight.blanks]
    return tuple(text.encode() for text in dict.fromkeys(found))


def _head(sight: Sight, text: bytes) -> bytes | None:
    """A text without the character that is cut at its end; None where it is not well-formed."""
    cut = cut_character(text)
    head = text[: len(text) - len(cut)]
    try:
        head.decode()
    except UnicodeDecodeError:
        return None
    return None if cut and not completions(sight, cut) else head
