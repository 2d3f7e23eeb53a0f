"""A batch shared among threads, in chunks of about equal bytes."""

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import local
from typing import Any, Generic, TypeVar

import numpy as np

from encoders.buffers import Bytes, Ids, Offsets

_LEAST = 1 << 16  # bytes for each thread that make threads worth starting
_CHUNK = 1 << 21  # bytes at least, where there are enough: handing out smaller ones costs time
_CHUNKS = 8  # for each thread at most, in turn, so that each gets something of every kind of text
_this = local()

W = TypeVar("W")


class Workspaces(Generic[W]):
    """What an encoder needs to run, one for each thread that is running it.

    A share of a batch gets the one that the same share of the last batch had, so that text seen
    again meets the piece cache that knows it.
    """

    def __init__(self, new: Callable[[], W]) -> None:
        self._new = new
        # Taking from and giving to a list is atomic, so it needs no lock.
        self._idle: defaultdict[int, list[W]] = defaultdict(list)

    def take(self) -> W:
        """One that no other thread has."""
        try:
            return self._idle[_lane()].pop()
        except IndexError:
            return self._new()

    def give(self, workspace: W) -> None:
        """Back, for the next."""
        self._idle[_lane()].append(workspace)


def _lane() -> int:
    """Which share of a batch this thread works on; 0 outside of `share`."""
    return getattr(_this, "lane", 0)


def worth_sharing(sizes: Offsets, threads: int) -> bool:
    """Whether ``threads`` threads can share documents of these sizes without cutting any."""
    total = int(sizes.sum())
    return threads > 1 and threads * max(_LEAST, int(sizes.max(initial=0))) <= total


def share(
    encode: Callable[[int, int], tuple[Ids, Offsets]], bounds: Offsets, threads: int
) -> tuple[Ids, Offsets]:
    """The ids of all documents, and their bounds, made by ``threads`` threads.

    ``encode(first, last)`` gives those of the documents from ``first`` up to ``last``, with bounds
    from 0 on; ``bounds``: int64[n + 1], about where each document begins in all of the text.
    """
    total = int(bounds[-1] - bounds[0])
    size = min(1 + total // threads, max(_CHUNK, total // (_CHUNKS * threads)))
    marks = np.searchsorted(bounds, np.arange(bounds[0] + size, bounds[-1], size))
    edges = np.unique(np.concatenate(([0], marks, [len(bounds) - 1]))).tolist()
    chunks = list(pairwise(edges))
    parts: list[Any] = [None] * len(chunks)

    def work(number: int) -> None:
        _this.lane = number
        for i in range(number, len(chunks), threads):
            parts[i] = encode(*chunks[i])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
        starts = np.cumsum([0, *(len(ids) for ids, _ in parts)])
        ids = np.empty(int(starts[-1]), np.uint32)

        def put(number: int) -> None:
            ids[starts[number] : starts[number + 1]] = parts[number][0]

        list(pool.map(put, range(len(parts))))
    id_bounds: list[Any] = [
        part[1:] + start for (_, part), start in zip(parts, starts, strict=False)
    ]
    return ids, np.concatenate([[0], *id_bounds])


def in_parallel(
    encode: Callable[[Bytes, Offsets], tuple[Ids, Offsets]],
    text: Bytes,
    bounds: Offsets,
    threads: int,
    cuts_at_lines: bool,
) -> tuple[Ids, Offsets]:
    """``encode(text, bounds)`` on ``threads`` threads, with the same result.

    ``cuts_at_lines``: whether a document may be cut between a line feed and an ASCII letter.
    """
    if threads < 2 or bounds[-1] - bounds[0] < threads * _LEAST:
        return encode(text, bounds)
    cut = _with_cuts(text, bounds, threads) if cuts_at_lines else bounds
    ids, all_bounds = share(lambda a, b: encode(text, cut[a : b + 1]), cut, threads)
    if cut is bounds:
        return ids, all_bounds
    # Cuts are strictly inside documents, so the last index of a bound is that document's.
    return ids, all_bounds[np.searchsorted(cut, bounds, side="right") - 1]


def _with_cuts(text: Bytes, bounds: Offsets, threads: int) -> Offsets:
    """Bounds with more where a document is longer than a thread's share: after a line break and
    before an ASCII letter, where every scanner with ``cuts_at_lines`` ends a piece."""
    size = int(bounds[-1] - bounds[0])
    if np.diff(bounds).max() <= size // threads:
        return bounds
    cuts = []
    for target in np.linspace(bounds[0], bounds[-1], _CHUNKS * threads + 1)[1:-1].astype(np.int64):
        window = text[target : min(target + (1 << 16), bounds[-1])]
        letters = ((window | 0x20) >= 0x61) & ((window | 0x20) <= 0x7A) & (window < 0x80)
        found = np.flatnonzero((window[:-1] == 0x0A) & letters[1:])
        if len(found):
            cuts.append(int(target + found[0] + 1))
    fresh = np.setdiff1d(np.array(cuts, np.int64), bounds)
    return np.insert(bounds, np.searchsorted(bounds, fresh), fresh)
