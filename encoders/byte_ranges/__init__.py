"""A vocabulary sorted by bytes, in which every prefix is a range: sums of weights by next byte.

Direct float64 sums over ranges, no prefix sums: the difference of two large sums has nothing left
of a small one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import PADDING, Bytes, Ids, Offsets, joined

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
        ids = sorted(tokens)
        values, offsets = joined([tokens[id_] for id_ in ids])
        order = sorted_by_bytes(values, offsets)
        sizes = np.diff(offsets)[order]
        stops = np.cumsum(sizes)
        moved = np.repeat(offsets[order] - stops + sizes, sizes) + np.arange(len(values) - PADDING)
        return ByteRanges(
            np.append(values[moved], np.zeros(PADDING, np.uint8)),
            np.append(np.int64(0), stops),
            np.array(ids, np.uint32)[order],
        )

    def __len__(self) -> int:
        return len(self.order)

    @cached_property
    def _last(self) -> int:
        return int(self.order.max(initial=0))

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
        start, stop = _kernels.narrowed(*self._sorted, self.order, low, high, depth, byte)
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

    def next_byte_bounds(self, within: Range, depth: int) -> Offsets:
        """How the next byte parts a range that shares ``depth`` bytes: int64[258].

        From the first bound to the second lie the tokens that have no more bytes; from bound
        ``1 + b`` to the next those whose next byte is ``b``.
        """
        from encoders.byte_ranges import _kernels

        bounds = np.empty(258, np.int64)
        _kernels.next_byte_bounds(*self._sorted, self.order, *within, depth, bounds)
        return bounds

    def exponentials(self, logits: Logits, ends: Ids) -> tuple[Weights, float, float]:
        """``exp(logits - largest)`` by id; the largest; the sum of those that count.

        ``logits``: by id. ``ends``: ids without bytes that count too, such as end of text. Other
        ids without bytes, such as those that pad logits, have values that mean nothing.
        What is below ``exp(-708)`` of the largest is nothing. Raises ValueError for fewer logits
        than there are ids.
        """
        from encoders.byte_ranges import _kernels

        last = max(self._last, int(ends.max(initial=0)))
        if len(logits) <= last:
            raise ValueError(f"{len(logits)} logits, and ids up to {last}")
        by_id = np.empty(last + 1)
        largest, total = _kernels.exponentials(logits, self._runs, ends, by_id)
        return by_id, float(largest), float(total)

    def weights(self, logits: Logits, ends: Ids) -> tuple[Weights, float, float]:
        """As `exponentials`, by place: float64[n]."""
        by_id, largest, total = self.exponentials(logits, ends)
        return self.every.weights(by_id)[0], largest, total

    def add_next_bytes(self, within: Range, depth: int, weights: Weights, sums: Weights) -> float:
        """``sums[b] +=`` weights of those of a range whose byte at ``depth`` is ``b``.

        The range shares ``depth`` bytes. Returns the weight of those that have no more.
        """
        found = self.every.next_bytes(within, depth, weights)
        sums[:256] += found[:256]
        return float(found[256])

    @cached_property
    def every(self) -> "Chosen":
        """All tokens."""
        return Chosen(self, self.order, self.next_byte_bounds(self.whole, 0)[1:])

    def chosen(self, mask: NDArray[np.uint8]) -> "Chosen":
        """The tokens whose places have a 1; ``mask``: uint8[n], 0 or 1."""
        from encoders.byte_ranges import _kernels

        ids = np.empty(np.count_nonzero(mask) + 1, np.uint32)  # one that is written and not kept
        bounds = np.empty(257, np.int64)
        _kernels.chosen(mask, self.order, self.every.bounds, ids, bounds)
        return Chosen(self, ids[:-1], bounds)

    @cached_property
    def _sorted(self) -> tuple[Bytes, Offsets, Offsets]:
        return self.values, self.offsets, self.place

    @cached_property
    def _runs(self) -> Offsets:
        """The ids as few ranges of numbers: int64[runs, 2]."""
        held = np.flatnonzero(np.diff(self.place >= 0, prepend=False, append=False))
        return held.reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class Chosen:
    """Some tokens of a vocabulary. ``ids``: uint32, in the order of their bytes; the ranges of
    these methods are of indices in it. ``bounds``: int64[257], from ``bounds[b]`` to the next lie
    those whose first byte is ``b``."""

    ranges: ByteRanges
    ids: Ids
    bounds: Offsets

    @property
    def whole(self) -> Range:
        """All of them."""
        return 0, len(self.ids)

    def weights(self, by_id: Weights) -> tuple[Weights, Weights]:
        """Theirs of the weights of all ids; and sums of these by first byte, as `next_bytes`."""
        from encoders.byte_ranges import _kernels

        found, sums = np.empty(len(self.ids)), np.zeros(257)
        _kernels.first_byte_sums(by_id, self.ids, self.bounds, found, sums)
        return found, sums

    def next_bytes(self, within: Range, depth: int, weights: Weights) -> Weights:
        """Of a range that shares ``depth`` bytes sums of weights by the byte behind these, and
        last of those that have no more: float64[257]. ``weights``: of all that are chosen."""
        from encoders.byte_ranges import _kernels

        sums = np.zeros(257)
        _kernels.next_byte_sums(*self.ranges._sorted, self.ids, *within, depth, weights, sums)
        return sums

    def pushed(
        self, within: Range, depth: int, byte: int, weights: Weights
    ) -> tuple[Range, Range, Weights]:
        """Of a range that shares ``depth`` bytes those that have ``byte`` behind them: which end
        with it, which go on, and the sums of the latter by their next byte, as `next_bytes`."""
        from encoders.byte_ranges import _kernels

        sums = np.zeros(257)
        start, beyond, stop = _kernels.pushed(
            *self.ranges._sorted, self.ids, *within, depth, byte, weights, sums
        )
        return (start, beyond), (beyond, stop), sums


def sorted_by_bytes(values: Bytes, offsets: Offsets) -> Offsets:
    """The order of texts by their bytes, equal ones as they come: int64[n].

    ``values``: with PADDING spare bytes. Eight bytes at a time, each time of fewer texts: those
    that are not told apart yet.
    """
    order, sizes = np.arange(len(offsets) - 1), np.diff(offsets)
    open_, group, depth = order.copy(), np.zeros(len(order), np.int64), 0
    while len(open_):
        texts = order[open_]
        left = np.minimum(sizes[texts] - depth, 9)  # 9 is more than these eight
        at = offsets[texts, None] + depth + np.arange(8)
        eight = np.where(np.arange(8) < left[:, None], values[at], np.uint8(0))
        keys = eight.view(">u8").ravel().astype(np.uint64)
        by = np.lexsort((left, keys, group))
        order[open_], left, keys, group = texts[by], left[by], keys[by], group[by]
        new = (np.diff(keys) != 0) | (np.diff(left) != 0) | (np.diff(group) != 0)
        group = np.concatenate([[0], np.cumsum(new)])
        kept = (left == 9) & (np.bincount(group)[group] > 1)
        open_, group, depth = open_[kept], group[kept], depth + 8
    return order
