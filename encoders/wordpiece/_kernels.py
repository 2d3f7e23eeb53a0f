"""Greedy longest match of words against a vocabulary."""

import numpy as np

from encoders.jit import kernel, part
from encoders.pieces._kernels import U0, emit, fill_entry, look_up, start_of
from encoders.unigram._kernels import TOKEN, child_of

SPREAD = 18  # words of the arena that a piece of at most 15 bytes may need


@part
def longest_match(text, start, stop, trie):
    """(id, end) of the longest token at ``start``; id -1 where there is none."""
    node, at, found, end = np.int64(0), start, np.int32(-1), start
    while at < stop:
        node = child_of(trie, node, text[at])
        if node < 0:
            break
        at += 1
        if trie[node, TOKEN] >= 0:
            found, end = trie[node, TOKEN], at
    return found, end


@part
def word_ids(text, start, stop, model, out, at):
    """Write the ids of one word; returns where they end.

    ``model``: the tries of what may begin and what may continue a word, the unknown id, the most
    characters of a word. One that has more, or that no tokens make up, is unknown.
    """
    heads, tails, unknown, most = model
    characters = 0
    for k in range(start, stop):
        characters += (text[k] & 0xC0) != 0x80
    begin, here = at, start
    known = characters <= most
    while known and here < stop:
        if here == start:
            token, end = longest_match(text, here, stop, heads)
        else:
            token, end = longest_match(text, here, stop, tails)
        known = token >= 0
        out[at] = np.uint32(token)
        at += 1
        here = end
    if known:
        return at
    out[begin] = unknown
    return begin + 1


@part
def complete_entries(misses, text, ends, position, model, cache_, keys):
    """Find the ids of the words that had no entry."""
    slots, missing = keys[2], keys[3]
    for k in range(misses):
        i = missing[k]
        start = start_of(ends, np.uint64(i), position, U0)
        used = cache_[2][1]
        count = word_ids(text, start, ends[i], model, cache_[1], used) - used
        fill_entry(cache_, slots[i], text, start, ends[i] - start, count)


@kernel
def encode_pieces(
    text, bounds, ends, document, position, out, at, id_bounds, cache_, keys, model, longest
):
    """Encode consecutive words from ``position``, which lies in ``document``.

    Returns (words done, document, position, ids written up to, whether the cache lacks room). It
    stops early for that, and at words of more than ``longest`` bytes, which the caller encodes by
    `encode_one`.
    """
    done = 0
    while done < len(ends):
        size = min(len(keys[2]), len(ends) - done)
        these = ends[done : done + size]
        misses = look_up(text, these, position, longest, SPREAD, cache_, keys)
        if misses < 0:
            return done, document, position, at, True
        if misses > 0:
            complete_entries(misses, text, these, position, model, cache_, keys)
        looked, document, position, at = emit(
            text, bounds, these, document, position, out, at, id_bounds, cache_, keys
        )
        done += looked
        if looked < size:
            break
    return done, document, position, at, False


@kernel
def encode_one(text, start, stop, out, at, model):
    """Write the ids of one word of any length; returns where they end."""
    return word_ids(text, start, stop, model, out, at)
