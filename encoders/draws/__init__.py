"""Random numbers for kernels."""

import numpy as np
from numpy.typing import NDArray


def generator(seed: int) -> NDArray[np.uint64]:
    """The state (uint64[1]) of a generator, the same for the same ``seed``."""
    return np.array([_mixed(seed) or 1], np.uint64)


def _mixed(seed: int) -> int:
    """SplitMix64 (Steele, Lea and Flood 2014), so that near seeds have nothing in common."""
    mixed = (seed + 0x9E3779B97F4A7C15) % (1 << 64)
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % (1 << 64)
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % (1 << 64)
    return mixed ^ mixed >> 31
