"""The best segmentation under a unigram model, by Viterbi over a double-array trie."""

import numpy as np

from encoders.draws._kernels import next_random
from encoders.intrinsics import float_of_u32, load_u64, store_u64, u32_of_float
from encoders.jit import inlined, kernel, part
from encoders.pieces._kernels import (
    IN_ARENA,
    LONGEST_KEY,
    NO_KEY,
    U0,
    U32,
    emit,
    fill_entry,
    keep_bytes,
    look_up,
    same_as_in_arena,
    start_of,
)

BASE, CHECK, TOKEN = 0, 1, 2  # columns of the trie
FREE = np.int32(-1)
ROOT = 0
UNKNOWN_CHARACTER = np.int32(-2)
ABSENT = np.uint32(0xFFFFFFFF)
SPREAD = 34  # words of the arena that a piece of at most 15 bytes may need
NEVER_SURE = np.float32(-1.0)


@kernel
def build_trie(flat, offsets, order, ids, trie, stack):
    """Fill a double array (Aoe 1989): node ``s`` has its child for byte c at ``base[s] + c``.

    ``order``: keys in lexicographic order; ``trie``: int32[n, 4], all -1; ``stack``: int64[m, 4].
    Returns the nodes' extent, or -1 where the trie is too small and the caller gives a larger.
    """
    trie[ROOT, CHECK] = ROOT
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = ROOT, 0, len(order), 0
    size, lowest, extent = 1, 1, 1
    while size > 0:
        size -= 1
        node, low, high, depth = stack[size, 0], stack[size, 1], stack[size, 2], stack[size, 3]
        while low < high and offsets[order[low] + 1] - offsets[order[low]] == depth:
            trie[node, TOKEN] = ids[order[low]]
            low += 1
        if low == high:
            continue
        first = np.int64(flat[offsets[order[low]] + depth])
        while lowest < len(trie) and trie[lowest, CHECK] != FREE:
            lowest += 1
        base, tries = max(lowest - first, 1), 0
        while True:
            if base + 256 >= len(trie):
                return -1
            fits, last = True, -1
            for k in range(low, high):
                byte = np.int64(flat[offsets[order[k]] + depth])
                if byte != last:
                    last = byte
                    if trie[base + byte, CHECK] != FREE:
                        fits = False
                        break
            if fits:
                break
            base += 1
            tries += 1
        if tries > 256:
            lowest += tries // 2  # the beginning is nearly full: search no more there
        trie[node, BASE] = base
        begin, last = low, np.int64(flat[offsets[order[low]] + depth])
        for k in range(low, high + 1):
            byte = np.int64(flat[offsets[order[k]] + depth]) if k < high else -1
            if byte == last:
                continue
            child = base + last
            trie[child, CHECK] = node
            extent = max(extent, child + 1)
            stack[size, 0], stack[size, 1] = child, begin
            stack[size, 2], stack[size, 3] = k, depth + 1
            size += 1
            begin, last = k, byte
    return extent


@inlined
def child_of(trie, node, byte):
    """The node that a byte leads to, or -1."""
    base = np.int64(trie[node, BASE])
    if base < 0:
        return np.int64(-1)
    child = base + np.int64(byte)
    return child if trie[child, CHECK] == node else np.int64(-1)


# --- Viterbi


@inlined
def character_length(text, at, stop):
    """Bytes of the character whose first byte is at ``at``, by that byte alone."""
    lead = text[at]
    length = 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    return min(length, stop - at)


