"""A vocabulary sorted by bytes, in which every prefix is a range: sums of weights by next byte.

Direct float64 sums over ranges, no prefix sums: the difference of two large sums has nothing left
of a small one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Ids, Offsets, joined

Logits = NDArray[np.float32] | NDArray[np.float64]
Weights = NDArray[np.float64]
Range = tuple[int, int]
"""From a place in the sorted vocabulary up to, and without, another."""


@dataclass(frozen=True, eq=False)
class ByteRanges:
    """Tokens in the order of their bytes, a shorter one before those that begin with it.

    ``values``, ``offsets``: bytes of the token at place ``i``. ``order``: its id, uint32[n].
    """

    values: Bytes
    offsets: Offsets
    order: Ids

    @staticmethod
    def of(tokens: Mapping[int, bytes]) -> "ByteRanges":
        """Those of id to bytes; several ids may have the same bytes, in the order of their ids."""
        order = sorted(tokens, key=lambda id_: (tokens[id_], id_))
        values, offsets = joined([tokens[id_] for id_ in order])
        return ByteRanges(values, offsets, np.array(order, np.uint32))

    def __len__(self) -> int:
        return len(self.order)

    @property
    def whole(self) -> Range:
        """All tokens: the range of the empty prefix."""
        return 0, len(self)

    @cached_property
    def place(self) -> Offsets:
        """Place of each id, -1 for an id without one; int64[largest id + 1]."""
        found = np.full(int(self.order.max(initial=0)) + 1, -1, np.int64)
        found[self.order] = np.arange(len(self))
        return found

    def narrowed(self, within: Range, depth: int, byte: int) -> Range:
        """Those of a range that share ``depth`` bytes whose next byte is ``byte``."""
        from encoders.byte_ranges import _kernels

        low, high = within
        if low >= high:
            return low, low
        start, stop = _kernels.narrowed(self.values, self.offsets, low, high, depth, byte)
        return int(start), int(stop)

    def starting_with(self, prefix: bytes) -> Range:
        """Tokens that begin with ``prefix``, itself among them."""
        found = self.whole
        for depth, byte in enumerate(prefix):
            found = self.narrowed(found, depth, byte)
        return found

    def ending(self, within: Range, depth: int) -> Range:
        """Of a range that shares ``depth`` bytes, the tokens that have no more."""
        low, high = self.narrowed(within, depth, -1)
        return low, high

    def weights(self, logits: Logits, ends: Ids) -> tuple[Weights, float, float]:
        """``exp(logits - largest)`` by place, float64[n]; the largest; the sum of all weights.

        ``logits``: by id. ``ends``: ids without bytes that count too, such as end of text.
        What is below ``exp(-708)`` of the largest is nothing.
        """
        from encoders.byte_ranges import _kernels

        weights = np.empty(len(self))
        largest, total = _kernels.softmax_weights(logits, self.order, ends, weights)
        return weights, float(largest), float(total)

    def add_next_bytes(self, within: Range, depth: int, weights: Weights, sums: Weights) -> float:
        """``sums[b] +=`` weights of those of a range whose byte at ``depth`` is ``b``.

        The range shares ``depth`` bytes. Returns the weight of those that have no more.
        """
        from encoders.byte_ranges import _kernels

        low, high = within
        if low >= high:
            return 0.0
        return float(
            _kernels.next_byte_sums(self.values, self.offsets, low, high, depth, weights, sums)
        )
