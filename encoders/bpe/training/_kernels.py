"""Counting pieces, and learning merges from the counts."""

import numpy as np
from numba.extending import register_jitable

from encoders.bpe.training._limit_kernels import describe, may_merge
from encoders.jit import allocating_kernel, inlined, kernel, part
from encoders.pieces._kernels import hash_piece, same_bytes

U1 = np.uint64(1)
NONE = np.int64(-1)
I32, LOW32 = np.int64(32), np.int64(0xFFFFFFFF)

PAIRS, LINKS, FRESH, CANDIDATES, HEAP, POOL = range(6)  # what ``used`` counts


# --- counting


@kernel
def count_pieces(text, ends, position, table, slots, arena, state):
    """Count consecutive pieces from ``position``.

    ``table``: int64[n, 4] of (hash, arena offset, length, count) in order of first sight;
    ``slots``: int32[m], open addressing into it, -1 where free; ``state``: (entries, arena bytes).
    Returns (pieces done, position); stops early where something is full.
    """
    last = np.uint64(len(slots) - 1)
    for i in range(len(ends)):
        end = ends[i]
        if end < 0:
            position = ~end
            continue
        length = end - position
        hashed = hash_piece(text, position, length)
        slot = hashed & last
        while True:
            entry = slots[slot]
            if entry < 0:
                break
            if table[entry, 0] == np.int64(hashed) and table[entry, 2] == length:
                if same_bytes(arena, table[entry, 1], text, position, length):
                    break
            slot = (slot + U1) & last
        if entry < 0:
            if state[0] >= len(table) or state[1] + length + 8 > len(arena):
                return i, position
            entry = state[0]
            slots[slot] = entry
            table[entry, 0], table[entry, 1] = np.int64(hashed), state[1]
            table[entry, 2], table[entry, 3] = length, 0
            for k in range(length):
                arena[state[1] + k] = text[position + k]
            state[0] += 1
            state[1] += length
        table[entry, 3] += 1
        position = end
    return len(ends), position


@kernel
def index_entries(table, count, slots):
    """Fill a larger, empty ``slots`` with the first ``count`` entries."""
    last = np.uint64(len(slots) - 1)
    for entry in range(count):
        slot = np.uint64(table[entry, 0]) & last
        while slots[slot] >= 0:
            slot = (slot + U1) & last
        slots[slot] = entry


# --- learning
#
# What goes from part to part, all int64:
# ``words``: (symbols, bounds, stops, counts). The ids of word ``w`` are
#     ``symbols[bounds[w] : stops[w]]``; merging makes ``stops`` less.
# ``pairs``: (keys, totals, heads). Open addressing from ``left << 32 | right`` to how often the
#     pair occurs, and to its last link in this step, NONE where it has none.
# ``links``: (word, link before, key). The words that each pair is new in since the last merge,
#     linked backwards, and the keys of the pairs that have any.
# ``queue``: (pair, count, start, size, heap, pool). Candidates with their words, which lie in the
#     pool; the heap holds those not yet merged, the next on top.
# ``used``: how many there are of each.
# ``rules``: (whether there are limits, traits of tokens, limits); see ``_limit_kernels.py``.


@inlined
def map_slot(keys, key):
    """Where a pair is in the map, or would go."""
    last = np.uint64(len(keys) - 1)
    slot = (np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20) & last
    while keys[slot] != NONE and keys[slot] != key:
        slot = (slot + U1) & last
    return np.int64(slot)


@inlined
def has_room(pairs, links, used):
    """Whether one more merge, with a new pair on either side, fits in."""
    return (
        2 * (used[PAIRS] + 2) <= len(pairs[0])
        and used[LINKS] + 2 <= len(links[0])
        and used[FRESH] + 2 <= len(links[2])
    )


@inlined
def count_less(left, right, count, pairs):
    """A pair is gone from one place."""
    keys, totals, _ = pairs
    slot = map_slot(keys, left << I32 | right)
    if keys[slot] != NONE:
        totals[slot] -= count


@inlined
def count_more(left, right, count, word, pairs, links, used):
    """A pair is new in one place of a word."""
    keys, totals, heads = pairs
    link_word, link_before, fresh = links
    key = left << I32 | right
    slot = map_slot(keys, key)
    if keys[slot] == NONE:
        keys[slot] = key
        used[PAIRS] += 1
    totals[slot] += count
    head = heads[slot]
    if head < 0:
        fresh[used[FRESH]] = key
        used[FRESH] += 1
    if head < 0 or link_word[head] != word:
        heads[slot] = used[LINKS]
        link_word[used[LINKS]], link_before[used[LINKS]] = word, head
        used[LINKS] += 1


@inlined
def allowed(left, right, rules):
    """Whether a pair may become a token."""
    limited, traits, limits = rules
    return not limited or may_merge(left, right, traits, limits)


