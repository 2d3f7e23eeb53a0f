"""The entropy of the next byte by the bytes before it: tables of counts, and of entropies."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets
from encoders.patches import Marks, marks_at

ORDERS = (2, 3, 4)
UNITS = 1 << 13
"""Of entropies in a nat: the most there is, ln 256, is 45,426 of them. As whole numbers they are
half as large as floats, and compare alike on every machine."""
_BITS = {2: 16, 3: 18, 4: 20}
_GOLDEN = 0x9E3779B1  # 2**32 over the golden ratio, as in Fibonacci hashing (Knuth, TAOCP 6.4)


@dataclass(frozen=True)
class Contexts:
    """How the last ``order`` bytes choose a row of a table; all contexts of two bytes have their
    own, longer ones are hashed. ``text`` and ``bounds`` are as in `encoders.patches`."""

    order: int

    @property
    def count(self) -> int:
        """Rows of the table: 2**16, 2**18 or 2**20."""
        return 1 << _BITS[self.order]

    @property
    def _hash(self) -> tuple[np.uint64, np.uint64, np.uint64]:
        bits = _BITS[self.order]
        multiplier = 1 << 16 if bits == 8 * self.order else _GOLDEN
        return np.uint64(multiplier), np.uint64(32 - bits), np.uint64((1 << 8 * self.order) - 1)

    def counts(self) -> NDArray[np.uint16]:
        """A table with nothing counted: uint16[count, 256]."""
        return np.zeros((self.count, 256), np.uint16)

    def add(self, text: Bytes, bounds: Offsets, counts: NDArray[np.uint16]) -> None:
        """Count the bytes of documents, in place; a row that would overflow is halved first."""
        from encoders.patches import _entropy_kernels

        _entropy_kernels.count(text, bounds, *self._hash, counts)

    def look_up(
        self, text: Bytes, bounds: Offsets, table: NDArray[np.uint16]
    ) -> NDArray[np.uint16]:
        """What ``table`` (uint16[count]) says of the context before each byte: uint16[bytes]."""
        from encoders.patches import _entropy_kernels

        found = np.empty(int(bounds[-1]), np.uint16)
        _entropy_kernels.look_up(text, bounds, table, *self._hash, found)
        return found

    def marks(
        self, text: Bytes, bounds: Offsets, table: NDArray[np.uint16], threshold: int, rise: int
    ) -> Marks:
        """Marks of bytes where that is above ``threshold``, and by more than ``rise`` above what
        it was one byte before."""
        from encoders.patches import _entropy_kernels

        marks = marks_at(bounds, bounds)
        _entropy_kernels.mark_uncertain(text, bounds, table, *self._hash, threshold, rise, marks)
        return marks


def entropies(counts: NDArray[np.uint16], prior: NDArray[Any]) -> NDArray[np.uint16]:
    """Entropy of what follows each context, in `UNITS`: uint16[contexts].

    The probability of a byte is its count and its share of ``prior`` (float64[256], positive) over
    their sum.
    """
    from encoders.patches import _entropy_kernels

    found = np.empty(len(counts), np.uint16)
    _entropy_kernels.entropies(counts, prior, UNITS, found)
    return found
