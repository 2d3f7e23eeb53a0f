"""Dropping tokens that texts kept apart do not need."""

import heapq
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from encoders.bpe.encoder import BpeEncoder
from encoders.bpe.tables import tables_from_merges
from encoders.bpe.training import TrainedBpe, single_bytes
from encoders.buffers import joined
from encoders.scan.scanners import WholeScanner


def usage(trained: TrainedBpe, pieces: list[bytes], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each token stands in counted pieces as they are encoded, int64[tokens]."""
    merges = trained.merges.astype(np.uint32)
    tables = tables_from_merges(trained.tokens, merges, single_bytes(trained.tokens))
    ids, bounds = BpeEncoder(tables, WholeScanner()).encode(*joined(pieces))
    weights = np.repeat(counts, np.diff(bounds))
    found = np.zeros(len(trained.tokens), np.int64)
    np.add.at(found, ids, weights)
    return found


def pruned(trained: TrainedBpe, used: NDArray[np.int64], size: int) -> TrainedBpe:
    """``trained`` with at most ``size`` tokens: the least used go, one after another.

    Only tokens that are part of no other can go, as the others would no more be made; what had one
    then has its two parts. So each step costs the fewest tokens that one step can, which is the
    least loss of likelihood under equally likely tokens. Of equally used ones the last learned
    goes first. Those left keep their order, with new ids. Single bytes and reserved ids stay.
    """
    ways: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    parts = np.zeros(len(used), np.int64)  # in how many merges each is a part
    for left, right, made in trained.merges.tolist():
        ways[made].append((left, right))
        parts[left] += 1
        parts[right] += 1
    counts = used.copy()
    heap = [(int(counts[token]), -token) for token in ways if not parts[token]]
    heapq.heapify(heap)
    kept = np.ones(len(used), np.bool_)
    left_over = len(used) - size
    while left_over > 0 and heap:
        count, negative = heapq.heappop(heap)
        token = -negative
        if count != counts[token]:  # it took over the count of one that went
            heapq.heappush(heap, (int(counts[token]), negative))
            continue
        kept[token] = False
        left_over -= 1
        for part in ways[token][0]:
            counts[part] += counts[token]
        for way in ways[token]:
            for part in way:
                parts[part] -= 1
        for part in {part for way in ways[token] for part in way}:
            if part in ways and not parts[part]:
                heapq.heappush(heap, (int(counts[part]), -part))
    new_ids = np.cumsum(kept) - 1
    merges = trained.merges[kept[trained.merges[:, 2]]]
    tokens = [token for token, stays in zip(trained.tokens, kept, strict=True) if stays]
    return TrainedBpe(tokens, new_ids[merges])
