"""Log-sum-exp over ranges of the sorted vocabulary, one program for each head and next byte."""

from typing import Any

import torch
import triton
import triton.language as tl

_BLOCK = 1024


@triton.jit
def log_sum_exp_of_ranges(
    logits, stride, every, count, bounds, allowed, allowed_stride, out,
    masked: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    # Program (h, j): j = 0 of the tokens that end, j of byte j - 1, and 257 of all ids. A running
    # maximum, so that each range is read once and no range needs another.
    head, j = tl.program_id(0), tl.program_id(1)
    whole = j == 257
    low = tl.load(bounds + head * 258 + tl.minimum(j, 256))
    high = tl.load(bounds + head * 258 + tl.minimum(j, 256) + 1)
    low, high = tl.where(whole, 0, low), tl.where(whole, count, high)
    masked_up_to = tl.where(whole, 0, high)
    top = tl.full((), float("-inf"), tl.float64)
    total = tl.full((), 0.0, tl.float64)
    for start in range(low, high, block):
        place = start + tl.arange(0, block)
        inside = place < high
        id_ = tl.load(every + place, mask=inside, other=0)
        value = tl.load(logits + head * stride + id_, mask=inside, other=float("-inf"))
        value = value.to(tl.float64)
        if masked:
            kept = tl.load(
                allowed + head * allowed_stride + place, mask=place < masked_up_to, other=1
            )
            value = tl.where(kept != 0, value, float("-inf"))
        larger = tl.maximum(top, tl.max(value, 0))
        shift = tl.where(larger == float("-inf"), 0.0, larger)
        total = total * tl.exp(top - shift) + tl.sum(tl.exp(value - shift), 0)
        top = larger
    at = tl.where(whole, 257, tl.where(j == 0, 256, j - 1))
    tl.store(out + head * 258 + at, tl.where(total > 0, top + tl.log(total), float("-inf")))


def log_sums(logits: Any, every: Any, bounds: Any, allowed: Any | None) -> Any:
    """See `encoders.byte_ranges.on_device.plain_log_sums`."""
    out = torch.empty((len(logits), 258), dtype=torch.float64, device=logits.device)
    mask = every if allowed is None else allowed.contiguous()
    logits = logits.contiguous()
    log_sum_exp_of_ranges[len(logits), 258](
        logits, logits.stride(0), every, len(every), bounds, mask, mask.stride(0), out,
        masked=allowed is not None, block=_BLOCK,
    )  # fmt: skip
    return out
