"""Byte-pair encoding: exact merging, and the cache of pieces already merged."""

import numpy as np

from encoders.intrinsics import (
    clz64,
    ctz64,
    load_u32,
    load_u64,
    min16_u32,
    popcount64,
    prefetch,
    store_u64,
)
from encoders.jit import allocating_kernel, inlined, kernel

U0, U1, U2, U32, U63 = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(32), np.uint64(63)
ONES = np.uint64(0xFFFFFFFFFFFFFFFF)
LOW32 = np.uint64(0xFFFFFFFF)
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
MULTIPLIER_2 = np.uint64(0xD6E8FEB86659FD93)

SHORT = 64  # symbols that the short merge holds; their liveness is one machine word
INDEX_BITS = np.uint32(6)
NEVER = np.uint32(0xFFFFFFFF)
LONGEST_KEY = 15  # bytes of a piece that fit a cache key beside its length
LONGEST_CACHED = 256  # longer pieces hardly ever come again
HASHED = np.uint64(0xFF << 56)  # top byte of a key that is a hash; the bytes lie in the arena
INLINE = np.uint64(3)  # ids that fit a cache entry
BATCH = np.uint64(128)  # pieces whose cache lines are asked for before the first is looked at
ABSENT = np.uint32(0xFFFFFFFF)
LOW_MASKS = np.array([(1 << 8 * min(n, 8)) - 1 for n in range(16)], np.uint64)
HIGH_MASKS = np.array([(1 << 8 * max(n - 8, 0)) - 1 for n in range(16)], np.uint64)


# --- merging


@inlined
def pair_slot(left, right, shift):
    return ((np.uint64(left) << U32 | np.uint64(right)) * MULTIPLIER) >> shift


@inlined
def find_pair(pairs, shift, left, right):
    """``rank << 32 | merged id`` of a pair; all ones where the pair does not merge."""
    key = np.uint64(left) << U32 | np.uint64(right)
    slot = pair_slot(left, right, shift)
    last = np.uint64(len(pairs) - 1)
    # An empty slot holds all ones in both words, so that what is found needs no branch.
    while pairs[slot, 0] != key and pairs[slot, 0] != ONES:
        slot = (slot + U1) & last
    return pairs[slot, 1]


@kernel
def add_pair(pairs, shift, left, right, value):
    """Add or replace."""
    key = np.uint64(left) << U32 | np.uint64(right)
    slot = pair_slot(left, right, shift)
    last = np.uint64(len(pairs) - 1)
    while pairs[slot, 0] != ONES and pairs[slot, 0] != key:
        slot = (slot + U1) & last
    pairs[slot, 0] = key
    pairs[slot, 1] = value


@kernel
def fill_pairs(pairs, shift, lefts, rights, merged, ranks):
    """Pairs in rank order; a later one of the same key replaces the earlier, as `tokenizers`."""
    for i in range(len(lefts)):
        value = np.uint64(ranks[i]) << U32 | np.uint64(merged[i])
        add_pair(pairs, shift, lefts[i], rights[i], value)


@inlined
def short_key(found, index):
    """``rank << 6 | index``, or NEVER."""
    return np.uint32(found >> U32) << INDEX_BITS | np.uint32(index) if found != ONES else NEVER


@inlined
def merge_short(symbols, count, keys, results, pairs, shift):
    """Merge up to 64 symbols in place; returns the bit set of those that live on.

    ``keys[i]`` is ``rank << 6 | i`` of symbol i with the next living one, so that the least key
    is the leftmost pair of lowest rank; ``results[i]`` is what they merge into.
    """
    alive = ONES >> np.uint64(64 - count)
    padded = (count + 15) & ~15
    for i in range(count - 1):
        found = find_pair(pairs, shift, symbols[i], symbols[i + 1])
        results[i] = np.uint32(found & LOW32)
        keys[i] = short_key(found, i)
    for i in range(count - 1, padded):
        keys[i] = NEVER
    while True:
        best = min16_u32(keys, 0)
        for block in range(16, padded, 16):
            best = min(best, min16_u32(keys, block))
        if best == NEVER:
            return alive
        at = np.uint64(best) & U63
        here = np.int64(at)
        symbols[here] = results[here]
        above = ONES << at << U1
        gone = ctz64(alive & above)
        alive &= ~(U1 << gone)
        keys[np.int64(gone)] = NEVER
        keys[here] = NEVER
        later = alive & above
        if later != U0:
            found = find_pair(pairs, shift, symbols[here], symbols[np.int64(ctz64(later))])
            results[here] = np.uint32(found & LOW32)
            keys[here] = short_key(found, here)
        earlier = alive & ~(ONES << at)
        if earlier != U0:
            before = np.int64(U63 - clz64(earlier))
            found = find_pair(pairs, shift, symbols[before], symbols[here])
            results[before] = np.uint32(found & LOW32)
            keys[before] = short_key(found, before)


