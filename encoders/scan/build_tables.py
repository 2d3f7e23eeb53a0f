"""Make ``classes.npz`` from the `regex` library: ``python -m encoders.scan.build_tables``.

`regex` rather than `unicodedata`, because the split patterns are defined by their regular
expressions; surrogates, which no UTF-8 text holds, have no class.
"""

from pathlib import Path

import numpy as np
import regex

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
    # As the Rust engine of `tokenizers` has it, UTS 18 Annex C.
    classes.WORD: r"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]",
    classes.DELIMITER: r"[\p{P}$+<=>^`|~]",
}


def flags_of_all_code_points() -> np.ndarray:
    """uint16[0x110000], the flags of every code point."""
    flags = np.zeros(0x110000, np.uint16)
    everything = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)
    for flag, pattern in PROPERTIES.items():
        members = np.array([ord(c) for c in regex.findall(pattern, everything)])
        flags[members] |= flag
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
