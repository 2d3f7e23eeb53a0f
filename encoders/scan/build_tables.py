"""Make ``classes.npz``: ``python -m encoders.scan.build_tables``.

From `regex` rather than `unicodedata`, because the split patterns are defined by their regular
expressions, and from `tokenizers` for pre-tokenizers of its own; each has its version of Unicode.
Surrogates, which no UTF-8 text holds, have no class.
"""

from pathlib import Path

import numpy as np
import regex
from tokenizers import pre_tokenizers

from encoders.scan import classes

PROPERTIES = {
    classes.LETTER: r"\p{L}",
    classes.NUMBER: r"\p{N}",
    classes.SPACE: r"\s",
    classes.MARK: r"\p{M}",
    classes.UPPER: r"[\p{Lu}\p{Lt}]",
    classes.LOWER: r"\p{Ll}",
    classes.CASELESS: r"[\p{Lm}\p{Lo}\p{M}]",
    classes.PUNCTUATION: r"\p{P}",
    classes.SYMBOL: r"\p{S}",
}
# All characters, each behind an "a" and all parted by the text given: those of the class are the
# last of the pieces of the length given.
PRE_TOKENIZERS = {
    classes.WORD: (pre_tokenizers.Whitespace(), " ", 2),
    classes.DELIMITER: (pre_tokenizers.Punctuation(), "", 1),
    classes.DIGIT: (pre_tokenizers.Digits(individual_digits=True), "", 1),
}


def flags_of_all_code_points() -> np.ndarray:
    """uint16[0x110000], the flags of every code point."""
    flags = np.zeros(0x110000, np.uint16)
    everything = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)
    for flag, pattern in PROPERTIES.items():
        members = np.array([ord(c) for c in regex.findall(pattern, everything)])
        flags[members] |= flag
    for flag, (pre_tokenizer, between, length) in PRE_TOKENIZERS.items():
        text = between.join("a" + character for character in everything)
        pieces = {piece for piece, _ in pre_tokenizer.pre_tokenize_str(text)} - {"a"}
        flags[[ord(piece[-1]) for piece in pieces if len(piece) == length]] |= flag
    return flags


def main() -> None:
    """Write the table beside this file."""
    blocks, index = np.unique(
        flags_of_all_code_points().reshape(-1, 256), axis=0, return_inverse=True
    )
    # Block 0 is that of ASCII, so that an ASCII byte needs no first level.
    ascii_block = index.reshape(-1)[0]
    order = np.r_[ascii_block, np.delete(np.arange(len(blocks)), ascii_block)]
    rank = np.argsort(order)
    np.savez_compressed(
        Path(__file__).with_name("classes.npz"),
        index=rank[index.reshape(-1)].astype(np.uint16),
        blocks=blocks[order].astype(np.uint16),
    )


if __name__ == "__main__":
    main()
