"""Finding the numbers of a text.

What a number is, and what only looks like one. A *word character* is an ASCII letter or digit, a
low line, a cased letter or a number of another script. A *word* is a run of them, in which single
``.``, ``-``, ``/``, ``:`` (or ``::``) may stand between two, and between digits the separators of
the notation: a thousands separator where exactly three digits follow (or two, in Indian notation),
a decimal comma. A *chain* is a run of ASCII digits within a word, with single joints between. In a
chain that nothing protects, every run of digits is a number, but that

- digits with thousands separators in all their places, without a leading zero, are one number;
- a decimal point between two runs, with no further point beside them, joins them to one number;
- a point before a chain, behind a blank, an operator or an opening bracket, begins a fraction.

Signs, currencies and per cent signs are no part of a number. The mantissa and the exponent of
``1.5e-3`` are two.
"""

from dataclasses import dataclass
from enum import IntFlag

import numpy as np

from encoders.buffers import Bytes, Offsets
from encoders.scan.classes import load_classes

_GUESS = 64  # bytes of text for each number that room is made for at first


class Protect(IntFlag):
    """What is left alone although it has digits."""

    IDENTIFIER = 1
    """Words in which a digit touches a letter: ``5th``, ``x86``, ``1_000``, UUIDs, ``240.10b-5``;
    not ``1.5e-3``. Also digits with a combining mark."""
    DOTTED = 2
    """Chains with two points in sequence: IP addresses, versions, ``31.12.2024``, ``4.1.2``."""
    DASHED = 4
    """Chains with two hyphens: ``2024-12-31``, ``555-123-4567``, ISBNs."""
    SLASHED = 8
    """Chains with a slash: ``12/31/2024``, ``1/2``, ``24/7``."""
    TIMED = 16
    """Chains with a colon: ``12:30``, ``16:9``, ``::1`` among digits."""
    PHONE = 32
    """``(555) 123-4567``, and ``+44 20 7946 0958``: a plus sign, three groups or more, of 8 to 15
    digits."""
    SECTION = 64
    """The word behind ``§`` or ``§§``."""


EVERYTHING = Protect(127)


@dataclass(frozen=True)
class Notation:
    """How numbers are written. ``thousands``: 0 none, 1 comma, 2 point, 3 no-break space (U+00A0 or
    U+202F); ``indian``: groups of two above the thousands; ``decimal``: the code of the point."""

    thousands: int
    decimal: int = ord(".")
    indian: bool = False


@dataclass(frozen=True)
class NumberScanner:
    """Finds numbers of at most ``most_whole`` digits before and ``most_fraction`` behind the point.

    Longer ones are left alone, as is what is protected.
    """

    notation: Notation
    protect: Protect = EVERYTHING
    most_whole: int = 18
    most_fraction: int = 15

    def spans(self, text: Bytes, bounds: Offsets) -> Offsets:
        """int64[n, 3]: where each number starts, has its decimal point (or stops), and stops.

        ``text``: uint8 with PADDING spare bytes; ``bounds``: int64[documents + 1]. A number that
        starts with its point has no digits before it.
        """
        from encoders.scan import _number_kernels

        notation = self.notation
        options = (
            notation.thousands,
            int(notation.indian),
            notation.decimal,
            int(self.protect),
            self.most_whole,
            self.most_fraction,
        )
        spans = np.empty((64 + int(bounds[-1] - bounds[0]) // _GUESS, 3), np.int64)
        count = _number_kernels.find_numbers(text, bounds, spans, options, *load_classes())
        if count > len(spans):
            spans = np.empty((count, 3), np.int64)
            _number_kernels.find_numbers(text, bounds, spans, options, *load_classes())
        return spans[:count]