@part
def best_path(text, start, stop, model, lowest, path):
    """Viterbi over one piece; ``best[0]`` is the score to start from.

    ``best[k]``: of the best path to ``start + k``; ``begin``, ``which``: its last token. Paths of
    equal score: the one found first, so the token that begins earliest, as the libraries do.
    Where a score falls below ``lowest``, it and those of the paths beside it are raised alike.
    """
    trie, scores, unknown_score, _, _, longest = model
    best, begin, which = path[0], path[1], path[2]
    length = stop - start
    for k in range(1, length + 1):
        begin[k] = -1
    at = 0
    while at < length:
        here = best[at]
        if here < lowest:
            for k in range(at, min(at + longest, length) + 1):
                best[k] -= here
            here = best[at]
        one = character_length(text, start + at, stop)
        node, k, single = np.int64(ROOT), at, False
        while k < length:
            node = child_of(trie, node, text[start + k])
            if node < 0:
                break
            k += 1
            token = trie[node, TOKEN]
            if token >= 0:
                candidate = scores[token] + here
                if begin[k] < 0 or candidate > best[k]:
                    best[k], begin[k], which[k] = candidate, at, token
                single = single or k == at + one
        if not single:
            k = at + one
            unknown = here + unknown_score
            if begin[k] < 0 or unknown > best[k]:
                best[k], begin[k], which[k] = unknown, at, UNKNOWN_CHARACTER
        at += one


@inlined
def keep_two(k, at, score, runner_up, token, exact, second, begin, which):
    """Two more paths to ``k``, by a token from ``at``: the best and second best there, extended."""
    if begin[k] < 0 or score > exact[k]:
        second[k] = max(runner_up, exact[k] if begin[k] >= 0 else -np.inf)
        exact[k], begin[k], which[k] = score, at, token
    else:
        second[k] = max(second[k], score)


@part
def surest_path(text, start, stop, model, path):
    """As `best_path` from 0 and with exact sums; returns how far the best path is above the
    second best."""
    trie, scores, unknown_score, _, _, _ = model
    _, begin, which, exact, second = path
    length = stop - start
    exact[0], second[0] = 0.0, -np.inf
    for k in range(1, length + 1):
        begin[k] = -1
    at = 0
    while at < length:
        here, below = exact[at], second[at]
        one = character_length(text, start + at, stop)
        node, k, single = np.int64(ROOT), at, False
        while k < length:
            node = child_of(trie, node, text[start + k])
            if node < 0:
                break
            k += 1
            token = trie[node, TOKEN]
            if token >= 0:
                score = np.float64(scores[token])
                keep_two(k, at, here + score, below + score, token, exact, second, begin, which)
                single = single or k == at + one
        if not single:
            score = np.float64(unknown_score)
            k = at + one
            keep_two(
                k, at, here + score, below + score, UNKNOWN_CHARACTER, exact, second, begin, which
            )
        at += one
    return exact[length] - second[length]


@part
def sampled_path(text, start, stop, model, alpha, path, random):
    """One segmentation of a piece, drawn with probability as its own, to the power of ``alpha``.

    Forward filtering (Kudo 2018, section 3.1), ``path[3]`` being logarithms of sums; of the tokens
    that end at a place one is drawn as they are found, in proportion to the paths through each.
    """
    trie, scores, unknown_score, _, _, _ = model
    begin, which, total = path[1], path[2], path[3]
    length = stop - start
    total[0] = 0.0
    for k in range(1, length + 1):
        begin[k] = -1
    at = 0
    while at < length:
        here = total[at]
        one = character_length(text, start + at, stop)
        node, k, single = np.int64(ROOT), at, False
        while k < length:
            node = child_of(trie, node, text[start + k])
            if node < 0:
                break
            k += 1
            token = trie[node, TOKEN]
            if token >= 0:
                score = here + alpha * np.float64(scores[token])
                keep_drawn(k, at, score, token, total, begin, which, random)
                single = single or k == at + one
        if not single:
            score = here + alpha * np.float64(unknown_score)
            keep_drawn(at + one, at, score, UNKNOWN_CHARACTER, total, begin, which, random)
        at += one


@inlined
def keep_drawn(k, at, score, token, total, begin, which, random):
    """Paths to ``k`` by a token from ``at``, of which the logarithm of the sum is ``score``."""
    if begin[k] < 0:
        total[k], begin[k], which[k] = score, at, token
        return
    larger = max(total[k], score)
    total[k] = larger + np.log(np.exp(total[k] - larger) + np.exp(score - larger))
    if next_random(random) < np.exp(score - total[k]):
        begin[k], which[k] = at, token


@inlined
def turn_round(length, begin):
    """Turn the links of a path round, so that it can be walked forwards; its first stop."""
    k, after = length, length
    while k > 0:
        before = begin[k]
        begin[k], after, k = after, k, before
    return after


