"""Keys and values of many contexts that share their beginnings: each token's are kept once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Slots = NDArray[np.int64]
Layers = Sequence[tuple[Any, Any]]
"""Of each layer, keys and values: torch tensors [1, heads, tokens, width]."""


class KeyValues:
    """A pool with a slot for each token that something holds. Not for several threads."""

    def __init__(self) -> None:
        """Empty; it grows as it has to."""
        self._layers: list[tuple[Any, Any]] = []  # [slots, heads, width]
        self._uses = np.zeros(0, np.int64)

    @property
    def held(self) -> int:
        """Tokens that are kept."""
        return int((self._uses > 0).sum())

    def hold(self, slots: Slots) -> "Held":
        """Keep the tokens in these slots, which are one context, until the handle is gone."""
        return Held(self, slots, self._uses)

    def put(self, layers: Layers) -> Slots:
        """Keys and values of new tokens into free slots, which `hold` must keep at once."""
        size = layers[0][0].shape[2]
        free = np.flatnonzero(self._uses == 0)
        if len(free) < size:
            self._grow(layers, max(2 * len(self._uses), len(self._uses) + size))
            free = np.flatnonzero(self._uses == 0)
        slots: Slots = free[:size]
        for kept, new in zip(self._layers, layers, strict=True):
            for whole, part in zip(kept, new, strict=True):
                whole[_on(whole, slots)] = part[0].transpose(0, 1)
        return slots

    def take(self, slots: Slots) -> Layers:
        """Keys and values of these slots, in their order."""
        return [
            (
                keys[_on(keys, slots)].transpose(0, 1)[None],
                values[_on(values, slots)].transpose(0, 1)[None],
            )
            for keys, values in self._layers
        ]

    def _grow(self, layers: Layers, size: int) -> None:
        grown = []
        for i, new in enumerate(layers):
            wider = []
            for j, part in enumerate(new):
                whole = part.new_zeros(size, part.shape[1], part.shape[3])
                if self._layers:
                    whole[: len(self._uses)] = self._layers[i][j]
                wider.append(whole)
            grown.append((wider[0], wider[1]))
        self._layers = grown
        # In place, because handles count in this array.
        self._uses.resize(size, refcheck=False)


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


def _on(tensor: Any, slots: Slots) -> Any:
    """The slots as an index of a tensor, on its device."""
    import torch

    return torch.from_numpy(slots).to(tensor.device)
