"""Unigram language model tokenization: the most probable segmentation of each piece.

Kudo (2018), "Subword Regularization"; the arithmetic, ties and treatment of unknown characters
follow `sentencepiece` (scores summed in float32 over the whole text) and `tokenizers` (float64,
for each piece anew).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import ABSENT, Bytes, Ids, Offsets
from encoders.draws import generator
from encoders.parallel import Workspaces, in_parallel
from encoders.pieces import LONGEST, PieceCache
from encoders.scan import Scanner

_UNKNOWN_PENALTY = 10.0


@dataclass(frozen=True, eq=False)
class UnigramTables:
    """A unigram vocabulary ready for the kernels."""

    vocab: Bytes
    """Bytes of all tokens end to end, and 16 spare."""
    offsets: Offsets
    """int64[V + 1]: token ``i`` is ``vocab[offsets[i]:offsets[i + 1]]``."""
    trie: NDArray[np.int32]
    """int32[n, 4]: double array of (base, check, token)."""
    scores: NDArray[Any]
    """float32[V] or float64[V]; paths are summed in the same."""
    byte_ids: Ids
    """uint32[256]: ids that unknown characters fall back to, or ABSENT."""
    options: NDArray[np.float64]
    """(unknown id, score of an unknown character)."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Field name to array."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def unigram_tables(
    tokens: Sequence[bytes],
    scores: Sequence[float],
    unknown: int,
    *,
    least: float,
    single: bool,
    byte_ids: Ids | None = None,
) -> UnigramTables:
    """Tables from tokens (empty ones match no text), their log probabilities and the unknown id.

    ``least``: the score from which that of an unknown character follows; ``single``: whether
    scores are float32, as in `sentencepiece`.
    """
    offsets = np.zeros(len(tokens) + 1, np.int64)
    np.cumsum([len(token) for token in tokens], out=offsets[1:])
    flat = np.frombuffer(b"".join(tokens) + bytes(16), np.uint8).copy()
    if byte_ids is None:
        byte_ids = np.full(256, ABSENT, np.uint32)
    real = np.float32 if single else np.float64
    options = np.array([unknown, real(least) - real(_UNKNOWN_PENALTY)], np.float64)
    return UnigramTables(
        flat, offsets, double_array(tokens), np.array(scores, real), byte_ids, options
    )


def double_array(tokens: Sequence[bytes]) -> NDArray[np.int32]:
    """A trie of the non-empty tokens: int32[n, 4] with columns (base, check, index of token).

    Node 0 is the root; the child of node ``s`` for byte ``c`` is ``base[s] + c`` where ``check``
    there is ``s``.
    """
    from encoders.unigram import _kernels

    offsets = np.zeros(len(tokens) + 1, np.int64)
    np.cumsum([len(token) for token in tokens], out=offsets[1:])
    flat = np.frombuffer(b"".join(tokens) + bytes(16), np.uint8).copy()
    present = [i for i, token in enumerate(tokens) if token]
    order = np.array(sorted(present, key=lambda i: tokens[i]), np.int64)
    every = np.arange(len(tokens), dtype=np.int32)
    stack = np.empty((max(1024, len(flat)), 4), np.int64)
    size = 1 << 12
    while True:
        trie = np.full((size, 4), -1, np.int32)
        extent = _kernels.build_trie(flat, offsets, order, every, trie, stack)
        if extent > 0:
            # A child is looked up before it is checked: up to 255 behind the last base.
            return np.concatenate((trie[:extent], np.full((512, 4), -1, np.int32)))
        size *= 2


@dataclass
class _Workspace:
    """What one thread needs to encode: its piece cache, and room for paths.

    A path (best scores, begins and tokens of the best paths to each place, their exact scores and
    those of the second best) has a place more than a piece has bytes.
    """

    real: Any
    cache: PieceCache = field(default_factory=PieceCache)
    path: tuple[NDArray[Any], ...] = ()

    def __post_init__(self) -> None:
        self.path = _path(self.real, LONGEST + 1)

    def room_for(self, length: int) -> tuple[NDArray[Any], ...]:
        """For the path of a longer piece; the score to start from stays."""
        if length >= len(self.path[0]):
            start = self.path[0][0]
            self.path = _path(self.real, 2 * length)
            self.path[0][0] = start
        return self.path


