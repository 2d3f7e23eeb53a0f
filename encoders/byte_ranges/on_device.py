"""Sums by next byte of logits that are on a GPU, for many heads at once.

All in float64 and as log-sum-exp of each range by itself: a mass of 1e-14 is as exact as one of 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from encoders.buffers import Ids
from encoders.byte_ranges import ByteRanges, Range

ENDING = 256
"""In `DeviceRanges.log_sums`, the tokens that have no more bytes."""
ALL = 257
"""And all ids that count, in the range or not."""


@dataclass(frozen=True, eq=False)
class DeviceRanges:
    """A sorted vocabulary and a copy of its order on a device of PyTorch.

    ``every``: int64[n + counted], ids by place and then those without bytes that count too.
    """

    ranges: ByteRanges
    every: Any

    @staticmethod
    def of(ranges: ByteRanges, counted: Ids, device: Any) -> "DeviceRanges":
        """``counted``: ids without bytes that have probability, such as end of text."""
        import torch

        every = np.concatenate([ranges.order, counted]).astype(np.int64)
        return DeviceRanges(ranges, torch.from_numpy(every).to(device))

    def log_sums(
        self,
        logits: Any,
        heads: Sequence[tuple[Range, int]],
        allowed: Any | None = None,
        *,
        triton: bool | None = None,
    ) -> Any:
        """For each head logs of summed weights: by next byte, `ENDING` and `ALL`.

        ``logits``: floating[heads, ids] on the device. ``heads``: for each the range of its tokens,
        which share so many bytes. ``allowed``: uint8[heads, n] by place, what `ALL` leaves aside.
        ``triton``: one launch of a kernel of Triton; by default where the logits are on CUDA.
        Returns float64[heads, 258]; a difference to `ALL` is a log-probability.
        """
        import torch

        rows = [self.ranges.next_byte_bounds(within, depth) for within, depth in heads]
        bounds = torch.from_numpy(np.stack(rows)).to(logits.device)
        if triton if triton is not None else logits.is_cuda:
            from encoders.byte_ranges import _triton

            return _triton.log_sums(logits, self.every, bounds, allowed)
        return plain_log_sums(logits, self.every, bounds, allowed)


def plain_log_sums(logits: Any, every: Any, bounds: Any, allowed: Any | None) -> Any:
    """As the kernel, in operations of PyTorch. ``bounds``: int64[heads, 258], see
    `ByteRanges.next_byte_bounds`."""
    import torch

    weights = logits.double()[:, every]
    whole = torch.logsumexp(weights, 1, keepdim=True)
    size = every.shape[0] if allowed is None else allowed.shape[1]
    places = torch.arange(size, device=logits.device).expand(len(logits), -1).contiguous()
    group = torch.searchsorted(bounds, places, right=True)  # 0: before the range, 258: behind it
    weights = weights[:, :size]
    if allowed is not None:
        weights = weights.masked_fill(allowed == 0, -torch.inf)
    top = torch.full((len(logits), 259), -torch.inf, dtype=torch.float64, device=logits.device)
    top = top.scatter_reduce(1, group, weights, "amax")
    shift = torch.where(top > -torch.inf, top, 0.0)
    sums = torch.zeros_like(top).scatter_add(1, group, torch.exp(weights - shift.gather(1, group)))
    logs = (sums.log() + shift)[:, 1:258]
    return torch.cat([logs[:, 1:], logs[:, :1], whole], 1)
