"""Cutting a stream of documents into sequences of one length."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenkit.tokens import Ragged


@dataclass(frozen=True, eq=False)
class Packed:
    """Sequences of ``length`` tokens end to end in ``rows.values``.

    The rows are segments: they end at every document's end and at every multiple of ``length``.
    The last ``filling`` ids (less than ``length``) are a segment that only fills up.
    """

    rows: Ragged
    length: int
    filling: int

    def __len__(self) -> int:
        return len(self.rows.values) // self.length

    def sequences(self) -> NDArray[Any]:
        """Ids of all sequences, [sequences, length], without a copy."""
        return self.rows.values.reshape(-1, self.length)

    def segment_lengths(self) -> Ragged:
        """For each sequence the lengths of its segments, int32; they add up to ``length``."""
        bounds = np.arange(0, len(self.rows.values) + 1, self.length)
        return Ragged(
            self.rows.lengths.astype(np.int32),
            np.searchsorted(self.rows.offsets, bounds).astype(np.int64),
        )


def pack(documents: Ragged, length: int, fill: int) -> Packed:
    """Concatenate and cut. Every token of every document is there once, in order.

    The last sequence is filled up with ``fill``. Raises ValueError where ``length`` is not
    positive.
    """
    if length < 1:
        raise ValueError(f"sequences of {length} tokens")
    total = int(documents.offsets[-1])
    missing = -total % length
    filling = np.full(missing, fill, documents.values.dtype)
    values = np.concatenate((documents.values, filling)) if missing else documents.values
    cuts = np.arange(0, total + missing + 1, length)
    return Packed(Ragged(values, np.union1d(documents.offsets, cuts)), length, missing)


def segments_of(offsets: NDArray[np.int64], start: int, stop: int) -> NDArray[np.int32]:
    """``cu_seqlens`` of ``values[start:stop]``: int32, from 0 to ``stop - start``, the document
    bounds strictly between them in the middle."""
    first = np.searchsorted(offsets, start, side="right")
    last = np.searchsorted(offsets, stop, side="left")
    inner = np.unique(offsets[first:last])
    return np.concatenate(([0], inner - start, [stop - start])).astype(np.int32)


def positions_of(cu_seqlens: NDArray[np.int32]) -> NDArray[np.int64]:
    """Position of every token in its document segment: int64[cu_seqlens[-1]]."""
    lengths = np.diff(cu_seqlens)
    return np.arange(int(cu_seqlens[-1])) - np.repeat(cu_seqlens[:-1].astype(np.int64), lengths)
