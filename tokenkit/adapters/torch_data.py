"""Prepared shards as PyTorch datasets: packed sequences in an order that can be resumed exactly.

The order of an epoch is one permutation of all sequences, given by (seed, epoch). Rank ``r`` of
``w`` takes every ``w``-th sequence from the ``r``-th on, and the workers of a DataLoader take
turns within a rank, so that the batches of a rank are the same for any number of workers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from tokenkit.corpus.packing import positions_of, segments_of
from tokenkit.corpus.shards import ShardSet, open_shards


@dataclass(frozen=True)
class Packing:
    """``length`` tokens a sequence. With ``targets`` each sequence reads one token further, and
    ``labels`` are the tokens moved by one."""

    length: int
    targets: bool = True


class PackedSequences(Dataset[dict[str, torch.Tensor]]):
    """Map-style: sequence ``i`` is the ``i``-th window of ``length`` tokens of the shards.

    Windows do not cross shards; tokens behind the last whole window of a shard are left out.
    An item has ``input_ids`` (int64[length]), ``position_ids`` (int64[length], from 0 in each
    document), ``cu_seqlens`` (int32, document bounds in the window, for flash-attention) and,
    with targets, ``labels`` (int64[length], -100 where the next token begins another document).
    """

    def __init__(self, shards: ShardSet | str | Path, packing: Packing) -> None:
        """Raises ValueError where no shard holds one whole window."""
        self.shards = open_shards(shards) if isinstance(shards, (str, Path)) else shards
        self.packing = packing
        extra = 1 if packing.targets else 0
        windows = [
            max(0, (int(shard.header["tokens"]) - extra) // packing.length)
            for shard in self.shards.shards
        ]
        self._firsts = np.concatenate(([0], np.cumsum(windows))).astype(np.int64)
        if not len(self):
            raise ValueError(f"no shard holds {packing.length + extra} tokens: use a smaller length")

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        if not 0 <= index < len(self):
            raise IndexError(f"sequence {index} of {len(self)}")
        number = int(np.searchsorted(self._firsts, index, side="right")) - 1
        shard = self.shards.shards[number]
        length = self.packing.length
        start = (index - int(self._firsts[number])) * length
        extra = 1 if self.packing.targets else 0
        window = np.asarray(shard.tokens[start : start + length + extra], np.int64)
        bounds = segments_of(shard.offsets, start, start + length)
        item = {
            "input_ids": torch.from_numpy(window[:length].copy()),
            "position_ids": torch.from_numpy(positions_of(bounds)),
            "cu_seqlens": torch.from_numpy(bounds),
        }
        if extra:
            labels = window[1:].copy()
            # The last window token may end a document without the window's bounds saying so.
            ends = segments_of(shard.offsets, start, start + length + 1)[1:-1]
            labels[ends[ends > 0] - 1] = -100
            item["labels"] = torch.from_numpy(labels)
        return item


class ShuffledSequences(IterableDataset[dict[str, torch.Tensor]]):
    """Iterable: this rank's share of an epoch, shuffled, resumable in its middle.

    ``state_dict`` is exact between batches whatever the number of workers, if the loop tells how
    far it is: call ``advance(sequences)`` after each batch, as workers run ahead of the loop.
    """

    def __init__(
        self, sequences: PackedSequences, seed: int = 0, rank: int = 0, world_size: int = 1
    ) -> None:
        """Raises ValueError where ``rank`` is not below ``world_size``."""
        if not 0 <= rank < world_size:
            raise ValueError(f"rank {rank} of {world_size}")
        self.sequences = sequences
        self.seed, self.rank, self.world_size = seed, rank, world_size
        self.epoch = 0
        self.consumed = 0

    def __len__(self) -> int:
        """Sequences of a whole epoch of this rank: the same on every rank, the rest left out."""
        return len(self.sequences) // self.world_size

    def set_epoch(self, epoch: int) -> None:
        """Begin another epoch, with another order."""
        self.epoch, self.consumed = epoch, 0

    def advance(self, sequences: int) -> None:
        """The training loop has consumed that many more sequences."""
        self.consumed += sequences

    def order(self) -> NDArray[np.int64]:
        """Indices of this rank's sequences in this epoch, int64[len(self)]."""
        random = np.random.default_rng((self.seed, self.epoch))
        permutation = random.permutation(len(self.sequences))
        return permutation[self.rank :: self.world_size][: len(self)]

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        worker = get_worker_info()
        mine = self.order()[self.consumed :]
        if worker is not None:
            mine = self._turns(mine, worker.id, worker.num_workers)
        return (self.sequences[int(index)] for index in mine)

    def _turns(self, order: NDArray[np.int64], worker: int, workers: int) -> NDArray[np.int64]:
        """A DataLoader takes a whole batch from each worker in turn."""
        size = self.batch_size
        taken = [order[i : i + size] for i in range(worker * size, len(order), workers * size)]
        return np.concatenate(taken or [order[:0]])

    batch_size: int = 1
    """Sequences a batch; `loader` sets it, so that workers can take turns by whole batches."""

    def state_dict(self) -> dict[str, int]:
        """Where the loop is."""
        return {"seed": self.seed, "epoch": self.epoch, "consumed": self.consumed}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from there. Raises ValueError for the state of another seed."""
        if state["seed"] != self.seed:
            raise ValueError(f"the state is of seed {state['seed']}, the dataset of {self.seed}")
        self.epoch, self.consumed = state["epoch"], state["consumed"]


def collate(items: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Stack items; ``cu_seqlens`` become those of the flattened batch, with ``max_seqlen``."""
    batch = {
        name: torch.stack([item[name] for item in items])
        for name in items[0]
        if name != "cu_seqlens"
    }
    length = items[0]["input_ids"].shape[0]
    parts = [item["cu_seqlens"][:-1] + i * length for i, item in enumerate(items)]
    end = torch.tensor([len(items) * length], dtype=torch.int32)
    batch["cu_seqlens"] = torch.cat([*parts, end])
    batch["max_seqlen"] = batch["cu_seqlens"].diff().max()
    return batch


def loader(
    dataset: ShuffledSequences, batch_size: int, workers: int = 0, **options: Any
) -> "torch.utils.data.DataLoader[dict[str, torch.Tensor]]":
    """An ordinary DataLoader over a rank's sequences, whole batches only.

    ``options`` go to DataLoader. The batches do not depend on ``workers``.
    """
    dataset.batch_size = batch_size
    return torch.utils.data.DataLoader(
        dataset,
        batch_size=batch_size,
        num_workers=workers,
        collate_fn=collate,
        drop_last=True,
        **options,
    )
