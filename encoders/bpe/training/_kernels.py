"""Counting pieces, and learning merges from the counts."""

import numpy as np

from encoders.jit import allocating_kernel, inlined, kernel
from encoders.pieces._kernels import hash_piece, same_bytes

U0, U1, U32 = np.uint64(0), np.uint64(1), np.uint64(32)
EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)


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


@inlined
def map_slot(keys, key):
    """Where a pair is in the map, or would go."""
    last = np.uint64(len(keys) - 1)
    slot = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20) & last
    while keys[slot] != EMPTY and keys[slot] != key:
        slot = (slot + U1) & last
    return np.int64(slot)


@inlined
def before(counts, pairs, a, b):
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
        if child + 1 < size and before(counts, pairs, heap[child + 1], heap[child]):
            child += 1
        if not before(counts, pairs, heap[child], entry):
            break
        heap[at] = heap[child]
        at = child
    heap[at] = entry


@inlined
def rise(heap, at, counts, pairs):
    entry = heap[at]
    while at > 0:
        parent = (at - 1) >> 1
        if not before(counts, pairs, entry, heap[parent]):
            break
        heap[at] = heap[parent]
        at = parent
    heap[at] = entry


@allocating_kernel
def larger_int64(array, used):
    grown = np.empty(2 * len(array), np.int64)
    grown[:used] = array[:used]
    return grown


