"""Keys and values of many contexts that share their beginnings: each token's are kept once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

Slots = NDArray[np.int64]
_SPARSE = 2
"""Slots from the first to the last that a forward reads, for each that it needs: where there are
more, a copy of those costs less than attention that has to pass over the others."""


class KeyValues:
    """A pool with a slot for each token that something holds. Not for several threads."""

    def __init__(self) -> None:
        """Empty; it grows as it has to."""
        self._layers: dict[int, Sequence[Any]] = {}
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
        stops = list(accumulate(sizes))
        free = np.flatnonzero(self._uses == 0)
        if len(free) < stops[-1]:
            # In place, because handles count in this array.
            size = len(self._uses) + max(len(self._uses), stops[-1])
            self._uses.resize(size, refcheck=False)
            free = np.flatnonzero(self._uses == 0)
        written = free[: stops[-1]]
        new = [written[stop - size : stop] for size, stop in zip(sizes, stops, strict=True)]
        needed = np.zeros(len(self._uses), bool)
        for slots in (*before, *new):
            needed[slots] = True
        read = np.flatnonzero(needed)
        span = np.arange(read[0], read[-1] + 1)
        if len(span) <= _SPARSE * len(read):
            return Forward(self, before, new, span, _sent(written, device), None)
        return Forward(self, before, new, read, _sent(written, device), _sent(read, device))

    def layer(self, number: int, like: Sequence[Any]) -> Sequence[Any]:
        """Keys and values of a layer, torch tensors [1, heads, slots, width]; ``like``: the same of
        some tokens."""
        kept = self._layers.get(number) or [part[:, :, :0] for part in like]
        if missing := len(self._uses) - kept[0].shape[2]:
            kept = self._layers[number] = [_longer(whole, missing) for whole in kept]
        return kept


@dataclass(frozen=True, eq=False)
class Forward:
    """Tokens that a model is about to be given, and the cache that is handed to it: what models
    ask of those of `transformers`, and no more.

    ``before``, ``new``: slots of the tokens that each context has, and of those to come.
    ``read``: the slots that attention passes over, in their order. They are a part of the pool,
    uncopied, or else ``copied`` says them; ``written`` says the new ones (torch tensors).
    """

    pool: KeyValues
    before: Sequence[Slots]
    new: Sequence[Slots]
    read: Slots
    written: Any
    copied: Any

    @property
    def seen(self) -> NDArray[np.bool_]:
        """[new, read]: a new token sees itself and what is before it in its context."""
        found = np.zeros((len(self.written), len(self.read)), bool)
        stop = 0
        for before, new in zip(self.before, self.new, strict=True):
            rows = found[stop : (stop := stop + len(new))]
            rows[:, np.searchsorted(self.read, before)] = True
            rows[:, np.searchsorted(self.read, new)] = np.tri(len(new), dtype=bool)
        return found

    def hold(self) -> list["Held"]:
        """Handles of the contexts with their new tokens."""
        both = zip(self.before, self.new, strict=True)
        return [self.pool.hold(np.concatenate(slots)) for slots in both]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Slots that are read besides the new ones, of every layer."""
        del layer_idx
        return len(self.read) - len(self.written)

    def update(
        self, key_states: Any, value_states: Any, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[Any, Any]:
        """Put the new tokens' keys and values of a layer, [1, heads, new, width], into the pool;
        those that are read, [1, heads, read, width]."""
        fresh = key_states, value_states
        kept = self.pool.layer(layer_idx, fresh)
        for whole, part in zip(kept, fresh, strict=True):
            whole.index_copy_(2, self.written.to(whole.device), part)
        return self._taken(kept[0]), self._taken(kept[1])

    def _taken(self, whole: Any) -> Any:
        if self.copied is None:
            return whole.narrow(2, int(self.read[0]), len(self.read))
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


def _longer(whole: Any, missing: int) -> Any:
    import torch

    one, heads, _, width = whole.shape
    return torch.cat([whole, whole.new_zeros(one, heads, missing, width)], 2)
