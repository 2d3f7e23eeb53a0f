"""Text as kernels take it: bytes with spare bytes behind them."""

import ctypes
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Offsets: TypeAlias = NDArray[np.int64]
Ids: TypeAlias = NDArray[np.uint32]

_CACHE_LINE = 64

ABSENT = 0xFFFFFFFF
"""In place of an id, where there is none."""

PADDING = 64
"""Readable spare bytes that every text buffer handed to a kernel has after its last byte."""


def padded(text: bytes | bytearray | memoryview) -> Bytes:
    """A copy of ``text`` as uint8 with PADDING zero bytes behind it."""
    size = len(text)
    buffer = np.empty(size + PADDING, np.uint8)
    buffer[:size] = np.frombuffer(text, np.uint8)
    buffer[size:] = 0
    return buffer


def padded_str(text: str) -> Bytes:
    """The UTF-8 of a `str`, as `padded`. Raises UnicodeEncodeError for lone surrogates.

    Of a long text that is not ASCII, CPython keeps the UTF-8 with the `str` from now on, as it
    does for every library that asks it for a pointer.
    """
    if len(text) < _LONG:
        return padded(text.encode())
    size = ctypes.c_ssize_t()
    pointer = _as_utf8(text, ctypes.byref(size))
    buffer = np.empty(size.value + PADDING, np.uint8)
    ctypes.memmove(buffer.ctypes.data, pointer, size.value)
    buffer[size.value :] = 0
    return buffer


_LONG = 1 << 14
_as_utf8 = ctypes.pythonapi.PyUnicode_AsUTF8AndSize
_as_utf8.argtypes = [ctypes.py_object, ctypes.POINTER(ctypes.c_ssize_t)]
_as_utf8.restype = ctypes.c_void_p


def joined(texts: Sequence[bytes | memoryview]) -> tuple[Bytes, Offsets]:
    """Documents end to end in one padded buffer, and their bounds (int64[n + 1])."""
    bounds = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=bounds[1:])
    # A bytearray, because what NumPy makes of bytes is read-only.
    return np.frombuffer(bytearray().join((*texts, bytes(PADDING))), np.uint8), bounds


def aligned(size: int, dtype: Any) -> NDArray[Any]:
    """Uninitialised memory that begins on the bound of a cache line."""
    itemsize = np.dtype(dtype).itemsize
    room = np.empty(size * itemsize + _CACHE_LINE, np.uint8)
    start = -room.ctypes.data % _CACHE_LINE
    return room[start : start + size * itemsize].view(dtype)
