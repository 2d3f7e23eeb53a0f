"""All ways to write a text with the tokens of a vocabulary."""

import numpy as np

from encoders.jit import kernel
from encoders.unigram._kernels import ROOT, TOKEN, child_of

MOST = np.uint64(0xFFFFFFFFFFFFFFFF)


@kernel
def count_ways(text, bounds, trie, weights, ways, counts):
    """counts[d]: segmentations of document d; 2**64 - 1 stands for so many or more.

    ``weights``: uint64[V], ids that share the bytes of a token; ``ways``: uint64 scratch, one
    longer than the longest document. ``ways[k]`` counts those of the first k bytes.
    """
    for document in range(len(bounds) - 1):
        start, length = bounds[document], bounds[document + 1] - bounds[document]
        ways[0] = np.uint64(1)
        for k in range(1, length + 1):
            ways[k] = np.uint64(0)
        for at in range(length):
            if ways[at] == 0:
                continue
            node, k = np.int64(ROOT), at
            while k < length:
                node = child_of(trie, node, text[start + k])
                if node < 0:
                    break
                k += 1
                token = trie[node, TOKEN]
                if token < 0:
                    continue
                for _ in range(weights[token]):
                    more = ways[k] + ways[at]
                    ways[k] = more if more >= ways[at] else MOST
        counts[document] = ways[length]


@kernel
def count_pairs(text, bounds, trie, counts):
    """counts[d]: places inside document d, between characters, where it parts into two tokens."""
    for document in range(len(bounds) - 1):
        start, stop = bounds[document], bounds[document + 1]
        node, at, found = np.int64(ROOT), start, 0
        while at + 1 < stop:
            node = child_of(trie, node, text[at])
            if node < 0:
                break
            at += 1
            if trie[node, TOKEN] < 0 or text[at] & 0xC0 == 0x80:
                continue
            rest, k = np.int64(ROOT), at
            while k < stop and rest >= 0:
                rest = child_of(trie, rest, text[k])
                k += 1
            if rest >= 0 and trie[rest, TOKEN] >= 0:
                found += 1
        counts[document] = found


@kernel
def find_all(text, length, trie, found):
    """Every occurrence of every token: found int64[n, 3] of (start, stop, token).

    Returns how many there are; more than n means that ``found`` holds the first n.
    """
    count = 0
    for at in range(length):
        node, k = np.int64(ROOT), at
        while k < length:
            node = child_of(trie, node, text[k])
            if node < 0:
                break
            k += 1
            token = trie[node, TOKEN]
            if token >= 0:
                if count < len(found):
                    found[count, 0], found[count, 1], found[count, 2] = at, k, token
                count += 1
    return count