@part
def count_pairs(cursor, words, pairs, links, used, rules):
    """Count the pairs of all words, from ``cursor`` on: (word, symbol in it).

    Returns whether all is done; stops early where there is no room.
    """
    symbols, bounds, stops, counts = words
    for w in range(cursor[0], len(counts)):
        first = bounds[w] + cursor[1]
        cursor[1] = 0
        for at in range(first, stops[w] - 1):
            if not has_room(pairs, links, used):
                cursor[0], cursor[1] = w, at - bounds[w]
                return False
            if allowed(symbols[at], symbols[at + 1], rules):
                count_more(symbols[at], symbols[at + 1], counts[w], w, pairs, links, used)
    return True


@part
def merge_pair(left, right, made, places, cursor, words, pairs, links, used, rules):
    """Merge a pair in the words ``places``, from ``cursor`` on: (place, read, written in it).

    Returns whether all is done; stops early where there is no room.
    """
    symbols, bounds, stops, counts = words
    for i in range(cursor[0], len(places)):
        w = places[i]
        start, stop, count = bounds[w], stops[w], counts[w]
        read, write = start + cursor[1], start + cursor[2]
        cursor[1], cursor[2] = 0, 0
        while read < stop:
            if symbols[read] != left or read + 1 == stop or symbols[read + 1] != right:
                symbols[write] = symbols[read]
                write += 1
                read += 1
                continue
            if not has_room(pairs, links, used):
                cursor[0], cursor[1], cursor[2] = i, read - start, write - start
                return False
            if write > start:
                before = symbols[write - 1]
                count_less(before, left, count, pairs)
                if allowed(before, made, rules):
                    count_more(before, made, count, w, pairs, links, used)
            if read + 2 < stop:
                behind = symbols[read + 2]
                count_less(right, behind, count, pairs)
                if allowed(made, behind, rules):
                    count_more(made, behind, count, w, pairs, links, used)
            symbols[write] = made
            write += 1
            read += 2
        stops[w] = write
    return True


@inlined
def goes_before(counts, pairs, a, b):
    """Whether candidate ``a`` is merged before ``b``: more frequent, or of equals the lesser."""
    if counts[a] != counts[b]:
        return counts[a] > counts[b]
    return pairs[a] < pairs[b]


@inlined
def sink(heap, size, at, counts, pairs):
    entry = heap[at]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and goes_before(counts, pairs, heap[child + 1], heap[child]):
            child += 1
        if not goes_before(counts, pairs, heap[child], entry):
            break
        heap[at] = heap[child]
        at = child
    heap[at] = entry


@inlined
def rise(heap, at, counts, pairs):
    entry = heap[at]
    while at > 0:
        parent = (at - 1) >> 1
        if not goes_before(counts, pairs, entry, heap[parent]):
            break
        heap[at] = heap[parent]
        at = parent
    heap[at] = entry


@part
def add_candidates(pairs, links, queue, used):
    """Make every pair with new words a candidate; there is room for all."""
    keys, totals, heads = pairs
    link_word, link_before, fresh = links
    pair, count, start, size, heap, pool = queue
    for f in range(used[FRESH]):
        slot = map_slot(keys, fresh[f])
        head = heads[slot]
        heads[slot] = NONE
        if totals[slot] <= 0:
            continue
        new = used[CANDIDATES]
        used[CANDIDATES] += 1
        pair[new], count[new], start[new] = keys[slot], totals[slot], used[POOL]
        while head >= 0:
            pool[used[POOL]] = link_word[head]
            used[POOL] += 1
            head = link_before[head]
        size[new] = used[POOL] - start[new]
        heap[used[HEAP]] = new
        rise(heap, used[HEAP], count, pair)
        used[HEAP] += 1
    used[FRESH] = used[LINKS] = 0


@part
def next_candidate(pairs, queue, used):
    """Take the candidate to merge next off the heap, NONE where there is none.

    Counts sink after their pair became a candidate: one whose count is no more true goes back.
    """
    keys, totals, _ = pairs
    pair, count, _, _, heap, _ = queue
    while used[HEAP] > 0:
        top = heap[0]
        current = totals[map_slot(keys, pair[top])]
        if current == count[top]:
            used[HEAP] -= 1
            heap[0] = heap[used[HEAP]]
            if used[HEAP] > 0:
                sink(heap, used[HEAP], 0, count, pair)
            return top
        count[top] = current
        sink(heap, used[HEAP], 0, count, pair)
    return NONE


@part
def find_token(vocab, offsets, known, token):
    """Slot of the token whose bytes those of ``token`` are, or where it would go."""
    start, size = offsets[token], offsets[token + 1] - offsets[token]
    last = np.uint64(len(known) - 1)
    slot = hash_piece(vocab, start, size) & last
    while known[slot] >= 0:
        other = known[slot]
        if offsets[other + 1] - offsets[other] == size:
            if same_bytes(vocab, offsets[other], vocab, start, size):
                break
        slot = (slot + U1) & last
    return slot


@part
def spell(left, right, token, vocab, offsets):
    """Write the bytes of two tokens behind those of the last, as those of ``token``."""
    at = offsets[token]
    for source in (left, right):
        for k in range(offsets[source], offsets[source + 1]):
            vocab[at] = vocab[k]
            at += 1
    offsets[token + 1] = at


