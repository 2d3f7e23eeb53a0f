"""The shortest script of edits between two sequences."""

import numpy as np
from numpy.typing import NDArray

Symbols = NDArray[np.uint32]
Flags = NDArray[np.bool_]

_DEEPEST = 256


def changed(source: Symbols, target: Symbols, most: int) -> tuple[Flags, Flags] | None:
    """What a shortest script of insertions, deletions and substitutions, each of cost 1, changes.

    Returns bool[len(source)] and bool[len(target)]: the symbols that are not flagged are the same
    on both sides, in order. None where more than ``most`` edits are needed. Which of several
    shortest scripts it is, is the same every time. Takes time in proportion to the lengths and to
    the square of the edits, and memory in proportion to the lengths.
    """
    from encoders.align import _kernels

    size = len(source) + len(target)
    ahead, back = np.empty(size + 3, np.int64), np.empty(size + 3, np.int64)
    # Each level halves the edits, so that 64 levels, two entries each, are never used up.
    stack = np.empty((_DEEPEST, 4), np.int64)
    flags = np.zeros(len(source), np.bool_), np.zeros(len(target), np.bool_)
    most = min(most, size)
    # Writable, as Numba compiles anew for what is read-only.
    given = (np.require(symbols, np.uint32, ["C", "W"]) for symbols in (source, target))
    return flags if _kernels.mark_changes(*given, most, ahead, back, stack, *flags) else None
