"""Numbers as tokens of their own, among those of another tokenizer."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import PADDING, Bytes, Ids, Offsets

MOST_DIGITS = 510
"""Digits before the point, and behind it, that a number may have under any layout."""
_TOKENS = 4 * MOST_DIGITS + 16  # that a number may have

Encode = Callable[[Bytes, Offsets], tuple[Ids, Offsets]]
"""Documents in a padded buffer, and their bounds, to ids and theirs."""


@dataclass(frozen=True)
class Layout:
    """Which tokens a number becomes, in numbers as the kernels take them.

    ``group``: digits in a token, 1 to 4; ``form``: 0 groups without suffix, 1 suffix in the token,
    2 suffix apart; ``zeros``: 0 every width has its token, 1 zeros of the first and last group are
    marked, 2 they are lost; ``leftward``: whether groups without suffix begin at the left;
    ``separators``: what becomes of thousands separators: 0 text, 1 marked, 2 lost; ``indian``:
    where marked ones belong; then the first id of all, and how far behind it the suffixes, the
    markers of leading and trailing zeros and those of separators begin.
    """

    group: int
    form: int
    zeros: int
    leftward: bool
    separators: int
    indian: bool
    first: int
    suffixes: int
    leading: int
    trailing: int
    marks: int

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """All of it, in order."""
        return tuple(int(getattr(self, name)) for name in self.__dataclass_fields__)


class NumberTokens(NamedTuple):
    """The tokens of numbers: ``ids`` int64[n], -1 for a decimal point, -2 and -3 for thousands
    separators that the base tokenizer encodes; ``spans`` int64[n, 2] of bytes, empty for markers;
    ``power`` int16[n], of ten, of the last digit; ``digits_before`` int16[n] in the same number,
    -1 for what has no digits; ``number`` int64[n], the row of its span."""

    ids: Offsets
    spans: Offsets
    power: NDArray[np.int16]
    digits_before: NDArray[np.int16]
    number: Offsets


def describe(text: Bytes, spans: Offsets, layout: Layout) -> NumberTokens:
    """The tokens of the numbers of ``spans`` (see `encoders.scan.numbers`)."""
    from encoders.numbers import _kernels

    room = _room_for_numbers(spans)
    rows, number = np.empty((room, 5), np.int64), np.empty(room, np.int64)
    scratch = np.empty((_TOKENS, 5), np.int64)
    count = _kernels.describe(text, spans, layout.numbers, scratch, rows, number)
    ids, start, stop, power, before = rows[:count].T
    return NumberTokens(
        ids,
        np.stack((start, stop), axis=1),
        power.astype(np.int16),
        before.astype(np.int16),
        number[:count],
    )


def _room_for_numbers(spans: Offsets) -> int:
    """Tokens that numbers have at most: two a digit, and four markers; and some to spare."""
    return int(2 * (spans[:, 2] - spans[:, 0]).sum()) + 4 * len(spans) + 8


def weave(
    text: Bytes, bounds: Offsets, spans: Offsets, layout: Layout, separators: Ids, encode: Encode
) -> tuple[Ids, Offsets]:
    """Ids of documents whose numbers have tokens of ``layout``, and their bounds.

    ``encode`` makes the ids of all other text, each segment between numbers being a document.
    ``separators``: `rows_of_ids` of the decimal point and of those of thousands.
    """
    from encoders.numbers import _kernels

    cuts = with_cuts(bounds, spans[:, [0, 2]].ravel())
    ids, id_bounds = encode(text, cuts)  # numbers too, whose ids are left out
    out = np.empty(len(ids) + _room_for_numbers(spans), np.uint32)
    starts, scratch = np.empty(len(cuts), np.int64), np.empty(_TOKENS, np.int64)
    count = _kernels.weave(
        text, cuts, spans, layout.numbers, separators, scratch, ids, id_bounds, out, starts
    )
    return out[:count], starts[np.searchsorted(cuts, bounds, side="right") - 1]


def with_cuts(bounds: Offsets, cuts: Offsets) -> Offsets:
    """Bounds of documents that are cut, in order."""
    found = np.concatenate((bounds, cuts))
    found.sort(kind="stable")
    return found


def rows_of_ids(ids: Ids, bounds: Offsets) -> Ids:
    """uint32[rows, n]: how many ids each row has, and its ids."""
    lengths = np.diff(bounds)
    found = np.zeros((len(lengths), 1 + int(lengths.max())), np.uint32)
    for row, start, stop in zip(found, bounds[:-1], bounds[1:], strict=True):
        row[: 1 + stop - start] = (stop - start, *ids[start:stop])
    return found


class Decoder:
    """Ids to bytes, some at a time."""

    def __init__(self, tables: "DecodeTables") -> None:
        self._tables = tables
        self._state = np.array([0, -1, 0, 0, 0, 0], np.int64)

    def push(self, ids: Ids, *, finish: bool = False) -> bytes:
        """The bytes that are sure by now; with ``finish``, all.

        Raises IndexError, naming the position, for an id that has no token.
        """
        from encoders.numbers import _kernels

        tables = self._tables
        size = len(tables.offsets) - 1
        if len(ids) and ids.max() >= size:
            bad = int(np.argmax(ids >= size))
            raise IndexError(f"id {ids[bad]} at position {bad} is outside the vocabulary")
        lengths = tables.lengths[ids]
        # Of a number's token: its digits and as many separators, or zeros.
        room = int(lengths.sum()) + 20 * int((ids >= tables.layout.first).sum()) + PADDING
        out = np.empty(room, np.uint8)
        count = _kernels.decode(
            ids,
            tables.vocab,
            tables.offsets,
            tables.kinds,
            tables.levels,
            tables.marks,
            tables.layout.numbers,
            self._state,
            finish,
            out,
        )
        return out[:count].tobytes()


@dataclass(frozen=True, eq=False)
class DecodeTables:
    """What decoding needs: ``vocab`` (uint8) and ``offsets`` (int64[n + 1]), the bytes of all
    tokens, of those of numbers their digits; of these, from ``layout.first`` on, ``kinds`` (0
    digits, 1 suffix, 2 and 3 leading and trailing zeros, 4 separators) and ``levels`` (int64: the
    place of a group or suffix, or how many zeros, or which separator from 1 on); ``marks``:
    uint8[m, 4], length and bytes of the separators that are marked."""

    layout: Layout
    vocab: Bytes
    offsets: Offsets
    kinds: Offsets
    levels: Offsets
    marks: Bytes

    @cached_property
    def lengths(self) -> Offsets:
        """int64[n]."""
        return np.diff(self.offsets)
