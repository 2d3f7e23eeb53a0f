"""The best segmentation under a unigram model, by Viterbi over a double-array trie."""

import numpy as np

from encoders.jit import kernel, part

BASE, CHECK, TOKEN = 0, 1, 2  # columns of the trie
FREE = np.int32(-1)
ROOT = 0
UNKNOWN_CHARACTER = np.int32(-2)
ABSENT = np.uint32(0xFFFFFFFF)


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


@part
def character_length(text, at, stop):
    """Bytes of the character whose first byte is at ``at``, by that byte alone."""
    lead = text[at]
    length = 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    return min(length, stop - at)


@part
def best_path(text, start, stop, trie, scores, unknown_score, longest, lowest, best, begin, which):
    """Viterbi over one piece; ``best[0]`` is the score to start from.

    ``best[k]``: of the best path to ``start + k``; ``begin``, ``which``: its last token. Paths of
    equal score: the one found first, so the token that begins earliest, as the libraries do.
    """
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
            base = np.int64(trie[node, BASE])
            if base < 0:
                break
            child = base + np.int64(text[start + k])
            if trie[child, CHECK] != node:
                break
            node = child
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


@part
def emit_path(text, start, stop, unknown, byte_ids, begin, which, out, at):
    """Write the ids of the best path; runs of what is unknown become one id, or their bytes."""
    # Turn the links round, so that the path can be walked forwards.
    k = stop - start
    after = k
    while k > 0:
        before = begin[k]
        begin[k], after, k = after, k, before
    first = after
    k, here = first, 0
    end = stop - start
    while here < end:
        token = which[k]
        following = begin[k] if k < end else end
        if token != UNKNOWN_CHARACTER and np.uint32(token) != unknown:
            out[at] = np.uint32(token)
            at += 1
            here, k = k, following
            continue
        run, tokens, spelled = here, 0, False
        while here < end and (which[k] == UNKNOWN_CHARACTER or np.uint32(which[k]) == unknown):
            spelled = which[k] != UNKNOWN_CHARACTER
            tokens += 1
            here, k = k, (begin[k] if k < end else end)
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
    trie,
    scores,
    unknown_score,
    unknown,
    byte_ids,
    longest,
    lowest,
    carries,
    best,
    begin,
    which,
):
    """Encode consecutive pieces from ``position``, which lies in ``document``.

    With ``carries`` a path's score goes on from piece to piece of a document, so that rounding is
    that of one path through all of it. Where a score falls below ``lowest``, it and those of the
    paths beside it are raised alike. ``longest``: bytes of the longest token. Returns (pieces
    done, document, position, ids written up to); it stops early where the scratch is too small
    for the next piece.
    """
    for done in range(len(ends)):
        while bounds[document + 1] == position:
            document += 1
            id_bounds[document] = at
        end = ends[done]
        if end < 0:
            position = ~end
            continue
        length = end - position
        if length >= len(best):
            return done, document, position, at
        if not carries or position == bounds[document]:
            best[0] = 0.0
        best_path(
            text, position, end, trie, scores, unknown_score, longest, lowest, best, begin, which
        )
        final = best[length]
        at = emit_path(text, position, end, unknown, byte_ids, begin, which, out, at)
        best[0] = final
        position = end
    return len(ends), document, position, at
