"""Where a split pattern may cut a text whose end is not known yet.

Asked of the scanner itself: every way of going on that a pattern can tell from others is tried
(`_ways_on`). The patterns look ahead to the end of white space and three characters beyond an
apostrophe, so that there are few.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byteprob.errors import ByteprobError
from byteprob.shapes import STANDING, completions, cut_character
from encoders.buffers import PADDING, Bytes, Offsets, padded
from encoders.scan.scanners import Scanner

Numbers = NDArray[np.int64]

_MOST_UNITS = 32
_SMALL = ("", "a", "日", "A", "!", "0")
_SHORT = " \na0!'"
_AFTER_APOSTROPHE = "s t d m e l re ve ll S T D M E L RE VE LL Re Ve Ll ſ".split()  # noqa: SIM905
_FULL = tuple(
    dict.fromkeys(
        (
            *("", *STANDING, *" \r\n'/"),
            *(first + second for first in _SHORT for second in _SHORT),
            *_AFTER_APOSTROPHE,
            *("'" + letters for letters in _AFTER_APOSTROPHE),
            *("00", "000"),
        )
    )
)
_NAMED_LETTERS = frozenset(b"sdmtlvreSDMTLVRE")


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
        before = b"".join(units)
        bodies = self._bodies_behind(before)
        text, bounds = bodies.behind(before)
        bits, whole = self._cut(units, text, bounds, bodies.lengths)
        rows = bodies.shapes << 40 | (bodies.kinds + 1) << 32 | bits  # few units, few classes
        found = np.unique(rows[whole])
        return Cuts(found >> 40, found & 0xFFFFFFFF, (found >> 32 & 0xFF) - 1)

    def at_end(self, units: Sequence[bytes]) -> int | None:
        """The cuts of a text that ends behind the units, as `Cuts.bits`; None if one is cut in two.

        The text is well-formed UTF-8.
        """
        text = b"".join(units)
        bounds = np.array([0, len(text)], np.int64)
        bits, whole = self._cut(units, padded(text), bounds, np.zeros(1, np.int64))
        return int(bits[0]) if whole[0] else None

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
        self, units: Sequence[bytes], text: Bytes, bounds: Offsets, lengths: Numbers
    ) -> tuple[Numbers, NDArray[np.bool_]]:
        """Of documents that begin with units, then so many bytes: bits, and whether they are all.

        int64[documents] and bool[documents]: False where a cut is not at a bound.
        """
        size = sum(map(len, units))
        document, at = self._ends(text, bounds)
        at -= size
        inside = at <= lengths[document]
        document, at = document[inside], at[inside]
        bit_at = np.full(size + 1, -1, np.int64)
        bit_at[np.cumsum([len(unit) for unit in units], dtype=np.int64)] = np.arange(len(units))
        within = at <= 0
        bit = np.where(
            within,
            bit_at[np.minimum(at, 0) + size],
            np.where(at == lengths[document], len(units), -1),
        )
        whole = np.ones(len(bounds) - 1, np.bool_)
        whole[document[bit < 0]] = False
        bits = np.zeros(len(bounds) - 1, np.int64)
        known = bit >= 0
        np.bitwise_or.at(bits, document[known], np.int64(1) << bit[known])
        return bits, whole

    def _ends(self, text: Bytes, bounds: Offsets) -> tuple[Numbers, Numbers]:
        """All cuts: in which document, and where in it."""
        parts = [ends.copy() for ends in self._scanner.chunks(text, bounds)]
        ends = np.concatenate([np.empty(0, np.int64), *parts])
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
            np.frombuffer(b"".join(texts), np.uint8),
            bounds,
            np.array([i for i, *_ in bodies], np.int64),
            np.array([len(shape) for _, shape, *_ in bodies], np.int64),
            np.array([kind for *_, kind in bodies], np.int64),
        )

    def behind(self, before: bytes) -> tuple[Bytes, Offsets]:
        """Documents, each with ``before`` in front, as scanners take them."""
        count = len(self.shapes)
        bounds = self.bounds + len(before) * np.arange(count + 1)
        text = np.zeros(int(bounds[-1]) + PADDING, np.uint8)
        places = bounds[:-1, None] + np.arange(len(before))
        text[places.ravel()] = np.tile(np.frombuffer(before, np.uint8), count)
        moved = np.repeat(len(before) * np.arange(1, count + 1), np.diff(self.bounds))
        text[np.arange(len(self.text)) + moved] = self.text
        return text, bounds


def _ways_on(shape: bytes) -> list[tuple[bytes, int]]:
    """Texts behind a shape, enough for every way in which it may be cut, and `Cuts.kinds`."""
    if cut := cut_character(shape):
        found = completions(cut).items()
        return [(end + on, kind) for kind, end in found for on in (b"", b"a")]
    open_white = shape[-1:].isspace() or shape.endswith((b"\xc2\xa0", b"\xc2\x85"))
    named = not shape or b"'" in shape[-3:] or set(shape) <= _NAMED_LETTERS
    named |= shape.endswith("ſ".encode())
    return [(on.encode(), -1) for on in (_FULL if open_white or named else _SMALL)]


def _may_begin_text(raw: bytes) -> bool:
    """Whether this is well-formed UTF-8, its last character perhaps cut."""
    cut = cut_character(raw)
    try:
        raw[: len(raw) - len(cut)].decode()
    except UnicodeDecodeError:
        return False
    return not cut or bool(completions(cut))