@allocating_kernel
def learn(
    symbols,
    bounds,
    frequencies,
    lengths,
    vocab,
    offsets,
    tokens,
    vocab_size,
    min_frequency,
    longest,
    merges,
):
    """Learn merges as the trainer of `tokenizers` does (models/bpe/trainer.rs).

    ``symbols``: int64, ids of all words end to end, overwritten; ``bounds``: int64[words + 1];
    ``frequencies``: int64[words]; ``lengths``: int64[vocab_size], symbols in a token, and
    ``vocab`` (uint8, 16 spare), ``offsets`` (int64[vocab_size + 1]), its bytes: both filled for
    the first ``tokens``; ``merges``: int64[m, 3], filled with left, right and merged id. A pair
    is a candidate only while its token would have fewer than ``longest`` symbols. Returns (merges,
    tokens).

    A candidate carries the words that its pair was new in when it became one. A token that a
    second pair makes again gives its pairs new words, and so a second candidate; both are merged.
    """
    known = np.full(1 << 4, -1, np.int64)  # token bytes to id, open addressing
    while len(known) < 2 * vocab_size + 2:
        known = np.full(2 * len(known), -1, np.int64)
    for id_ in range(tokens):
        if offsets[id_ + 1] > offsets[id_]:
            slot = hash_piece(vocab, offsets[id_], offsets[id_ + 1] - offsets[id_]) & np.uint64(
                len(known) - 1
            )
            while known[slot] >= 0:
                slot = (slot + U1) & np.uint64(len(known) - 1)
            known[slot] = id_
    words = len(bounds) - 1
    stops = bounds[1:].copy()
    # Pair counts, and the words of the pairs seen in this step.
    keys = np.full(1 << 12, EMPTY, np.uint64)
    totals = np.zeros(1 << 12, np.int64)
    lists = np.full(1 << 12, -1, np.int64)
    pairs_known = 0
    # Words of each pair of a step, linked backwards: (word, the one before).
    link_word = np.empty(1 << 12, np.int64)
    link_next = np.empty(1 << 12, np.int64)
    links = 0
    fresh = np.empty(1 << 12, np.int64)  # keys of the pairs with words in this step
    freshes = 0
    # Candidates and their words.
    entry_pair = np.empty(1 << 12, np.uint64)
    entry_count = np.empty(1 << 12, np.int64)
    entry_start = np.empty(1 << 12, np.int64)
    entry_size = np.empty(1 << 12, np.int64)
    entries = 0
    heap = np.empty(1 << 12, np.int64)
    size = 0
    pool = np.empty(1 << 14, np.int64)
    pooled = 0

    learned = 0
    step_words = np.arange(words)
    left = right = made = np.int64(-1)
    while True:
        # One step: merge (left, right) in its words, or count all words in the first.
        links = freshes = 0
        for w in step_words:
            start, stop = bounds[w], stops[w]
            frequency = frequencies[w]
            # What happens to pairs is told to the map as (pair, change).
            read, write = start, start
            while read < stop:
                merged = left >= 0 and read + 1 < stop
                merged = merged and symbols[read] == left and symbols[read + 1] == right
                if left >= 0 and not merged:
                    symbols[write] = symbols[read]
                    write += 1
                    read += 1
                    continue
                if left < 0 and read + 1 >= stop:
                    break
                for change in range(4 if merged else 1):
                    if not merged:
                        a, b, sign = symbols[read], symbols[read + 1], 1
                    elif change == 0:
                        if write == start:
                            continue
                        a, b, sign = symbols[write - 1], left, -1
                    elif change == 1:
                        if write == start or lengths[symbols[write - 1]] + lengths[made] >= longest:
                            continue
                        a, b, sign = symbols[write - 1], made, 1
                    elif change == 2:
                        if read + 2 >= stop:
                            continue
                        a, b, sign = right, symbols[read + 2], -1
                    else:
                        if (
                            read + 2 >= stop
                            or lengths[symbols[read + 2]] + lengths[made] >= longest
                        ):
                            continue
                        a, b, sign = made, symbols[read + 2], 1
                    key = np.uint64(a) << U32 | np.uint64(b)
                    slot = map_slot(keys, key)
                    if keys[slot] == EMPTY:
                        if 2 * pairs_known >= len(keys):
                            old_keys, old_totals, old_lists = keys, totals, lists
                            keys = np.full(4 * len(old_keys), EMPTY, np.uint64)
                            totals = np.zeros(len(keys), np.int64)
                            lists = np.full(len(keys), -1, np.int64)
                            for k in range(len(old_keys)):
                                if old_keys[k] != EMPTY:
                                    moved = map_slot(keys, old_keys[k])
                                    keys[moved] = old_keys[k]
                                    totals[moved] = old_totals[k]
                                    lists[moved] = old_lists[k]
                            slot = map_slot(keys, key)
                        keys[slot] = key
                        pairs_known += 1
                    totals[slot] += sign * frequency
                    if sign > 0:
                        head = lists[slot]
                        if head < 0:
                            if freshes == len(fresh):
                                fresh = larger_int64(fresh, freshes)
                            fresh[freshes] = np.int64(key)
                            freshes += 1
                        if head < 0 or link_word[head] != w:
                            if links == len(link_word):
                                link_word = larger_int64(link_word, links)
                                link_next = larger_int64(link_next, links)
                            link_word[links], link_next[links] = w, head
                            lists[slot] = links
                            links += 1
                if merged:
                    symbols[write] = made
                    write += 1
                    read += 2
                else:
                    read += 1
            if left >= 0:
                stops[w] = write
        # Every pair with new words becomes a candidate.
        for f in range(freshes):
            slot = map_slot(keys, np.uint64(fresh[f]))
            head = lists[slot]
            lists[slot] = -1
            if totals[slot] <= 0:
                continue
            if entries == len(entry_count):
                entry_count = larger_int64(entry_count, entries)
                entry_start = larger_int64(entry_start, entries)
                entry_size = larger_int64(entry_size, entries)
                heap = larger_int64(heap, size)
                grown = np.empty(2 * len(entry_pair), np.uint64)
                grown[:entries] = entry_pair
                entry_pair = grown
            entry_pair[entries], entry_count[entries] = keys[slot], totals[slot]
            entry_start[entries] = pooled
            while head >= 0:
                if pooled == len(pool):
                    pool = larger_int64(pool, pooled)
                pool[pooled] = link_word[head]
                pooled += 1
                head = link_next[head]
            entry_size[entries] = pooled - entry_start[entries]
            heap[size] = entries
            rise(heap, size, entry_count, entry_pair)
            size += 1
            entries += 1
        # The next merge.
        if tokens >= vocab_size or learned == len(merges):
            return learned, tokens
        top = np.int64(-1)
        while size > 0:
            top = heap[0]
            count = totals[map_slot(keys, entry_pair[top])]
            if count == entry_count[top]:
                size -= 1
                heap[0] = heap[size]
                if size > 0:
                    sink(heap, size, 0, entry_count, entry_pair)
                break
            entry_count[top] = count
            sink(heap, size, 0, entry_count, entry_pair)
            top = np.int64(-1)
        if top < 0 or entry_count[top] < 1 or entry_count[top] < min_frequency:
            return learned, tokens
        left, right = (
            np.int64(entry_pair[top] >> U32),
            np.int64(entry_pair[top] & np.uint64(0xFFFFFFFF)),
        )
        # The new token's bytes go behind the last; they stay there only if they are new.
        start = offsets[tokens]
        size_left = offsets[left + 1] - offsets[left]
        size_made = size_left + offsets[right + 1] - offsets[right]
        if start + size_made + 16 > len(vocab):
            grown_vocab = np.zeros(2 * len(vocab) + size_made, np.uint8)
            grown_vocab[: len(vocab)] = vocab
            vocab = grown_vocab
        for k in range(size_made):
            inside = k - size_left
            vocab[start + k] = (
                vocab[offsets[left] + k] if inside < 0 else vocab[offsets[right] + inside]
            )
        slot = hash_piece(vocab, start, size_made) & np.uint64(len(known) - 1)
        made = np.int64(-1)
        while known[slot] >= 0:
            other = known[slot]
            if offsets[other + 1] - offsets[other] == size_made:
                if same_bytes(vocab, offsets[other], vocab, start, size_made):
                    made = other
                    break
            slot = (slot + U1) & np.uint64(len(known) - 1)
        if made < 0:
            made = np.int64(tokens)
            known[slot] = made
            lengths[made] = lengths[left] + lengths[right]
            tokens += 1
            offsets[tokens] = start + size_made
        merges[learned, 0], merges[learned, 1], merges[learned, 2] = left, right, made
        learned += 1
        step_words = pool[entry_start[top] : entry_start[top] + entry_size[top]].copy()
