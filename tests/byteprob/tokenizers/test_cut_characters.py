"""Kinds of characters that are not complete yet, against decoding every way to complete them."""

import itertools

import pytest

from byteprob.tokenizers.cut_characters import kinds_behind
from byteprob.tokenizers.shapes import completions, cut_character
from byteprob.tokenizers.sights import sight_of
from tests.byteprob.tokenizers.scanners import SCANNERS

CUTS = [
    *(bytes([lead]) for lead in range(0xC0, 0x100)),
    *(bytes([lead, next_]) for lead in range(0xE0, 0xF9) for next_ in (0x80, 0x9F, 0xA0, 0xBF)),
    *(bytes([lead, 0x8F, next_]) for lead in range(0xF0, 0xF9) for next_ in (0x80, 0xBF)),
    *(bytes([lead, 0x90, 0x81]) for lead in range(0xF0, 0xF9)),
]
INNER = [
    bytes(raw)
    for length in (1, 2, 3)
    for raw in itertools.product((0x80, 0x8C, 0xA9, 0xBF), repeat=length)
]


def kinds_of(sight, begun):
    cut = cut_character(begun)
    if cut == begun:
        return set(completions(sight, begun))
    try:
        text = begun.decode()
    except UnicodeDecodeError:
        return set()
    return {int(sight.kinds[ord(text)])} if len(text) == 1 else set()


@pytest.mark.parametrize("name", ["whole", "o200k", "deepseek"])
def test_kinds_are_those_of_all_characters_that_begin_so(name):
    sight = sight_of(SCANNERS[name][0])
    found = kinds_behind(sight, CUTS, INNER)
    some = 0
    for cut, row in zip(CUTS, found, strict=True):
        for raw, bits in zip(INNER, row.tolist(), strict=True):
            expected = kinds_of(sight, cut + raw)
            assert bits == sum(1 << kind for kind in expected), (cut, raw)
            some += bool(expected)
    assert some > 1000
