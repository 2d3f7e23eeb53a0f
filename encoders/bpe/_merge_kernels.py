"""Exact merging: many short pieces side by side, or one of any length."""

import numpy as np

from encoders.bpe._symbol_kernels import (
    LOW32,
    NEVER,
    ONES,
    U1,
    U32,
    find_key,
    find_pair,
    prefetch_pair,
)
from encoders.draws._kernels import next_random
from encoders.intrinsics import clz64, ctz64, min16_u32, store_u64
from encoders.jit import inlined, part

U0, U2, U63 = np.uint64(0), np.uint64(2), np.uint64(63)
SHORT = 64  # symbols that a lane holds; their liveness is one machine word
LANES = 32  # pieces that merge side by side
STRIDE = np.uint64(80)  # of a lane in its arrays: 64, and spare that no search for a minimum sees
SPARE = np.uint64(79)
INDEX_BITS = np.uint32(6)


# --- short pieces


@inlined
def short_key(found, index):
    """``rank << 6 | index``, or NEVER."""
    return np.uint32(found >> U32) << INDEX_BITS | np.uint32(index) if found != ONES else NEVER


@inlined
def set_pair(keys, results, base, index, found):
    results[base + index] = np.uint32(found & LOW32)
    keys[base + index] = short_key(found, index)


@inlined
def least_key(keys, base, padded):
    best = min16_u32(keys, np.int64(base))
    for block in range(16, padded, 16):
        best = min(best, min16_u32(keys, np.int64(base) + block))
    return best


@inlined
def merge_step(base, lane, at, lanes, pairs, shift):
    """Merge the pair that begins at symbol ``at`` of a lane, and ask for the two new ones."""
    symbols, keys, results, _, alive, asked, places = lanes
    symbol = np.uint64(results[base + at])
    symbols[base + at] = np.uint32(symbol)
    above = ONES << at << U1
    gone = ctz64(alive[lane] & above)
    left = alive[lane] & ~(U1 << gone)
    alive[lane] = left
    keys[base + gone], keys[base + at] = NEVER, NEVER
    later, earlier = left & above, left & ~(ONES << at)
    # Without a neighbour a pair is asked for that there is none of, so that nothing branches.
    right = np.uint64(symbols[base + (ctz64(later) & U63)])
    before = (U63 - clz64(earlier)) & U63
    no_right, no_left = U0 - np.uint64(later == U0), U0 - np.uint64(earlier == U0)
    ask_right = symbol << U32 | right | no_right
    ask_left = np.uint64(symbols[base + before]) << U32 | symbol | no_left
    prefetch_pair(pairs, shift, ask_right)
    prefetch_pair(pairs, shift, ask_left)
    asked[U2 * lane], asked[U2 * lane + U1] = ask_right, ask_left
    places[U2 * lane], places[U2 * lane + U1] = at, before ^ (no_left & (before ^ SPARE))


