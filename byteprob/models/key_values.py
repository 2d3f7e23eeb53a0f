"""Keys and values of many contexts that share their beginnings: each token's are kept once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

Slots = NDArray[np.int64]
Layer = tuple[Any, Any]
"""Keys and values of a layer, torch tensors [1, heads, slots, width]."""


class KeyValues:
    """A pool with a slot for each token that something holds. Not for several threads."""

    def __init__(self) -> None:
        """Empty; it grows as it has to."""
        self._layers: dict[int, Layer] = {}
        self._uses = np.zeros(0, np.int64)

    @property
    def held(self) -> int:
        """Tokens that are kept."""
        return int((self._uses > 0).sum())

    def hold(self, slots: Slots) -> "Held":
        """Keep the tokens in these slots, which are one context, until the handle is gone."""
        return Held(self, slots, self._uses)

    def forward(self, before: Sequence[Slots], sizes: Sequence[int], device: Any) -> "Forward":
        """What a forward needs that goes on from contexts by ``sizes`` new tokens each.

        It has free slots for them, which `Forward.hold` must keep before there is another.
        """
        count, free = sum(sizes), np.flatnonzero(self._uses == 0)
        if len(free) < count:
            self._grow(max(len(self._uses), count))
            free = np.flatnonzero(self._uses == 0)
        contexts = [
            np.concatenate([slots, free[stop - size : stop]])
            for slots, size, stop in zip(before, sizes, accumulate(sizes), strict=True)
        ]
        needed = np.zeros(len(self._uses), bool)
        for slots in contexts:
            needed[slots] = True
        read, copied = np.flatnonzero(needed), None
        first, stop = int(read[0]), int(read[-1]) + 1
        # A copy costs about as much as attention of one token to what is copied.
        if (stop - first - len(read)) * count > len(read):
            copied = _sent(read, device)
        else:
            read = np.arange(first, stop)
        new = _sent(free[:count], device)
        cache = Cache(self._layers, len(self._uses), new, first, len(read), copied)
        return Forward(self, contexts, sizes, read, cache)

    def _grow(self, more: int) -> None:
        for number, (keys, values) in self._layers.items():
            self._layers[number] = _longer(keys, more), _longer(values, more)
        # In place, because handles count in this array.
        self._uses.resize(len(self._uses) + more, refcheck=False)


@dataclass(frozen=True, eq=False)
class Forward:
    """Tokens that a model is about to be given, and the ``cache`` that is handed to it.

    ``contexts``: of each the slots of its tokens, of which the last of ``sizes`` are new.
    ``read``: the slots that attention passes over, in their order.
    """

    pool: KeyValues
    contexts: Sequence[Slots]
    sizes: Sequence[int]
    read: Slots
    cache: "Cache"

    @property
    def mask(self) -> NDArray[np.float32]:
        """[1, 1, new, read]: 0 for what a new token sees, which is itself and what is before it in
        its context, and else ``-inf``."""
        found = np.full((1, 1, sum(self.sizes), len(self.read)), -np.inf, np.float32)
        rows = iter(found[0, 0])
        for slots, size in zip(self.contexts, self.sizes, strict=True):
            columns = self.read.searchsorted(slots)
            for stop in range(len(slots) - size, len(slots)):
                next(rows)[columns[: stop + 1]] = 0
        return found

    def hold(self) -> list["Held"]:
        """Handles of the contexts."""
        return [self.pool.hold(slots) for slots in self.contexts]


@dataclass(frozen=True, eq=False)
class Cache:
    """What models ask of the caches of `transformers`, and no more. It has tensors and whole
    numbers, which `torch.compile` can follow, and no arrays.

    ``layers``: of a pool with so many ``slots``. ``new``: slots of the new tokens. Slots are read
    where they are, from the ``first`` on so many as ``size``, or else ``copied`` says them.
    """

    layers: dict[int, Layer]
    slots: int
    new: Any
    first: int
    size: int
    copied: Any

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Slots that are read besides the new ones, of every layer."""
        del layer_idx
        new: int = self.new.shape[0]
        return self.size - new

    def update(
        self, key_states: Any, value_states: Any, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[Any, Any]:
        """Put the new tokens' keys and values of a layer, [1, heads, new, width], into the pool;
        those that are read, [1, heads, read, width]."""
        if layer_idx not in self.layers:
            none = key_states[:, :, :0], value_states[:, :, :0]
            self.layers[layer_idx] = _longer(none[0], self.slots), _longer(none[1], self.slots)
        keys, values = self.layers[layer_idx]
        return self._passed(keys, key_states), self._passed(values, value_states)

    def _passed(self, whole: Any, fresh: Any) -> Any:
        whole.index_copy_(2, self.new.to(whole.device), fresh)
        if self.copied is None:
            return whole.narrow(2, self.first, self.size)
        return whole.index_select(2, self.copied.to(whole.device))


class Held:
    """Keeps the keys and values of a context for as long as it lives. ``slots``: of its tokens."""

    __slots__ = ("_uses", "pool", "slots")

    def __init__(self, pool: KeyValues, slots: Slots, uses: NDArray[np.int64]) -> None:
        """See `KeyValues.hold`."""
        self.pool, self.slots, self._uses = pool, slots, uses
        uses[slots] += 1

    def __len__(self) -> int:
        return len(self.slots)

    def __del__(self) -> None:
        self._uses[self.slots] -= 1


def _sent(slots: Slots, device: Any) -> Any:
    import torch

    return torch.from_numpy(slots).to(device)


def _longer(whole: Any, more: int) -> Any:
    import torch

    one, heads, _, width = whole.shape
    return torch.cat([whole, whole.new_zeros(one, heads, more, width)], 2)
