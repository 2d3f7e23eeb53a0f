import math

from encoders.intrinsics import bits_of_double, double_of_bits, multiply_add
from encoders.jit import inlined, kernel, part

# exp(x) = 2**k * exp(r) with k = round(x / ln 2): adding MAGIC leaves k in the low bits.
LOG2_E = 1.4426950408889634
MAGIC = 6755399441055744.0  # 1.5 * 2**52
LN2_HIGH = 0.693147180369123816490
LN2_LOW = 1.90821492927058770002e-10
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
def softmax_weights(logits, order, ends, weights):
    # weights[i] = exp(logits[order[i]] - largest); the largest and the sum of all, ends included.
    for i in range(len(order)):
        weights[i] = logits[order[i]]
    largest = largest_of(weights)
    for i in range(len(ends)):
        largest = max(largest, logits[ends[i]])
    for i in range(len(weights)):
        x = weights[i] - largest
        weight = exponential(x)
        weights[i] = weight if x >= LOWEST else 0.0
    total = summed(weights, 0, len(weights))
    for i in range(len(ends)):
        total += math.exp(logits[ends[i]] - largest)
    return largest, total


@part
def largest_of(values):
    # Eight at a time, for the reason of `summed`.
    m0 = m1 = m2 = m3 = m4 = m5 = m6 = m7 = -math.inf
    i = 0
    while i + 8 <= len(values):
        m0 = values[i] if values[i] > m0 else m0
        m1 = values[i + 1] if values[i + 1] > m1 else m1
        m2 = values[i + 2] if values[i + 2] > m2 else m2
        m3 = values[i + 3] if values[i + 3] > m3 else m3
        m4 = values[i + 4] if values[i + 4] > m4 else m4
        m5 = values[i + 5] if values[i + 5] > m5 else m5
        m6 = values[i + 6] if values[i + 6] > m6 else m6
        m7 = values[i + 7] if values[i + 7] > m7 else m7
        i += 8
    while i < len(values):
        m0 = values[i] if values[i] > m0 else m0
        i += 1
    return max(m0, m1, m2, m3, m4, m5, m6, m7)


@part
def summed(values, start, stop):
    # Eight sums side by side: a vector of them, and a smaller error than one.
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    i = start
    while i + 8 <= stop:
        s0 += values[i]
        s1 += values[i + 1]
        s2 += values[i + 2]
        s3 += values[i + 3]
        s4 += values[i + 4]
        s5 += values[i + 5]
        s6 += values[i + 6]
        s7 += values[i + 7]
        i += 8
    while i < stop:
        s0 += values[i]
        i += 1
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))


@part
def key_at(values, offsets, i, depth):
    # The byte of token i at this depth; -1 behind its end, which sorts first.
    at = offsets[i] + depth
    return int(values[at]) if at < offsets[i + 1] else -1


@part
def first_past(values, offsets, low, high, depth, key):
    # The first of low..high whose byte at this depth is more than key: doubling steps, then halves.
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
    # The range of those of low..high that have this byte at this depth.
    start = first_past(values, offsets, low, high, depth, byte - 1)
    return start, first_past(values, offsets, start, high, depth, byte)


@kernel
def next_byte_sums(values, offsets, low, high, depth, weights, out):
    # out[b] += the weights of low..high with b at this depth; returns the sum of those that end.
    i = first_past(values, offsets, low, high, depth, -1)
    ending = summed(weights, low, i)
    while i < high:
        byte = key_at(values, offsets, i, depth)
        stop = first_past(values, offsets, i, high, depth, byte)
        out[byte] += summed(weights, i, stop)
        i = stop
    return ending


@kernel
def next_byte_bounds(values, offsets, low, high, depth, bounds):
    # bounds[1 + b] .. bounds[2 + b] have byte b at this depth; before them those that end.
    bounds[0] = at = low
    for key in range(-1, 256):
        at = first_past(values, offsets, at, high, depth, key) if at < high else at
        bounds[key + 2] = at
