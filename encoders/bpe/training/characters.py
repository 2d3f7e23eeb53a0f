"""Scripts and digits, by which merges can be limited.

``characters.npz`` holds the runs of code points that are alike; ``build_tables.py`` makes it. The
class of a character is the number of its script twice, and one more for a decimal digit (Nd).
Script 0 goes with any: Common, Inherited and Unknown.
"""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DIGIT = 1


class CharacterTable(NamedTuple):
    """``starts``: int32[n], the first code point of each run; ``classes``: uint16[n]."""

    starts: NDArray[np.int32]
    classes: NDArray[np.uint16]


@cache
def load_characters() -> CharacterTable:
    """The table shipped with the package."""
    stored = files(__package__).joinpath("characters.npz")
    with stored.open("rb") as file, np.load(file) as arrays:
        return CharacterTable(arrays["starts"], arrays["classes"])
