"""Cuts found for all shapes at once are those of each text by itself."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob.tokenizers.splits import Splits, _may_begin_text, _ways_on
from encoders.buffers import joined
from encoders.scan import patterns

SHAPES = [b"", b"a", b" a", b"'l", b"  ", b"\n", b"!", b"000", b" \xe6", b"\x97", b"\x97a"]
PATTERNS = (patterns.GPT2, patterns.CL100K, patterns.LLAMA3, patterns.QWEN2, patterns.O200K)
unit = st.sampled_from([b" ", b"  ", b"\n", b"'", b"a", b"s", b"0", b"!", "日".encode()])


def plain(scanner, units, shape):
    """(bits, kind) of every way on, by cutting its text."""
    before, found = b"".join(units), set()
    stops = list(itertools.accumulate(map(len, units)))
    begun = b"\xe6" if before.endswith(b"\xe6") else b""
    if not _may_begin_text(begun + shape):
        return found
    for on, kind in _ways_on(begun + shape):
        ends = itertools.chain(
            *(e.tolist() for e in scanner.chunks(*joined([before + shape + on])))
        )
        ends = [end for end in ends if end <= len(before + shape)]
        allowed = [*stops, len(before + shape)]
        if all(end in allowed for end in ends):
            found.add((sum(1 << allowed.index(end) for end in ends), kind))
    return found


@settings(max_examples=15)
@given(st.sampled_from(PATTERNS), st.lists(unit, max_size=4), st.sampled_from([b"", b"\xe6"]))
def test_cuts_are_those_of_each_text(scanner, units, begun):
    units += [begun] if begun else []
    cuts = Splits(scanner, SHAPES).cuts(units)
    found = {i: set() for i in range(len(SHAPES))}
    for i, bits, kind in zip(cuts.shapes, cuts.bits, cuts.kinds, strict=True):
        found[int(i)].add((int(bits), int(kind)))
    assert found == {i: plain(scanner, units, shape) for i, shape in enumerate(SHAPES)}


ALPHABET = " \n\ra0!'sleA日/"
LONGER = ["".join(on) for size in range(4) for on in itertools.product(ALPHABET, repeat=size)]
BEHIND = [b"", b"a", b" a", b"'", b"'l", b"a'", b"s", b"re", b"  ", b"\n", b" \n", b"'\n", b"!"]
BEHIND += [b"0", b"00", b"a'l", b"'re", b"\r", b"\n\n ", "ſ".encode(), "\u00a0".encode(), b"/"]


@settings(max_examples=40)
@given(st.sampled_from(PATTERNS), st.lists(unit, max_size=4), st.sampled_from(BEHIND))
def test_no_other_way_on_cuts_otherwise(scanner, units, shape):
    before = b"".join(units) + shape
    allowed = [*itertools.accumulate(map(len, units)), len(before)]
    text, bounds = joined([before + on.encode() for on in LONGER])
    ends = np.concatenate([part.copy() for part in scanner.chunks(text, bounds)])
    document = np.searchsorted(bounds, ends) - 1
    at = ends - bounds[document]
    rows = [set() for _ in LONGER]
    for row, end in zip(document[at <= len(before)], at[at <= len(before)], strict=True):
        rows[row].add(int(end))
    found = {sum(1 << allowed.index(end) for end in row) for row in rows if row <= {*allowed}}
    assert found == {bits for bits, _ in plain(scanner, units, shape)}