@part
def merge_lanes(count, lanes, pairs, shift):
    """Merge up to 32 pieces of up to 64 symbols each, in place.

    ``lanes``: ``symbols``, ``keys``, ``results`` (uint32[32 * 80]), lane ``i`` from ``80 i`` on;
    ``counts`` (int64[32]) of symbols; ``alive`` (uint64[32]), filled with the bit sets of those
    that live on; ``asked``, ``places`` (uint64[64]), scratch.

    ``keys[i]`` is ``rank << 6 | i`` of symbol i with the next living one, so that the least key
    is the leftmost pair of lowest rank; ``results[i]`` is what they merge into. Lanes take turns,
    so that each waits for the memory it asked for while the others work: a merge has to look up
    two pairs, and that is most of its time.
    """
    symbols, keys, results, counts, alive, asked, places = lanes
    for lane in range(np.uint64(count)):
        base = lane * STRIDE
        for i in range(base, base + np.uint64(max(counts[lane] - 1, 0))):
            key = np.uint64(symbols[i]) << U32 | np.uint64(symbols[i + U1])
            prefetch_pair(pairs, shift, key)
    for lane in range(np.uint64(count)):
        base, size = lane * STRIDE, np.uint64(counts[lane])
        padded = (size + np.uint64(15)) & ~np.uint64(15)
        last = max(size, U1) - U1
        for i in range(U0, max(padded, np.uint64(16)), U2):
            store_u64(keys, np.int64(base + i), ONES)  # twice NEVER
        for i in range(last):
            found = find_pair(pairs, shift, symbols[base + i], symbols[base + i + U1])
            set_pair(keys, results, base, i, found)
        alive[lane] = ONES >> (np.uint64(64) - size) if size != U0 else U0
        asked[U2 * lane], asked[U2 * lane + U1] = ONES, ONES
        places[U2 * lane], places[U2 * lane + U1] = SPARE, SPARE
    # Lanes that still merge are a bit set, so that dropping one moves nothing.
    active = ONES >> np.uint64(64 - count) if count > 0 else U0
    while active != U0:
        turn = active
        while turn != U0:
            lane = ctz64(turn)
            turn &= turn - U1
            for side in range(U2 * lane, U2 * lane + U2):
                found = find_key(pairs, shift, asked[side])
                set_pair(keys, results, lane * STRIDE, places[side], found)
        # In a loop of its own: what was just stored cannot be loaded wider at once.
        turn = active
        while turn != U0:
            lane = ctz64(turn)
            turn &= turn - U1
            base = lane * STRIDE
            best = least_key(keys, base, counts[lane])
            if best == NEVER:
                active &= ~(U1 << lane)
            else:
                merge_step(base, lane, np.uint64(best) & U63, lanes, pairs, shift)


@inlined
def take_lane(lane, lanes, out, at):
    """Write the living symbols of a lane to ``out`` from ``at`` on; the number of them."""
    symbols, alive = lanes[0], lanes[4]
    left, count = alive[lane], np.int64(0)
    while left != U0:
        out[at + count] = symbols[np.uint64(lane) * STRIDE + ctz64(left)]
        left &= left - U1
        count += 1
    return count


# --- pieces of any length


@inlined
def first_set(bits, words):
    """Index of the first set bit of the two-level set; -1 where there is none.

    ``bits``: uint64, ``words`` words of which bit i says whether word i behind them is not zero.
    """
    for word in range(words):
        if bits[word] != U0:
            inner = word * 64 + np.int64(ctz64(bits[word]))
            return inner * 64 + np.int64(ctz64(bits[words + inner]))
    return np.int64(-1)


@inlined
def push_position(queue, used, rank, position):
    """Put a position into the bucket of its rank. Returns how many nodes are used now."""
    heads, bits, words, nodes = queue
    if heads[rank] == 0:
        bits[words + (rank >> 6)] |= U1 << np.uint64(rank & 63)
        bits[rank >> 12] |= U1 << np.uint64((rank >> 6) & 63)
    nodes[used, 0], nodes[used, 1] = position, heads[rank]
    heads[rank] = used + 1  # 0 is the empty bucket, so that fresh memory needs no filling
    return used + 1


@inlined
def take_bucket(queue, rank, order):
    """Empty a bucket into ``order``, the latest last. Returns the number of positions."""
    heads, bits, words, nodes = queue
    count, node = 0, np.int64(heads[rank])
    while node > 0:
        order[count] = nodes[node - 1, 0]
        node = np.int64(nodes[node - 1, 1])
        count += 1
    heads[rank] = 0
    bits[words + (rank >> 6)] &= ~(U1 << np.uint64(rank & 63))
    if bits[words + (rank >> 6)] == U0:
        bits[rank >> 12] &= ~(U1 << np.uint64((rank >> 6) & 63))
    for i in range(count >> 1):
        order[i], order[count - 1 - i] = order[count - 1 - i], order[i]
    return count


@inlined
def sort_runs(order, spare, count):
    """Sort by merging the ascending runs that are there already: usually only one."""
    while True:
        done, runs, source = 0, 0, 0
        while source < count:
            middle = source + 1
            while middle < count and order[middle - 1] <= order[middle]:
                middle += 1
            stop = middle + 1 if middle < count else middle
            while stop < count and order[stop - 1] <= order[stop]:
                stop += 1
            if source == 0 and middle == count:
                return
            a, b = source, middle
            while a < middle or b < stop:
                if b >= stop or (a < middle and order[a] <= order[b]):
                    spare[done] = order[a]
                    a += 1
                else:
                    spare[done] = order[b]
                    b += 1
                done += 1
            source = stop
            runs += 1
        for i in range(count):
            order[i] = spare[i]
        if runs == 1:
            return


