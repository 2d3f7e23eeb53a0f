"""Segmentations of a text over a vocabulary: how many there are, and which.

A text of n bytes has up to 2**(n - 1) of them, of which a tokenizer makes one. Counting is the
forward pass of a lattice whose edges are the occurrences of tokens (dynamic programming).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets, padded
from encoders.unigram import double_array

SATURATED = 0xFFFFFFFFFFFFFFFF
"""In place of a count of 2**64 - 1 or more."""


@dataclass(frozen=True, eq=False)
class Segmenter:
    """The tokens of a vocabulary as a trie. ``of`` makes one."""

    trie: NDArray[np.int32]
    weights: NDArray[np.uint64]
    """uint64[V]: how many ids have the same bytes as this one."""

    @staticmethod
    def of(tokens: Sequence[bytes]) -> "Segmenter":
        """Tokens by id; empty ones are no token. Of equal ones each counts."""
        multiples: dict[bytes, int] = {}
        for token in tokens:
            multiples[token] = multiples.get(token, 0) + 1
        weights = np.array([multiples[token] for token in tokens], np.uint64)
        return Segmenter(double_array(tokens), weights)

    def counts(self, text: Bytes, bounds: Offsets) -> NDArray[np.uint64]:
        """uint64[n]: segmentations of each document, `SATURATED` where they are as many or more.

        ``text``: uint8 with PADDING spare bytes; ``bounds``: int64[n + 1]. An empty document has
        one, of no tokens.
        """
        from encoders.segment import _kernels

        counts = np.empty(len(bounds) - 1, np.uint64)
        ways = np.empty(1 + int(np.diff(bounds).max(initial=0)), np.uint64)
        _kernels.count_ways(text, bounds, self.trie, self.weights, ways, counts)
        return counts

    def pairs(self, text: Bytes, bounds: Offsets) -> NDArray[np.int64]:
        """int64[n]: ways to part each document into two tokens between two characters."""
        from encoders.segment import _kernels

        counts = np.empty(len(bounds) - 1, np.int64)
        _kernels.count_pairs(text, bounds, self.trie, counts)
        return counts

    def edges(self, text: bytes) -> NDArray[np.int64]:
        """int64[m, 3]: all occurrences (start, stop, id) of tokens, by start and then by stop.

        Of ids with the same bytes one stands for all; ``weights`` has their number.
        """
        from encoders.segment import _kernels

        buffer, room = padded(text), 16 * len(text) + 16
        while True:
            found = np.empty((room, 3), np.int64)
            count = _kernels.find_all(buffer, len(text), self.trie, found)
            if count <= room:
                return found[:count]
            room = count
