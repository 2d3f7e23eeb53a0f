"""A noisy channel that tells what it changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Offsets
from encoders.draws import generator

Codes = NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class Readings:
    """How a character may be misread.

    ``rules``: uint32[n, 4], one or two code points and the one or two that they are taken for, 0
    where there is no second; sorted by the first. ``odds``: float64[n], from 0 up, of one rule
    against others that fit the same place. ``kinds``: float64[5], the odds that some rule is used
    where one fits; that a space is lost; that any other character is lost; that one of ``specks``
    (uint32[m], m > 0) appears before it; that a space appears within a word.
    """

    rules: NDArray[np.uint32]
    odds: NDArray[np.float64]
    kinds: NDArray[np.float64]
    specks: NDArray[np.uint32]


def corrupt(
    text: Codes, bounds: Offsets, readings: Readings, rate: float, seed: int
) -> tuple[Codes, Offsets, Offsets, Offsets]:
    """Documents with each character misread with probability ``rate``.

    ``text``: code points, uint32[n]; document ``i`` is ``text[bounds[i]:bounds[i + 1]]``, and its
    noise depends on nothing but itself, ``seed`` and ``i``.

    Returns the noisy text and its bounds; int64[edits, 4], for each edit start and stop in the
    document and start and stop in the noisy document, in order and never overlapping; and the
    bounds of each document's edits.
    """
    from encoders.noise import _kernels

    count = len(bounds) - 1
    base = int(generator(seed)[0])
    states = np.array([generator(base + i)[0] for i in range(count)], np.uint64)
    # Memory that is never written is never taken: few of these pages are.
    out, edits = np.empty(2 * len(text), np.uint32), np.empty((len(text), 4), np.int64)
    out_bounds, edit_bounds = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
    tables = (readings.rules, readings.odds, readings.kinds, readings.specks)
    # Writable, as Numba compiles anew for what is read-only.
    rules, odds, kinds, specks = (np.require(table, None, ["C", "W"]) for table in tables)
    codes = np.require(text, np.uint32, ["C", "W"])
    places = (out, out_bounds, edits, edit_bounds)
    _kernels.corrupt(codes, bounds, states, float(rate), rules, odds, kinds, specks, *places)
    return out[: out_bounds[-1]].copy(), out_bounds, edits[: edit_bounds[-1]].copy(), edit_bounds
