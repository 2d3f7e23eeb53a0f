"""Training byte-level BPE: counts of pieces first, then merges from the counts."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets
from encoders.scan.scanners import Scanner

_UNBOUNDED = 1 << 62


@dataclass(frozen=True)
class TrainerOptions:
    """What decides the merges, beside the counts.

    ``vocab_size`` counts bytes and ``reserved`` ids too; ``reserved`` ids come first (special
    tokens). A pair is merged while it occurs ``min_frequency`` times. ``max_token_length``: a
    token has fewer bytes than that, as `tokenizers` reads its option of that name.
    """

    vocab_size: int
    min_frequency: int = 0
    max_token_length: int | None = None
    reserved: int = 0


@dataclass(frozen=True, eq=False)
class TrainedBpe:
    """``tokens``: bytes by id, empty for reserved ids. ``merges``: int64[m, 3], left, right and
    merged id, best first."""

    tokens: list[bytes]
    merges: NDArray[np.int64]


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
    counts = [PieceCounts() for _ in range(max(1, threads))]
    if threads < 2:
        for text, bounds in batches:
            counts[0].add(text, bounds, scanner)
        return merged(counts)
    with ThreadPoolExecutor(threads) as pool:
        source = iter(batches)
        while group := list(islice(source, threads)):
            jobs = zip(counts, group, strict=False)
            for job in [pool.submit(c.add, *batch, scanner) for c, batch in jobs]:
                job.result()
    return merged(counts)


def train_bpe(
    pieces: list[bytes],
    counts: NDArray[np.int64],
    alphabet: list[int],
    options: TrainerOptions,
) -> TrainedBpe:
    """Learn merges from counted pieces.

    ``alphabet``: the 256 bytes in the order of their ids, behind the reserved ones. Ties go to
    the pair of lesser ids, as in `tokenizers`, whose merges these equal.

    Raises ValueError where the vocabulary has no room for the alphabet.
    """
    from encoders.bpe.training import _kernels

    first = options.reserved + len(alphabet)
    if options.vocab_size < first:
        raise ValueError(
            f"vocab_size {options.vocab_size} is less than {first}: 256 bytes and the specials"
        )
    id_of = np.zeros(256, np.int64)
    id_of[alphabet] = np.arange(options.reserved, first)
    bounds = np.zeros(len(pieces) + 1, np.int64)
    np.cumsum([len(piece) for piece in pieces], out=bounds[1:])
    symbols = id_of[np.frombuffer(b"".join(pieces), np.uint8)]
    lengths = np.ones(options.vocab_size + 1, np.int64)
    offsets = np.zeros(options.vocab_size + 2, np.int64)
    offsets[options.reserved + 1 : first + 1] = np.arange(1, 257)
    vocab = np.zeros(16 * options.vocab_size + 64, np.uint8)
    vocab[:256] = alphabet
    merges = np.empty((2 * options.vocab_size, 3), np.int64)
    longest = options.max_token_length
    found, tokens = _kernels.learn(
        symbols,
        bounds,
        np.ascontiguousarray(counts, np.int64),
        lengths,
        vocab,
        offsets,
        first,
        options.vocab_size,
        options.min_frequency,
        _UNBOUNDED if longest is None else longest,
        merges,
    )
    return _trained(alphabet, options.reserved, merges[:found].copy(), int(tokens))


def _trained(alphabet: list[int], reserved: int, merges: NDArray[Any], tokens: int) -> TrainedBpe:
    made = [b""] * reserved + [bytes([byte]) for byte in alphabet]
    made += [b""] * (tokens - len(made))
    for left, right, id_ in merges.tolist():
        made[id_] = made[left] + made[right]
    return TrainedBpe(made, merges)