@part
def merge_in_order(count, pairs, shift, long_scratch):
    """Merge the symbols in ``long_scratch[0]``, any number, in place; returns how many remain, in
    front.

    For tables where no merge ranks before those that make its parts. Then ranks never fall: all
    pairs of a rank are known when its turn comes, and one sweep from the left merges them. Every
    position is in a bucket at most once a merge beside it, so the time is that of the merges.
    """
    symbols, links, ranks, results, queue, _, order, spare, _ = long_scratch
    after, before = links[0], links[1]
    used = 0
    for i in range(count):
        after[i], before[i] = i + 1, i - 1
        found = find_pair(pairs, shift, symbols[i], symbols[i + 1]) if i + 1 < count else ONES
        ranks[i], results[i] = np.uint32(found >> U32), np.uint32(found & LOW32)
        if found != ONES:
            used = push_position(queue, used, np.int64(found >> U32), i)
    while True:
        rank = first_set(queue[1], queue[2])
        if rank < 0:
            break
        size = take_bucket(queue, rank, order)
        sort_runs(order, spare, size)
        for k in range(size):
            here = order[k]
            if ranks[here] != rank:
                continue  # merged into another, or beside another now
            gone = np.int64(after[here])
            symbols[here] = results[here]
            ranks[gone] = NEVER
            later, earlier = np.int64(after[gone]), np.int64(before[here])
            after[here] = later
            found = ONES
            if later < count:
                before[later] = here
                found = find_pair(pairs, shift, symbols[here], symbols[later])
            ranks[here], results[here] = np.uint32(found >> U32), np.uint32(found & LOW32)
            if found != ONES:
                used = push_position(queue, used, np.int64(found >> U32), here)
            if earlier >= 0:
                found = find_pair(pairs, shift, symbols[earlier], symbols[here])
                ranks[earlier] = np.uint32(found >> U32)
                results[earlier] = np.uint32(found & LOW32)
                if found != ONES:
                    used = push_position(queue, used, np.int64(found >> U32), earlier)
    return gather_linked(symbols, count, after)


@inlined
def gather_linked(symbols, count, after):
    """Move the symbols of a linked list, which begins with the first, to the front."""
    kept, at = 0, 0
    while at < count:
        symbols[kept] = symbols[at]
        kept += 1
        at = np.int64(after[at])
    return kept


@part
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


@part
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


@part
def merge_by_heap(count, pairs, shift, long_scratch, dropout):
    """As `merge_in_order`, for any table, in O(n log n).

    Before each merge every pair is passed over with probability ``dropout``, as in BPE-dropout
    (Provilkov et al. 2020, algorithm 1): the first in order that is not is merged, and where all
    are it ends. Draws are made only as far as they matter.
    """
    symbols, links, _, _, _, heap, _, _, random = long_scratch
    after, before = links[0], links[1]
    size, passed = 0, 0
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
        gone = np.int64(after[here])
        found = find_pair(pairs, shift, symbols[here], symbols[gone])
        if found == ONES or (found >> U32) != (top >> U32):
            continue  # one side has changed since
        if dropout > 0.0 and next_random(random) < dropout:
            passed += 1
            heap[len(heap) - passed] = top  # what is left of the heap's memory is a stack
            continue
        symbols[here] = np.uint32(found & LOW32)
        later, earlier = np.int64(after[gone]), np.int64(before[here])
        after[here], after[gone] = later, -1
        if later < count:
            before[later] = here
            found = find_pair(pairs, shift, symbols[here], symbols[later])
            if found != ONES:
                size = heap_push(heap, size, (found & ~LOW32) | np.uint64(here))
        if earlier >= 0:
            found = find_pair(pairs, shift, symbols[earlier], symbols[here])
            if found != ONES:
                size = heap_push(heap, size, (found & ~LOW32) | np.uint64(earlier))
        while passed > 0:
            size = heap_push(heap, size, heap[len(heap) - passed])
            passed -= 1
    return gather_linked(symbols, count, after)