@kernel
def heap_push(heap, size, key):
    at = size
    while at > 0:
        parent = (at - 1) >> 1
        if heap[parent] <= key:
            break
        heap[at] = heap[parent]
        at = parent
    heap[at] = key
    return size + 1


@kernel
def heap_sink(heap, size, at, key):
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = key


@kernel
def merge_long(symbols, count, links, heap, pairs, shift):
    """Merge any number of symbols in place, O(n log n); returns how many remain, in front.

    ``links`` (int64[2, n]) and ``heap`` (uint64[3 n]) are scratch.
    """
    after, before = links[0], links[1]
    size = 0
    for i in range(count):
        after[i], before[i] = i + 1, i - 1
        if i + 1 < count:
            found = find_pair(pairs, shift, symbols[i], symbols[i + 1])
            if found != ONES:
                heap[size] = (found & ~LOW32) | np.uint64(i)
                size += 1
    for at in range(size // 2 - 1, -1, -1):
        heap_sink(heap, size, at, heap[at])
    while size > 0:
        top = heap[0]
        size -= 1
        if size > 0:
            heap_sink(heap, size, 0, heap[size])
        here = np.int64(top & LOW32)
        if after[here] < 0 or after[here] >= count:
            continue  # merged into another, or last by now
        gone = after[here]
        found = find_pair(pairs, shift, symbols[here], symbols[gone])
        if found == ONES or (found >> U32) != (top >> U32):
            continue  # one side has changed since
        symbols[here] = np.uint32(found & LOW32)
        later = after[gone]
        after[here], after[gone] = later, -1
        if later < count:
            before[later] = here
            found = find_pair(pairs, shift, symbols[here], symbols[later])
            if found != ONES:
                size = heap_push(heap, size, (found & ~LOW32) | np.uint64(here))
        earlier = before[here]
        if earlier >= 0:
            found = find_pair(pairs, shift, symbols[earlier], symbols[here])
            if found != ONES:
                size = heap_push(heap, size, (found & ~LOW32) | np.uint64(earlier))
    kept = 0
    at = 0
    while at < count:
        symbols[kept] = symbols[at]
        kept += 1
        at = after[at]
    return kept


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
def hash_piece(text, start, length):
    """64-bit hash of a piece of any length; that of its cache key where it has one."""
    if length <= LONGEST_KEY:
        return mix(low_key(text, start, length), high_key(text, start, length))
    hashed = np.uint64(length)
    at = start
    while at + 8 <= start + length:
        hashed = mix(hashed, load_u64(text, at)) * MULTIPLIER
        at += 8
    return mix(hashed, load_u64(text, start + length - 8))


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


@kernel
def fill_whole(whole, vocab, offsets, ids):
    """Hash table from token bytes to ``hash's upper half << 32 | id``."""
    last = np.uint64(len(whole) - 1)
    for id_ in ids:
        start = offsets[id_]
        hashed = hash_piece(vocab, start, offsets[id_ + 1] - start)
        slot = hashed & last
        while whole[slot] != ONES:
            slot = (slot + U1) & last
        whole[slot] = (hashed & ~LOW32) | np.uint64(id_)


@inlined
def find_hashed(whole, vocab, offsets, text, start, length, hashed):
    last = np.uint64(len(whole) - 1)
    slot = hashed & last
    while whole[slot] != ONES:
        # Bytes are compared only where half of the hash agrees already.
        if (whole[slot] ^ hashed) >> U32 == U0:
            id_ = np.int64(whole[slot] & LOW32)
            at = offsets[id_]
            if offsets[id_ + 1] - at == length and same_bytes(vocab, at, text, start, length):
                return np.uint32(id_)
        slot = (slot + U1) & last
    return ABSENT


@inlined
def find_whole(whole, vocab, offsets, text, start, length):
    """Id of the token with these bytes; ABSENT where there is none."""
    hashed = hash_piece(text, start, length)
    return find_hashed(whole, vocab, offsets, text, start, length, hashed)


# --- from characters to symbols


@inlined
def utf8_length(lead):
    if lead < 0xC0:
        return 1
    if lead < 0xE0:
        return 2
    return 3 if lead < 0xF0 else 4


@inlined
def byte_symbols(text, start, stop, byte_ids, characters, byte_pairs, symbols):
    """One symbol a byte, or two bytes or a character where they are sure to merge first.

    Why that is exact: where no merge ranks before those that make its parts, ranks never fall
    while a piece is merged. So if every merge that could tear the bytes apart - of a part of
    them with a neighbour, whatever that has grown to - ranks after the merges among them, those
    among them come first. The tables hold the least such rank by the neighbouring byte.
    """
    char_ids, char_ranks, lead_ranks, tail_ranks = characters
    pair_ids, pair_ranks, left_ranks, right_ranks = byte_pairs
    count, at, before = 0, start, 256
    if len(pair_ids) == 0:
        while at < stop:
            symbols[count] = byte_ids[text[at]]
            count += 1 if byte_ids[text[at]] != ABSENT else 0
            at += 1
        return count
    while at < stop:
        lead = np.int64(text[at])
        if 0xC2 <= lead < 0xF0:
            length = 2 if lead < 0xE0 else 3
            if at + length <= stop:
                code = (lead & 0x1F) << 6 | np.int64(text[at + 1] & 0x3F)
                if length == 3:
                    code = code << 6 | np.int64(text[at + 2] & 0x3F)
                    # No character is spelled overlong; no table has a surrogate.
                    code = code if code >= 0x800 else 0xD800
                rank = char_ranks[code]
                tail = text[at + length - 1] & 0x3F
                after = np.int64(text[at + length]) if at + length < stop else 256
                if (
                    rank < lead_ranks[lead & 0x3F, before]
                    and rank < tail_ranks[tail, after]
                    and (text[at + 1] & 0xC0) == 0x80
                    and (text[at + length - 1] & 0xC0) == 0x80
                ):
                    symbols[count] = char_ids[code]
                    count += 1
                    at += length
                    before = np.int64(text[at - 1])
                    continue
        # Without a branch, for whether two letters merge is nearly a toss of a coin.
        second = np.int64(text[at + 1])
        after = np.int64(text[at + 2]) if at + 2 < stop else 256
        rank = pair_ranks[lead, second] if at + 1 < stop else NEVER
        sure = (rank < left_ranks[before, lead]) & (rank < right_ranks[second, after])
        symbols[count] = pair_ids[lead, second] if sure else byte_ids[lead]
        count += 1
        at += 2 if sure else 1
        before = second if sure else lead
    return count


@inlined
def char_symbols(text, start, stop, char_tables, byte_ids, unknown, fuse_unknown, symbols):
    """One symbol a character, as `tokenizers` BPE has it without a byte alphabet.

    ``char_tables``: for a character that is (alone, first, last, inner) the hash table from its
    bytes to its symbol. A character without one falls back to ``byte_ids`` if all its bytes
    have one, else to ``unknown``, else vanishes.
    """
    tables, keys, offsets, ids = char_tables
    count, at = 0, start
    fused = False
    while at < stop:
        length = min(utf8_length(text[at]), stop - at)
        place = (
            (2 if at + length == stop else 3) if at > start else (0 if at + length == stop else 1)
        )
        found = find_whole(tables[place], keys, offsets, text, at, length)
        if found != ABSENT:
            symbols[count] = ids[place, found]
            count += 1
            fused = False
        else:
            bytes_known = True
            for k in range(length):
                bytes_known &= byte_ids[text[at + k]] != ABSENT
            if bytes_known:
                for k in range(length):
                    symbols[count] = byte_ids[text[at + k]]
                    count += 1
                fused = False
            elif unknown != ABSENT and not (fused and fuse_unknown):
                symbols[count] = unknown
                count += 1
                fused = True
        at += length
    return count


@inlined
def first_symbols(text, start, stop, initial, symbols):
    """The symbols of a piece before any merge."""
    by_character, byte_ids, characters, byte_pairs, char_tables, unknown, fuse_unknown = initial
    if by_character:
        return char_symbols(
            text, start, stop, char_tables, byte_ids, unknown, fuse_unknown, symbols
        )
    return byte_symbols(text, start, stop, byte_ids, characters, byte_pairs, symbols)


@inlined
def merge_piece(text, start, stop, tables, scratch):
    """Symbols of one piece after all merges, at the front of ``scratch[0]``; returns the count."""
    symbols, keys, results, links, heap = scratch
    pairs, shift, initial = tables
    count = first_symbols(text, start, stop, initial, symbols)
    if count > SHORT:
        return merge_long(symbols, count, links, heap, pairs, shift)
    if count < 2:
        return count
    alive = merge_short(symbols, count, keys, results, pairs, shift)
    kept = 0
    while alive != U0:
        symbols[kept] = symbols[np.int64(ctz64(alive))]
        alive &= alive - U1
        kept += 1
    return kept


@inlined
def next_random(state):
    """xorshift64*, uniform in [0, 1); ``state`` is uint64[1], never zero."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return np.float64((x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(11)) * (
        1.0 / 9007199254740992.0
    )


@allocating_kernel
def merge_dropout(symbols, count, pairs, shift, dropout, random):
    """Merge where each candidate, in order of rank, is passed over with probability ``dropout``.

    BPE-dropout (Provilkov et al., 2020, section 4) in the form of `tokenizers`: candidates
    passed over stand again after the next merge.
    """
    ranks = np.empty(count, np.uint64)
    while True:
        for i in range(count - 1):
            ranks[i] = find_pair(pairs, shift, symbols[i], symbols[i + 1])
        order = np.argsort(ranks[: count - 1], kind="mergesort")
        chosen = -1
        for i in order:
            if ranks[i] == ONES:
                break
            if next_random(random) >= dropout:
                chosen = i
                break
        if chosen < 0:
            return count
        symbols[chosen] = np.uint32(ranks[chosen] & LOW32)
        for i in range(chosen + 1, count - 1):
            symbols[i] = symbols[i + 1]
        count -= 1


# --- the encoder


@inlined
def cache_key(text, start, length):
    """The two words of a piece's key: its bytes and length, or where those are too many a hash
    and the length."""
    if length <= LONGEST_KEY:
        return low_key(text, start, length), high_key(text, start, length)
    return hash_piece(text, start, length), HASHED | np.uint64(length)


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
def cache_insert(cache, arena, state, key, text, start, length, symbols, count):
    """Remember a piece; ``state`` is (entries, arena used). The caller has seen to the room."""
    low, high, slot = key
    last = np.uint64(len(cache) - 1)
    while cache[slot, 1] != U0:
        slot = (slot + U1) & last
    cache[slot, 0], cache[slot, 1] = low, high
    if np.uint64(count) <= INLINE and length <= LONGEST_KEY:
        first = np.uint64(symbols[0])
        second = np.uint64(symbols[1]) if count > 1 else U0
        third = np.uint64(symbols[2]) if count > 2 else U0
        cache[slot, 2] = first | second << U32
        cache[slot, 3] = third | np.uint64(count) << U32
    else:
        used = state[1]
        for i in range(count):
            arena[used + i] = symbols[i]
        cache[slot, 2] = np.uint64(used)
        cache[slot, 3] = np.uint64(count) << U32
        used += count
        if length > LONGEST_KEY:
            used += keep_bytes(arena, used, text, start, length)
        state[1] = used
    state[0] += 1


@kernel
def rehash(cache, larger):
    """Move all entries into a larger, empty table."""
    last = np.uint64(len(larger) - 1)
    for i in range(len(cache)):
        if cache[i, 1] != U0:
            slot = mix(cache[i, 0], cache[i, 1]) & last
            while larger[slot, 1] != U0:
                slot = (slot + U1) & last
            for k in range(4):
                larger[slot, k] = cache[i, k]


@inlined
def encode_rare(text, start, length, out, at, whole_tables, tables, cache_, scratch, key):
    """Encode a piece whose ids do not lie in its cache entry: they are in the arena, or still to
    be found. Returns their number, or -1 where the cache or the scratch lacks room."""
    whole, vocab, offsets = whole_tables
    cache, arena, state = cache_
    _, high, slot = key
    fresh = cache[slot, 1] == U0
    if not fresh:
        count = np.int64(cache[slot, 3] >> U32)
        place = np.int64(cache[slot, 2])
        if high < HASHED or same_as_in_arena(arena, place + count, text, start, length):
            for k in range(count):
                out[at + np.uint64(k)] = arena[place + k]
            return count
    symbols = scratch[0]
    if length <= LONGEST_CACHED:
        # Half full at most, so that probes stay short.
        if state[0] >= (len(cache) >> 1) - 1 or state[1] + 2 * length > len(arena):
            return -1
    elif length > len(symbols):
        return -1
    count = 1
    id_ = find_whole(whole, vocab, offsets, text, start, length)
    if id_ != ABSENT:
        symbols[0] = id_
    else:
        count = merge_piece(text, start, start + length, tables, scratch)
    if length <= LONGEST_CACHED and fresh:
        cache_insert(cache, arena, state, key, text, start, length, symbols, count)
    for k in range(count):
        out[at + np.uint64(k)] = symbols[k]
    return count


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
    cache_,
    scratch,
    keys,
):
    """Encode consecutive pieces from ``position``, which lies in ``document``.

    ``out`` has room for as many ids as the pieces have bytes, and three more. Returns (pieces
    done, document, position, ids written up to). It stops early where the cache or the scratch
    has no room for one more piece: the caller makes room and calls again.
    """
    cache = cache_[0]
    lows, highs, slots = keys
    last = np.uint64(len(cache) - 1)
    # Unsigned indices spare a test for negative ones at every access.
    done, total, written = U0, np.uint64(len(ends)), np.uint64(at)
    document_end = bounds[document + 1]
    while done < total:
        batch = min(BATCH, total - done)
        start = position
        for i in range(batch):
            end = ends[done + i]
            stop = end if end >= 0 else ~end
            low, high = cache_key(text, start, stop - start)
            slot = mix(low, high) & last
            lows[i], highs[i], slots[i] = low, high, slot
            prefetch(cache, np.int64(slot) * 4)
            start = stop
        for i in range(batch):
            while position == document_end:
                document += 1
                id_bounds[document] = written
                document_end = bounds[document + 1]
            end = ends[done + i]
            if end < 0:
                position = ~end
                continue
            low, high, slot = lows[i], highs[i], slots[i]
            while (cache[slot, 0] != low or cache[slot, 1] != high) and cache[slot, 1] != U0:
                slot = (slot + U1) & last
            first, second = cache[slot, 2], cache[slot, 3]
            count = second >> U32
            fresh = cache[slot, 1] == U0
            if not fresh and high < HASHED and count <= INLINE:
                out[written] = np.uint32(first & LOW32)
                out[written + U1] = np.uint32(first >> U32)
                out[written + U2] = np.uint32(second & LOW32)
                written += count
            else:
                found = encode_rare(
                    text,
                    position,
                    end - position,
                    out,
                    written,
                    whole_tables,
                    tables,
                    cache_,
                    scratch,
                    (low, high, slot),
                )
                if found < 0:
                    return np.int64(done + i), document, position, np.int64(written)
                written += np.uint64(found)
            position = end
        done += batch
    return np.int64(done), document, position, np.int64(written)


@allocating_kernel
def encode_dropout(
    text, bounds, ends, document, position, out, at, id_bounds, tables, scratch, dropout, random
):
    """As ``encode_pieces``, merging with dropout: nothing is looked up whole and nothing cached.

    ``out`` and the scratch must have room for as many ids as the pieces have bytes.
    """
    pairs, shift, initial = tables
    symbols = scratch[0]
    for end in ends:
        while bounds[document + 1] == position:
            document += 1
            id_bounds[document] = at
        if end >= 0:
            count = first_symbols(text, position, end, initial, symbols)
            count = merge_dropout(symbols, count, pairs, shift, dropout, random)
            for k in range(count):
                out[at + k] = symbols[k]
            at += count
        position = end if end >= 0 else ~end
    return document, position, at


# --- building tables


@kernel
def merges_of_ranks(vocab, offsets, order, byte_ids, pairs, shift, lefts, rights, merged, scratch):
    """Find for each token, in rank order, the pair whose merge makes it.

    Byte pair encoding with the lower ranks takes the token's bytes to that pair; no merge
    crosses the ends of what becomes the token, so no other pair makes it in any text. Tokens
    that this does not take to a pair cannot be made by merging. Returns the number found.
    """
    symbols, keys, results, links, heap = scratch
    found = 0
    for id_ in order:
        length = offsets[id_ + 1] - offsets[id_]
        if length < 2:
            continue
        for i in range(length):
            symbols[i] = byte_ids[vocab[offsets[id_] + i]]
        if length > SHORT:
            if merge_long(symbols, length, links, heap, pairs, shift) != 2:
                continue
            left, right = symbols[0], symbols[1]
        else:
            alive = merge_short(symbols, length, keys, results, pairs, shift)
            if popcount64(alive) != np.uint64(2):
                continue
            left, right = symbols[0], symbols[np.int64(ctz64(alive & (alive - U1)))]
        add_pair(pairs, shift, left, right, np.uint64(found) << U32 | np.uint64(id_))
        lefts[found], rights[found], merged[found] = left, right, id_
        found += 1
    return found


@allocating_kernel
def tokens_that_merge_whole(vocab, offsets, tables, scratch):
    """bool[V]: which tokens their own bytes merge into."""
    symbols = scratch[0]
    whole = np.zeros(len(offsets) - 1, np.bool_)
    for id_ in range(len(offsets) - 1):
        start, stop = offsets[id_], offsets[id_ + 1]
        if stop > start:
            count = merge_piece(vocab, start, stop, tables, scratch)
            whole[id_] = count == 1 and symbols[0] == id_
    return whole


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
