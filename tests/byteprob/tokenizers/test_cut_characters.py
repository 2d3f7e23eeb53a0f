"""Classes of characters that are not complete yet, against decoding every way to complete them."""

import itertools

import numpy as np
import pytest

from byteprob.tokenizers import cut_characters
from byteprob.tokenizers.cut_characters import KINDS, NONE, classes_behind
from byteprob.tokenizers.shapes import completions, cut_character, kind_of

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


def kinds_of(begun):
    cut = cut_character(begun)
    if cut == begun:
        return set(completions(begun))
    try:
        text = begun.decode()
    except UnicodeDecodeError:
        return set()
    return {kind_of(ord(text))} if len(text) == 1 else set()


@pytest.fixture(scope="module")
def number():
    return cut_characters._classes()[0]


def test_classes_are_those_of_all_characters_that_begin_so(number):
    found = classes_behind(CUTS, INNER)
    some = 0
    for cut, row in zip(CUTS, found, strict=True):
        for raw, bits in zip(INNER, row.tolist(), strict=True):
            expected = kinds_of(cut + raw)
            assert bits == sum(1 << int(number[kind]) for kind in expected), (cut, raw)
            some += bool(expected)
    assert some > 1000


def test_sets_become_columns(number):
    kinds = [kind for kind in range(KINDS) if number[kind] != NONE]
    assert len(kinds) < NONE
    sets = np.array([1 << int(number[kind]) for kind in kinds] + [0], np.uint64)
    found = cut_characters._kinds(sets)
    assert found.shape == (len(kinds) + 1, KINDS)
    assert [row.nonzero()[0].tolist() for row in found] == [*([kind] for kind in kinds), []]
