"""Byte shards with patches as PyTorch datasets: sequences of whole patches.

They go through `tokenkit.adapters.torch_data`'s `ShuffledSequences` and `Loader` as any other, with
the same order and resume; give `Loader` one of the ``collate_`` functions here, for packed, padded
or dense batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from tokenkit.adapters.torch_data import Item
from tokenkit.corpus.shards import Shard, ShardSet, open_shards
from tokenkit.words import Dense, Patches
from tokenkit.words.patches import sums


@dataclass(frozen=True)
class Patching:
    """How patches become sequences: ``patches`` of them each.

    ``width``: of a dense item's rows, or None for ids end to end; ``fill``: the id that fills up.
    """

    patches: int
    width: int | None = None
    fill: int = 0


class PatchSequences(Dataset[Item]):
    """Map-style: sequence ``i`` is patches ``i * n`` to ``(i + 1) * n`` of all shards.

    Every patch of every document is in exactly one sequence; the last has fewer. An item has

    - ``input_ids``: int64[bytes], the patches end to end; or with a width int64[n, width], a row
      for each patch, filled up;
    - ``patch_lengths``: int64[n], 0 behind the last patch of all;
    - ``cu_seqlens``: int32, from 0 to n by way of the bounds of documents, counted in patches, as
      flash-attention takes them in the model over patches. What only fills up is a segment.
    """

    def __init__(self, shards: ShardSet | str | Path, patching: Patching) -> None:
        """Raises ValueError where there are no patches, ``patching.patches`` is not positive, or a
        patch is longer than ``patching.width``; ShardError where the shards have no patches."""
        self.shards = open_shards(shards) if isinstance(shards, (str, Path)) else shards
        self.patching = patching
        if patching.patches < 1:
            raise ValueError(f"sequences of {patching.patches} patches")
        headers = [shard.patches.header for shard in self.shards.shards]
        self._firsts = sums([int(header["tokens"]) for header in headers])
        if not self._firsts[-1]:
            raise ValueError(f"there are no patches in {self.shards.folder}")
        longest = max(int(header["longest"]) for header in headers)
        if patching.width is not None and longest > patching.width:
            raise ValueError(
                f"a patch of {longest} bytes does not fit rows of {patching.width}: prepare with "
                f"max_patch_length {patching.width}, or give a width of {longest}"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        # Without this, a worker process would be sent what the memory maps hold.
        fresh = tuple(replace(shard) for shard in self.shards.shards)
        return type(self), (replace(self.shards, shards=fresh), self.patching)

    def __len__(self) -> int:
        return 1 + (int(self._firsts[-1]) - 1) // self.patching.patches

    def __getitem__(self, index: int) -> Item:
        if not 0 <= index < len(self):
            raise IndexError(f"sequence {index} of {len(self)}")
        count, width = self.patching.patches, self.patching.width
        patches = self.read(index)
        lengths = np.diff(patches.offsets)
        missing = count - len(lengths)
        if width is None:
            ids = patches.values.astype(np.int64)
        else:
            ids = Dense.of(patches, width, self.patching.fill).ids
            ids = np.pad(ids, ((0, missing), (0, 0)), constant_values=self.patching.fill)
        cuts = np.union1d(patches.rows, [count]).astype(np.int32)
        return {
            "input_ids": torch.from_numpy(ids),
            "patch_lengths": torch.from_numpy(np.pad(lengths, (0, missing))),
            "cu_seqlens": torch.from_numpy(cuts),
        }

    def read(self, index: int) -> Patches:
        """The patches of a sequence; a row for each document that has some of them."""
        start = index * self.patching.patches
        stop = min(start + self.patching.patches, int(self._firsts[-1]))
        values, lengths, rows = [], [], [np.zeros(1, np.int64)]
        first = int(np.searchsorted(self._firsts, start, side="right")) - 1
        for number in range(first, len(self.shards.shards)):
            origin = int(self._firsts[number])
            if origin >= stop:
                break
            begin = max(start - origin, 0)
            end = min(stop, int(self._firsts[number + 1])) - origin
            ids, sizes, ends = _between(self.shards.shards[number], begin, end)
            values.append(ids)
            lengths.append(sizes)
            rows.append(ends + origin - start)
        return Patches(np.concatenate(values), sums(np.concatenate(lengths)), np.concatenate(rows))


def _between(shard: Shard, begin: int, end: int) -> tuple[Any, Any, Any]:
    """Ids of the patches of a shard from ``begin`` to ``end``, their lengths, and where documents
    end among the shard's patches."""
    starts = np.asarray(shard.patches.tokens[begin : end + 1], np.int64)
    if len(starts) == end - begin:
        starts = np.append(starts, shard.offsets[-1])
    index = shard.patches.offsets
    low, high = np.searchsorted(index, [begin, end], side="right")
    ends = np.append(index[low:high], end)
    return shard.tokens[starts[0] : starts[-1]], np.diff(starts), np.unique(ends)


def collate_padded(items: Sequence[Item], fill: int = 0) -> Item:
    """Batches as BLT takes them: ``input_ids`` int64[batch, bytes], filled up with ``fill``, and
    ``patch_lengths`` int64[batch, n], which add up to the bytes of each row.

    Dense items are stacked: int64[batch, n, width]. ``cu_seqlens`` become those of the flattened
    [batch * n], with ``max_seqlen`` beside them.
    """
    ids = [item["input_ids"] for item in items]
    padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=fill)
    return {"input_ids": padded, **_collated(items)}


def collate_packed(items: Sequence[Item]) -> Item:
    """Batches without filling: ``input_ids`` int64[bytes] of all items end to end.

    ``patch_cu_seqlens``: int32, where each patch begins, for attention inside patches, with
    ``max_patch``, the longest; ``patch_lengths``, ``cu_seqlens`` and ``max_seqlen`` as in
    `collate_padded`. Not for dense items.
    """
    batch = _collated(items)
    lengths = batch["patch_lengths"].flatten()
    lengths = lengths[lengths > 0]
    ends = torch.nn.functional.pad(lengths.cumsum(0), (1, 0)).to(torch.int32)
    ids = torch.cat([item["input_ids"] for item in items])
    return {"input_ids": ids, "patch_cu_seqlens": ends, "max_patch": lengths.max(), **batch}


def _collated(items: Sequence[Item]) -> Item:
    lengths = torch.stack([item["patch_lengths"] for item in items])
    count = lengths.shape[1]
    parts = [item["cu_seqlens"][:-1] + i * count for i, item in enumerate(items)]
    end = torch.tensor([len(items) * count], dtype=torch.int32)
    cuts = torch.cat([*parts, end])
    return {"patch_lengths": lengths, "cu_seqlens": cuts, "max_seqlen": cuts.diff().max()}
