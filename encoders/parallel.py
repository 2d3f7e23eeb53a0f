"""A batch shared among threads, about equal bytes each."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from encoders.buffers import Bytes, Ids, Offsets

_LEAST_SHARE = 1 << 16


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
    if threads < 2 or bounds[-1] - bounds[0] < threads * _LEAST_SHARE:
        return encode(text, bounds)
    cut = _with_cuts(text, bounds, threads) if cuts_at_lines else bounds
    targets = np.linspace(int(cut[0]), int(cut[-1]), threads + 1)[1:-1]
    marks = np.unique(np.searchsorted(cut, targets))
    shares = [cut[a : b + 1] for a, b in zip([0, *marks], [*marks, len(cut) - 1], strict=True)]
    shares = [share for share in shares if len(share) > 1]
    with ThreadPoolExecutor(len(shares)) as pool:
        parts = list(pool.map(lambda share: encode(text, share), shares))
    ids = np.concatenate([part for part, _ in parts])
    starts = np.cumsum([0, *(len(part) for part, _ in parts)])
    all_bounds = np.concatenate(
        [[0], *(part[1:] + start for (_, part), start in zip(parts, starts, strict=False))]
    )
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
    for target in np.linspace(int(bounds[0]), int(bounds[-1]), threads + 1)[1:-1].astype(np.int64):
        window = text[target : min(target + (1 << 16), bounds[-1])]
        letters = ((window | 0x20) >= 0x61) & ((window | 0x20) <= 0x7A) & (window < 0x80)
        found = np.flatnonzero((window[:-1] == 0x0A) & letters[1:])
        if len(found):
            cuts.append(int(target + found[0] + 1))
    fresh = np.setdiff1d(np.array(cuts, np.int64), bounds)
    return np.insert(bounds, np.searchsorted(bounds, fresh), fresh)
