"""Sums on a device equal exact sums, those of 1e-14 of the mass too; Triton's by interpreter."""

import math
import os
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.byte_ranges import ByteRanges

os.environ.setdefault("TRITON_INTERPRET", "1")  # read when Triton is first imported
torch = pytest.importorskip("torch")
from encoders.byte_ranges.on_device import DeviceRanges  # noqa: E402

WAYS = [
    False,
    pytest.param(
        True, marks=pytest.mark.skipif(find_spec("triton") is None, reason="needs triton")
    ),
]
tokens = st.lists(st.sampled_from([b"a", b"ab", b"aba", b"b", b"\xff", b"\xff\x00"]), min_size=1)


def exact(values):
    """log-sum-exp, by math.fsum."""
    top = max(values, default=-math.inf)
    if top == -math.inf:
        return top
    return top + math.log(math.fsum(math.exp(value - top) for value in values))


@pytest.mark.parametrize("triton", WAYS)
@settings(max_examples=25 if find_spec("triton") is None else 3)
@given(tokens, st.sampled_from([b"", b"a", b"ab", b"c"]), st.data())
def test_sums_are_exact(triton, tokens, prefix, data):
    ranges = ByteRanges.of(dict(enumerate(tokens)))
    number = st.sampled_from([-math.inf, -32.0, -3.5, 0.0, 1.25, 40.0])
    size = len(tokens) + 2  # an end that counts, and padding that does not
    rows = data.draw(
        st.lists(st.lists(number, min_size=size, max_size=size), min_size=1, max_size=3)
    )
    masked = data.draw(st.booleans())
    flag = st.lists(st.integers(0, 1), min_size=len(tokens), max_size=len(tokens))
    allowed = [data.draw(flag) if masked else [1] * len(tokens) for _ in rows]
    on_device = DeviceRanges.of(ranges, np.array([len(tokens)], np.uint32), "cpu")
    found = on_device.log_sums(
        torch.tensor(rows, dtype=torch.float32),
        [(ranges.starting_with(prefix), len(prefix))] * len(rows),
        torch.tensor(allowed, dtype=torch.uint8) if masked else None,
        triton=triton,
    ).numpy()
    for row, kept, logs in zip(rows, allowed, found, strict=True):
        by_next = [[] for _ in range(257)]
        for place, id_ in enumerate(ranges.order.tolist()):
            if kept[place] and tokens[id_].startswith(prefix):
                rest = tokens[id_][len(prefix) :]
                by_next[rest[0] if rest else 256].append(row[id_])
        expected = [exact(values) for values in [*by_next, row[:-1]]]
        assert logs.tolist() == pytest.approx(expected, rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("triton", WAYS)
def test_a_mass_of_1e_minus_14_is_exact(triton):
    random = np.random.default_rng(3)
    tokens = {i: bytes([i % 200, i // 200 % 256]) for i in range(5000)}
    logits = random.normal(0, 2, 5000).astype(np.float32)
    logits[np.arange(5000) % 200 == 7] -= 32  # e**-32 = 1.3e-14
    ranges = ByteRanges.of(tokens)
    on_device = DeviceRanges.of(ranges, np.empty(0, np.uint32), "cpu")
    found = on_device.log_sums(
        torch.from_numpy(logits)[None], [(ranges.whole, 0)], triton=triton
    ).numpy()[0]
    few = exact(logits[7::200].astype(float).tolist())
    assert found[7] - found[257] < math.log(1e-13)
    assert found[7] == pytest.approx(few, abs=4e-15 * abs(few))
    assert found[257] == pytest.approx(exact(logits.astype(float).tolist()), abs=1e-14)