def _path(real: Any, room: int) -> tuple[NDArray[Any], ...]:
    kinds = (real, np.int64, np.int32, np.float64, np.float64)
    return tuple(np.zeros(room, kind) for kind in kinds)


class UnigramEncoder:
    """Text to ids by scanner and Viterbi. Safe to share between threads."""

    def __init__(self, tables: UnigramTables, scanner: Scanner, carries: bool) -> None:
        """``carries``: whether a path's score goes on from piece to piece of a document."""
        self.tables = tables
        self.scanner = scanner
        self._real = tables.scores.dtype.type
        self._carries = carries
        unknown, unknown_score = tables.options.tolist()
        self._model = (
            tables.trie,
            tables.scores,
            self._real(unknown_score),
            np.uint32(unknown),
            tables.byte_ids,
            int(np.diff(tables.offsets).max(initial=1)),
        )
        # What `sentencepiece` 0.2.3 raises its float32 scores at, to keep them precise.
        self._lowest = -1e5 if self._real is np.float32 else -np.inf
        self._worst = max(float(np.abs(tables.scores).max(initial=0.0)), abs(unknown_score))
        self._workspaces = Workspaces(lambda: _Workspace(self._real))

    def encode(self, text: Bytes, bounds: Offsets) -> tuple[Ids, Offsets]:
        """Encode documents on this thread: ids (uint32) and their bounds (int64[n + 1])."""
        from encoders.unigram import _kernels

        work = self._workspaces.take()
        out = np.empty(int(bounds[-1] - bounds[0]) + 16, np.uint32)
        id_bounds = np.zeros(len(bounds), np.int64)
        document, position, at = 0, int(bounds[0]), 0
        kernel: Any = _kernels.encode_pieces
        options: tuple[Any, ...] = ()
        if self._carries:
            epsilon = float(np.finfo(self._real).eps) / 2
            kernel, options = _kernels.encode_carried, (self._lowest, self._worst, epsilon)
        for chunk in self.scanner.chunks(text, bounds):
            ends = chunk
            while len(ends):
                done, document, position, at, full = kernel(
                    text,
                    bounds,
                    ends,
                    document,
                    position,
                    out,
                    at,
                    id_bounds,
                    *work.cache.arguments,
                    self._model,
                    LONGEST,
                    work.path,
                    *options,
                )
                ends = ends[done:]
                if full:
                    work.cache.make_room()
                elif len(ends):
                    stop = int(ends[0])
                    path = work.room_for(stop - position)
                    if not self._carries:
                        path[0][0] = 0.0
                    at = _kernels.encode_one(
                        text, position, stop, out, at, self._model, self._lowest, path
                    )
                    position, ends = stop, ends[1:]
        id_bounds[document + 1 :] = at
        self._workspaces.give(work)
        return out[:at], id_bounds

    def encode_sampled(
        self, text: Bytes, bounds: Offsets, alpha: float, seed: int
    ) -> tuple[Ids, Offsets]:
        """As `encode`, but of all segmentations one is drawn, with probability in proportion to
        that under the model, to the power of ``alpha``; the same seed gives the same ids."""
        from encoders.unigram import _kernels

        out = np.empty(int(bounds[-1] - bounds[0]) + 16, np.uint32)
        id_bounds = np.zeros(len(bounds), np.int64)
        document, position, at = 0, int(bounds[0]), 0
        path, random = _path(self._real, LONGEST + 1), generator(seed)
        for ends in self.scanner.chunks(text, bounds):
            longest = int(np.diff(np.where(ends < 0, ~ends, ends), prepend=position).max())
            if longest >= len(path[0]):
                path = _path(self._real, 2 * longest)
            document, position, at = _kernels.encode_sampled(
                text,
                bounds,
                ends,
                document,
                position,
                out,
                at,
                id_bounds,
                self._model,
                alpha,
                path,
                random,
            )
        id_bounds[document + 1 :] = at
        return out[:at], id_bounds

    def encode_parallel(self, text: Bytes, bounds: Offsets, threads: int) -> tuple[Ids, Offsets]:
        """As `encode`, on ``threads`` threads with about equal bytes each."""
        return in_parallel(self.encode, text, bounds, threads, cuts_at_lines=False)
