"""A noisy channel over code points."""

import numpy as np

from encoders.draws._kernels import next_random
from encoders.jit import inlined, kernel, part

REMOVE, INSERT, SPLIT, NOTHING = -1, -2, -3, -4
BLANK = np.uint32(0x20)


@kernel
def corrupt(
    text, bounds, states, rate, rules, odds, kinds, specks, out, out_bounds, edits, edit_bounds
):
    """Misread each character with probability ``rate``; see `encoders.noise.corrupt`."""
    at, count = 0, 0
    for document in range(len(bounds) - 1):
        out_bounds[document], edit_bounds[document] = at, count
        start, stop, begin = bounds[document], bounds[document + 1], at
        state = states[document : document + 1]
        i = start
        while i < stop:
            reading = NOTHING
            if next_random(state) < rate:
                reading = drawn(text, start, i, stop, rules, odds, kinds, state)
            if reading != NOTHING:
                edits[count, 0], edits[count, 2] = i - start, at - begin
                i, at = misread(i, at, reading, rules, specks, state, out)
                edits[count, 1], edits[count, 3] = i - start, at - begin
                count += 1
                if reading != INSERT and reading != SPLIT:
                    continue
            out[at] = text[i]
            at += 1
            i += 1
    out_bounds[len(bounds) - 1], edit_bounds[len(bounds) - 1] = at, count


@part
def drawn(text, start, i, stop, rules, odds, kinds, state):
    """How the character at ``i`` is misread: the number of a rule, or one of the kinds above."""
    confusing = 0.0
    first = first_rule(rules, text[i])
    rule = first
    while rule < len(rules) and rules[rule, 0] == text[i]:
        if fits(rules, rule, text, i, stop):
            confusing += odds[rule]
        rule += 1
    blank = is_space(text[i])
    confuse = kinds[0] if confusing > 0.0 else 0.0
    remove = kinds[1] if blank else kinds[2]
    split = 0.0 if blank or i == start or is_space(text[i - 1]) else kinds[4]
    left = next_random(state) * (confuse + remove + kinds[3] + split)
    if left < confuse:
        left *= confusing / confuse
        rule = first
        while rule < len(rules) and rules[rule, 0] == text[i]:
            if fits(rules, rule, text, i, stop):
                left -= odds[rule]
                if left < 0.0:
                    return rule
            rule += 1
    left -= confuse
    if left < remove:
        return REMOVE
    left -= remove
    if left < kinds[3]:
        return INSERT
    return SPLIT if split > 0.0 else NOTHING


@inlined
def first_rule(rules, code):
    """The first rule for a code point or one behind it; rules are sorted."""
    low, high = 0, len(rules)
    while low < high:
        middle = (low + high) // 2
        if rules[middle, 0] < code:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def fits(rules, rule, text, i, stop):
    """Whether the second code point that the rule misreads, if it has one, stands behind ``i``."""
    second = rules[rule, 1]
    return second == 0 or (i + 1 < stop and text[i + 1] == second)


@inlined
def is_space(code):
    return code <= BLANK or code == 0xA0


@inlined
def misread(i, at, reading, rules, specks, state, out):
    """Write a reading; the places behind what it stands for and behind itself."""
    if reading == REMOVE:
        return i + 1, at
    if reading == SPLIT:
        out[at] = BLANK
        return i, at + 1
    if reading == INSERT:
        out[at] = specks[np.int64(next_random(state) * len(specks))]
        return i, at + 1
    out[at] = rules[reading, 2]
    if rules[reading, 3] != 0:
        at += 1
        out[at] = rules[reading, 3]
    return i + (1 if rules[reading, 1] == 0 else 2), at + 1
