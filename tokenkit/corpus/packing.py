"""Cutting a stream of documents into sequences of one length."""

import numpy as np
from numpy.typing import NDArray

from tokenkit.tokens import Ragged


def pack(documents: Ragged, length: int, fill: int) -> Ragged:
    """Concatenate and cut: rows of exactly ``length`` tokens, as one flat array of segments.

    Returns segments whose ends are all document ends and all multiples of ``length``; the last
    sequence is filled up with ``fill``, and that filling is a segment of its own. Every token of
    every document is there once, in order.

    Raises ValueError where ``length`` is not positive.
    """
    if length < 1:
        raise ValueError(f"sequences of {length} tokens")
    total = int(documents.offsets[-1])
    missing = -total % length
    filling = np.full(missing, fill, documents.values.dtype)
    values = np.concatenate((documents.values, filling)) if missing else documents.values
    cuts = np.arange(0, total + missing + 1, length)
    return Ragged(values, np.union1d(documents.offsets, cuts).astype(np.int64))


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
