"""Text as kernels take it: bytes with spare bytes behind them."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Offsets: TypeAlias = NDArray[np.int64]
Ids: TypeAlias = NDArray[np.uint32]

PADDING = 64
"""Readable spare bytes that every text buffer handed to a kernel has after its last byte."""


def padded(text: bytes | bytearray | memoryview) -> Bytes:
    """A copy of ``text`` as uint8 with PADDING zero bytes behind it."""
    size = len(text)
    buffer = np.empty(size + PADDING, np.uint8)
    buffer[:size] = np.frombuffer(text, np.uint8)
    buffer[size:] = 0
    return buffer


def joined(texts: Sequence[bytes | memoryview]) -> tuple[Bytes, Offsets]:
    """Documents end to end in one padded buffer, and their bounds (int64[n + 1])."""
    bounds = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=bounds[1:])
    return padded(b"".join(texts)), bounds
