"""Greedy longest match of words against a vocabulary."""

import numpy as np

from encoders.jit import kernel, part

BASE, CHECK, TOKEN = 0, 1, 2  # columns of the tries, see encoders.unigram


@part
def longest_match(text, start, stop, trie):
    """(id, end) of the longest token at ``start``; id -1 where there is none."""
    node, at, found, end = np.int64(0), start, np.int32(-1), start
    while at < stop:
        base = np.int64(trie[node, BASE])
        if base < 0:
            break
        child = base + np.int64(text[at])
        if trie[child, CHECK] != node:
            break
        node = child
        at += 1
        if trie[node, TOKEN] >= 0:
            found, end = trie[node, TOKEN], at
    return found, end


@kernel
def encode_pieces(
    text, bounds, ends, document, position, out, at, id_bounds, heads, tails, unknown, most
):
    """Encode consecutive words from ``position``, which lies in ``document``.

    ``heads``, ``tails``: tries of what may begin and what may continue a word. A word of more
    than ``most`` characters, or that no tokens make up, becomes ``unknown``. Returns (document,
    position, ids written up to).
    """
    for i in range(len(ends)):
        while bounds[document + 1] == position:
            document += 1
            id_bounds[document] = at
        end = ends[i]
        if end < 0:
            position = ~end
            continue
        characters = 0
        for k in range(position, end):
            characters += (text[k] & 0xC0) != 0x80
        begin, here = at, position
        known = characters <= most
        while known and here < end:
            if here == position:
                token, stop = longest_match(text, here, end, heads)
            else:
                token, stop = longest_match(text, here, end, tails)
            known = token >= 0
            out[at] = np.uint32(token)
            at += 1
            here = stop
        if not known:
            out[begin] = unknown
            at = begin + 1
        position = end
    return document, position, at