@inlined
def emit_path(text, start, length, first, model, begin, which, out, at):
    """Write the ids of a path; runs of what is unknown become one id, or their bytes."""
    _, _, _, unknown, byte_ids, _ = model
    k, here = first, 0
    while here < length:
        token = which[k]
        following = begin[k] if k < length else length
        if token != UNKNOWN_CHARACTER and np.uint32(token) != unknown:
            out[at] = np.uint32(token)
            at += 1
            here, k = k, following
            continue
        run, tokens, spelled = here, 0, False
        while here < length and (which[k] == UNKNOWN_CHARACTER or np.uint32(which[k]) == unknown):
            spelled = which[k] != UNKNOWN_CHARACTER
            tokens += 1
            here, k = k, (begin[k] if k < length else length)
        known = not (spelled and tokens == 1)
        for i in range(run, here):
            known = known and byte_ids[text[start + i]] != ABSENT
        if known:
            for i in range(run, here):
                out[at] = byte_ids[text[start + i]]
                at += 1
        else:
            out[at] = unknown
            at += 1
    return at


# --- pieces that each begin anew


@part
def complete_entries(misses, text, ends, position, model, cache_, keys, path):
    """Find the ids of the pieces that had no entry."""
    slots, missing = keys[2], keys[3]
    for k in range(misses):
        i = missing[k]
        start = start_of(ends, np.uint64(i), position, U0)
        length = ends[i] - start
        path[0][0] = 0.0
        best_path(text, start, ends[i], model, -np.inf, path)
        first = turn_round(length, path[1])
        used = cache_[2][1]
        count = (
            emit_path(text, start, length, first, model, path[1], path[2], cache_[1], used) - used
        )
        fill_entry(cache_, slots[i], text, start, length, count)


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
    model,
    longest,
    path,
):
    """Encode consecutive pieces from ``position``, which lies in ``document``.

    ``model``: trie, scores, score and id of the unknown, ids of bytes, bytes of the longest token.
    Returns (pieces done, document, position, ids written up to, whether the cache lacks room). It
    stops early for that, and at pieces of more than ``longest`` bytes, which the caller encodes
    by `encode_one`.
    """
    done = 0
    while done < len(ends):
        size = min(len(keys[2]), len(ends) - done)
        these = ends[done : done + size]
        misses = look_up(text, these, position, longest, SPREAD, cache_, keys)
        if misses < 0:
            return done, document, position, at, True
        if misses > 0:
            complete_entries(misses, text, these, position, model, cache_, keys, path)
        looked, document, position, at = emit(
            text, bounds, these, document, position, out, at, id_bounds, cache_, keys
        )
        done += looked
        if looked < size:
            break
    return done, document, position, at, False


@kernel
def encode_one(text, start, stop, out, at, model, lowest, path):
    """Write the ids of one piece, of any length for which ``path`` has room; ``path[0][0]`` is
    the score to start from, and what it ends with is put there."""
    best_path(text, start, stop, model, lowest, path)
    length = stop - start
    final = path[0][length]
    first = turn_round(length, path[1])
    at = emit_path(text, start, length, first, model, path[1], path[2], out, at)
    path[0][0] = final
    return at


@kernel
def encode_sampled(
    text, bounds, ends, document, position, out, at, id_bounds, model, alpha, path, random
):
    """As `encode_pieces`, of any length that ``path`` has room for, each by `sampled_path`.

    ``random``: uint64[1], see `encoders.draws`. Returns (document, position, ids written up to).
    """
    for end in ends:
        while position == bounds[document + 1]:
            document += 1
            id_bounds[document] = at
        if end < 0:
            position = ~end
            continue
        sampled_path(text, position, end, model, alpha, path, random)
        length = end - position
        first = turn_round(length, path[1])
        at = emit_path(text, position, length, first, model, path[1], path[2], out, at)
        position = end
    return document, position, at


# --- pieces whose scores go on from one to the next


