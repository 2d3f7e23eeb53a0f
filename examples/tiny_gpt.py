"""A plain GPT for the examples: small enough for a CPU, and nothing that needs explaining."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tokenkit.words.blocks import Block, initialise

IGNORED = -100
"""Target of positions that are not learned from."""


@dataclass(frozen=True)
class GptConfig:
    """Sizes. Embeddings are shared with the output."""

    vocab_size: int
    width: int = 128
    layers: int = 4
    heads: int = 4


class Gpt(nn.Module):
    """A causal language model: ids int64[rows, length] to logits float[rows, length, vocab]."""

    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config.width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        initialise(self, config.layers)

    def hidden(self, ids: Tensor) -> Tensor:
        """What the output layer reads; float[rows, length, width]."""
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.norm(x)
        return out

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the id behind each; float[rows, length, vocab]."""
        return functional.linear(self.hidden(ids), self.embedding.weight)

    def losses(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Nats of each target that is not `IGNORED`, in order; float[targets].

        Logits are made only where they count: vocabularies can be larger than the model.
        """
        counts = targets != IGNORED
        logits = functional.linear(self.hidden(ids)[counts], self.embedding.weight)
        return functional.cross_entropy(logits, targets[counts], reduction="none")


def parameters(model: nn.Module) -> tuple[int, int]:
    """How many parameters are in embeddings, and how many elsewhere."""
    total = sum(weight.numel() for weight in model.parameters())
    tables = [part.weight for part in model.modules() if isinstance(part, nn.Embedding)]
    embedded = sum(weight.numel() for weight in tables)
    return embedded, total - embedded


def train(model: nn.Module, losses: Iterable[Tensor], steps: int, rate: float) -> Iterator[float]:
    """Take a step on each of ``losses``, which are made as they are asked for; yields them.

    Muon for the matrices of blocks, AdamW for the rest. The learning rate rises over the first
    twentieth of the steps, then falls as a cosine to a twentieth of ``rate``.
    """
    blocks = [part for part in model.modules() if isinstance(part, Block)]
    matrices = [weight for block in blocks for weight in block.parameters() if weight.dim() == 2]
    ours = set(matrices)
    rest = [weight for weight in model.parameters() if weight not in ours]
    optimizers = (Muon(matrices), torch.optim.AdamW(rest, betas=(0.9, 0.98), weight_decay=0.0))
    for step, loss in zip(range(steps), losses, strict=False):
        model.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * _share(step, steps)
            optimizer.step()
        yield loss.item()


def _share(step: int, steps: int) -> float:
    rise = min(1.0, (step + 1) / (0.05 * steps))
    return rise * (0.525 + 0.475 * math.cos(math.pi * step / steps))


class Muon(torch.optim.Optimizer):
    """Momentum whose steps are made orthogonal (Jordan et al. 2024), as large as those of AdamW.

    `torch.optim.Muon` works in bfloat16, which takes six times as long on a CPU without it.
    """

    def __init__(self, matrices: Iterable[Tensor], momentum: float = 0.95) -> None:
        super().__init__(matrices, {"lr": 0.0, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Change each matrix. ``closure`` is not called: it is there for the interface."""
        del closure
        for group in self.param_groups:
            for weight in group["params"]:
                mean = self.state[weight].setdefault("mean", torch.zeros_like(weight))
                mean.lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(mean, group["momentum"])
                scale = 0.2 * max(weight.shape) ** 0.5
                weight.sub_(orthogonal(ahead), alpha=group["lr"] * scale)


def orthogonal(matrix: Tensor) -> Tensor:
    """Bring all singular values near 1, by five steps of Newton and Schulz's iteration."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.mT if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.mT if tall else x


@torch.no_grad()
def greedy(model: Gpt, prompts: Tensor, length: int) -> Tensor:
    """The ``length`` likeliest ids behind prompts int64[rows, n]; int64[rows, length]."""
    ids = prompts
    for _ in range(length):
        logits = functional.linear(model.hidden(ids)[:, -1], model.embedding.weight)
        ids = torch.cat((ids, logits.argmax(-1, keepdim=True)), 1)
    return ids[:, prompts.shape[1] :]
