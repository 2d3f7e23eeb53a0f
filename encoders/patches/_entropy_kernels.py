"""Counting which byte follows which bytes, and the entropy of what follows."""

from math import log

import numpy as np

from encoders.jit import inlined, kernel

MOST = np.uint16(0xFFFF)


@inlined
def slot(context, multiplier, shift):
    """Where a context of up to four bytes, the last of them lowest, is in the table."""
    return np.int64((context * multiplier & np.uint64(0xFFFFFFFF)) >> shift)


@kernel
def count(text, bounds, multiplier, shift, mask, counts):
    """Add to ``counts`` (uint16[contexts, 256]) which byte followed each context.

    A context whose count would not fit has all of its counts halved. A document begins as if
    zero bytes stood before it.
    """
    for document in range(len(bounds) - 1):
        context = np.uint64(0)
        for i in range(bounds[document], bounds[document + 1]):
            byte = np.uint64(text[i])
            row = slot(context, multiplier, shift)
            if counts[row, byte] == MOST:
                for k in range(256):
                    counts[row, k] >>= 1
            counts[row, byte] += 1
            context = (context << np.uint64(8) | byte) & mask


@kernel
def entropies(counts, prior, scale, found):
    """For each context the entropy in nats of (counts + prior) / sum, times ``scale``, rounded;
    prior: float64[256].

    Sum x ln x over all bytes is that of the prior, but where there are counts.
    """
    strength, floor = 0.0, 0.0
    for k in range(256):
        strength += prior[k]
        floor += prior[k] * log(prior[k])
    for row in range(len(counts)):
        total, terms = strength, floor
        for k in range(256):
            if counts[row, k] != 0:
                x = counts[row, k] + prior[k]
                total += counts[row, k]
                terms += x * log(x) - prior[k] * log(prior[k])
        found[row] = np.uint16((log(total) - terms / total) * scale + 0.5)


@kernel
def look_up(text, bounds, table, multiplier, shift, mask, found):
    """The entropy before each byte."""
    for document in range(len(bounds) - 1):
        context = np.uint64(0)
        for i in range(bounds[document], bounds[document + 1]):
            found[i] = table[slot(context, multiplier, shift)]
            context = (context << np.uint64(8) | np.uint64(text[i])) & mask


@kernel
def mark_uncertain(text, bounds, table, multiplier, shift, mask, threshold, rise, marks):
    """Mark the bytes before which the entropy is above ``threshold`` and has risen by more than
    ``rise`` since the byte before; both int64 in the units of the table."""
    for document in range(len(bounds) - 1):
        context, before = np.uint64(0), np.int64(0)
        start, stop = bounds[document], bounds[document + 1]
        while start < stop:
            end = min(stop, (start | 63) + 1)
            word = np.uint64(0)
            for i in range(start, end):
                entropy = np.int64(table[slot(context, multiplier, shift)])
                uncertain = (entropy > threshold) & (entropy - before > rise)
                word |= np.uint64(uncertain) << np.uint64(i & 63)
                before = entropy
                context = (context << np.uint64(8) | np.uint64(text[i])) & mask
            marks[start >> 6] |= word
            start = end
