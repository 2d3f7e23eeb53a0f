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
    LONGEST_KEY,
    LOW32,
    ONES,
    U1,
    U32,
    add_pair,
    find_hashed,
    find_whole,
    first_symbols,
    hash_long,
    high_key,
    low_key,
    mix,
    next_candidate,
    same_bytes,
)
from encoders.intrinsics import load_u32, load_u64, prefetch, prefetch_far, store_u64
from encoders.jit import inlined, kernel, part

U0, U2, U3 = np.uint64(0), np.uint64(2), np.uint64(3)
HASHED = np.uint64(0xFF << 56)  # top byte of a key that is a hash; the bytes lie in the arena
INLINE = np.uint64(3)  # ids that fit a cache entry
IN_ARENA = U1 << np.uint64(63)  # of an entry's last word: its key is a hash
SPECIAL = 2  # rows of the cache behind the table
UNKEPT, DROPPED = np.uint64(1), np.uint64(2)  # which they are, from the last of the table on
NO_KEY = U1  # second word of their keys
SPREAD = 16  # ids an arena must have spare for one short piece


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


# --- the encoder


@part
def find_keys(text, ends, position, longest, keys, cache):
    """Keys and home slots of consecutive pieces; those of more than ``longest`` bytes are not kept.
    Returns how much of the arena they may need."""
    lows, highs, slots = keys
    last = np.uint64(len(cache) - SPECIAL - 1)
    need = SPREAD * len(ends)
    for i in range(np.uint64(len(ends))):
        end = ends[i]
        length = end - position
        if length <= LONGEST_KEY and end >= 0:
            low, high = low_key(text, position, length), high_key(text, position, length)
            slot = mix(low, high) & last
        elif length <= longest and end >= 0:
            low, high = hash_long(text, position, length), HASHED | np.uint64(length)
            slot = mix(low, high) & last
            need += 2 * length
        else:
            slot = last + (UNKEPT if end >= 0 else DROPPED)
            low, high = U0, cache[slot, 1]
        lows[i], highs[i], slots[i] = low, high, slot
        prefetch_far(cache, np.int64(slot) * 4)
        position = end ^ (end >> 63)
    return need


@part
def find_entries(count, keys, cache, state, whole, missing, hashes):
    """Turn home slots into slots of entries. Pieces without one get one, to be completed, and
    are listed with their hashes in the table of whole tokens. Returns the number missing."""
    lows, highs, slots = keys
    last, last_whole = np.uint64(len(cache) - SPECIAL - 1), np.uint64(len(whole) - 1)
    misses = U0
    for i in range(np.uint64(count)):
        low, high, slot = lows[i], highs[i], slots[i]
        while (cache[slot, 0] != low or cache[slot, 1] != high) and cache[slot, 1] != U0:
            slot = (slot + U1) & last
        slots[i] = slot
        if cache[slot, 1] == U0:
            cache[slot, 0], cache[slot, 1] = low, high
            hashed = low if high >= HASHED else mix(low, high)
            missing[misses], hashes[misses] = np.int64(i), hashed
            misses += U1
            prefetch(whole, np.int64(hashed & last_whole))
    state[0] += np.int64(misses)
    return np.int64(misses)


@inlined
def find_whole_tokens(misses, hashes, whole_tables, found):
    """Candidates for the whole tokens that missing pieces are, or ABSENT.

    In rounds, so that the memory that one look-up waits for arrives during the others.
    """
    whole, vocab, offsets = whole_tables
    last = np.uint64(len(whole) - 1)
    for k in range(misses):
        slot = next_candidate(whole, hashes[k] & last, hashes[k])
        found[k] = np.uint32(whole[slot] & LOW32)  # an empty slot is all ones, as is ABSENT
        if whole[slot] != ONES:
            prefetch(offsets, np.int64(whole[slot] & LOW32))
    for k in range(misses):
        if found[k] != ABSENT:
            prefetch(vocab, offsets[np.int64(found[k])])


@inlined
def end_of(ends, i):
    """Where piece ``i`` ends, dropped or not."""
    return ends[i] ^ (ends[i] >> 63)


@inlined
def start_of(ends, i, position, first):
    """Where piece ``i`` starts, number ``first`` at ``position``."""
    return position if i == first else end_of(ends, i - U1)


@part
def finish_lanes(count, lanes, waiting, missing, text, ends, position, tables, cache_, slots):
    """Merge what lies in the lanes and complete the entries of those pieces."""
    merge_lanes(count, lanes, tables[0], tables[1])
    for lane in range(count):
        i = missing[waiting[lane]]
        start = start_of(ends, np.uint64(i), position, U0)
        size = take_lane(lane, lanes, cache_[1], cache_[2][1])
        fill_entry(cache_, slots[i], text, start, ends[i] - start, size)


@part
def complete_entries(
    text, ends, position, misses, whole_tables, tables, cache_, slots, scratch, long_scratch
):
    """Find the ids of the pieces that had no entry."""
    missing, hashes, found, waiting, lanes = scratch
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
            finish_lanes(lane, lanes, waiting, missing, text, ends, position, tables, cache_, slots)
            lane = 0
    finish_lanes(lane, lanes, waiting, missing, text, ends, position, tables, cache_, slots)


@inlined
def pieces_until(ends, begin, document_end):
    """Number of the piece that ends at ``document_end``, and one; that of all where none does."""
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
def emit(text, bounds, ends, document, position, out, at, id_bounds, cache, arena, slots):
    """Write the ids of consecutive pieces, whose entries are complete.

    Returns (the number of the first piece that has no entry, document, position, ids written up
    to).
    """
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
    whole_tables,
    tables,
    longest,
    cache_,
    keys,
    scratch,
    long_scratch,
):
    """Encode consecutive pieces from ``position``, which lies in ``document``.

    ``out`` has room for as many ids as the pieces have bytes, and three more. Pieces go through
    by batches as large as ``keys``: all look-ups of a batch are asked for before the first is
    made, and all pieces not seen before are merged side by side. Returns (pieces done, document,
    position, ids written up to, whether the cache lacks room). It stops early for that, and at
    pieces of more than ``longest`` bytes: the caller makes room, or encodes one stepwise.
    """
    cache, arena, state = cache_
    slots = keys[2]
    done = 0
    while done < len(ends):
        size = min(len(slots), len(ends) - done)
        batch = ends[done : done + size]
        need = find_keys(text, batch, position, longest, keys, cache)
        # Not full, so that probes stay short.
        if state[0] + size > 3 * len(cache) >> 2 or state[1] + need > len(arena):
            return done, document, position, at, True
        misses = find_entries(size, keys, cache, state, whole_tables[0], scratch[0], scratch[1])
        if misses > 0:
            complete_entries(
                text,
                batch,
                position,
                misses,
                whole_tables,
                tables,
                cache_,
                slots,
                scratch,
                long_scratch,
            )
        looked, document, position, at = emit(
            text, bounds, batch, document, position, out, at, id_bounds, cache, arena, slots
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
def merges_of_ranks(
    vocab, offsets, order, byte_ids, pairs, shift, lefts, rights, merged, long_scratch
):
    """Find for each token, in rank order, the pair whose merge makes it.

    Byte pair encoding with the lower ranks takes the token's bytes to that pair; no merge
    crosses the ends of what becomes the token, so no other pair makes it in any text. Tokens
    that this does not take to a pair cannot be made by merging. Returns the number found.
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
            add_pair(pairs, shift, parts[0], parts[1], np.uint64(found) << U32 | np.uint64(id_))
            lefts[found], rights[found], merged[found] = parts[0], parts[1], id_
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
