"""Cutting bytes into patches: marks of where they begin, and offsets made of the marks.

All take documents end to end in one buffer: ``text`` is uint8 with `encoders.buffers.PADDING`
spare bytes, ``bounds`` is int64[n + 1] from 0 on, and document ``i`` is
``text[bounds[i]:bounds[i + 1]]``. Marks are uint64, a bit for each byte, lowest first.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets

Marks: TypeAlias = NDArray[np.uint64]


def marks_at(positions: Offsets, bounds: Offsets) -> Marks:
    """Marks of the bounds of all documents, and of ``positions``."""
    from encoders.patches import _kernels

    marks = np.zeros((int(bounds[-1]) >> 6) + 2, np.uint64)
    _kernels.mark(bounds, marks)
    _kernels.mark(positions, marks)
    return marks


def add_marks(positions: Offsets, marks: Marks) -> None:
    """Mark ``positions`` too, in place."""
    from encoders.patches import _kernels

    _kernels.mark(positions, marks)


def stride_marks(bounds: Offsets, stride: int) -> Marks:
    """Every ``stride``-th byte of each document."""
    from encoders.patches import _kernels

    marks = marks_at(_NONE, bounds)
    _kernels.mark_strides(bounds, stride, marks)
    return marks


def spacelike_marks(text: Bytes, bounds: Offsets) -> Marks:
    """What follows a byte that is spacelike and has no spacelike byte before it (Slagle, 2024).

    Spacelike are all bytes but ASCII letters, digits and UTF-8 continuation bytes, and the
    beginning of a document.
    """
    from encoders.patches import _kernels

    marks = marks_at(_NONE, bounds)
    _kernels.mark_spacelike(text, bounds[-1], marks)
    return marks


def word_marks(text: Bytes, bounds: Offsets, before_space: bool, before_word: bool) -> Marks:
    """Where a run of white space (Unicode's White_Space) begins, where a word does, or both."""
    from encoders.patches import _kernels

    marks = marks_at(_NONE, bounds)
    _kernels.mark_words(text, bounds[-1], before_space, before_word, marks)
    return marks


def patch_offsets(marks: Marks, bounds: Offsets) -> Offsets:
    """Where patches begin, and where the last of them ends: int64[patches + 1].

    Every document begins a patch, marked or not; marks behind the last are ignored.
    """
    from encoders.patches import _kernels

    size = int(bounds[-1])
    _kernels.mark(bounds, marks)
    marks[size >> 6 :] &= np.array([(1 << (size & 63)) - 1, 0], np.uint64)
    count = int(_kernels.count_marks(marks))
    offsets = np.empty(count + 4, np.int64)
    _kernels.list_marks(marks, offsets)
    offsets[count] = size
    return offsets[: count + 1]


def refined(
    offsets: Offsets, text: Bytes, bounds: Offsets, longest: int | None, whole: bool
) -> Offsets:
    """Offsets of patches of at most ``longest`` bytes; where ``whole``, none begins inside a
    well-formed character, but is moved to where the character begins.

    ``longest`` is at least 4 where ``whole``.
    """
    from encoders.patches import _kernels

    size = int(bounds[-1])
    most = max(size, 1) if longest is None else longest
    room = len(offsets) + size // (most - 3 if whole and most > 3 else most) + 1
    found = np.empty(room, np.int64)
    return found[: _kernels.refine(offsets, bounds, text, most, whole, found)]


def rows_of(
    values: NDArray[Any],
    offsets: Offsets,
    width: int,
    fill: int,
    dtype: type[np.signedinteger[Any]],
) -> NDArray[Any]:
    """Patches as a matrix [patches, width], cut and filled up.

    ``values``: uint8 or uint16; ``dtype``: int16 or int64.
    """
    from encoders.patches import _kernels

    matrix = np.empty((len(offsets) - 1, width), dtype)
    values = np.require(values, requirements=["C", "W"])  # or the kernel is compiled once more
    _kernels.fill_rows(values, offsets, width, fill, matrix.reshape(-1))
    return matrix


_NONE = np.empty(0, np.int64)
