"""Prepared shards as PyTorch datasets: packed sequences in an order that can be resumed exactly.

An epoch is one permutation of all sequences, given by seed and epoch alone. Rank ``r`` of ``w``
takes every ``w``-th of them from the ``r``-th on; within a rank the workers of a DataLoader take
turns batch by batch, so a rank's batches are the same for any number of workers. What was consumed
is counted by the loop's side, because workers run ahead: `Loader` does that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from tokenkit.corpus.packing import positions_of
from tokenkit.corpus.shards import ShardSet, open_shards

Item = dict[str, torch.Tensor]

IGNORED = -100
"""The label that losses of torch and transformers leave out."""
_BLOCK = 4096
_ROUNDS = 6


@dataclass(frozen=True)
class Packing:
    """How tokens become sequences: ``length`` of them each, the last sequence filled up with the id
    ``fill``. With ``targets`` an item has ``labels``, the tokens moved by one."""

    length: int
    targets: bool = True
    fill: int = 0


class PackedSequences(Dataset[Item]):
    """Map-style: sequence ``i`` is tokens ``i * length`` to ``(i + 1) * length`` of all shards.

    Every token of every document is in exactly one sequence. An item has

    - ``input_ids``: int64[length];
    - ``position_ids``: int64[length], from 0 at each document's first token in the sequence;
    - ``cu_seqlens``: int32, from 0 to length by way of the document bounds, as flash-attention
      takes them; what only fills up is a segment of its own;
    - ``labels``, with targets: int64[length], `IGNORED` where the next token is of another
      document, or is not there.
    """

    def __init__(self, shards: ShardSet | str | Path, packing: Packing) -> None:
        """Raises ValueError where there are no tokens or ``packing.length`` is not positive."""
        self.shards = open_shards(shards) if isinstance(shards, (str, Path)) else shards
        self.packing = packing
        if packing.length < 1:
            raise ValueError(f"sequences of {packing.length} tokens")
        # Shards that were packed may end with ids that only fill up.
        used = [
            int(s.header["tokens"]) - int(s.header.get("filling", 0)) for s in self.shards.shards
        ]
        self._starts = np.concatenate(([0], np.cumsum(used))).astype(np.int64)
        if not self._starts[-1]:
            raise ValueError(f"there are no tokens in {self.shards.folder}")

    def __reduce__(self) -> tuple[Any, ...]:
        # Without this, a worker process would be sent what the memory maps hold.
        fresh = tuple(replace(shard) for shard in self.shards.shards)
        return type(self), (replace(self.shards, shards=fresh), self.packing)

    def __len__(self) -> int:
        return 1 + (int(self._starts[-1]) - 1) // self.packing.length

    def __getitem__(self, index: int) -> Item:
        if not 0 <= index < len(self):
            raise IndexError(f"sequence {index} of {len(self)}")
        length = self.packing.length
        start = index * length
        tokens, bounds = self._read(start, start + length + 1)
        window = np.full(length + 1, self.packing.fill, np.int64)
        window[: len(tokens)] = tokens
        filled = min(len(tokens), length)
        cuts = np.union1d(bounds[bounds < length], [0, filled, length]).astype(np.int32)
        item = {
            "input_ids": torch.from_numpy(window[:length]),
            "position_ids": torch.from_numpy(positions_of(cuts)),
            "cu_seqlens": torch.from_numpy(cuts),
        }
        if self.packing.targets:
            labels = window[1:].copy()
            labels[bounds[bounds > 0] - 1] = IGNORED
            labels[max(0, len(tokens) - 1) :] = IGNORED
            item["labels"] = torch.from_numpy(labels)
        return item

    def _read(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Tokens from start to stop, fewer at the end, and where documents begin among them."""
        stop = min(stop, int(self._starts[-1]))
        tokens, bounds = [], []
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        for number in range(first, len(self.shards.shards)):
            origin = int(self._starts[number])
            if origin >= stop:
                break
            shard = self.shards.shards[number]
            end = min(stop, int(self._starts[number + 1])) - origin
            begin = max(start - origin, 0)
            tokens.append(np.asarray(shard.tokens[begin:end], np.int64))
            low, high = np.searchsorted(shard.offsets, [begin, end], side="left")
            bounds.append(np.asarray(shard.offsets[low:high]) + origin - start)
        return np.concatenate(tokens), np.unique(np.concatenate(bounds))


