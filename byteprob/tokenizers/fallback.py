"""Characters that a tokenizer spells byte by byte, as they are no tokens."""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Ids
from encoders.byte_ranges import ByteRanges


class Fallback:
    """SentencePiece's byte fallback: of all characters but those that are tokens.

    The tokens of such a character are its bytes, one after another, so that what may follow a
    character that is cut are bytes that make it one that is no token.
    """

    def __init__(self, byte_ids: Ids, tokens: Iterable[bytes], ranges: ByteRanges) -> None:
        """``byte_ids``: uint32[256], ids of the bytes, all ABSENT where there is no fallback;
        ``tokens``: among others, the characters that are tokens."""
        held = np.isin(byte_ids, ranges.order)
        self.ids: NDArray[np.int64] = np.where(held, byte_ids.astype(np.int64), -1)
        """Of the bytes, -1 for those that are no tokens of the vocabulary."""
        self._known = Counter(
            token[:size]
            for token in tokens
            if length_of(token) == len(token)
            for size in range(1, len(token) + 1)
        )
        self.after = lru_cache(1 << 10)(self._after)

    def _after(self, begun: bytes, but: frozenset[bytes] = frozenset()) -> NDArray[np.int64]:
        """Ids of the bytes that may follow the beginning of a character, or none.

        ``but``: characters that are spelled otherwise here although they are no tokens.
        """
        return np.array(
            [
                id_
                for byte, id_ in enumerate(self.ids.tolist())
                if id_ >= 0 and self._left(begun + bytes([byte]), but)
            ],
            np.int64,
        )

    def _left(self, begun: bytes, but: frozenset[bytes]) -> int:
        """How many characters that begin so are spelled byte by byte."""
        others = sum(character.startswith(begun) for character in but)
        return characters_beginning(begun) - self._known[begun] - others


def length_of(begun: bytes) -> int:
    """Bytes of the character that begins so, by its first byte."""
    first = begun[0]
    return 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4


def characters_beginning(begun: bytes) -> int:
    """How many characters there are whose UTF-8 begins so."""
    length = length_of(begun)
    inner = begun[1:]
    if 0x80 <= begun[0] < 0xC2 or begun[0] > 0xF4 or len(begun) > length:
        return 0
    if any(byte & 0xC0 != 0x80 for byte in inner):
        return 0
    lead = begun[0] & (0xFF >> (length + 1)) if length > 1 else begun[0]
    for byte in inner:
        lead = lead << 6 | byte & 0x3F
    missing = length - len(begun)
    first, stop = lead << 6 * missing, (lead + 1) << 6 * missing
    first, stop = max(first, (0, 0x80, 0x800, 0x10000)[length - 1]), min(stop, 0x110000)
    surrogates = min(stop, 0xE000) - max(first, 0xD800)
    return max(0, stop - first - max(0, surrogates))
