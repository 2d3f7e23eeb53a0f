"""Cutting ids to a length and filling batches up to one, as `tokenizers` does."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Ids
from tokenkit.errors import EncodeError
from tokenkit.tokens import Ragged

Side = Literal["left", "right"]


@dataclass(frozen=True)
class Truncation:
    """At most ``max_length`` ids, those that a template adds included.

    ``direction``: the side that is cut; ``stride``: ids that one window shares with the next in
    `windows`; ``strategy``: which text of a pair is cut.
    """

    max_length: int
    direction: Side = "right"
    stride: int = 0
    strategy: Literal["longest_first", "only_first", "only_second"] = "longest_first"

    def __post_init__(self) -> None:
        if self.max_length < 0 or not 0 <= self.stride <= max(0, self.max_length - 1):
            raise ValueError(f"stride {self.stride} must be less than max_length {self.max_length}")

    @staticmethod
    def from_json(entry: dict[str, Any]) -> "Truncation":
        """From ``truncation`` of a tokenizer.json."""
        strategies: dict[str, Any] = {
            "LongestFirst": "longest_first",
            "OnlyFirst": "only_first",
            "OnlySecond": "only_second",
        }
        side: Side = "left" if entry.get("direction") == "Left" else "right"
        return Truncation(entry["max_length"], side, entry["stride"], strategies[entry["strategy"]])

    def cut(self, ids: Ids, reserved: int = 0) -> Ids:
        """The ids that stay where ``reserved`` more will be added."""
        return self.windows(ids, reserved)[0]

    def windows(self, ids: Ids, reserved: int = 0) -> list[Ids]:
        """All of the ids, in windows that overlap by ``stride``; the first is what `cut` keeps.

        Raises EncodeError where ``reserved`` leaves no room for the stride.
        """
        length = self._room(reserved)
        if len(ids) <= length:
            return [ids]
        if length == 0:
            return [ids[:0]]
        step = length - self.stride
        if step <= 0:
            raise EncodeError(
                f"max_length {self.max_length} less {reserved} added ids leaves no room for a "
                f"stride of {self.stride}"
            )
        count = 1 + -(-(len(ids) - length) // step)
        if self.direction == "right":
            return [ids[step * i : step * i + length] for i in range(count)]
        ends = [len(ids) - step * i for i in range(count)]
        return [ids[max(0, end - length) : end] for end in ends]

    def cut_pair(self, first: Ids, second: Ids, reserved: int = 0) -> tuple[Ids, Ids]:
        """The ids of a pair that stay where ``reserved`` more will be added.

        Raises EncodeError where ``strategy`` names a text that is too short to take the cut.
        """
        length = self._room(reserved)
        excess = len(first) + len(second) - length
        if excess <= 0:
            return first, second
        if length == 0:
            return first[:0], second[:0]
        if self.strategy == "longest_first":
            kept = _longest_first(len(first), len(second), length)
            return self._keep(first, kept[0]), self._keep(second, kept[1])
        target = first if self.strategy == "only_first" else second
        if len(target) <= excess:
            raise EncodeError(
                f"{self.strategy}: {excess} ids must go and that text has {len(target)}"
            )
        kept_target = self._keep(target, len(target) - excess)
        return (kept_target, second) if target is first else (first, kept_target)

    def _room(self, reserved: int) -> int:
        if reserved > self.max_length:
            raise EncodeError(f"max_length {self.max_length} is less than {reserved} added ids")
        return self.max_length - reserved

    def _keep(self, ids: Ids, length: int) -> Ids:
        return ids[:length] if self.direction == "right" else ids[len(ids) - length :]


def _longest_first(first: int, second: int, length: int) -> tuple[int, int]:
    """Lengths after cutting the longer one first, then both alike."""
    short, long = sorted((first, second))
    long = short if short > length else max(short, length - short)
    if short + long > length:
        short = length // 2
        long = short + length % 2
    return (short, long) if first <= second else (long, short)


@dataclass(frozen=True)
class Padding:
    """Rows filled up with ``id`` to the longest of the batch, or to ``length``.

    ``multiple_of`` rounds the length up; ``direction`` is the side that is filled.
    """

    id: int = 0
    type_id: int = 0
    length: int | None = None
    multiple_of: int | None = None
    direction: Side = "right"

    @staticmethod
    def from_json(entry: dict[str, Any]) -> "Padding":
        """From ``padding`` of a tokenizer.json."""
        strategy = entry["strategy"]
        return Padding(
            entry["pad_id"],
            entry["pad_type_id"],
            strategy["Fixed"] if isinstance(strategy, dict) else None,
            entry["pad_to_multiple_of"],
            "left" if entry["direction"] == "Left" else "right",
        )

    def width(self, lengths: NDArray[np.int64]) -> int:
        """The length to fill rows of these lengths to.

        Raises EncodeError where a row is longer than the fixed ``length``.
        """
        longest = int(lengths.max(initial=0))
        width = longest if self.length is None else self.length
        if self.multiple_of and width % self.multiple_of:
            width += self.multiple_of - width % self.multiple_of
        if longest > width:
            raise EncodeError(
                f"a row of {longest} ids does not fit padding to {width}: truncate it too"
            )
        return width

    def apply(self, batch: Ragged) -> "Padded":
        """The batch as a matrix."""
        left = self.direction == "left"
        matrix, mask = batch.to_padded(self.id, self.width(batch.lengths), left)
        return Padded(matrix, mask)


@dataclass(frozen=True, eq=False)
class Padded:
    """``ids``: uint32[rows, length]; ``mask``: bool[rows, length], false where it is filling."""

    ids: NDArray[np.uint32]
    mask: NDArray[np.bool_]
