"""The shortest script of edits between two sequences."""

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Offsets

Symbols = NDArray[np.uint32]

_DEEPEST = 256  # entries: each level halves the edits, so that 64 levels of two are never used up


def shortest_edits(source: Symbols, target: Symbols, most: int) -> Offsets | None:
    """The edits of a shortest script of insertions, deletions and substitutions of cost 1 each.

    Returns int64[edits, 4]: start and stop in the source, start and stop in the target, in order;
    edits that touch are one. None where they cost more than ``most``. Of several shortest scripts
    it is always the same one. Takes time in proportion to the lengths and to the square of the
    cost, and memory in proportion to the lengths.
    """
    from encoders.align import _kernels

    size = len(source) + len(target)
    reached = np.empty((4, size + 3), np.int64)
    stack, edits = np.empty((_DEEPEST, 4), np.int64), np.empty((size // 2 + 1, 4), np.int64)
    flags = np.zeros(len(source), np.bool_), np.zeros(len(target), np.bool_)
    # Writable, as Numba compiles anew for what is read-only.
    given = (np.require(symbols, np.uint32, ["C", "W"]) for symbols in (source, target))
    count = _kernels.find_edits(*given, min(most, size), reached, stack, *flags, edits)
    return None if count < 0 else edits[:count].copy()
