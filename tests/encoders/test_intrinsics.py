"""The machine operations equal their plain-Python meaning."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from encoders.intrinsics import clz64, ctz64, load_u32, load_u64, multiply_add, popcount64, prefetch


@njit
def _bits(value):
    return ctz64(value), clz64(value), popcount64(value)


@njit
def _loads(data, index):
    prefetch(data, index)
    return load_u64(data, index), load_u32(data, index)


@given(st.integers(0, 2**64 - 1))
def test_bit_counts(value):
    trailing = 64 if value == 0 else (value & -value).bit_length() - 1
    expected = (trailing, 64 - value.bit_length(), value.bit_count())
    assert _bits(np.uint64(value)) == expected


@given(st.binary(min_size=8, max_size=40), st.data())
def test_unaligned_loads(raw, data):
    index = data.draw(st.integers(0, len(raw) - 8))
    wide, narrow = _loads(np.frombuffer(raw, np.uint8), index)
    assert wide == int.from_bytes(raw[index : index + 8], "little")
    assert narrow == int.from_bytes(raw[index : index + 4], "little")


@njit
def _multiply_add(a, b, c):
    return multiply_add(a, b, c)


@given(*[st.integers(-(2**20), 2**20)] * 3)
def test_multiply_add(a, b, c):
    assert _multiply_add(float(a), float(b), float(c)) == a * b + c