@inlined
def sure_up_to(margin, nodes, worst, epsilon):
    """How large a score to start from may be that rounding cannot change the best path.

    Adding a token's score rounds by at most ``epsilon`` times the sum. Of two paths of at most
    ``nodes`` tokens, no score larger than ``worst``, the sums are off by at most ``nodes * epsilon
    * (|start| + nodes * worst)`` each; where they are further apart than both, the better stays
    the better.
    """
    limit = margin / (2.1 * epsilon * nodes) - nodes * worst
    return np.float32(limit * 0.99) if limit > 0.0 else NEVER_SURE


@part
def complete_carried(misses, text, ends, position, model, worst, epsilon, cache_, keys, path):
    """As `complete_entries`; the arena gets how far the piece is sure (`sure_up_to`), its number
    of nodes, their tokens, the ids, and the bytes."""
    slots, missing = keys[2], keys[3]
    cache, arena, state = cache_
    for k in range(misses):
        i = missing[k]
        start = start_of(ends, np.uint64(i), position, U0)
        length = ends[i] - start
        margin = surest_path(text, start, ends[i], model, path)
        first = turn_round(length, path[1])
        used, nodes, stop = state[1] + 2, 0, first
        while True:
            arena[used + nodes] = np.uint32(path[2][stop])
            nodes += 1
            if stop == length:
                break
            stop = path[1][stop]
        arena[used - 2] = u32_of_float(sure_up_to(margin, length, worst, epsilon))
        arena[used - 1] = np.uint32(nodes)
        used += nodes
        stop = emit_path(text, start, length, first, model, path[1], path[2], arena, used)
        cache[slots[i], 2] = np.uint64(used)
        cache[slots[i], 3] = np.uint64(stop - used) << U32 | IN_ARENA
        cache[slots[i], 2] |= np.uint64(nodes) << U32
        if length > LONGEST_KEY:
            stop += keep_bytes(arena, stop, text, start, length)
        state[1] = stop


@kernel
def encode_carried(
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
    model,
    longest,
    path,
    lowest,
    worst,
    epsilon,
):
    """As `encode_pieces`, where a path's score goes on from piece to piece of a document, so that
    rounding is that of one path through all of it.

    A remembered piece is taken where rounding cannot change its best path, and else encoded anew.
    ``worst``: the largest score of a token, without sign; ``epsilon``: relative error of a sum.
    """
    cache, arena, _ = cache_
    scores, unknown_score = model[1], model[2]
    best = path[0]
    done = 0
    while done < len(ends):
        size = min(len(keys[2]), len(ends) - done)
        these = ends[done : done + size]
        misses = look_up(text, these, position, longest, SPREAD, cache_, keys)
        if misses < 0:
            return done, document, position, at, True
        if misses > 0:
            complete_carried(
                misses, text, these, position, model, worst, epsilon, cache_, keys, path
            )
        here = best[0]
        for i in range(size):
            while position == bounds[document + 1]:
                document += 1
                id_bounds[document] = at
            if position == bounds[document]:
                here = unknown_score - unknown_score  # zero, of the type of scores
            end = these[i]
            if end < 0:
                position = ~end
                continue
            slot = keys[2][np.uint64(i)]
            if cache[slot, 1] == NO_KEY:
                best[0] = here
                return done + i, document, position, at, False
            length = end - position
            place = np.int64(cache[slot, 2] & np.uint64(0xFFFFFFFF))
            nodes = np.int64(cache[slot, 2] >> U32)
            count = np.int64(cache[slot, 3] >> U32) & 0x7FFFFFFF
            sure = np.float64(float_of_u32(arena[place - nodes - 2]))
            start = np.float64(here)
            if (
                abs(start) <= sure
                and start - length * worst > lowest
                and (
                    length <= LONGEST_KEY
                    or same_as_in_arena(arena, place + count, text, position, length)
                )
            ):
                for k in range(place - nodes, place):
                    token = np.int32(arena[np.uint64(k)])
                    here += scores[token] if token >= 0 else unknown_score
                for k in range(0, count, 2):
                    store_u64(out, at + k, load_u64(arena, place + k))
                at += count
            else:
                best[0] = here
                at = encode_one(text, position, end, out, at, model, lowest, path)
                here = best[0]
            position = end
        best[0] = here
        done += size
    return done, document, position, at, False
