"""Pieces as keys, and the cache of those already encoded."""

import numpy as np

from encoders.intrinsics import load_u32, load_u64, prefetch_far, store_u64
from encoders.jit import inlined, kernel, part

U0, U1, U2, U32 = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(32)
ONES = np.uint64(0xFFFFFFFFFFFFFFFF)
LOW32 = np.uint64(0xFFFFFFFF)
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
MULTIPLIER_2 = np.uint64(0xD6E8FEB86659FD93)

LONGEST_KEY = 15  # bytes of a piece that fit a key beside its length
LOW_MASKS = np.array([(1 << 8 * min(n, 8)) - 1 for n in range(16)], np.uint64)
HIGH_MASKS = np.array([(1 << 8 * max(n - 8, 0)) - 1 for n in range(16)], np.uint64)
HASHED = np.uint64(0xFF << 56)  # top byte of a key that is a hash; the bytes lie in the arena
INLINE = np.uint64(3)  # ids that fit a cache entry
IN_ARENA = U1 << np.uint64(63)  # of an entry's last word: its key is a hash
NEAR = 8  # pieces of a document that are counted before any are sought
SPECIAL = 2  # rows of the cache behind the table
UNKEPT, DROPPED = np.uint64(1), np.uint64(2)  # which they are, from the last of the table on
NO_KEY = U1  # second word of their keys


# --- pieces as keys


@inlined
def low_key(text, start, length):
    """The first eight bytes of a piece, zero beyond its end."""
    return load_u64(text, start) & LOW_MASKS[np.uint64(length)]


@inlined
def high_key(text, start, length):
    """Bytes 8 to 14 of a piece of at most 15 bytes, and its length in the top byte."""
    return load_u64(text, start + 8) & HIGH_MASKS[np.uint64(length)] | np.uint64(
        length
    ) << np.uint64(56)


@inlined
def mix(low, high):
    hashed = (low ^ (high * MULTIPLIER_2)) * MULTIPLIER
    return hashed ^ (hashed >> U32)


@inlined
def hash_long(text, start, length):
    """64-bit hash of a piece of more than 15 bytes."""
    hashed = np.uint64(length)
    at = start
    while at + 8 <= start + length:
        hashed = mix(hashed, load_u64(text, at)) * MULTIPLIER
        at += 8
    return mix(hashed, load_u64(text, start + length - 8))


@inlined
def hash_piece(text, start, length):
    """64-bit hash of a piece of any length; that of its key where it has one."""
    if length <= LONGEST_KEY:
        return mix(low_key(text, start, length), high_key(text, start, length))
    return hash_long(text, start, length)


@inlined
def same_bytes(a, i, b, j, length):
    k = 0
    while k + 8 <= length:
        if load_u64(a, i + k) != load_u64(b, j + k):
            return False
        k += 8
    while k < length:
        if a[i + k] != b[j + k]:
            return False
        k += 1
    return True


@inlined
def end_of(ends, i):
    """Where piece ``i`` ends, dropped or not."""
    return ends[i] ^ (ends[i] >> 63)


@inlined
def start_of(ends, i, position, first):
    """Where piece ``i`` starts, number ``first`` at ``position``."""
    return position if i == first else end_of(ends, i - U1)


# --- the cache of pieces
#
# ``cache``: uint64[2**k + 2, 4], open addressing. A row holds the key of a piece, of at most 15
# bytes or hashed, then (id 0, id 1), then (id 2, number of ids); where the ids are too many, and
# where the key is a hash, they lie in the arena (uint32) from the place in the third word on, the
# bytes of a hashed piece behind them. The last two rows stand for pieces that are not kept, and
# for those that the pre-tokenizer drops.
# ``state``: (entries, arena used).


@part
def mark_special(cache):
    """Make the last two rows of a table of zeros stand for pieces that are not in it."""
    unkept, dropped = len(cache) - 2, len(cache) - 1
    cache[unkept, 1], cache[dropped, 1] = NO_KEY, NO_KEY
    cache[unkept, 3] = IN_ARENA


@kernel
def clear_cache(cache, state):
    """Forget everything."""
    cache[:] = U0
    mark_special(cache)
    state[:] = 0


@kernel
def rehash(cache, larger):
    """Move all entries into a larger, cleared table."""
    last = np.uint64(len(larger) - SPECIAL - 1)
    for i in range(len(cache) - SPECIAL):
        if cache[i, 1] != U0:
            slot = mix(cache[i, 0], cache[i, 1]) & last
            while larger[slot, 1] != U0:
                slot = (slot + U1) & last
            for k in range(4):
                larger[slot, k] = cache[i, k]


@inlined
def same_as_in_arena(arena, at, text, start, length):
    """Whether a piece is the one whose bytes lie in the arena, four to a word."""
    for k in range(length >> 2):
        if arena[at + k] != load_u32(text, start + 4 * k):
            return False
    rest = length & 3
    if rest == 0:
        return True
    mask = (np.uint32(1) << np.uint32(8 * rest)) - np.uint32(1)
    return arena[at + (length >> 2)] == load_u32(text, start + length - rest) & mask


@inlined
def keep_bytes(arena, at, text, start, length):
    """Put a piece's bytes into the arena; the number of words that takes."""
    for k in range(length >> 2):
        arena[at + k] = load_u32(text, start + 4 * k)
    rest = length & 3
    if rest == 0:
        return length >> 2
    mask = (np.uint32(1) << np.uint32(8 * rest)) - np.uint32(1)
    arena[at + (length >> 2)] = load_u32(text, start + length - rest) & mask
    return (length >> 2) + 1


