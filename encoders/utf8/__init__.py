"""Bytes that are not UTF-8: where they are, and U+FFFD in their place."""

import numpy as np

from encoders.buffers import Bytes, Offsets


def first_invalid(text: Bytes, starts: Offsets, stops: Offsets) -> Offsets:
    """For each ``text[start:stop]``, the offset of its first byte outside UTF-8, or -1: int64[n].

    ``text``: uint8 with `encoders.buffers.PADDING` spare bytes behind the last stretch.
    """
    from encoders.utf8 import _kernels

    where = np.empty(len(starts), np.int64)
    _kernels.first_invalid(text, starts, stops, where)
    return where


def mended(text: bytes) -> bytes:
    """The text with U+FFFD for every byte outside UTF-8, each by itself, as SentencePiece reads
    it."""
    return text.decode("utf-8", "surrogateescape").translate(_ESCAPED).encode()


_ESCAPED = dict.fromkeys(range(0xDC80, 0xDD00), "\ufffd")
