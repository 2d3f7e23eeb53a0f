"""Cuts found for all shapes at once are those of every text that goes on behind them."""

import itertools
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob.tokenizers.shapes import Shapes, completions, cut_character
from byteprob.tokenizers.sights import sight_of
from byteprob.tokenizers.splits import Splits
from tests.byteprob.tokenizers.scanners import SCANNERS
from tests.byteprob.tokenizers.test_sights import CONTRACTIONS, ends

CUT = (b"\xe6", b"\xe2\x80", b" \xe2\x80")


@cache
def longer(name):
    """All short texts of the characters that a scanner tells apart, and some behind apostrophes."""
    sight = sight_of(SCANNERS[name][0])
    letters = sight.standing + "".join(map(chr, {*sight.names.values()}))
    short = ["".join(on) for size in range(3) for on in itertools.product(letters, repeat=size)]
    few = [*sight.blanks, "a", "!", *(sight.names and CONTRACTIONS)]
    last = [*sight.blanks, "a", "'"]
    long = ["".join(on) for on in itertools.product(few, sight.standing, last)]
    return [on.encode() for on in short], [on.encode() for on in long]


def ways(scanner, units, shape, ons):
    """The cuts of units and a shape, whatever follows of ``ons``; as `Cuts.bits`."""
    before = b"".join(units) + shape
    allowed = [*itertools.accumulate(map(len, units)), len(before)]
    found = ends(scanner, [before + on for on in ons])
    rows = {frozenset(at for at in row if at <= len(before)) for row in found}
    return {sum(1 << allowed.index(at) for at in row) for row in rows if row <= {*allowed}}


BEFORE = ("", "'", "a|'", "'|r", "\n", " |\n", "!| \n", "a|日| ")
SHAPES = ["", "a", "!", "0", " ", "\n", " \n", "'", "a'", "'r", "l", "r"]


@pytest.mark.parametrize("name", SCANNERS)
def test_no_other_way_on_cuts_otherwise(name):
    scanner, _ = SCANNERS[name]
    sight, (short, long) = sight_of(scanner), longer(name)
    of = Shapes(sight).of
    shapes = [*dict.fromkeys(of(shape.encode()) for shape in SHAPES), *CUT]
    for before in BEFORE:
        units = [of(unit.encode()) for unit in before.split("|") if unit]
        cuts = Splits(scanner, sight, shapes).cuts(units)
        for shape, group in zip(shapes, cuts.group_of, strict=True):
            own = cuts.groups == group
            rows = {*zip(cuts.bits[own].tolist(), cuts.kinds[own].tolist(), strict=True)}
            if not cut_character(shape):
                expected = {(bits, -1) for bits in ways(scanner, units, shape, short + long)}
                assert rows == expected, (units, shape)
                continue
            for kind, end in completions(sight, cut_character(shape)).items():
                expected = ways(scanner, units, shape, [end + on for on in short])
                assert {bits for bits, other in rows if other == kind} == expected, (units, shape)


@pytest.mark.parametrize("name", SCANNERS)
@settings(max_examples=3)
@given(data=st.data())
def test_a_text_may_begin_behind_what_is_settled(name, data):
    scanner, letters = SCANNERS[name]
    units = [*data.draw(st.text(letters, min_size=1, max_size=5))]
    raws = [unit.encode() for unit in units]
    settled = Splits(scanner, sight_of(scanner), [b""]).settled(raws)
    before, ons = b"".join(raws[:settled]), [on for some in longer(name) for on in some]
    rest = b"".join(raws[settled:])
    whole = ends(scanner, [before + rest + on for on in ons])
    for found, alone in zip(whole, ends(scanner, [rest + on for on in ons]), strict=True):
        assert {at - len(before) for at in found if at > len(before)} == alone
        assert not before or len(before) in found


BEGUN = ([], [b" "], [b"a", b"'"], [b"\n", b"\xe6"], [b"\xe6"])


@pytest.mark.parametrize("name", SCANNERS)
def test_cuts_of_many_shapes_are_those_of_each(name):
    scanner, _ = SCANNERS[name]
    shapes = [
        b"",
        b"a",
        b" a",
        b"'l",
        b"\n",
        b"0",
        b" \xe6",
        b" \xe7",
        b"\x97",
        b"\x97a",
        b"\x97\xa5b",
    ]
    for before in BEGUN:
        cuts = Splits(scanner, sight_of(scanner), shapes).cuts(before)
        rows = [*zip(cuts.groups, cuts.bits.tolist(), cuts.kinds.tolist(), strict=True)]
        for shape, group in zip(shapes, cuts.group_of, strict=True):
            alone = Splits(scanner, sight_of(scanner), [shape]).cuts(before)
            assert (group < 0) == (alone.group_of[0] < 0)
            expected = {*zip(alone.bits.tolist(), alone.kinds.tolist(), strict=True)}
            assert {(bits, kind) for of, bits, kind in rows if of == group >= 0} == expected
