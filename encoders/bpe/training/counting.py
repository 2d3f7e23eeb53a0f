"""Counting the pieces of texts, from which merges are learned."""

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets, joined
from encoders.scan.scanners import Scanner


@dataclass(eq=False)
class PieceCounts:
    """How often each piece occurs. Grows by `add`; two of them join by `merge`."""

    table: NDArray[np.int64] = field(default_factory=lambda: np.empty((1 << 14, 4), np.int64))
    slots: NDArray[np.int32] = field(default_factory=lambda: np.full(1 << 15, -1, np.int32))
    arena: Bytes = field(default_factory=lambda: np.empty(1 << 18, np.uint8))
    state: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))

    def __len__(self) -> int:
        return int(self.state[0])

    def add(self, text: Bytes, bounds: Offsets, scanner: Scanner) -> None:
        """Count the pieces of a batch (text: uint8 with PADDING, bounds: int64[n + 1])."""
        from encoders.bpe.training import _kernels

        position = int(bounds[0])
        for chunk in scanner.chunks(text, bounds):
            ends = chunk
            while len(ends):
                done, position = _kernels.count_pieces(
                    text, ends, position, self.table, self.slots, self.arena, self.state
                )
                ends = ends[done:]
                if len(ends):
                    self._grow(int(ends[0]) - position)

    def _grow(self, length: int) -> None:
        from encoders.bpe.training import _kernels

        entries, used = self.state
        if entries >= len(self.table):
            self.table = np.concatenate((self.table, np.empty_like(self.table)))
            self.slots = np.full(2 * len(self.slots), -1, np.int32)
            _kernels.index_entries(self.table, entries, self.slots)
        if used + length + 8 > len(self.arena):
            room = np.empty(len(self.arena) + length, np.uint8)
            self.arena = np.concatenate((self.arena, room))

    def words(self) -> tuple[list[bytes], NDArray[np.int64]]:
        """All pieces, sorted, and their counts: the same whatever the order they came in."""
        count = len(self)
        raw = self.arena[: self.state[1]].tobytes()
        rows = self.table[:count]
        pieces = [raw[a : a + n] for a, n in rows[:, 1:3].tolist()]
        order = sorted(range(count), key=pieces.__getitem__)
        return [pieces[i] for i in order], rows[order, 3]


def merged(parts: list[PieceCounts]) -> tuple[list[bytes], NDArray[np.int64]]:
    """Pieces and counts of several, as `PieceCounts.words`."""
    if len(parts) == 1:
        return parts[0].words()
    totals: dict[bytes, int] = {}
    for part in parts:
        for piece, count in zip(*part.words(), strict=True):
            totals[piece] = totals.get(piece, 0) + int(count)
    pieces = sorted(totals)
    return pieces, np.array([totals[piece] for piece in pieces], np.int64)


def count_pieces(
    batches: Iterable[tuple[Bytes, Offsets]], scanner: Scanner, threads: int = 1
) -> tuple[list[bytes], NDArray[np.int64]]:
    """Pieces of all batches, sorted, and their counts. Memory grows with the different pieces,
    not with the text."""
    if threads < 2:
        counts = PieceCounts()
        for text, bounds in batches:
            counts.add(text, bounds, scanner)
        return merged([counts])
    return merged(_counted_aside(batches, scanner, threads))


def _counted_aside(
    batches: Iterable[tuple[Bytes, Offsets]], scanner: Scanner, threads: int
) -> list[PieceCounts]:
    """Counts of each thread. Batches are read while others are counted."""
    parts = [PieceCounts() for _ in range(threads)]
    idle: SimpleQueue[PieceCounts] = SimpleQueue()
    for part in parts:
        idle.put(part)

    def count(part: PieceCounts, text: Bytes, bounds: Offsets) -> None:
        try:
            part.add(text, bounds, scanner)
        finally:
            idle.put(part)

    running: deque[Future[None]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for batch in batches:
            running.append(pool.submit(count, idle.get(), *batch))
            while running and running[0].done():
                running.popleft().result()
        for job in running:
            job.result()
    return parts


def count_within(
    pieces: list[bytes], counts: NDArray[np.int64], scanner: Scanner
) -> tuple[list[bytes], NDArray[np.int64]]:
    """Counts of the smaller pieces that a scanner finds in counted ones, as `count_pieces`."""
    text, bounds = joined(pieces)
    raw, start = text.tobytes(), 0
    totals: dict[bytes, int] = {}
    for ends in scanner.chunks(text, bounds):
        owners = np.searchsorted(bounds, np.where(ends < 0, ~ends, ends)) - 1
        for end, number in zip(ends.tolist(), counts[owners].tolist(), strict=True):
            if end >= 0:
                piece = raw[start:end]
                totals[piece] = totals.get(piece, 0) + number
            start = end if end >= 0 else ~end
    found = sorted(totals)
    return found, np.array([totals[piece] for piece in found], np.int64)
