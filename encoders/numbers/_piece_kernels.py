"""Numbers as pieces among those of a base tokenizer.

``spans`` are rows of `encoders.scan.numbers`; ``marked`` (int64) are the pieces that are numbers.
They have entries in the cache of pieces as all others have, under keys of their own.
"""

import numpy as np

from encoders.bpe._kernels import SPREAD, complete_entries
from encoders.intrinsics import prefetch
from encoders.jit import inlined, kernel, part
from encoders.numbers._kernels import put_number
from encoders.pieces._kernels import (
    HASHED,
    LONGEST_KEY,
    SPECIAL,
    U0,
    U1,
    U2,
    emit,
    fill_entry,
    find_entries,
    find_keys,
    hash_long,
    high_key,
    low_key,
    mix,
    same_as_in_arena,
    start_of,
)

U3, U4 = np.uint64(3), np.uint64(4)

# In the second word of a number's key: beside the length, or below a hash.
SHORT_NUMBER, LONG_NUMBER = U1 << np.uint64(62), U1 << U4 * np.uint64(8)
COUNT = np.uint64(0x7FFFFFFF)

MAY_BE_WHITE = np.zeros(256, np.bool_)
MAY_BE_WHITE[0x80:] = True
for _byte in b"\t\n\v\f\r ":
    MAY_BE_WHITE[_byte] = True


# --- pieces


@kernel
def cuts_at_numbers(text, spans, everywhere, cuts):
    """Write the ends of numbers that a scanner must see as ends of a text, which are all with
    ``everywhere``; returns how many. `encoders.numbers.pieces` tells which."""
    count = 0
    for i in range(len(spans)):
        start, stop = spans[i, 0], spans[i, 2]
        # Before the first document these are spare bytes at the other end, and do no harm.
        white = MAY_BE_WHITE[text[start - 1]] & MAY_BE_WHITE[text[start - 2]]
        cuts[count], cuts[count + 1] = start, stop
        count += 2 * (everywhere | white | (text[stop] >= 0x80))
    return count


@inlined
def before_of_four(ends, i, until):
    """How many of the next four are before ``until``, without a branch."""
    found = np.uint64(ends[i] < until) + np.uint64(ends[i + U1] < until)
    return found + np.uint64(ends[i + U2] < until) + np.uint64(ends[i + U3] < until)


@inlined
def copy_ends(ends, i, merged, count, until):
    """Copy those before ``until``, of which one at least is not; returns (i, count)."""
    while i + U4 <= np.uint64(len(ends)):
        for k in range(4):
            merged[count + np.uint64(k)] = ends[i + np.uint64(k)]
        if ends[i + U3] >= until:
            found = before_of_four(ends, i, until)
            return i + found, count + found
        i += U4
        count += U4
    while ends[i] < until:
        merged[count] = ends[i]
        count += U1
        i += U1
    return i, count


@inlined
def skip_ends(ends, i, until):
    """The next that is not before ``until``, or the number of all."""
    total = np.uint64(len(ends))
    while i + U4 <= total:
        if ends[i + U3] >= until:
            return i + before_of_four(ends, i, until)
        i += U4
    while i < total and ends[i] < until:
        i += U1
    return i


@kernel
def merge_numbers(ends, spans, number, reached, merged, marked):
    """Make each number that begins within ``ends`` one piece.

    ``number``: the next; ``reached``: where the pieces so far end. ``merged`` has room for two
    pieces for each of ``ends``, and four more. Returns (pieces, numbers among them, number,
    reached).
    """
    count, marks, total = U0, U0, np.uint64(len(ends))
    next_, limit = np.uint64(number), ends[total - U1]
    i = skip_ends(ends, U0, reached + 1)
    while next_ < np.uint64(len(spans)) and spans[next_, U0] < limit:
        start, stop = spans[next_, U0], spans[next_, U2]
        i, count = copy_ends(ends, i, merged, count, start)
        merged[count] = start
        count += np.uint64(start > reached)
        marked[marks] = np.int64(count)
        marks += U1
        merged[count] = stop
        count += U1
        i = skip_ends(ends, i, stop + 1)
        next_ += U1
        reached = stop
    for k in range(total - i):
        merged[count + k] = ends[i + k]
    count += total - i
    return np.int64(count), np.int64(marks), np.int64(next_), max(reached, limit)


