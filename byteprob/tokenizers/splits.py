"""Where a split pattern may cut a text whose end is not known yet.

Asked of the scanner itself: every way of going on that a pattern can tell from others is tried
(`_ways_on`). The patterns look ahead to the end of white space and three characters beyond an
apostrophe, so that there are few.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from byteprob.errors import ByteprobError
from byteprob.tokenizers.shapes import NAMED_LETTERS, STANDING, Numbers, completions, cut_character
from encoders.buffers import PADDING, Bytes, Offsets, padded
from encoders.scan.scanners import Scanner

_MOST_UNITS = 32
_SMALL = ("", "a", "日", "A", "!", "0")
_AFTER_APOSTROPHE = "s t d m e l re ve ll S T D M E L RE VE LL Re Ve Ll ſ".split()  # noqa: SIM905
_ONE = ("", *STANDING, *" \r\n'/")
_BEHIND_WHITE = (
    *_ONE,
    *(white + second for white in " \n" for second in " \na0!'"),
    *(first + second + "a" for first in " \n" for second in " \n"),  # not the end of the text
)
_BEHIND_NAMED = tuple(
    dict.fromkeys((*_ONE, *_AFTER_APOSTROPHE, *("'" + letters for letters in _AFTER_APOSTROPHE)))
)
_NAMED = frozenset(NAMED_LETTERS)


@dataclass(frozen=True, eq=False)
class Cuts:
    """Ways to cut: row by row the index of a shape and the cuts that one text of it has.

    Bit ``i`` of ``bits`` is a cut behind unit ``i``; the bit behind all units is a cut behind the
    shape itself. ``kinds``: the class that the character has which is cut at the end of the
    shape; -1 where none is.
    """

    shapes: Numbers
    bits: Numbers
    kinds: Numbers


class Splits:
    """The cuts of a scanner in units followed by one of ``shapes`` and by any text."""

    def __init__(self, scanner: Scanner, shapes: Sequence[bytes]) -> None:
        self._scanner, self._shapes = scanner, shapes
        self._bodies: dict[bytes, _Bodies] = {}

    def cuts(self, units: Sequence[bytes]) -> Cuts:
        """All ways to cut ``units`` and a shape behind them that never cut one of them in two.

        Shapes that do not make well-formed UTF-8 of the units, but for a cut character at the
        end, have none.
        """
        if len(units) >= _MOST_UNITS:
            raise ByteprobError(
                f"{len(units)} tokens between which the split pattern may still cut or not: "
                "this text has more white space in a row than is followed here"
            )
        bodies = self._bodies_behind(b"".join(units))
        text, bounds = bodies.behind(b"".join(units))
        names = bodies.shapes << 40 | (bodies.kinds + 1) << 32  # few units, few classes
        found = np.unique(self._cut(units, text, bounds, bodies.lengths, names))
        return Cuts(found >> 40, found & 0xFFFFFFFF, (found >> 32 & 0xFF) - 1)

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
            self._bodies[cut] = _Bodies.of(self._shapes, cut)
        return self._bodies[cut]


@dataclass(frozen=True, eq=False)
class _Bodies:
    """Shapes with all their ways on, end to end.

    ``text``, ``bounds``: the bodies. ``shapes``: of which shape each is; ``lengths``: how many of
    its bytes that shape has; ``kinds``: see `Cuts`.
    """

    text: Bytes
    bounds: Offsets
    shapes: Numbers
    lengths: Numbers
    kinds: Numbers

    @staticmethod
    def of(shapes: Sequence[bytes], cut: bytes) -> "_Bodies":
        """Those of the shapes that make text of the cut character before them."""
        bodies = [
            (i, shape, on, kind)
            for i, shape in enumerate(shapes)
            if _may_begin_text(cut + shape)
            for on, kind in _ways_on(cut + shape)
        ]
        texts = [shape + on for _, shape, on, _ in bodies]
        bounds = np.zeros(len(texts) + 1, np.int64)
        np.cumsum([len(text) for text in texts], out=bounds[1:])
        return _Bodies(
            np.frombuffer(bytearray().join(texts), np.uint8),  # bytes would be read-only
            bounds,
            np.array([i for i, *_ in bodies], np.int64),
            np.array([len(shape) for _, shape, *_ in bodies], np.int64),
            np.array([kind for *_, kind in bodies], np.int64),
        )

    def behind(self, before: bytes) -> tuple[Bytes, Offsets]:
        """Documents, each with ``before`` in front, as scanners take them."""
        from byteprob.tokenizers import _kernels

        added = len(before) * len(self.shapes)
        text = np.zeros(len(self.text) + added + PADDING, np.uint8)
        bounds = np.empty(len(self.bounds), np.int64)
        front = np.frombuffer(bytearray(before), np.uint8)
        _kernels.put_before(front, self.text, self.bounds, text, bounds)
        return text, bounds


def _ways_on(shape: bytes) -> list[tuple[bytes, int]]:
    """Texts behind a shape, enough for every way in which it may be cut, and `Cuts.kinds`."""
    if cut := cut_character(shape):
        found = completions(cut).items()
        return [(end + on, kind) for kind, end in found for on in (b"", b"a")]
    named = not shape or b"'" in shape[-3:] or _NAMED.issuperset(shape)
    named |= shape.endswith("ſ".encode())
    open_white = not shape or shape[-1:].isspace() or shape.endswith((b"\xc2\xa0", b"\xc2\x85"))
    ways = _BEHIND_NAMED if named else _SMALL
    if open_white:
        ways = tuple(dict.fromkeys((*ways, *_BEHIND_WHITE)))
    return [(on.encode(), -1) for on in ways]


def _may_begin_text(raw: bytes) -> bool:
    """Whether this is well-formed UTF-8, its last character perhaps cut."""
    cut = cut_character(raw)
    try:
        raw[: len(raw) - len(cut)].decode()
    except UnicodeDecodeError:
        return False
    return not cut or bool(completions(cut))
