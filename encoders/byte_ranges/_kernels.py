import math

import numpy as np

from encoders.intrinsics import bits_of_double, double_of_bits, multiply_add
from encoders.jit import inlined, kernel, part

# exp(x) = 2**k * exp(r) with k = round(x / ln 2): adding MAGIC leaves k in the low bits.
LOG2_E = 1.4426950408889634
MAGIC = 6755399441055744.0  # 1.5 * 2**52
LN2_HIGH = 0.693147180369123816490
LN2_LOW = 1.90821492927058770002e-10
# Unsigned, as Numba looks whether a signed index is negative, and makes no vector code then.
ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT = np.arange(1, 9, dtype=np.uint64)
LOWEST = -708.0  # below, the result would not be a normal number


@inlined
def exponential(x):
    # Straight arithmetic, which LLVM makes vector code of; the error is below 2e-16 of the result.
    # Taylor's series to r**13 has no more for |r| <= ln(2) / 2.
    x = x if x > LOWEST else LOWEST
    shifted = multiply_add(x, LOG2_E, MAGIC)
    k = shifted - MAGIC
    r = multiply_add(k, -LN2_LOW, multiply_add(k, -LN2_HIGH, x))
    p = 1.0 / 6227020800.0
    p = multiply_add(p, r, 1.0 / 479001600.0)
    p = multiply_add(p, r, 1.0 / 39916800.0)
    p = multiply_add(p, r, 1.0 / 3628800.0)
    p = multiply_add(p, r, 1.0 / 362880.0)
    p = multiply_add(p, r, 1.0 / 40320.0)
    p = multiply_add(p, r, 1.0 / 5040.0)
    p = multiply_add(p, r, 1.0 / 720.0)
    p = multiply_add(p, r, 1.0 / 120.0)
    p = multiply_add(p, r, 1.0 / 24.0)
    p = multiply_add(p, r, 1.0 / 6.0)
    p = multiply_add(p, r, 0.5)
    p = multiply_add(p, r, 1.0)
    p = multiply_add(p, r, 1.0)
    return p * double_of_bits((bits_of_double(shifted) + 1023) << 52)


@kernel
def exponentials(logits, runs, ends, by_id):
    # by_id[id] = exp(logits[id] - largest); the largest and the sum of all that count: of the ids
    # in the runs, and of the ends. What else there is is of no use.
    largest = -math.inf
    for row in range(len(runs)):
        largest = max(largest, largest_of(logits, runs[row, 0], runs[row, 1]))
    for i in range(len(ends)):
        largest = max(largest, np.float64(logits[ends[i]]))
    for i in range(len(by_id)):
        x = logits[i] - largest
        weight = exponential(x)
        by_id[i] = weight if x >= LOWEST else 0.0
    total = 0.0
    for row in range(len(runs)):
        total += summed(by_id, runs[row, 0], runs[row, 1])
    for i in range(len(ends)):
        total += by_id[ends[i]]
    return largest, total


@part
def largest_of(values, start, stop):
    # Eight at a time, for the reason of `summed`.
    i = np.uint64(start)
    m0 = m1 = m2 = m3 = m4 = m5 = m6 = m7 = values[i]
    for _ in range((stop - start) >> 3):
        m0 = values[i] if values[i] > m0 else m0
        m1 = values[i + ONE] if values[i + ONE] > m1 else m1
        m2 = values[i + TWO] if values[i + TWO] > m2 else m2
        m3 = values[i + THREE] if values[i + THREE] > m3 else m3
        m4 = values[i + FOUR] if values[i + FOUR] > m4 else m4
        m5 = values[i + FIVE] if values[i + FIVE] > m5 else m5
        m6 = values[i + SIX] if values[i + SIX] > m6 else m6
        m7 = values[i + SEVEN] if values[i + SEVEN] > m7 else m7
        i += EIGHT
    for _ in range((stop - start) & 7):
        m0 = values[i] if values[i] > m0 else m0
        i += ONE
    return max(m0, m1, m2, m3, m4, m5, m6, m7)


