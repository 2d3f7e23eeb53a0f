"""Make ``characters.npz``: ``python -m encoders.bpe.training.build_tables``, after a new `regex`.

`regex` rather than `unicodedata`, which knows no scripts.
"""

from pathlib import Path

import numpy as np
import regex
from numpy.typing import NDArray
from regex import _regex_core

from encoders.bpe.training.characters import DIGIT

CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
_ANY_SCRIPT = {"COMMON", "INHERITED", "UNKNOWN"}


def scripts() -> list[str]:
    """One name of each script that `regex` knows but the three that go with any."""
    _, values = _regex_core.PROPERTIES["SCRIPT"]
    any_script = {values[name] for name in _ANY_SCRIPT}
    by_value = {value: name for name, value in values.items() if value not in any_script}
    return [by_value[value] for value in sorted(by_value)]


def classes_of_all_code_points() -> NDArray[np.uint16]:
    """uint16[0x110000], the class of every code point; 0 for surrogates."""
    classes = np.zeros(0x110000, np.uint16)
    everything = "".join(map(chr, CODES))
    for number, script in enumerate(scripts(), 1):
        members = regex.findall(rf"\p{{Script={script}}}", everything)
        classes[[ord(c) for c in members]] = number << 1
    classes[[ord(c) for c in regex.findall(r"\p{Nd}", everything)]] |= DIGIT
    return classes


def main() -> None:
    """Write the table beside this file."""
    classes = classes_of_all_code_points()
    starts = np.flatnonzero(np.diff(classes, prepend=0xFFFF))
    np.savez_compressed(
        Path(__file__).with_name("characters.npz"),
        starts=starts.astype(np.int32),
        classes=classes[starts],
    )


if __name__ == "__main__":
    main()
