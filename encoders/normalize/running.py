"""What normalizers give back, and how their kernels are run."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np

from encoders.buffers import PADDING, Bytes, Offsets, joined

_STATE = 9
_MARKS, _LACKING, _CHANGED, _POSITION, _RUN = 3, 4, 5, 1, 6
_SLACK = 64


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where normalised bytes come from.

    ``normalized`` and ``original`` (int64[2 k + 2] each) cut both texts into as many stretches.
    Those of even number map byte to byte; each byte of the others comes from their whole stretch.
    ``before`` is the alignment of the text that ``original`` speaks of, where that was itself
    normalised.
    """

    normalized: Offsets
    original: Offsets
    before: "Alignment | None" = None

    def starts(self, at: Offsets) -> Offsets:
        """Where the original of each normalised byte starts (int64, any shape)."""
        stretch = np.searchsorted(self.normalized[1:-1], at, side="right")
        inside = np.where(stretch & 1, 0, at - self.normalized[stretch])
        found = self.original[stretch] + inside
        return found if self.before is None else self.before.starts(found)

    def stops(self, at: Offsets) -> Offsets:
        """Where the original of the normalised byte before each place stops."""
        last = np.maximum(at - 1, 0)
        stretch = np.searchsorted(self.normalized[1:-1], last, side="right")
        whole = self.original[np.minimum(stretch + 1, len(self.original) - 1)]
        straight = self.original[stretch] + at - self.normalized[stretch]
        found = np.where(stretch & 1, whole, straight)
        return found if self.before is None else self.before.stops(found)

    def to_array(self) -> Offsets:
        """`starts` of all bytes and of the end: int64[bytes + 1]."""
        size = int(self.normalized[-1])
        return np.append(self.starts(np.arange(size)), self.stops(np.array([size])))


class Normalized(NamedTuple):
    """A batch after normalisation.

    ``text`` and ``bounds`` are the very arrays that went in where nothing changed. ``alignment``
    is None where nothing changed or it was not asked for.
    """

    text: Bytes
    bounds: Offsets
    alignment: Alignment | None


class Normalizer(Protocol):
    """Changes each document of a batch, whatever the documents beside it."""

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """The batch changed.

        ``text``: uint8 with `encoders.buffers.PADDING` spare bytes behind its last document;
        ``bounds``: int64[n + 1]; document ``i`` is ``text[bounds[i]:bounds[i + 1]]``. The result
        begins at 0 if anything changed. Bytes outside well-formed UTF-8 stay as they are.
        """
        ...


def run(
    kernel: Callable[..., Any],
    text: Bytes,
    bounds: Offsets,
    arguments: tuple[Any, ...],
    *,
    align: bool,
    growth: float = 1.0,
    scratch: bool = False,
) -> Normalized:
    """Drive a kernel of this package over a batch, with buffers as large as it asks for.

    ``growth``: expected bytes out for a byte in; ``scratch``: whether it takes working memory.
    """
    state = np.zeros(_STATE, np.int64)
    state[_POSITION] = state[_RUN] = bounds[0]
    size = int(bounds[-1] - bounds[0])
    out = np.empty(int(size * growth) + 4 * _SLACK, np.uint8)
    out_bounds = np.zeros(len(bounds), np.int64)
    marks = np.empty((2, 256 if align else 0), np.int64)
    work: tuple[Any, ...] = _scratch(4096) if scratch else ()
    while not kernel(text, bounds, state, out, out_bounds, marks, *work, *arguments):
        lacking = int(state[_LACKING]) + 2 * _SLACK
        out = _grown(out, len(out) + max(lacking, len(out) // 4))
        if align:
            marks = np.concatenate((marks, np.empty_like(marks)), axis=1)
        if scratch and len(work[0]) < lacking:
            work = _scratch(lacking)
    if not state[_CHANGED]:
        return Normalized(text, bounds, None)
    end = int(out_bounds[-1])
    out[end : end + PADDING] = 0
    if not align:
        return Normalized(out, out_bounds, None)
    kept = marks[:, : state[_MARKS]]
    ends = np.array([[0], [bounds[0]]]), np.array([[end], [bounds[-1]]])
    alignment = np.concatenate((ends[0], kept, ends[1]), axis=1)
    return Normalized(out, out_bounds, Alignment(alignment[0], alignment[1]))


def _scratch(size: int) -> tuple[Any, ...]:
    return np.empty(size, np.uint32), np.empty(size, np.uint32), np.empty(256, np.int64)


def _grown(array: Bytes, size: int) -> Bytes:
    larger = np.empty(size, np.uint8)
    larger[: len(array)] = array
    return larger


def each_document(
    change: Callable[[bytes], bytes], text: Bytes, bounds: Offsets, *, align: bool
) -> Normalized:
    """Run a plain function on every document; a changed document aligns as a whole."""
    given = [text[start:stop].tobytes() for start, stop in pairwise(bounds.tolist())]
    changed = [change(document) for document in given]
    if changed == given:
        return Normalized(text, bounds, None)
    out, out_bounds = joined(changed)
    if not align:
        return Normalized(out, out_bounds, None)
    different = np.array([a != b for a, b in zip(given, changed, strict=True)])
    cuts = [np.zeros(1, np.int64), bounds[:1]]
    for index, where in enumerate((out_bounds, bounds)):
        edges = np.stack((where[:-1][different], where[1:][different]), axis=1).ravel()
        cuts[index] = np.concatenate((where[:1], edges, where[-1:]))
    return Normalized(out, out_bounds, Alignment(cuts[0], cuts[1]))


def in_turn(
    steps: Iterable[Normalizer], text: Bytes, bounds: Offsets, *, align: bool
) -> Normalized:
    """One normalizer after the other."""
    alignment: Alignment | None = None
    for step in steps:
        text, bounds, latest = step.normalize(text, bounds, align=align)
        if latest is not None:
            alignment = Alignment(latest.normalized, latest.original, alignment)
    return Normalized(text, bounds, alignment)
