"""A vocabulary sorted by bytes, in which every prefix is a range: sums of weights by next byte.

Direct float64 sums over ranges, no prefix sums: the difference of two large sums has nothing left
of a small one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import PADDING, Bytes, Ids, Offsets, joined

Logits = NDArray[np.float32] | NDArray[np.float64]
Weights = NDArray[np.float64]
Mask = NDArray[np.uint8]
"""Of ids: 1 for those that are meant, else 0."""
Range = tuple[int, int]
"""From a place in the sorted vocabulary up to, and without, another."""


class Weighed(NamedTuple):
    """See `ByteRanges.weigh`. ``by_id``: float64[largest id + 1]; ``sums``: float64[257]."""

    by_id: Weights
    sums: Weights
    largest: float
    total: float


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
        found = np.full(self._last + 1, -1, np.int64)
        found[self.order] = np.arange(len(self))
        return found

    def holds(self, id_: int) -> bool:
        """Whether this is an id with bytes."""
        return 0 <= id_ <= self._last and bool(self.every[id_])

    def token(self, id_: int) -> bytes:
        """The bytes of an id."""
        return self.token_at(int(self.place[id_]))

    def token_at(self, place: int) -> bytes:
        """The bytes of the token at a place."""
        return self.values[self.offsets[place] : self.offsets[place + 1]].tobytes()

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

    def next_byte_bounds(self, within: Range, depth: int) -> Offsets:
        """How the next byte parts a range that shares ``depth`` bytes: int64[258].

        From the first bound to the second lie the tokens that have no more bytes; from bound
        ``1 + b`` to the next those whose next byte is ``b``.
        """
        from encoders.byte_ranges import _kernels

        bounds = np.empty(258, np.int64)
        _kernels.next_byte_bounds(self.values, self.offsets, *within, depth, bounds)
        return bounds

    def beginning_with(self, byte: int) -> Range:
        """The tokens whose first byte this is."""
        return self._by_first_byte[byte], self._by_first_byte[byte + 1]

    @cached_property
    def every(self) -> Mask:
        """All ids with bytes: uint8[largest id + 1]."""
        return (self.place >= 0).astype(np.uint8)

    def weigh(self, logits: Logits, allowed: Mask, counted: Ids) -> Weighed:
        """Weights are ``exp(logits - largest)``: by id, 0 for those that are not allowed; the sums
        of these by first byte, the last of nothing; the largest logit; and the sum of all weights
        that count, of tokens that are allowed or not and of the ``counted``.

        ``logits``: by id. ``allowed``: uint8[largest id + 1]. ``counted``: ids without bytes that
        count too, such as end of text. Other ids without bytes, such as those that pad logits, have
        weights that mean nothing. What is below ``exp(-708)`` of the largest is nothing.

        Raises ValueError for fewer logits than there are ids.
        """
        from encoders.byte_ranges import _kernels

        if len(logits) <= (last := max([self._last, *counted.tolist()])):
            raise ValueError(f"{len(logits)} logits, and ids up to {last}")
        by_id, sums = np.empty(self._last + 1), np.zeros(257)
        largest, total = _kernels.weigh(
            logits, self._runs, counted, allowed, self._first_bytes, by_id, np.zeros((4, 256)),
            sums[:256],
        )  # fmt: skip
        return Weighed(by_id, sums, largest, total)

    def taken(self, by_id: Weights, within: Range) -> Weights:
        """Of weights by id those of a range, by place."""
        from encoders.byte_ranges import _kernels

        found = np.empty(within[1] - within[0])
        _kernels.taken(by_id, self.order, *within, found)
        return found

    def weights(self, logits: Logits, counted: Ids) -> tuple[Weights, float, float]:
        """As `weigh`, of all tokens: weights by place, float64[n], the largest, and the sum."""
        found = self.weigh(logits, self.every, counted)
        return self.taken(found.by_id, self.whole), found.largest, found.total

    def add_next_bytes(self, within: Range, depth: int, weights: Weights, sums: Weights) -> float:
        """``sums[b] +=`` weights of those of a range whose byte at ``depth`` is ``b``.

        The range shares ``depth`` bytes. Returns the weight of those that have no more.
        """
        from encoders.byte_ranges import _kernels

        return float(
            _kernels.next_byte_sums(self.values, self.offsets, *within, depth, weights, sums)
        )

    def pushed(
        self, within: Range, depth: int, byte: int, weights: Weights
    ) -> tuple[Range, Range, Weights, float]:
        """Of a range that shares ``depth`` bytes those that have ``byte`` behind them: which end
        with it, which go on, the sums of the latter by their next byte, float64[257], the last of
        nothing, and the sum of these. ``weights``: of the tokens in the range."""
        from encoders.byte_ranges import _kernels

        sums = np.zeros(257)
        start, beyond, stop, total = _kernels.pushed(
            self.values, self.offsets, *within, depth, byte, weights, sums
        )
        return (start, beyond), (beyond, stop), sums, total

    @cached_property
    def _by_first_byte(self) -> list[int]:
        """The places where tokens of each first byte begin, and end."""
        found: list[int] = self.next_byte_bounds(self.whole, 0)[1:].tolist()
        return found

    @cached_property
    def _first_bytes(self) -> Bytes:
        """By id; 0 for those without bytes."""
        found = np.zeros(self._last + 1, np.uint8)
        found[self.order] = self.values[self.offsets[:-1]]
        return found

    @cached_property
    def _runs(self) -> Offsets:
        """The ids as few ranges of numbers: int64[runs, 2]."""
        held = np.flatnonzero(np.diff(self.every, prepend=0, append=0))
        return held.reshape(-1, 2)


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
