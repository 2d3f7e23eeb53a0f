"""What a Tokenizer takes for a text and for ids, as kernels take them."""

import mmap
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Ids, padded, padded_str
from tokenkit.errors import VocabularyError

Text = str | bytes | bytearray | memoryview | mmap.mmap


def sound(text: str) -> str:
    """The text without lone surrogates: pairs combine, the rest becomes U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def as_bytes(text: Text) -> bytes | memoryview:
    """The UTF-8 of a text, without a copy where it is bytes already."""
    if isinstance(text, str):
        try:
            return text.encode()
        except UnicodeEncodeError:
            return sound(text).encode()
    return text if isinstance(text, bytes) else memoryview(text).cast("B")


def padded_text(text: Text) -> Bytes:
    """The same with `encoders.buffers.PADDING` behind it."""
    try:
        return padded_str(text) if isinstance(text, str) else padded(as_bytes(text))
    except UnicodeEncodeError:
        return padded(as_bytes(text))


def to_ids(ids: Sequence[int] | NDArray[Any]) -> Ids:
    """uint32[n]. Raises VocabularyError for what is no id."""
    try:
        if isinstance(ids, list | tuple):
            return np.asarray(array("I", ids))  # a third of the time that NumPy takes
        found = np.asarray(ids)
        if found.size and (found.dtype.kind not in "iu" or found.min() < 0 or found.max() >> 32):
            raise ValueError
        return np.ascontiguousarray(found, np.uint32)
    except (ValueError, TypeError, OverflowError):
        raise VocabularyError("ids are whole numbers from 0 to 2**32 - 1") from None