@part
def summed(values, start, stop):
    # Eight sums side by side: a vector of them, and a smaller error than one.
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    i = np.uint64(start)
    for _ in range((stop - start) >> 3):
        s0 += values[i]
        s1 += values[i + ONE]
        s2 += values[i + TWO]
        s3 += values[i + THREE]
        s4 += values[i + FOUR]
        s5 += values[i + FIVE]
        s6 += values[i + SIX]
        s7 += values[i + SEVEN]
        i += EIGHT
    for _ in range((stop - start) & 7):
        s0 += values[i]
        i += ONE
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))


@kernel
def chosen(mask, order, bounds, ids, own_bounds):
    # The ids with a 1, of those in order, and where bounds come to lie among them.
    count = np.uint64(0)
    for group in range(len(bounds) - 1):
        own_bounds[group] = count
        for i in range(np.uint64(bounds[group]), np.uint64(bounds[group + 1])):
            ids[count] = order[i]
            count += np.uint64(mask[i])
    own_bounds[len(bounds) - 1] = count


@kernel
def first_byte_sums(by_id, ids, bounds, weights, sums):
    # weights[i] = by_id[ids[i]]; sums[b]: of those from bound b to the next.
    for b in range(len(bounds) - 1):
        for i in range(np.uint64(bounds[b]), np.uint64(bounds[b + 1])):
            weights[i] = by_id[ids[i]]
        sums[b] = summed(weights, bounds[b], bounds[b + 1])


@part
def key_at(values, offsets, place, depth):
    # The byte of the token at a place at this depth; -1 behind its end, which sorts first.
    at = offsets[place] + depth
    return int(values[at]) if at < offsets[place + 1] else -1


@part
def first_past(values, offsets, place, ids, low, high, depth, key):
    # The first of ids[low:high] whose byte at this depth is more than key: doubling steps, then
    # halves.
    step = 1
    while low + step < high and key_at(values, offsets, place[ids[low + step]], depth) <= key:
        low += step
        step *= 2
    high = min(high, low + step)
    while low < high:
        middle = (low + high) >> 1
        if key_at(values, offsets, place[ids[middle]], depth) <= key:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def narrowed(values, offsets, place, ids, low, high, depth, byte):
    # The range of those of ids[low:high] that have this byte at this depth.
    start = first_past(values, offsets, place, ids, low, high, depth, byte - 1)
    return start, first_past(values, offsets, place, ids, start, high, depth, byte)


@kernel
def next_byte_sums(values, offsets, place, ids, low, high, depth, weights, sums):
    # sums[b] += the weights of ids[low:high] with b at this depth; sums[256] of those that end.
    i = low
    while i < high:
        byte = key_at(values, offsets, place[ids[i]], depth)
        stop = first_past(values, offsets, place, ids, i, high, depth, byte)
        sums[byte if byte >= 0 else 256] += summed(weights, i, stop)
        i = stop


@kernel
def pushed(values, offsets, place, ids, low, high, depth, byte, weights, sums):
    # Of ids[low:high] those with a byte at this depth are start..stop; the first of them, up to
    # beyond, end with it. sums: the weights of the others by their next byte.
    start = first_past(values, offsets, place, ids, low, high, depth, byte - 1)
    stop = first_past(values, offsets, place, ids, start, high, depth, byte)
    beyond = first_past(values, offsets, place, ids, start, stop, depth + 1, -1)
    i = beyond
    while i < stop:
        key = key_at(values, offsets, place[ids[i]], depth + 1)
        end = first_past(values, offsets, place, ids, i, stop, depth + 1, key)
        sums[key] += summed(weights, i, end)
        i = end
    return start, beyond, stop


@kernel
def next_byte_bounds(values, offsets, place, ids, low, high, depth, bounds):
    # bounds[1 + b] .. bounds[2 + b] have byte b at this depth; before them those that end.
    bounds[0] = at = low
    for key in range(-1, 256):
        at = first_past(values, offsets, place, ids, at, high, depth, key) if at < high else at
        bounds[key + 2] = at
