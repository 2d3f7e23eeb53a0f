"""Byte-pair encoding of pieces behind a cache of those already merged; decoding."""

import numpy as np

from encoders.bpe._merge_kernels import (
    LANES,
    SHORT,
    STRIDE,
    merge_by_heap,
    merge_in_order,
    merge_lanes,
    take_lane,
)
from encoders.bpe._symbol_kernels import (
    ABSENT,
    add_pair,
    find_hashed,
    find_whole,
    first_symbols,
    next_candidate,
)
from encoders.intrinsics import load_u64, prefetch, store_u64
from encoders.jit import inlined, kernel, part
from encoders.pieces._kernels import (
    LOW32,
    ONES,
    U0,
    U32,
    emit,
    fill_entry,
    look_up,
    same_bytes,
    start_of,
)

SPREAD = 16  # words of the arena that a piece of at most 15 bytes may need


# --- the encoder


@inlined
def find_whole_tokens(misses, hashes, whole_tables, found):
    """Candidates for the whole tokens that missing pieces are, or ABSENT.

    In rounds, so that the memory that one look-up waits for arrives during the others.
    """
    whole, vocab, offsets = whole_tables
    last = np.uint64(len(whole) - 1)
    for k in range(misses):
        prefetch(whole, np.int64(hashes[k] & last))
    for k in range(misses):
        slot = next_candidate(whole, hashes[k] & last, hashes[k])
        found[k] = np.uint32(whole[slot] & LOW32)  # an empty slot is all ones, as is ABSENT
        if whole[slot] != ONES:
            prefetch(offsets, np.int64(whole[slot] & LOW32))
    for k in range(misses):
        if found[k] != ABSENT:
            prefetch(vocab, offsets[np.int64(found[k])])


@part
def finish_lanes(count, batch, text, ends, position, tables, cache_, keys):
    """Merge what lies in the lanes and complete the entries of those pieces."""
    _, waiting, lanes = batch
    slots, missing = keys[2], keys[3]
    merge_lanes(count, lanes, tables[0], tables[1])
    for lane in range(count):
        i = missing[waiting[lane]]
        start = start_of(ends, np.uint64(i), position, U0)
        size = take_lane(lane, lanes, cache_[1], cache_[2][1])
        fill_entry(cache_, slots[i], text, start, ends[i] - start, size)


@part
def complete_entries(
    misses, text, ends, position, whole_tables, tables, cache_, keys, batch, long_scratch
):
    """Find the ids of the pieces that had no entry."""
    found, waiting, lanes = batch
    slots, missing, hashes = keys[2], keys[3], keys[4]
    whole, vocab, offsets = whole_tables
    pairs, shift, _, initial = tables
    arena, state = cache_[1], cache_[2]
    find_whole_tokens(misses, hashes, whole_tables, found)
    lane = 0
    for k in range(misses):
        i = missing[k]
        start = start_of(ends, np.uint64(i), position, U0)
        length = ends[i] - start
        id_ = found[k]
        if id_ != ABSENT:
            at = offsets[np.int64(id_)]
            size = offsets[np.int64(id_) + 1] - at
            if size != length or not same_bytes(vocab, at, text, start, length):
                id_ = find_hashed(whole, vocab, offsets, text, start, length, hashes[k])
        if id_ != ABSENT:
            arena[state[1]] = id_
            fill_entry(cache_, slots[i], text, start, length, 1)
            continue
        short = length <= SHORT
        symbols = lanes[0] if short else long_scratch[0]
        base = np.int64(lane * STRIDE) if short else 0
        size = first_symbols(text, start, ends[i], initial, symbols, base)
        if short:
            lanes[3][lane] = size
            waiting[lane] = k
            lane += 1
        else:
            size = merge_in_order(size, pairs, shift, long_scratch)
            for j in range(size):
                arena[state[1] + j] = symbols[j]
            fill_entry(cache_, slots[i], text, start, length, size)
        if lane == LANES:
            finish_lanes(lane, batch, text, ends, position, tables, cache_, keys)
            lane = 0
    finish_lanes(lane, batch, text, ends, position, tables, cache_, keys)


