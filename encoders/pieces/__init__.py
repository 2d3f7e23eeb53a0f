"""Pieces already encoded, remembered: what makes encoding fast, as most pieces come again."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Ids

LONGEST = 256
"""Bytes of a piece that is remembered; longer ones hardly ever come again."""
BATCH = 1024
"""Pieces looked up together: enough misses to work on side by side, few enough for the L2 cache."""
_SPECIAL = 2  # rows of the table that are no entries


@dataclass
class PieceCache:
    """A hash table of 32-byte entries, and an arena for pieces of many ids or bytes.

    It belongs to one thread. It starts small, so that it stays in the processor's cache while the
    text is narrow, and grows to ``limit`` bytes; then it starts anew, which measured no slower on
    a long tail than any replacement policy tried.
    """

    limit: int = 64 << 20
    table: NDArray[np.uint64] = field(default_factory=lambda: _cleared(1 << 13))
    # One batch always fits: what `look_up` takes for what its pieces may need.
    arena: Ids = field(default_factory=lambda: np.empty(BATCH * (3 * LONGEST + 64), np.uint32))
    state: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))
    keys: tuple[NDArray[Any], ...] = field(
        default_factory=lambda: (
            *(np.empty(BATCH, np.uint64) for _ in range(3)),
            np.empty(BATCH, np.int64),
            np.empty(BATCH, np.uint64),
        )
    )

    @property
    def arguments(self) -> tuple[Any, ...]:
        """As the kernels take it."""
        return (self.table, self.arena, self.state), self.keys

    def make_room(self) -> None:
        """For one batch."""
        from encoders.pieces import _kernels

        full = self.state[0] + BATCH > 3 * len(self.table) // 4
        grown = self.table.nbytes + self.arena.nbytes
        grown += self.table.nbytes if full else self.arena.nbytes
        if grown > self.limit:
            _kernels.clear_cache(self.table, self.state)
        elif full:
            larger = _cleared(2 * (len(self.table) - _SPECIAL))
            _kernels.rehash(self.table, larger)
            self.table = larger
        else:
            self.arena = np.concatenate((self.arena, np.empty_like(self.arena)))


def _cleared(entries: int) -> NDArray[np.uint64]:
    from encoders.pieces import _kernels

    table = np.zeros((entries + _SPECIAL, 4), np.uint64)
    _kernels.mark_special(table)
    return table