class WholeDocuments(Dataset[Item]):
    """Map-style: item ``i`` is ``input_ids``, int64[n], of a document, for collators that pad."""

    def __init__(self, shards: ShardSet | str | Path) -> None:
        self.shards = open_shards(shards) if isinstance(shards, (str, Path)) else shards

    def __reduce__(self) -> tuple[Any, ...]:
        fresh = tuple(replace(shard) for shard in self.shards.shards)
        return type(self), (replace(self.shards, shards=fresh),)

    def __len__(self) -> int:
        return len(self.shards)

    def __getitem__(self, index: int) -> Item:
        ids = np.array(self.shards.document(index), np.int64)
        return {"input_ids": torch.from_numpy(ids)}


def permuted(indices: NDArray[np.int64], size: int, seed: int, epoch: int = 0) -> NDArray[np.int64]:
    """Where a permutation of ``0 … size - 1`` sends ``indices``; int64, of the same shape.

    A Feistel network over the next even number of bits with cycle walking (Black and Rogaway,
    "Ciphers with Arbitrary Finite Domains", 2002): no table, and the same order in every version
    of NumPy. It is for shuffling, not for secrets.
    """
    half = np.uint64(max(1, -(-(size - 1).bit_length() // 2)))
    mask = np.uint64((1 << int(half)) - 1)
    keys = _mixed(np.arange(_ROUNDS, dtype=np.uint64) + _key(seed, epoch))
    found = np.array(indices, np.uint64)
    outside = np.ones(found.shape, np.bool_)
    while outside.any():
        left, right = found[outside] >> half, found[outside] & mask
        for key in keys:
            left, right = right, left ^ (_mixed(right + key) & mask)
        found[outside] = (left << half) | right
        outside = found >= size
    return found.astype(np.int64)


def _key(seed: int, epoch: int) -> np.uint64:
    both = np.array([seed & (1 << 64) - 1, epoch], np.uint64)
    return np.uint64(_mixed(_mixed(both[:1]) ^ both[1:])[0] & np.uint64((1 << 62) - 1))


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


class ShuffledSequences(IterableDataset[Item]):
    """Iterable: a rank's share of an epoch over a map-style dataset, from ``consumed`` on.

    ``even``: ranks get equally many sequences, up to ``world_size - 1`` of an epoch being left out
    (others in each epoch), as synchronous training needs. Otherwise every sequence is seen once.
    """

    def __init__(
        self,
        sequences: Dataset[Item],
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        *,
        shuffle: bool = True,
        even: bool = True,
    ) -> None:
        """Raises ValueError where ``rank`` is not below ``world_size``."""
        if not 0 <= rank < world_size:
            raise ValueError(f"rank {rank} of {world_size}")
        self.sequences = sequences
        self.seed, self.rank, self.world_size = seed, rank, world_size
        self.shuffle, self.even = shuffle, even
        self.epoch = 0
        self.consumed = 0
        """Sequences of this rank that the loop has had in this epoch."""
        self.batch_size = 1
        """Sequences a batch: what workers take turns by. `Loader` sets it."""

    def __len__(self) -> int:
        """Sequences of a whole epoch of this rank."""
        size = len(self.sequences)  # type: ignore[arg-type]
        return (size if self.even else size + self.world_size - 1 - self.rank) // self.world_size

    def set_epoch(self, epoch: int) -> None:
        """Begin another epoch, with another order."""
        self.epoch, self.consumed = epoch, 0

    def advance(self, sequences: int) -> None:
        """The loop has had that many more. For loops that do not use `Loader`."""
        self.consumed += sequences

    def order(self, start: int = 0, stop: int | None = None) -> NDArray[np.int64]:
        """Indices of this rank's sequences ``start`` to ``stop`` of this epoch, int64."""
        stop = len(self) if stop is None else min(stop, len(self))
        places = self.rank + self.world_size * np.arange(start, stop)
        if not self.shuffle:
            return places
        return permuted(places, len(self.sequences), self.seed, self.epoch)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Item]:
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        turn = self.batch_size * workers
        # Whole rounds of turns at a time, so that the order is never in memory as a whole.
        step = max(1, _BLOCK // turn) * turn
        for start in range(self.consumed, len(self), step):
            block = self.order(start, start + step)
            mine = np.arange(len(block)) // self.batch_size % workers == number
            for index in block[mine].tolist():
                yield self.sequences[index]

    def state_dict(self) -> dict[str, int]:
        """Where the loop is. The same on every rank after equally many batches."""
        return {
            "seed": self.seed,
            "epoch": self.epoch,
            "consumed_by_all": self.consumed * self.world_size,
        }

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from there, with any number of workers, and of ranks if they divide what was had.

        Raises ValueError for the state of another seed, or one that these ranks cannot share.
        """
        if state["seed"] != self.seed:
            raise ValueError(f"the state is of seed {state['seed']}, the dataset of {self.seed}")
        consumed, rest = divmod(state["consumed_by_all"], self.world_size)
        if rest:
            raise ValueError(
                f"{state['consumed_by_all']} sequences were consumed, which {self.world_size} "
                "ranks cannot have shared equally"
            )
        self.epoch, self.consumed = state["epoch"], consumed


def collate(items: Sequence[Item]) -> Item:
    """Stack items to [batch, length].

    ``cu_seqlens`` become those of the flattened batch, with ``max_seqlen`` beside them.
    """
    stacked = [name for name in items[0] if name != "cu_seqlens"]
    batch = {name: torch.stack([item[name] for item in items]) for name in stacked}
    length = items[0]["input_ids"].shape[0]
    parts = [item["cu_seqlens"][:-1] + i * length for i, item in enumerate(items)]
    end = torch.tensor([len(items) * length], dtype=torch.int32)
    batch["cu_seqlens"] = torch.cat([*parts, end])
    batch["max_seqlen"] = batch["cu_seqlens"].diff().max()
    return batch


class Loader:
    """Batches of a rank by an ordinary DataLoader, with exact resume in the middle of an epoch.

    Each ``iter`` gives what is left of the epoch and then begins the next one. ``state_dict`` after
    a batch says that this batch was had, however far the workers have read ahead.
    """

    def __init__(
        self,
        dataset: ShuffledSequences,
        batch_size: int,
        workers: int = 0,
        *,
        drop_last: bool = True,
        **options: Any,
    ) -> None:
        """``options`` go to `torch.utils.data.DataLoader`; batches do not depend on ``workers``.

        ``drop_last`` leaves out an epoch's last batch where it is smaller than the others.
        """
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self._workers, self._options = workers, {"collate_fn": collate, **options}

    def __len__(self) -> int:
        """Batches that are left of this epoch."""
        left = len(self.dataset) - self.dataset.consumed
        return left // self.batch_size if self.drop_last else -(-left // self.batch_size)

    def __iter__(self) -> Iterator[Item]:
        self.dataset.batch_size = self.batch_size
        batches: DataLoader[Item] = DataLoader(
            _Finite(self.dataset),
            batch_size=self.batch_size,
            num_workers=self._workers,
            **self._options,
        )
        total = len(self.dataset)
        for _, batch in zip(range(len(self)), batches, strict=False):
            self.dataset.consumed = min(self.dataset.consumed + self.batch_size, total)
            yield batch
        self.dataset.set_epoch(self.dataset.epoch + 1)

    def state_dict(self) -> dict[str, int]:
        """See `ShuffledSequences.state_dict`."""
        return self.dataset.state_dict()

    def load_state_dict(self, state: dict[str, int]) -> None:
        """See `ShuffledSequences.load_state_dict`."""
        self.dataset.load_state_dict(state)


class _Finite(IterableDataset[Item]):
    """The dataset without ``__len__``, which DataLoader would hold against a resumed epoch."""

    def __init__(self, dataset: ShuffledSequences) -> None:
        self._dataset = dataset

    def __iter__(self) -> Iterator[Item]:
        return iter(self._dataset)
