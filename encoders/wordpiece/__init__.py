"""WordPiece: each word is cut into the longest tokens that fit, from its beginning.

Devlin et al. (2019), as `tokenizers` has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Ids, Offsets
from encoders.parallel import Workspaces, in_parallel
from encoders.pieces import LONGEST, PieceCache
from encoders.scan import Scanner
from encoders.unigram import double_array


@dataclass(frozen=True, eq=False)
class WordPieceTables:
    """A WordPiece vocabulary ready for the kernel."""

    vocab: Bytes
    """Bytes of all tokens as they are spelled, end to end, and 16 spare."""
    offsets: Offsets
    """int64[V + 1]: token ``i`` is ``vocab[offsets[i]:offsets[i + 1]]``."""
    heads: NDArray[np.int32]
    """Trie of all tokens, which may begin a word."""
    tails: NDArray[np.int32]
    """Trie of tokens that continue a word, without what marks them."""
    options: NDArray[np.int64]
    """(unknown id, most characters of a word)."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Field name to array."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def wordpiece_tables(
    vocab: Mapping[str, int], unknown: int, *, prefix: str, most: int
) -> WordPieceTables:
    """Tables from token to id; ``prefix`` marks tokens that continue a word."""
    spelled = {id_: token.encode("utf-8", "surrogatepass") for token, id_ in vocab.items()}
    tokens = [spelled.get(id_, b"") for id_ in range(1 + max(vocab.values(), default=-1))]
    mark = prefix.encode()
    tails = [token[len(mark) :] if token.startswith(mark) else b"" for token in tokens]
    offsets = np.zeros(len(tokens) + 1, np.int64)
    np.cumsum([len(token) for token in tokens], out=offsets[1:])
    flat = np.frombuffer(b"".join(tokens) + bytes(16), np.uint8).copy()
    options = np.array([unknown, most], np.int64)
    return WordPieceTables(flat, offsets, double_array(tokens), double_array(tails), options)


class WordPieceEncoder:
    """Text to ids by scanner and longest match. Safe to share between threads."""

    def __init__(self, tables: WordPieceTables, scanner: Scanner) -> None:
        self.tables = tables
        self.scanner = scanner
        unknown, most = tables.options.tolist()
        self._model = tables.heads, tables.tails, np.uint32(unknown), most
        self._workspaces = Workspaces(PieceCache)

    def encode(self, text: Bytes, bounds: Offsets) -> tuple[Ids, Offsets]:
        """Encode documents on this thread: ids (uint32) and their bounds (int64[n + 1])."""
        from encoders.wordpiece import _kernels

        cache = self._workspaces.take()
        out = np.empty(int(bounds[-1] - bounds[0]) + 16, np.uint32)
        id_bounds = np.zeros(len(bounds), np.int64)
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
                    *cache.arguments,
                    self._model,
                    LONGEST,
                )
                ends = ends[done:]
                if full:
                    cache.make_room()
                elif len(ends):
                    stop = int(ends[0])
                    at = _kernels.encode_one(text, position, stop, out, at, self._model)
                    position, ends = stop, ends[1:]
        id_bounds[document + 1 :] = at
        self._workspaces.give(cache)
        return out[:at], id_bounds

    def encode_parallel(self, text: Bytes, bounds: Offsets, threads: int) -> tuple[Ids, Offsets]:
        """As `encode`, on ``threads`` threads with about equal bytes each."""
        return in_parallel(self.encode, text, bounds, threads, self.scanner.cuts_at_lines)
