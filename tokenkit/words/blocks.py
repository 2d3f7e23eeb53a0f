"""The transformer block of the word-pooled model: pre-norm, rotary positions, no dropout."""

import torch
from torch import Tensor, nn
from torch.nn import functional

_BASE = 10_000.0


class Block(nn.Module):
    """Attention, then an MLP four times as wide, each added to what came in.

    Positions are rotary (Su et al. 2021, "RoFormer"), so that no length is built into the weights.
    """

    def __init__(self, width: int, heads: int) -> None:
        """Raises ValueError where the heads do not share ``width`` in even parts."""
        super().__init__()
        if width % (2 * heads):
            raise ValueError(f"width {width} is no even multiple of {heads} heads")
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.mixed = nn.Linear(width, width, bias=False)
        self.before_mlp = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor, keys: Tensor | None = None) -> Tensor:
        """``x``: float[rows, length, width], and so is the result.

        Each position attends to itself and those before it; or, with ``keys``, bool[rows, length],
        to the positions where that is true, before it and behind it.
        """
        mask = None if keys is None else keys[:, None, None, :]
        rows, length, width = x.shape
        qkv = self.qkv(self.before_attention(x)).unflatten(2, (3, self.heads, width // self.heads))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        q, k = rotated(q), rotated(k)
        found = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=keys is None
        )
        x = x + self.mixed(found.transpose(1, 2).reshape(rows, length, width))
        out: Tensor = x + self.down(functional.gelu(self.up(self.before_mlp(x))))
        return out


def rotated(x: Tensor) -> Tensor:
    """Turn pairs of features of float[..., length, size] by angles in proportion to position."""
    length, half = x.shape[-2], x.shape[-1] // 2
    rates = _BASE ** (-torch.arange(half, device=x.device) / half)
    angles = torch.arange(length, device=x.device)[:, None] * rates
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def initialise(model: nn.Module, layers: int) -> None:
    """Normal weights of deviation 0.02; what is added to the stream smaller by its ``layers``."""
    for name, weight in model.named_parameters():
        if weight.dim() >= 2:
            ends_branch = name.endswith(("mixed.weight", "down.weight"))
            nn.init.normal_(weight, std=0.02 / (2 * layers) ** 0.5 if ends_branch else 0.02)
