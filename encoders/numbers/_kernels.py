"""Numbers to tokens and back.

``layout``: eleven integers, see `Layout`. A *level* is the place of a group of digits before the
decimal point, 0 for the units; behind the point the groups are -1, -2 and so on. ``text`` and
``bounds`` are documents, ``spans`` the rows of `encoders.scan.numbers`. What happens once a number
is inlined: to call a function with all these arrays takes longer than what it does.
"""

import numpy as np

from encoders.intrinsics import load_u32, load_u64, store_u64
from encoders.jit import inlined, kernel, part

WHOLE_LEVELS, FRACTION_LEVELS = 6, 5
PLAIN, FUSED, SEPARATE = 0, 1, 2  # where the suffix is
WIDTH, MARK, PAD = 0, 1, 2  # what becomes of zeros
IN_TEXT, MARKED, DROPPED = 0, 1, 2  # what becomes of thousands separators
(
    GROUP, FORM, ZEROS, LEFTWARD, SEPARATORS, INDIAN, FIRST, SUFFIXES, LEADING, TRAILING, MARKS,
) = range(11)  # fmt: skip
POINT, THOUSANDS = -1, -2  # in place of an id; a second separator of thousands is -3
DIGITS, SUFFIX, LEADING_ZEROS, TRAILING_ZEROS, GROUPED = 0, 1, 2, 3, 4  # kinds of tokens
# Divided by 1 to 4: faster than a division, of which there is one for each number.
QUOTIENTS = np.array([[k // max(group, 1) for k in range(32)] for group in range(5)], np.int64)
POWERS = np.array([10**k for k in range(6)], np.int64)


# --- from a number to its tokens
#
# ``tokens``: int64[n, 5], rows (id, start, stop, power of ten, digits before), or int64[n], the ids
# alone, as the compiler leaves out what is not kept. What is below zero in place of an id is a
# decimal point or a separator, which the base tokenizer encodes.


@inlined
def is_digit(byte):
    return np.uint8(byte - np.uint8(0x30)) < np.uint8(10)


@inlined
def digits_value(text, at, size):
    """What one to four digits are."""
    word = load_u32(text, at) << np.uint32(32 - 8 * size) & np.uint32(0x0F0F0F0F)
    pairs = word * np.uint32(10) + (word >> np.uint32(8))
    return np.int64(
        (pairs & np.uint32(0xFF)) * np.uint32(100) + (pairs >> np.uint32(16) & np.uint32(0xFF))
    )


@inlined
def put(tokens, count, id_, start, stop, power, before):
    if tokens.ndim == 1:
        tokens[count] = id_
    else:
        tokens[count, 0] = id_
        tokens[count, 1] = start
        tokens[count, 2] = stop
        tokens[count, 3] = power
        tokens[count, 4] = before
    return count + 1


@inlined
def digits_id(value, length, level, layout):
    """Id of the token of a group of digits."""
    group, form = layout[GROUP], layout[FORM]
    block = level if level >= 0 else WHOLE_LEVELS - 1 - level
    if layout[ZEROS] == WIDTH:
        size = (POWERS[group + 1] - 10) // 9
        index = (POWERS[length] - 10) // 9 + value
    else:
        size, index = POWERS[group], value
        if level < 0 and form == FUSED:
            index = value - 1 if value > 0 else size - 1  # the official file ends with zero
        elif level < 0 and group > 1 and value < POWERS[group - 1]:
            index = size + value
    return layout[FIRST] + index + (block * size if form == FUSED else 0)


@inlined
def put_group(tokens, count, value, length, level, start, stop, power, before, layout):
    """Write a group of digits, with its suffix if it stands apart."""
    count = put(tokens, count, digits_id(value, length, level, layout), start, stop, power, before)
    if layout[FORM] == SEPARATE and level != 0:
        suffix = level - 1 if level > 0 else WHOLE_LEVELS - 2 - level
        count = put(tokens, count, layout[FIRST] + layout[SUFFIXES] + suffix, stop, stop, power, -1)
    return count


@inlined
def extend(tokens, last, stop):
    """Let a group of digits, and what stands behind it without a width, end at ``stop``."""
    if tokens.ndim == 2:
        while tokens[last, 1] == tokens[last, 2]:
            tokens[last, 1] = tokens[last, 2] = stop
            last -= 1
        tokens[last, 2] = stop


@inlined
def significant(value):
    """Digits of a group without leading zeros, at least one."""
    length = 1
    while value >= POWERS[length]:
        length += 1
    return length


@inlined
def whole_tokens(text, start, point, layout, tokens):
    """Write the tokens of the digits before the point; returns (tokens, digits)."""
    group = layout[GROUP]
    total, marked, second = point - start, False, 0
    # A separator comes behind one to three digits.
    for at in range(start + 1, min(start + 4, point - 3)):
        marked |= not is_digit(text[at])
    if marked:
        total = 0
        for at in range(start, point):
            total += is_digit(text[at])
            second |= text[at] == 0xE2  # of two kinds of separators, the one of three bytes
    together = not marked or layout[SEPARATORS] == IN_TEXT
    count = 0
    if marked and layout[SEPARATORS] == MARKED:
        marker = layout[FIRST] + layout[MARKS] + second
        count = put(tokens, count, marker, start, start, 0, -1)
    left, at, first = total, start, True
    level = 0 if layout[FORM] == PLAIN else QUOTIENTS[group, total - 1]
    size = total - level * group
    while at < point:
        if not is_digit(text[at]):
            begin = at
            while not is_digit(text[at]):
                at += 1
            if layout[SEPARATORS] == IN_TEXT:
                count = put(tokens, count, THOUSANDS - second, begin, at, 0, -1)
            else:
                extend(tokens, count - 1, at)
            continue
        if layout[FORM] == PLAIN:
            # A group never goes across a separator, which stays where it is.
            run = at
            while run < point and is_digit(text[run]):
                run += 1
            size = min(group, run - at) if layout[LEFTWARD] else (run - at - 1) % group + 1
        begin = at
        if together:
            value = digits_value(text, at, size)
            at += size
        else:
            value, taken = 0, 0
            while taken < size:
                if is_digit(text[at]):
                    value = 10 * value + np.int64(text[at]) - 0x30
                    taken += 1
                at += 1
        left -= size
        if first and layout[ZEROS] == MARK and text[begin] == 0x30:
            zeros = size - significant(value)
            if zeros:
                marker = layout[FIRST] + layout[LEADING] + zeros - 1
                count = put(tokens, count, marker, begin, begin, 0, -1)
        count = put_group(
            tokens, count, value, size, level, begin, at, left, total - left - size, layout
        )
        first, level, size = False, max(level - 1, 0), group
    return count, total


@inlined
def number_tokens(text, start, point, stop, layout, tokens):
    """Write the tokens of a number; returns how many."""
    if stop - start <= layout[GROUP] and point == stop:  # too short for a separator
        value, size = digits_value(text, start, stop - start), stop - start
        count = 0
        if layout[ZEROS] == MARK and text[start] == 0x30 and size > significant(value):
            marker = layout[FIRST] + layout[LEADING] + size - significant(value) - 1
            count = put(tokens, count, marker, start, start, 0, -1)
        id_ = digits_id(value, size, 0, layout)
        return put(tokens, count, id_, start, stop, 0, 0)
    count, before = 0, 0
    if point > start:
        count, before = whole_tokens(text, start, point, layout, tokens)
    if point == stop:
        return count
    count = put(tokens, count, POINT, point, point + 1, 0, -1)
    group, at, power, level = layout[GROUP], point + 1, 0, 0
    while at < stop:
        size = min(group, stop - at)
        value = digits_value(text, at, size)
        padding = 0 if layout[ZEROS] == WIDTH else group - size
        value *= POWERS[padding]
        power -= size + padding
        level -= 0 if layout[FORM] == PLAIN else 1
        count = put_group(tokens, count, value, size, level, at, at + size, power, before, layout)
        if padding and layout[ZEROS] == MARK:
            marker = layout[FIRST] + layout[TRAILING] + padding - 1
            count = put(tokens, count, marker, at + size, at + size, 0, -1)
        before += size
        at += size
    return count


@kernel
def describe(text, spans, layout, scratch, tokens, number_of):
    """Write the tokens of all numbers; returns how many there are.

    ``number_of``: int64[n], the number that each token is of.
    """
    at = 0
    for i in range(len(spans)):
        count = number_tokens(text, spans[i, 0], spans[i, 1], spans[i, 2], layout, scratch)
        for k in range(count):
            for column in range(5):
                tokens[at, column] = scratch[k, column]
            number_of[at] = i
            at += 1
    return at


# --- among other ids


@inlined
def put_number(text, start, point, stop, layout, separators, scratch, out, at):
    """Write the ids of a number; returns where the next goes.

    ``separators``: uint32[3, n], for the decimal point and the thousands separators: how many ids,
    and the ids.
    """
    for k in range(number_tokens(text, start, point, stop, layout, scratch)):
        if scratch[k] >= 0:
            out[at] = np.uint32(scratch[k])
            at += 1
        else:
            row = -1 - scratch[k]
            for j in range(1, 1 + separators[row, 0]):
                out[at] = separators[row, j]
                at += 1
    return at


@kernel
def weave(text, cuts, spans, layout, separators, scratch, ids, id_bounds, out, out_bounds):
    """Write the ids of the segments between ``cuts``, which are ``ids``, but for those of numbers;
    and where they begin."""
    number, at = 0, 0
    for i in range(len(cuts) - 1):
        out_bounds[i] = at
        if number < len(spans) and cuts[i] == spans[number, 0] and cuts[i] < cuts[i + 1]:
            point, stop = spans[number, 1], spans[number, 2]
            at = put_number(text, cuts[i], point, stop, layout, separators, scratch, out, at)
            number += 1
        else:
            for k in range(id_bounds[i], id_bounds[i + 1]):
                out[at] = ids[k]
                at += 1
    out_bounds[len(cuts) - 1] = at
    return at


# --- from ids to text
#
# ``state``: (level of the last group, id that is held or -1, its level, whether it is filled up
# with zeros, zeros to cut off its end, separator that groups the number: 0 for none). A group of
# digits is held, as a suffix or zeros to cut may follow.

LEVEL, HELD, HELD_LEVEL, FILLED, CUT, GROUPING = 0, 1, 2, 3, 4, 5


@inlined
def copy_bytes(source, start, stop, target, at):
    """Copy, and some bytes more, which both arrays must have to spare."""
    for k in range(0, stop - start, 16):
        store_u64(target, at + k, load_u64(source, start + k))
        store_u64(target, at + k + 8, load_u64(source, start + k + 8))
    return at + stop - start


@part
def release(vocab, offsets, marks, layout, state, out, at):
    """Write the digits that are held; returns where the next byte goes."""
    if state[HELD] < 0:
        return at
    start, stop = offsets[state[HELD]], offsets[state[HELD] + 1]
    level = state[HELD_LEVEL]
    zeros = max(0, layout[GROUP] - (stop - start)) if state[FILLED] else 0
    digits = zeros + stop - start
    for k in range(digits - min(state[CUT], stop - start - 1)):
        out[at] = vocab[start + k - zeros] if k >= zeros else 0x30
        at += 1
        if state[GROUPING] and level >= 0:
            power = level * layout[GROUP] + digits - 1 - k
            if power >= 3 and (power % 2 == 1 if layout[INDIAN] else power % 3 == 0):
                row = state[GROUPING] - 1
                for j in range(1, 1 + marks[row, 0]):
                    out[at] = marks[row, j]
                    at += 1
    state[LEVEL] = max(level, 0)
    state[HELD], state[CUT] = -1, 0
    if level <= 0:
        state[GROUPING] = 0
    return at


@kernel
def decode(ids, vocab, offsets, kinds, levels, marks, layout, state, finish, out):
    """The bytes of ids; returns how many.

    ``vocab``, ``offsets``: the bytes of all tokens, of numbers their digits; ``kinds``, ``levels``:
    int64, of the tokens from ``layout[FIRST]`` on; ``marks``: uint8[n, 4], length and bytes of the
    thousands separators that are marked. With ``finish`` nothing is held at the end.
    """
    at, first = 0, layout[FIRST]
    for i in range(len(ids)):
        id_ = np.int64(ids[i])
        kind = kinds[id_ - first] if id_ >= first else -1
        level = levels[id_ - first] if id_ >= first else 0
        if kind == SUFFIX:
            if state[HELD] >= 0:
                state[HELD_LEVEL] = level
            continue
        if kind == TRAILING_ZEROS:
            if state[HELD] >= 0:
                state[CUT] = level
            continue
        at = release(vocab, offsets, marks, layout, state, out, at)
        if kind == DIGITS:
            state[HELD], state[HELD_LEVEL] = id_, level
            above = state[LEVEL]
            follows = above > 0 if layout[FORM] == SEPARATE else above == level + 1
            state[FILLED] = layout[ZEROS] != WIDTH and level >= 0 and above > 0 and follows
        elif kind == LEADING_ZEROS:
            for _ in range(level):
                out[at] = 0x30
                at += 1
            state[LEVEL] = 0
        elif kind == GROUPED:
            state[LEVEL], state[GROUPING] = 0, level
        else:
            at = copy_bytes(vocab, offsets[id_], offsets[id_ + 1], out, at)
    if finish:
        at = release(vocab, offsets, marks, layout, state, out, at)
    return at