# Parts that make arrays, which a `part` cannot.


@register_jitable
def larger(array, used, room):
    """The array, or a larger one with what is used of it, that has ``room`` places."""
    if room <= len(array):
        return array
    grown = np.zeros(max(room, 2 * len(array)), array.dtype)
    for k in range(used):  # assigning a slice would take three seconds to compile
        grown[k] = array[k]
    return grown


@register_jitable
def larger_pairs(pairs):
    """The same pairs, in a map four times as large."""
    keys, totals, heads = pairs
    size = 4 * len(keys)
    grown = np.full(size, NONE, np.int64), np.zeros(size, np.int64), np.full(size, NONE, np.int64)
    for slot in range(len(keys)):
        if keys[slot] != NONE:
            moved = map_slot(grown[0], keys[slot])
            grown[0][moved] = keys[slot]
            grown[1][moved], grown[2][moved] = totals[slot], heads[slot]
    return grown


@register_jitable
def with_room(pairs, links, used):
    """Pairs and links with room for a merge more."""
    if 2 * (used[PAIRS] + 2) > len(pairs[0]):
        pairs = larger_pairs(pairs)
    word, before, fresh = links
    word = larger(word, used[LINKS], used[LINKS] + 2)
    before = larger(before, used[LINKS], used[LINKS] + 2)
    return pairs, (word, before, larger(fresh, used[FRESH], used[FRESH] + 2))


@register_jitable
def queue_with_room(queue, used):
    """The queue with room for all pairs of a step as candidates."""
    pair, count, start, size, heap, pool = queue
    entries, room = used[CANDIDATES], used[CANDIDATES] + used[FRESH]
    return (
        larger(pair, entries, room),
        larger(count, entries, room),
        larger(start, entries, room),
        larger(size, entries, room),
        larger(heap, used[HEAP], room),
        larger(pool, used[POOL], used[POOL] + used[LINKS]),
    )


@allocating_kernel
def learn(
    symbols,
    bounds,
    counts,
    vocab,
    offsets,
    tokens,
    vocab_size,
    min_frequency,
    rules,
    characters,
    merges,
):
    """Learn merges as the trainer of `tokenizers` does (models/bpe/trainer.rs).

    ``symbols``: int64, ids of all words end to end, overwritten; ``bounds``: int64[words + 1];
    ``counts``: int64[words]; ``vocab`` (uint8, 16 spare) and ``offsets`` (int64[vocab_size + 2]):
    bytes of the first ``tokens``, an empty one where an id is no token of bytes; ``rules``: (bool,
    int64[vocab_size + 1, 4] to fill, int64[5]); ``merges``: int64[m, 3], filled with left, right
    and merged id. Returns (merges, tokens).

    A candidate carries the words that its pair was new in when it became one. A token that a
    second pair makes again gives its pairs new words, and so a second candidate; both are merged.
    """
    limited, traits, _ = rules
    slots = 1 << 4
    while slots < 2 * vocab_size + 2:
        slots *= 2
    known = np.full(slots, NONE, np.int64)  # token bytes to id, open addressing
    for token in range(tokens):
        if offsets[token + 1] > offsets[token]:
            known[find_token(vocab, offsets, known, token)] = token
            if limited:
                describe(token, vocab, offsets, characters, traits)
    words = symbols, bounds, bounds[1:].copy(), counts
    room = 1 << 12
    pairs = np.full(room, NONE, np.int64), np.zeros(room, np.int64), np.full(room, NONE, np.int64)
    empty = np.empty(0, np.int64)
    links = empty, empty, empty
    queue = empty, empty, empty, empty, empty, empty
    used, cursor = np.zeros(6, np.int64), np.zeros(3, np.int64)
    while not count_pairs(cursor, words, pairs, links, used, rules):
        pairs, links = with_room(pairs, links, used)
    learned = 0
    while True:
        queue = queue_with_room(queue, used)
        add_candidates(pairs, links, queue, used)
        if tokens >= vocab_size or learned == len(merges):
            break
        top = next_candidate(pairs, queue, used)
        pair, count, start, size, _, pool = queue
        if top < 0 or count[top] < max(1, min_frequency):
            break
        left, right = pair[top] >> I32, pair[top] & LOW32
        end = offsets[tokens]
        sizes = offsets[left + 1] - offsets[left] + offsets[right + 1] - offsets[right]
        vocab = larger(vocab, end, end + sizes + 16)
        spell(left, right, tokens, vocab, offsets)
        slot = find_token(vocab, offsets, known, tokens)
        if known[slot] < 0:
            known[slot] = tokens
            if limited:
                describe(tokens, vocab, offsets, characters, traits)
            tokens += 1
        made = known[slot]
        merges[learned, 0], merges[learned, 1], merges[learned, 2] = left, right, made
        learned += 1
        places = pool[start[top] : start[top] + size[top]]
        cursor[0], cursor[1], cursor[2] = 0, 0, 0
        while not merge_pair(left, right, made, places, cursor, words, pairs, links, used, rules):
            pairs, links = with_room(pairs, links, used)
    return learned, tokens
