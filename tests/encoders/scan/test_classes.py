"""The class table equals `regex` on every code point."""

import numpy as np

from encoders.scan.build_tables import flags_of_all_code_points
from encoders.scan.classes import load_classes


def test_every_code_point():
    table = load_classes()
    codes = np.arange(0x110000)
    found = table.blocks[table.block_of[codes >> 8].astype(int) << 8 | codes & 255]
    assert np.array_equal(found, flags_of_all_code_points())


def test_ascii_needs_no_first_level():
    assert load_classes().block_of[0] == 0
