"""Memory that the merge kernels work in, as their callers hand it to them."""

from typing import Any

import numpy as np

from encoders.draws import generator

_LANES, _STRIDE = 32, 80


def lanes() -> tuple[Any, ...]:
    """For pieces that merge side by side; see ``merge_lanes`` in ``_merge_kernels``."""
    room = _LANES * _STRIDE
    return (
        *(np.empty(room, np.uint32) for _ in range(3)),
        np.zeros(_LANES, np.int64),
        np.zeros(_LANES, np.uint64),
        *(np.zeros(2 * _LANES, np.uint64) for _ in range(2)),
    )


def batch(size: int) -> tuple[Any, ...]:
    """For the pieces that are looked up together: candidates for the whole tokens that they are,
    which of them are in lanes, and the lanes."""
    return np.empty(size, np.uint32), np.empty(_LANES, np.int64), lanes()


def long_piece(longest: int, merges: int, seed: int = 0) -> tuple[Any, ...]:
    """For one piece of up to ``longest`` bytes at a time, under a table of ``merges`` merges.

    Symbols, links (int32[2, n]), ranks and results (uint32[n]), the queue of
    ``merge_in_order``, two arrays of positions (int32[n]) and the state of a random generator,
    the same for the same ``seed``. The heap of ``merge_by_heap`` (uint64[3 n]) is the memory of
    the queue's nodes (int32[3 n, 2]): one of them is used.
    """
    room = max(longest, 64) + 1
    words = 1 + merges // 4096
    heap = np.empty(3 * room, np.uint64)
    queue = (
        np.zeros(merges + 1, np.int32),
        np.zeros(65 * words, np.uint64),
        words,
        heap.view(np.int32).reshape(-1, 2),
    )
    return (
        np.empty(room, np.uint32),
        np.empty((2, room), np.int32),
        np.empty(room, np.uint32),
        np.empty(room, np.uint32),
        queue,
        heap,
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        generator(seed),
    )