@inlined
def fill_entry(cache_, slot, text, start, length, count):
    """Complete the entry at ``slot``, whose ``count`` ids lie in the arena where it is free."""
    cache, arena, state = cache_
    used = state[1]
    if length <= LONGEST_KEY and np.uint64(count) <= INLINE:
        first = np.uint64(arena[used])
        second = np.uint64(arena[used + 1]) if count > 1 else U0
        third = np.uint64(arena[used + 2]) if count > 2 else U0
        cache[slot, 2] = first | second << U32
        cache[slot, 3] = third | np.uint64(count) << U32
        return
    cache[slot, 2] = np.uint64(used)
    cache[slot, 3] = np.uint64(count) << U32
    used += count
    if length > LONGEST_KEY:
        cache[slot, 3] |= IN_ARENA
        used += keep_bytes(arena, used, text, start, length)
    state[1] = used


# --- looking up


@part
def find_keys(text, ends, position, longest, keys, cache):
    """Keys and home slots of consecutive pieces; returns thrice the bytes of the hashed ones."""
    lows, highs, slots, _, _ = keys
    last = np.uint64(len(cache) - SPECIAL - 1)
    need = 0
    for i in range(np.uint64(len(ends))):
        end = ends[i]
        length = end - position
        if length <= LONGEST_KEY and end >= 0:
            low, high = low_key(text, position, length), high_key(text, position, length)
            slot = mix(low, high) & last
        elif length <= longest and end >= 0:
            low, high = hash_long(text, position, length), HASHED | np.uint64(length)
            slot = mix(low, high) & last
            need += 3 * length
        else:
            slot = last + (UNKEPT if end >= 0 else DROPPED)
            low, high = U0, cache[slot, 1]
        lows[i], highs[i], slots[i] = low, high, slot
        prefetch_far(cache, np.int64(slot) * 4)
        position = end ^ (end >> 63)
    return need


@part
def find_entries(count, cache_, keys):
    """Turn home slots into slots of entries. Pieces without one get one, to be completed, and are
    listed with the hashes of `hash_piece`. Returns the number missing."""
    cache, _, state = cache_
    lows, highs, slots, missing, hashes = keys
    last = np.uint64(len(cache) - SPECIAL - 1)
    misses = U0
    for i in range(np.uint64(count)):
        low, high, slot = lows[i], highs[i], slots[i]
        while (cache[slot, 0] != low or cache[slot, 1] != high) and cache[slot, 1] != U0:
            slot = (slot + U1) & last
        slots[i] = slot
        if cache[slot, 1] == U0:
            cache[slot, 0], cache[slot, 1] = low, high
            missing[misses] = np.int64(i)
            hashes[misses] = low if high >= HASHED else mix(low, high)
            misses += U1
    state[0] += np.int64(misses)
    return np.int64(misses)


@part
def look_up(text, ends, position, longest, spread, cache_, keys):
    """Find the entries of consecutive pieces; returns the number missing, or -1 where the cache
    lacks room for what may be missing.

    Pieces of more than ``longest`` bytes are not kept. ``spread``: words of the arena that a piece
    of up to 15 bytes may need; a longer one may need as many, and three times its bytes.
    """
    cache, arena, state = cache_
    need = find_keys(text, ends, position, longest, keys, cache) + spread * len(ends)
    # Not full, so that probes stay short.
    if state[0] + len(ends) > 3 * len(cache) >> 2 or state[1] + need > len(arena):
        return -1
    return find_entries(len(ends), cache_, keys)


# --- writing


@inlined
def pieces_until(ends, begin, document_end):
    """Number of the piece that ends at ``document_end``, and one; that of all where none does."""
    if begin + NEAR <= len(ends):
        # Short documents: comparing with some pieces is faster than guessing with which.
        before = 0
        for k in range(NEAR):
            before += end_of(ends, begin + k) < document_end
        if before < NEAR:
            return begin + before + 1
        begin += NEAR - 1
    stop, step = begin, 1
    while stop < len(ends) and end_of(ends, stop) < document_end:
        begin, stop, step = stop + 1, stop + step, 2 * step
    stop = min(stop, len(ends))
    while begin < stop:
        middle = (begin + stop) >> 1
        if end_of(ends, middle) < document_end:
            begin = middle + 1
        else:
            stop = middle
    return min(begin + 1, len(ends))


@part
def emit(text, bounds, ends, document, position, out, at, id_bounds, cache_, keys):
    """Write the ids of consecutive pieces, whose entries are complete.

    Returns (the number of the first piece that has no entry, document, position, ids written up
    to).
    """
    cache, arena, _ = cache_
    slots = keys[2]
    written, begin = np.uint64(at), 0
    while begin < len(ends):
        while position == bounds[document + 1]:
            document += 1
            id_bounds[document] = written
        i = np.uint64(begin)
        stop = np.uint64(pieces_until(ends, begin, bounds[document + 1]))
        while i < stop:
            slot = slots[i]
            first, second = cache[slot, 2], cache[slot, 3]
            count = second >> U32
            if count <= INLINE:
                # The fourth is the count, and written over by what follows.
                store_u64(out, np.int64(written), first)
                store_u64(out, np.int64(written) + 2, second)
            else:
                place = np.int64(first)
                if second >= IN_ARENA:
                    count &= np.uint64(0x7FFFFFFF)
                    start = start_of(ends, i, position, begin)
                    length = ends[i] - start
                    if cache[slot, 1] == NO_KEY or not same_as_in_arena(
                        arena, place + np.int64(count), text, start, length
                    ):
                        return np.int64(i), document, start, np.int64(written)
                for k in range(0, np.int64(count), 2):
                    store_u64(out, np.int64(written) + k, load_u64(arena, place + k))
            written += count
            i += U1
        begin, position = np.int64(stop), end_of(ends, stop - U1)
    return len(ends), document, position, np.int64(written)
