"""Spans of tokens in their text, in bytes and in characters."""

from dataclasses import dataclass

import numpy as np

from encoders.buffers import Ids, Offsets


@dataclass(frozen=True, eq=False)
class Encoding:
    """Ids with the spans of the input that they stand for.

    ``ids``: uint32[n]; ``byte_spans`` and ``char_spans``: int64[n, 2], start and stop. A token
    that holds part of a character spans the whole character in ``char_spans``.
    """

    ids: Ids
    byte_spans: Offsets
    char_spans: Offsets


def readable(text: str | bytes) -> tuple[str, Offsets, Offsets]:
    """A text that libraries can read, and where its characters lie in what was given.

    Returns the text with every byte outside UTF-8 and every lone surrogate as one U+FFFD, and
    int64[len + 1] of where each of its characters begins in bytes and in characters of ``text``.
    """
    if isinstance(text, bytes):
        escaped = text.decode("utf-8", "surrogateescape")
        if len(escaped) == len(text):
            straight = np.arange(len(text) + 1, dtype=np.int64)
            clean = escaped if text.isascii() else escaped.translate(_NO_ESCAPES)
            return clean, straight, straight
        codes = _codes(escaped)
        widths = _widths(codes)
        widths[(codes >= 0xDC80) & (codes <= 0xDCFF)] = 1
        return escaped.translate(_NO_ESCAPES), _starts(widths), np.arange(len(escaped) + 1)
    try:
        text.encode()
    except UnicodeEncodeError:
        clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        codes = _codes(text)
        pair = (codes[:-1] >> 10 == 0xD800 >> 10) & (codes[1:] >> 10 == 0xDC00 >> 10)
        first = np.flatnonzero(np.concatenate(([True], ~pair)))
        return clean, _starts(_widths(_codes(clean))), np.append(first, len(text))
    return text, _starts(_widths(_codes(text))), np.arange(len(text) + 1)


_NO_ESCAPES = dict.fromkeys(range(56448, 56576), "�")


def _codes(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _widths(codes: np.ndarray[tuple[int], np.dtype[np.uint32]]) -> Offsets:
    """UTF-8 bytes of each code point."""
    return 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)


def _starts(widths: Offsets) -> Offsets:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(widths)))


def from_byte_spans(ids: Ids, byte_spans: Offsets, text: str | bytes) -> Encoding:
    """Character spans that cover byte spans of the text."""
    _, bytes_at, chars_at = readable(text)
    first = np.searchsorted(bytes_at, byte_spans[:, 0], side="right") - 1
    last = np.searchsorted(bytes_at, byte_spans[:, 1], side="left")
    char_spans = np.stack((chars_at[first], chars_at[np.maximum(last, first)]), axis=1)
    return Encoding(ids, byte_spans, char_spans)


def from_char_spans(ids: list[int], spans: list[tuple[int, int]], text: str | bytes) -> Encoding:
    """Spans of the characters of `readable` as spans of the text."""
    _, bytes_at, chars_at = readable(text)
    at = np.array(spans, np.int64).reshape(-1, 2)
    return Encoding(np.array(ids, np.uint32), bytes_at[at], chars_at[at])