# --- their ids


@part
def find_number_keys(text, ends, position, marked, done, keys, cache):
    """Keys and home slots of numbers, in place of those that they have as other pieces; returns
    words of the arena that they may need beyond what these need."""
    lows, highs, slots, _, _ = keys
    last = np.uint64(len(cache) - SPECIAL - 1)
    need = 0
    for m in range(len(marked)):
        i = np.uint64(marked[m] - done)
        start = start_of(ends, i, position, U0)
        length = ends[i] - start
        if length <= LONGEST_KEY:
            low, high = low_key(text, start, length), high_key(text, start, length) | SHORT_NUMBER
        else:
            low, high = hash_long(text, start, length), HASHED | LONG_NUMBER | np.uint64(length)
        slot = mix(low, high) & last
        lows[i], highs[i], slots[i] = low, high, slot
        prefetch(cache, np.int64(slot) * 4)
        need += 2 * length + 8
    return need


@inlined
def find_slot(text, start, length, low, high, slot, cache_):
    """The slot of a number's entry, or the empty one where it belongs."""
    cache, arena, _ = cache_
    last = np.uint64(len(cache) - SPECIAL - 1)
    while cache[slot, 1] != U0:
        if cache[slot, 0] == low and cache[slot, 1] == high:
            place = np.int64(cache[slot, 2] + (cache[slot, 3] >> np.uint64(32) & COUNT))
            if length <= LONGEST_KEY or same_as_in_arena(arena, place, text, start, length):
                break
        slot = (slot + U1) & last
    return slot


@part
def find_numbers(text, ends, position, marked, done, spans, scheme, cache_, keys):
    """Turn home slots of numbers into slots of entries, which are completed at once."""
    cache, arena, state = cache_
    lows, highs, slots, _, _ = keys
    layout, separators, scratch = scheme
    for m in range(len(marked)):
        i = np.uint64(marked[m] - done)
        start, low, high = start_of(ends, i, position, U0), lows[i], highs[i]
        length = ends[i] - start
        slot = find_slot(text, start, length, low, high, slots[i], cache_)
        slots[i] = slot
        if cache[slot, 1] == U0:
            cache[slot, 0], cache[slot, 1] = low, high
            state[0] += 1
            used = state[1]
            at = put_number(
                text, start, spans[m, 1], ends[i], layout, separators, scratch, arena, used
            )
            fill_entry(cache_, slot, text, start, length, at - used)


@kernel
def encode_with_numbers(
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
    done,
    marked,
    mark,
    spans,
    scheme,
):
    """As ``encode_pieces`` of `encoders.bpe`, from piece ``done`` on, with numbers among them.

    ``marked[mark]`` is the next of these; ``spans``: those of all that are marked; ``scheme``:
    layout, ids of separators as for ``weave``, and scratch memory for a number's tokens. Returns
    (pieces done, mark, document, position, ids written up to, whether the cache lacks room).
    """
    cache, arena, state = cache_
    while done < len(ends):
        size = min(len(keys[2]), len(ends) - done)
        these = ends[done : done + size]
        stop = mark
        while stop < len(marked) and marked[stop] < done + size:
            stop += 1
        numbers = marked[mark:stop]
        need = find_keys(text, these, position, longest, keys, cache) + SPREAD * size
        need += find_number_keys(text, these, position, numbers, done, keys, cache)
        if state[0] + size > 3 * len(cache) >> 2 or state[1] + need > len(arena):
            return done, mark, document, position, at, True
        find_numbers(text, these, position, numbers, done, spans[mark:stop], scheme, cache_, keys)
        misses = find_entries(size, cache_, keys)
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
        while mark < stop and marked[mark] < done:
            mark += 1
        if looked < size:
            break
    return done, mark, document, position, at, False
