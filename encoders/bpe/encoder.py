"""Encode batches of documents, on one thread or several."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from encoders.bpe import scratch
from encoders.bpe.tables import BpeTables
from encoders.buffers import Bytes, Ids, Offsets
from encoders.parallel import Workspaces, in_parallel
from encoders.pieces import BATCH, LONGEST, PieceCache
from encoders.scan.scanners import Scanner

_SPARE = 16  # ids that a kernel may write past the last
_LONGEST_LANE = 64  # bytes of a piece that merges beside others, under any table


@dataclass
class Workspace:
    """What one thread needs to encode: its piece cache and scratch memory."""

    cache: PieceCache
    merges: int
    batch: tuple[Any, ...] = field(default_factory=lambda: scratch.batch(BATCH))
    long_piece: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        self.long_piece = scratch.long_piece(1 << 10, self.merges)

    def room_for(self, length: int) -> tuple[Any, ...]:
        """To encode a piece of ``length`` bytes stepwise."""
        if length > len(self.long_piece[0]):
            self.long_piece = scratch.long_piece(2 * length, self.merges)
        return self.long_piece


class BpeEncoder:
    """Text to ids by scanner and merges. Safe to share between threads."""

    def __init__(self, tables: BpeTables, scanner: Scanner, cache_bytes: int = 64 << 20) -> None:
        """``cache_bytes`` bounds the piece cache of each thread."""
        self.tables = tables
        self.scanner = scanner
        self._cache_bytes = cache_bytes
        self._whole = tables.whole, tables.vocab, tables.offsets
        self._merge = tables.merge_arguments
        self._longest = LONGEST if tables.options[3] else _LONGEST_LANE
        self.workspaces = Workspaces(self._new_workspace)

    def _new_workspace(self) -> Workspace:
        return Workspace(PieceCache(self._cache_bytes), len(self.tables.merges))

    def encode(self, text: Bytes, bounds: Offsets) -> tuple[Ids, Offsets]:
        """Encode documents on this thread.

        ``text``: uint8 with PADDING spare bytes; ``bounds``: int64[n + 1]. Returns ids (uint32)
        and their bounds (int64[n + 1]).
        """
        from encoders.bpe import _kernels

        work = self.workspaces.take()
        out, id_bounds = _room_for_ids(bounds)
        document, position, at = 0, int(bounds[0]), 0
        for chunk in self.scanner.chunks(text, bounds):
            ends = chunk
            while len(ends):
                done, document, position, at, full = _kernels.encode_pieces(
                    text,
                    bounds,
                    ends,
                    document,
                    position,
                    out,
                    at,
                    id_bounds,
                    *self.arguments(work),
                )
                ends = ends[done:]
                if full:
                    work.cache.make_room()
                elif len(ends):
                    done, document, position, at = self.encode_unkept(
                        work, text, bounds, ends, document, position, out, at, id_bounds
                    )
                    ends = ends[done:]
        id_bounds[document + 1 :] = at
        self.workspaces.give(work)
        return out[:at], id_bounds

    def arguments(self, work: Workspace) -> tuple[Any, ...]:
        """Cache, tables and memory, as ``encode_pieces`` takes them."""
        return (
            *work.cache.arguments,
            self._whole,
            self._merge,
            self._longest,
            work.batch,
            work.long_piece,
        )

    def encode_unkept(
        self,
        work: Workspace,
        text: Bytes,
        bounds: Offsets,
        ends: Offsets,
        document: int,
        position: int,
        out: Ids,
        at: int,
        id_bounds: Offsets,
    ) -> tuple[int, int, int, int]:
        """Encode, without the cache, the piece that ``encode_pieces`` stopped at, and those behind
        it that it would stop at. Returns (pieces done, document, position, ids written up to)."""
        from encoders.bpe import _kernels

        count, longest = _not_kept(ends, position, self._longest)
        document, position, at = _kernels.encode_stepwise(
            text,
            bounds,
            ends[:count],
            document,
            position,
            out,
            at,
            id_bounds,
            self._whole,
            self._merge,
            work.room_for(longest),
            0.0,
        )
        return count, document, position, at

    def encode_dropout(
        self, text: Bytes, bounds: Offsets, dropout: float, seed: int
    ) -> tuple[Ids, Offsets]:
        """Encode with BPE-dropout; the same seed gives the same ids."""
        from encoders.bpe import _kernels

        out, id_bounds = _room_for_ids(bounds)
        room = scratch.long_piece(1 << 10, len(self.tables.merges), seed)
        document, position, at = 0, int(bounds[0]), 0
        for ends in self.scanner.chunks(text, bounds):
            longest = int(_lengths(ends, position).max())
            if longest > len(room[0]):
                larger = scratch.long_piece(2 * longest, len(self.tables.merges))
                room = (*larger[:-1], room[-1])  # the generator goes on where it is
            document, position, at = _kernels.encode_stepwise(
                text,
                bounds,
                ends,
                document,
                position,
                out,
                at,
                id_bounds,
                self._whole,
                self.tables.stepwise_arguments,
                room,
                dropout,
            )
        id_bounds[document + 1 :] = at
        return out[:at], id_bounds

    def encode_parallel(self, text: Bytes, bounds: Offsets, threads: int) -> tuple[Ids, Offsets]:
        """As `encode`, on ``threads`` threads with about equal bytes each."""
        return in_parallel(self.encode, text, bounds, threads, self.scanner.cuts_at_lines)


def _room_for_ids(bounds: Offsets) -> tuple[Ids, Offsets]:
    # Ids are no more than bytes; memory never written to costs nothing.
    size = int(bounds[-1] - bounds[0])
    return np.empty(size + _SPARE, np.uint32), np.zeros(len(bounds), np.int64)


def _lengths(ends: Offsets, position: int) -> Offsets:
    """Of consecutive pieces from ``position``."""
    return np.diff(np.where(ends < 0, ~ends, ends), prepend=position)


def _not_kept(ends: Offsets, position: int, longest: int) -> tuple[int, int]:
    """How many pieces at the beginning are to be encoded stepwise, at least one, and the length of
    the longest of them."""
    lengths = _lengths(ends, position)
    kept = np.flatnonzero(lengths[1:] <= longest)
    count = 1 + int(kept[0]) if len(kept) else len(ends)
    return count, int(lengths[:count].max())


def decode(ids: Ids, vocab: Bytes, offsets: Offsets) -> Bytes:
    """The tokens' bytes end to end, as uint8.

    Raises IndexError, naming the position, for an id outside the vocabulary.
    """
    from encoders.bpe import _kernels

    size, bad = _kernels.decode_size(ids, offsets)
    if bad >= 0:
        raise IndexError(f"id {ids[bad]} at position {bad} is outside the vocabulary")
    out = np.empty(size + 16, np.uint8)
    _kernels.decode_into(ids, vocab, offsets, out)
    return out[:size]
