import math

import numpy as np

from encoders.intrinsics import bits_of_double, double_of_bits, multiply_add
from encoders.jit import inlined, kernel, part

# exp(x) = 2**k * exp(r) with k = round(x / ln 2): adding MAGIC leaves k in the low bits, and 2**k
# is added to the exponent.
LOG2_E = 1.4426950408889634
MAGIC = 6755399441055744.0  # 1.5 * 2**52
LN2_HIGH = 0.693147180369123816490
LN2_LOW = 1.90821492927058770002e-10
# Unsigned, as Numba looks whether a signed index is negative, and makes no vector code then.
ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT = np.arange(1, 9, dtype=np.uint64)
LOWEST = -708.0  # below, the result would not be a normal number
BLOCK = 512


@inlined
def exponential(x):
    # Straight arithmetic, which LLVM makes vector code of; the error is below 2e-16 of the result.
    # The polynomial is the closest of degree 11 for |r| <= ln(2) / 2 that is 1 + r + ... at 0: by
    # Remez' algorithm, with an error of 4e-18.
    x = x if x > LOWEST else LOWEST
    shifted = multiply_add(x, LOG2_E, MAGIC)
    k = shifted - MAGIC
    r = multiply_add(k, -LN2_LOW, multiply_add(k, -LN2_HIGH, x))
    p = 2.5000072304856067e-08
    p = multiply_add(p, r, 2.76302339357227e-07)
    p = multiply_add(p, r, 2.7557586266459244e-06)
    p = multiply_add(p, r, 2.480149313614022e-05)
    p = multiply_add(p, r, 0.00019841269506779498)
    p = multiply_add(p, r, 0.0013888888943597744)
    p = multiply_add(p, r, 0.008333333333494333)
    p = multiply_add(p, r, 0.041666666666530267)
    p = multiply_add(p, r, 0.16666666666666413)
    p = multiply_add(p, r, 0.5000000000000011)
    p = multiply_add(p, r, 1.0)
    p = multiply_add(p, r, 1.0)
    return double_of_bits(bits_of_double(p) + (bits_of_double(shifted) << 52))


@kernel
def weigh(logits, runs, counted, allowed, first_bytes, by_id, lanes, sums):
    # by_id[id] = exp(logits[id] - largest) of the ids in the runs, 0 where it is not allowed; sums
    # of these by first byte. Returns the largest and the sum of all that count: of the ids in the
    # runs, allowed or not, and of the counted.
    largest = -math.inf
    for row in range(len(runs)):
        largest = max(largest, largest_of(logits, runs[row, 0], runs[row, 1]))
    for i in range(len(counted)):
        largest = max(largest, np.float64(logits[counted[i]]))
    # Not run by run: inside another loop LLVM fetches every constant anew.
    for i in range(len(by_id)):
        x = logits[i] - largest
        weight = exponential(x)
        by_id[i] = weight if x >= LOWEST else 0.0
    total = 0.0
    for row in range(len(runs)):
        start = runs[row, 0]
        while start < runs[row, 1]:
            stop = min(start + BLOCK, runs[row, 1])
            total += summed(by_id, start, stop)
            add_by_first_byte(allowed, first_bytes, start, stop, by_id, lanes)
            start = stop
    for i in range(len(counted)):
        x = logits[counted[i]] - largest
        total += exponential(x) if x >= LOWEST else 0.0
    for b in range(len(sums)):
        sums[b] = (lanes[0, b] + lanes[1, b]) + (lanes[2, b] + lanes[3, b])
    return largest, total


@part
def add_by_first_byte(allowed, first_bytes, start, stop, by_id, lanes):
    for i in range(np.uint64(start), np.uint64(stop)):
        by_id[i] = by_id[i] if allowed[i] else 0.0
    # Four sums of each byte in turn: one would wait for itself where neighbours have one byte.
    i = np.uint64(start)
    for _ in range((stop - start) >> 2):
        lanes[0, first_bytes[i]] += by_id[i]
        lanes[1, first_bytes[i + ONE]] += by_id[i + ONE]
        lanes[2, first_bytes[i + TWO]] += by_id[i + TWO]
        lanes[3, first_bytes[i + THREE]] += by_id[i + THREE]
        i += FOUR
    for _ in range((stop - start) & 3):
        lanes[0, first_bytes[i]] += by_id[i]
        i += ONE


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


@part
def key_at(values, offsets, place, depth):
    # The byte of the token at a place at this depth; -1 behind its end, which sorts first.
    at = offsets[place] + depth
    return int(values[at]) if at < offsets[place + 1] else -1


@part
def first_past(values, offsets, low, high, depth, key):
    # The first place in low..high whose byte at this depth is more than key: doubling steps, then
    # halves.
    step = 1
    while low + step < high and key_at(values, offsets, low + step, depth) <= key:
        low += step
        step *= 2
    high = min(high, low + step)
    while low < high:
        middle = (low + high) >> 1
        if key_at(values, offsets, middle, depth) <= key:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def narrowed(values, offsets, low, high, depth, byte):
    # The places in low..high that have this byte at this depth.
    start = first_past(values, offsets, low, high, depth, byte - 1)
    return start, first_past(values, offsets, start, high, depth, byte)


@kernel
def next_byte_sums(values, offsets, low, high, depth, weights, sums):
    # sums[b] += the weights of the places in low..high with b at this depth; the weight of those
    # that end.
    i, ending = low, 0.0
    while i < high:
        byte = key_at(values, offsets, i, depth)
        stop = first_past(values, offsets, i, high, depth, byte)
        if byte < 0:
            ending = summed(weights, i, stop)
        else:
            sums[byte] += summed(weights, i, stop)
        i = stop
    return ending


@kernel
def taken(by_id, order, low, high, weights):
    # Those of the places in low..high.
    first = np.uint64(low)
    for i in range(first, np.uint64(high)):
        weights[i - first] = by_id[order[i]]


@kernel
def pushed(values, offsets, low, high, depth, byte, weights, sums):
    # Of the places in low..high, whose weights these are, start..stop have a byte at this depth;
    # the first of them, up to beyond, end with it. sums: of the others, by their next byte; the
    # sum of all these.
    start = first_past(values, offsets, low, high, depth, byte - 1)
    stop = first_past(values, offsets, start, high, depth, byte)
    beyond = first_past(values, offsets, start, stop, depth + 1, -1)
    i, total = beyond, 0.0
    while i < stop:
        key = key_at(values, offsets, i, depth + 1)
        end = first_past(values, offsets, i, stop, depth + 1, key)
        sums[key] += summed(weights, i - low, end - low)
        total += sums[key]
        i = end
    return start, beyond, stop, total


@kernel
def next_byte_bounds(values, offsets, low, high, depth, bounds):
    # bounds[1 + b] .. bounds[2 + b] have byte b at this depth; before them those that end.
    bounds[0] = at = low
    for key in range(-1, 256):
        at = first_past(values, offsets, at, high, depth, key) if at < high else at
        bounds[key + 2] = at
