"""The few types that all parts share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Ragged:
    """A batch of rows of different lengths: row ``i`` is ``values[offsets[i]:offsets[i + 1]]``.

    ``values``: any dtype (token ids are uint32); ``offsets``: int64[rows + 1], beginning at 0.
    The layout is that of an Arrow list array and of flash-attention's ``cu_seqlens``.
    """

    values: NDArray[Any]
    offsets: NDArray[np.int64]

    @staticmethod
    def from_rows(rows: Sequence[Any], dtype: Any = np.uint32) -> "Ragged":
        """A batch from sequences."""
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        values = np.concatenate([np.asarray(row, dtype) for row in rows] or [np.empty(0, dtype)])
        return Ragged(values, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> NDArray[Any]:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of a batch of {len(self)}")
        row %= len(self)
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[row] for row in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ragged):
            return NotImplemented
        return np.array_equal(self.offsets, other.offsets) and np.array_equal(
            self.values, other.values
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """int64[rows]."""
        return np.diff(self.offsets)

    def to_lists(self) -> list[list[Any]]:
        """Rows as Python lists."""
        return [row.tolist() for row in self]

    def to_arrow(self) -> Any:
        """A pyarrow LargeListArray over the same memory."""
        import pyarrow

        return pyarrow.LargeListArray.from_arrays(
            pyarrow.array(self.offsets), pyarrow.array(self.values)
        )

    def cu_seqlens(self) -> NDArray[np.int32]:
        """int32[rows + 1], as flash-attention takes it.

        Raises OverflowError where the batch has 2**31 values or more.
        """
        if self.offsets[-1] > np.iinfo(np.int32).max:
            raise OverflowError(f"{self.offsets[-1]} values do not fit int32 offsets")
        return self.offsets.astype(np.int32)

    def to_padded(
        self, fill: int, length: int | None = None, left: bool = False
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """A matrix [rows, length] filled up with ``fill``, and the mask of what is not filling.

        ``length`` is that of the longest row unless given; longer rows are cut at their end.
        """
        width = int(self.lengths.max(initial=0)) if length is None else length
        matrix = np.full((len(self), width), fill, self.values.dtype)
        kept = np.minimum(self.lengths, width)
        columns = np.arange(width)
        mask = columns >= (width - kept)[:, None] if left else columns < kept[:, None]
        rows, at = np.nonzero(mask)
        shift = (width - kept)[rows] if left else 0
        matrix[rows, at] = self.values[self.offsets[:-1][rows] + at - shift]
        return matrix, mask
