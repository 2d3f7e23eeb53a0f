"""Byte sequences cut into patches: what patchers make and layouts take."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Offsets
from tokenkit.errors import PatchError
from tokenkit.tokens import Ragged

BOS, EOS = 256, 257
"""Ids beside those of the 256 bytes, where sequences are framed."""


@dataclass(frozen=True, eq=False)
class Patches:
    """A batch of sequences, each a row of patches that follow one another.

    ``values``: uint8[bytes], or uint16 where there are ids beside those of bytes, all rows end to
    end; ``offsets``: int64[patches + 1], patch ``j`` is ``values[offsets[j]:offsets[j + 1]]``;
    ``rows``: int64[rows + 1], row ``i`` has the patches from ``rows[i]`` up to ``rows[i + 1]``.
    No patch is empty; a row may be.
    """

    values: NDArray[Any]
    offsets: Offsets
    rows: Offsets

    def __len__(self) -> int:
        return len(self.rows) - 1

    def __getitem__(self, row: int) -> Ragged:
        """The patches of a row. Raises IndexError outside the batch."""
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of a batch of {len(self)}")
        row %= len(self)
        offsets = self.offsets[self.rows[row] : self.rows[row + 1] + 1]
        return Ragged(self.values[offsets[0] : offsets[-1]], offsets - offsets[0])

    def __iter__(self) -> Iterator[Ragged]:
        return (self[row] for row in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Patches):
            return NotImplemented
        pairs = zip(
            (self.values, self.offsets, self.rows),
            (other.values, other.offsets, other.rows),
            strict=True,
        )
        return all(np.array_equal(mine, theirs) for mine, theirs in pairs)

    __hash__ = None  # type: ignore[assignment]

    @staticmethod
    def of(rows: list[list[bytes]]) -> "Patches":
        """From patches that are at hand, as in tests and examples. Raises PatchError for an empty
        one."""
        flat = [patch for row in rows for patch in row]
        if not all(flat):
            raise PatchError("a patch has at least one byte")
        values = np.frombuffer(bytearray().join(flat), np.uint8)
        return Patches(values, sums([len(p) for p in flat]), sums([len(row) for row in rows]))

    @property
    def bounds(self) -> Offsets:
        """int64[rows + 1]: where each row begins in ``values``."""
        return self.offsets[self.rows]

    @property
    def sequences(self) -> Ragged:
        """The rows uncut."""
        return Ragged(self.values, self.bounds)

    @property
    def lengths(self) -> Ragged:
        """Lengths of the patches of each row, int64."""
        return Ragged(np.diff(self.offsets), self.rows)

    @property
    def starts(self) -> Ragged:
        """Where the patches of each row begin, counted from the row's first byte, int64."""
        firsts = np.repeat(self.bounds[:-1], np.diff(self.rows))
        return Ragged(self.offsets[:-1] - firsts, self.rows)

    def framed(self, bos: int | None = BOS, eos: int | None = EOS) -> "Patches":
        """Each row with ``bos`` before it and ``eos`` behind it, each a patch of its own; uint16.

        None leaves one out.
        """
        sides = [(self.rows[:-1], bos)] if bos is not None else []
        sides += [(self.rows[1:], eos)] if eos is not None else []
        if not sides:
            return self
        # In the order of the text: a row's end comes before the beginning of the next.
        at = np.stack([side for side, _ in sides], axis=1).reshape(-1)
        ids = np.tile([id_ for _, id_ in sides], len(self))
        values = np.insert(self.values.astype(np.uint16), self.offsets[at], ids)
        lengths = np.insert(np.diff(self.offsets), at, 1)
        return Patches(values, sums(lengths), self.rows + len(sides) * np.arange(len(self.rows)))

    def unframed(self, bos: int | None = BOS, eos: int | None = EOS) -> "Patches":
        """The inverse of `framed`: uint8.

        Raises PatchError where a row is not framed so, or has other ids beside those of bytes.
        """
        least = int(bos is not None) + int(eos is not None)
        counts = np.diff(self.rows)
        if (counts < least).any():
            raise PatchError(f"row {int(np.argmin(counts))} has no room for bos={bos}, eos={eos}")
        drop = [self.rows[:-1]] if bos is not None else []
        drop += [self.rows[1:] - 1] if eos is not None else []
        kept = np.ones(len(self.offsets) - 1, np.bool_)
        for patches in drop:
            kept[patches] = False
        lengths = np.diff(self.offsets)
        values = self.values[np.repeat(kept, lengths)]
        rows = self.rows - least * np.arange(len(self.rows))
        bare = Patches(values.astype(np.uint8), sums(lengths[kept]), rows)
        if bare.framed(bos, eos) != self:
            raise PatchError(f"the rows are not bytes framed by bos={bos}, eos={eos}")
        return bare


def sums(lengths: Any) -> Offsets:
    """int64[n + 1]: the offsets of stretches of these lengths, end to end."""
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)))