@kernel
def encode_pieces(
    text,
    bounds,
    ends,
    document,
    position,
    out,
    at,
    id_bounds,
    cache_,
    keys,
    whole_tables,
    tables,
    longest,
    batch,
    long_scratch,
):
    """Encode consecutive pieces from ``position``, which lies in ``document``.

    ``out`` has room for as many ids as the pieces have bytes, and three more. Pieces go through
    by batches as large as ``keys``: all look-ups of a batch are asked for before the first is
    made, and all pieces not seen before are merged side by side. Returns (pieces done, document,
    position, ids written up to, whether the cache lacks room). It stops early for that, and at
    pieces of more than ``longest`` bytes: the caller makes room, or encodes one stepwise.
    """
    done = 0
    while done < len(ends):
        size = min(len(keys[2]), len(ends) - done)
        these = ends[done : done + size]
        misses = look_up(text, these, position, longest, SPREAD, cache_, keys)
        if misses < 0:
            return done, document, position, at, True
        if misses > 0:
            complete_entries(
                misses,
                text,
                these,
                position,
                whole_tables,
                tables,
                cache_,
                keys,
                batch,
                long_scratch,
            )
        looked, document, position, at = emit(
            text, bounds, these, document, position, out, at, id_bounds, cache_, keys
        )
        done += looked
        if looked < size:
            break
    return done, document, position, at, False


@kernel
def encode_stepwise(
    text,
    bounds,
    ends,
    document,
    position,
    out,
    at,
    id_bounds,
    whole_tables,
    tables,
    long_scratch,
    dropout,
):
    """As ``encode_pieces``, for pieces of any length, one after another and without the cache.

    With ``dropout`` nothing is looked up whole. ``out`` and ``long_scratch`` must have room for as
    many ids as the pieces have bytes. Returns (document, position, ids written up to).
    """
    whole, vocab, offsets = whole_tables
    pairs, shift, ordered, initial = tables
    symbols = long_scratch[0]
    for end in ends:
        while bounds[document + 1] == position:
            document += 1
            id_bounds[document] = at
        if end < 0:
            position = ~end
            continue
        id_ = ABSENT
        if dropout == 0.0:
            id_ = find_whole(whole, vocab, offsets, text, position, end - position)
        if id_ != ABSENT:
            out[at] = id_
            at += 1
        else:
            count = first_symbols(text, position, end, initial, symbols, 0)
            if ordered and dropout == 0.0:
                count = merge_in_order(count, pairs, shift, long_scratch)
            else:
                count = merge_by_heap(count, pairs, shift, long_scratch, dropout)
            for k in range(count):
                out[at + k] = symbols[k]
            at += count
        position = end
    return document, position, at


# --- building tables


@kernel
def merges_of_ranks(vocab, offsets, order, byte_ids, pairs, shift, merges, long_scratch):
    """Find for each token the pair whose merge makes it; ids are ranks.

    ``order``: the tokens, shorter ones first; ``merges``: uint32[n, 3], for (left, right, token).
    Where a text makes the token, no merge goes across its ends, so that its bytes merge as they do
    alone, and the last pair is always the same. Tokens that this does not take to a pair cannot be
    made by merging. Returns the number found.
    """
    parts = long_scratch[0]
    found = 0
    for id_ in order:
        length = offsets[id_ + 1] - offsets[id_]
        if length < 2:
            continue
        for i in range(length):
            parts[i] = byte_ids[vocab[offsets[id_] + i]]
        if merge_by_heap(length, pairs, shift, long_scratch, 0.0) == 2:
            add_pair(pairs, shift, parts[0], parts[1], np.uint64(id_) << U32 | np.uint64(id_))
            merges[found, 0], merges[found, 1], merges[found, 2] = parts[0], parts[1], id_
            found += 1
    return found


# --- decoding


@kernel
def decode_size(ids, offsets):
    """(bytes needed, index of the first id out of range or -1)."""
    total, limit = 0, len(offsets) - 1
    for i in range(len(ids)):
        id_ = np.int64(ids[i])
        if id_ >= limit:
            return total, i
        total += offsets[id_ + 1] - offsets[id_]
    return total, -1


@kernel
def decode_into(ids, vocab, offsets, out):
    """Concatenate the tokens' bytes; ``out`` has 16 spare bytes, ``vocab`` 16 spare at its end."""
    at = 0
    for i in range(len(ids)):
        start = offsets[np.int64(ids[i])]
        length = offsets[np.int64(ids[i]) + 1] - start
        store_u64(out, at, load_u64(vocab, start))
        store_u64(out, at + 8, load_u64(vocab, start + 8))
        for k in range(16, length, 8):
            store_u64(out, at + k, load_u64(vocab, start + k))
        at += length
    return at
