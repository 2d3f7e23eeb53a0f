"""Character classes of the split patterns, as bit flags per code point.

The two-level table lies in ``classes.npz``: the flags of code point ``c`` are
``blocks[block_of[c >> 8] << 8 | c & 255]``. ``build_tables.py`` makes it.
"""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LETTER = 1  # \p{L}
NUMBER = 2  # \p{N}
SPACE = 4  # \s
MARK = 8  # \p{M}
UPPER = 16  # \p{Lu}, \p{Lt}: can only open a word under o200k
LOWER = 32  # \p{Ll}: can only follow
CASELESS = 64  # \p{Lm}, \p{Lo}, \p{M}: either
PUNCTUATION = 128  # \p{P}
SYMBOL = 256  # \p{S}
# As the pre-tokenizers of `tokenizers` have them, of older versions of Unicode:
WORD = 512  # \w to `Whitespace`
DELIMITER = 1024  # `Punctuation`, and what BERT splits off
DIGIT = 2048  # `Digits`

ILL_FORMED = SYMBOL
"""Class of a byte outside well-formed UTF-8: that of U+FFFD, which stands for it in a str."""


class ClassTable(NamedTuple):
    """``block_of``: uint16[0x1100]; ``blocks``: uint16[256 n], the flags above."""

    block_of: NDArray[np.uint16]
    blocks: NDArray[np.uint16]


@cache
def load_classes() -> ClassTable:
    """The table shipped with the package."""
    with files(__package__).joinpath("classes.npz").open("rb") as stored, np.load(stored) as arrays:
        return ClassTable(arrays["index"], arrays["blocks"].ravel())
