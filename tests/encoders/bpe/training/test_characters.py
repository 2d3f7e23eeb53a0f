"""The table of scripts and digits equals `regex` on every code point."""

import numpy as np
import regex

from encoders.bpe.training.build_tables import CODES, classes_of_all_code_points, scripts
from encoders.bpe.training.characters import DIGIT, load_characters


def test_every_code_point():
    starts, classes = load_characters()
    codes = np.arange(0x110000)
    found = classes[np.searchsorted(starts, codes, side="right") - 1]
    assert np.array_equal(found, classes_of_all_code_points())


def test_what_is_in_no_script():
    classes = classes_of_all_code_points()
    pattern = r"[\p{Script=Common}\p{Script=Inherited}\p{Script=Unknown}]"
    found = regex.findall(pattern, "".join(map(chr, CODES)))
    assert [ord(c) for c in found] == [code for code in CODES if classes[code] <= DIGIT]
    names = [name for name in scripts() if regex.match(rf"\p{{Script={name}}}", "α")]
    assert names == ["GREK"]
