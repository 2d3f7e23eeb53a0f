"""The piece cache: what it holds is tested where it is used; here, how it grows."""

import numba
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from encoders.buffers import padded
from encoders.pieces import BATCH, PieceCache
from encoders.pieces import _kernels as kernels


def test_it_grows_before_it_starts_anew():
    cache = PieceCache(1 << 26)
    before, room = len(cache.table), len(cache.arena)
    cache.state[0] = 3 * before // 4
    cache.make_room()
    assert len(cache.table) == 2 * (before - 2) + 2
    assert len(cache.arena) == room
    cache.state[:] = 0, room
    cache.make_room()
    assert len(cache.arena) == 2 * room
    full = PieceCache(limit=1)
    full.state[:] = 3 * before // 4, 5
    full.table[7] = 1
    full.make_room()
    assert full.state.tolist() == [0, 0]
    assert not full.table[7].any()


def test_entries_survive_growth():
    cache = PieceCache()
    dice = np.random.default_rng(0)
    rows = dice.integers(1, 1 << 62, (4000, 4)).astype(np.uint64)
    for row in rows:
        with np.errstate(over="ignore"):
            slot = kernels.mix(row[0], row[1]) & np.uint64(len(cache.table) - 3)
        while cache.table[slot, 1]:
            slot = (slot + np.uint64(1)) & np.uint64(len(cache.table) - 3)
        cache.table[slot] = row
    cache.state[0] = 3 * len(cache.table) // 4
    cache.make_room()
    held = {tuple(row) for row in cache.table[:-2].tolist() if row[1]}
    assert held == {tuple(row) for row in rows.tolist()}


@numba.njit(error_model="numpy")
def key_and_hash(text, start, length):
    low, high = kernels.low_key(text, start, length), kernels.high_key(text, start, length)
    return low, high, kernels.hash_piece(text, start, length)


@numba.njit(error_model="numpy")
def long_hash(text, start, length):
    return kernels.hash_piece(text, start, length)


@given(pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=60))
def test_equal_pieces_have_equal_hashes_and_keys_hold_the_bytes(pieces):
    text, half = padded(b"".join(pieces) * 2), sum(map(len, pieces))
    at = 0
    for piece in pieces:
        size = len(piece)
        assert long_hash(text, at, size) == long_hash(text, at + half, size)
        if size <= kernels.LONGEST_KEY:
            low, high, hashed = key_and_hash(text, at, size)
            held = low.to_bytes(8, "little") + high.to_bytes(8, "little")
            assert held[:size] == piece
            assert held[15] == size
            assert hashed == long_hash(text, at, size)
        at += size


def test_a_batch_always_fits():
    cache = PieceCache()
    assert len(cache.arena) >= BATCH * (2 * 256 + 48)
