"""Confidence intervals by resampling documents (Efron 1979)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_DRAWS = 1 << 22  # at a time, which is what memory is for


@dataclass(frozen=True)
class Estimate:
    """A value with the bounds of its confidence interval; all NaN where there is no value."""

    value: float
    low: float
    high: float


def resampled_sums(rows: NDArray[np.int64], resamples: int, seed: int) -> Floats:
    """Column sums of documents drawn with replacement, float64[resamples, columns].

    ``rows``: int64[documents, columns]. All columns of a resample are sums over the same draw, so
    that what is computed of them is paired.
    """
    count = len(rows)
    generator = np.random.Generator(np.random.PCG64(seed))
    size = max(1, _DRAWS // max(count, 1))
    sums = np.zeros((resamples, rows.shape[1]))
    for first in range(0, resamples if count else 0, size):
        part = min(size, resamples - first)
        drawn = generator.integers(0, count, (part, count))
        drawn += count * np.arange(part)[:, None]
        often = np.bincount(drawn.ravel(), minlength=part * count).reshape(part, count)
        sums[first : first + part] = often @ rows.astype(np.float64)
    return sums


def estimate(value: float, resampled: Floats, level: float) -> Estimate:
    """The percentile interval of ``level`` (0.95, say); resamples that are NaN are left out."""
    known = resampled[~np.isnan(resampled)]
    if np.isnan(value) or not len(known):
        return Estimate(value, np.nan, np.nan)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high))
