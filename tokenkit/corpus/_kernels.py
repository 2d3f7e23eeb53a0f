"""Loops over the bytes of a batch: separators, JSON fields, and rows of tokens."""

import numpy as np

from encoders.intrinsics import ctz64, load_u64, store_u64
from encoders.jit import inlined, kernel, part

ONES = np.uint64(0x0101010101010101)
HIGHS = np.uint64(0x8080808080808080)
QUOTES = np.uint64(0x2222222222222222)
BACKSLASHES = np.uint64(0x5C5C5C5C5C5C5C5C)
SPACES = np.uint64(0x2020202020202020)


@kernel
def find_separators(text, start, separator, found):
    """Starts of the separators in ``text[start:]``, leftmost first and never overlapping.

    Writes them to ``found`` (int64) and returns their number.
    """
    size, stop = len(separator), len(text)
    first = separator[0]
    pattern = np.uint64(first) * ONES
    count, i = 0, start
    while i + size <= stop:
        if i + 8 <= stop:
            word = load_u64(text, i) ^ pattern
            hits = (word - ONES) & ~word & HIGHS
            if hits == 0:
                i += 8
                continue
            i += np.int64(ctz64(hits) >> np.uint64(3))
            if i + size > stop:
                break
        elif text[i] != first:
            i += 1
            continue
        k = 1
        while k < size and text[i + k] == separator[k]:
            k += 1
        if k == size:
            found[count] = i
            count += 1
            i += size
        else:
            i += 1
    return count


@inlined
def copy(text, start, stop, out, at):
    """Copy ``text[start:stop]`` to ``out[at:]``; the end of what was written."""
    while start + 8 <= stop:
        store_u64(out, at, load_u64(text, start))
        start += 8
        at += 8
    while start < stop:
        out[at] = text[start]
        start += 1
        at += 1
    return at


@kernel
def longest_run(text, start, stop):
    """Length of the longest run of only ASCII white space, or of none, in ``text[start:stop]``."""
    longest, since, white = 0, start, False
    for i in range(start, stop):
        byte = text[i]
        if ((byte == 0x20) or (0x09 <= byte <= 0x0D)) != white:
            longest = max(longest, i - since)
            since, white = i, not white
    return max(longest, stop - since)


@kernel
def gather(text, starts, stops, out, bounds):
    """Records end to end in ``out``, and their bounds."""
    at = 0
    for record in range(len(starts)):
        bounds[record] = at
        at = copy(text, starts[record], stops[record], out, at)
    bounds[len(starts)] = at


@kernel
def json_texts(text, starts, stops, path, path_bounds, stack, out, bounds, plain):
    """The string at ``path`` in each line of JSON, unescaped, end to end in ``out``.

    ``path``: the bytes of the names of the members that lead there, with their bounds;
    ``stack``: scratch, uint8, one for each level of nesting. ``plain[line]`` is false, and the
    text empty, where the line needs a slower look: it is not JSON, or has no string there, or a
    lone surrogate, NaN, escapes in a name, deep nesting. Lines are UTF-8 already checked.
    """
    at = 0
    for line in range(len(starts)):
        bounds[line] = at
        first, last = json_string(text, starts[line], stops[line], path, path_bounds, stack)
        end = unescape(text, first, last, out, at) if first >= 0 else -1
        plain[line] = end >= 0
        if end >= 0:
            at = end
    bounds[len(starts)] = at


_VALUE, _VALUE_OR_END, _NAME, _NAME_OR_END, _AFTER = 0, 1, 2, 3, 4
_OBJECT, _ON_PATH = 1, 2


@part
def json_string(text, i, stop, path, path_bounds, stack):
    """Bounds of the characters of the string at ``path`` in one JSON object; -1 as above."""
    first, last = -1, -1
    depth, levels = 0, len(path_bounds) - 1
    expected = _VALUE
    target, on_path = False, True
    i = skip_space(text, i, stop)
    if i >= stop or text[i] != 0x7B:
        return -1, -1
    while True:
        i = skip_space(text, i, stop)
        if i >= stop:
            break
        byte = text[i]
        if expected == _AFTER:
            if depth == 0:
                return -1, -1
            inside_object = stack[depth] & _OBJECT != 0
            if byte == 0x2C:
                expected = _NAME if inside_object else _VALUE
            elif (byte == 0x7D and inside_object) or (byte == 0x5D and not inside_object):
                depth -= 1
            else:
                return -1, -1
            i += 1
        elif expected >= _NAME:
            if byte == 0x7D and expected == _NAME_OR_END:
                depth -= 1
                expected = _AFTER
                i += 1
                continue
            if byte != 0x22:
                return -1, -1
            end = string_end(text, i + 1, stop)
            if end < 0:
                return -1, -1
            if stack[depth] & _ON_PATH:
                same = same_name(text, i + 1, end, path, path_bounds[depth - 1], path_bounds[depth])
                if same < 0:
                    return -1, -1
                if same:
                    first = -1  # the last of several members of one name counts
                    target = depth == levels
                    on_path = not target
            i = skip_space(text, end + 1, stop)
            if i >= stop or text[i] != 0x3A:
                return -1, -1
            i += 1
            expected = _VALUE
        else:
            if byte == 0x5D and expected == _VALUE_OR_END:
                depth -= 1
                i += 1
            elif byte == 0x22:
                end = string_end(text, i + 1, stop)
                if end < 0:
                    return -1, -1
                if target:
                    first, last = i + 1, end
                i = end + 1
            elif byte in (0x7B, 0x5B):
                depth += 1
                if depth >= len(stack):
                    return -1, -1
                stack[depth] = 0
                if byte == 0x7B:
                    stack[depth] = _OBJECT | (_ON_PATH if on_path else 0)
                expected = _NAME_OR_END if byte == 0x7B else _VALUE_OR_END
                target, on_path = False, False
                i += 1
                continue
            else:
                i = word_end(text, i, stop)
                if i < 0:
                    return -1, -1
            expected = _AFTER
            target, on_path = False, False
    if depth != 0 or expected != _AFTER:
        return -1, -1
    return first, last


@inlined
def skip_space(text, i, stop):
    """The first index from ``i`` that is not JSON white space."""
    while i < stop and text[i] in (0x20, 0x09, 0x0A, 0x0D):
        i += 1
    return i


@inlined
def same_name(text, start, stop, path, first, last):
    """1 where the name is ``path[first:last]``, 0 where not, -1 where it has escapes."""
    same = stop - start == last - first
    for k in range(stop - start):
        byte = text[start + k]
        if byte == 0x5C:
            return -1
        same = same and byte == path[first + k]
    return 1 if same else 0


@part
def string_end(text, i, stop):
    """Index of the quote that ends the string whose characters begin at ``i``; -1 if none does."""
    while i < stop:
        while i + 8 <= stop:
            word = load_u64(text, i)
            quotes, slashes = word ^ QUOTES, word ^ BACKSLASHES
            hits = ((quotes - ONES) & ~quotes) | ((slashes - ONES) & ~slashes)
            hits = (hits | ((word - SPACES) & ~word)) & HIGHS
            if hits != 0:
                i += np.int64(ctz64(hits) >> np.uint64(3))
                break
            i += 8
        if i >= stop:
            return -1
        byte = text[i]
        if byte == 0x22:
            return i
        if byte < 0x20:
            return -1
        if byte != 0x5C:
            i += 1
            continue
        if i + 1 >= stop:
            return -1
        escape = text[i + 1]
        if escape == 0x75:
            if hex_value(text, i + 2, stop) < 0:
                return -1
            i += 6
        elif escape in (0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74):
            i += 2
        else:
            return -1
    return -1


@inlined
def hex_value(text, i, stop):
    """The number in four hexadecimal digits from ``i``, or -1."""
    if i + 4 > stop:
        return -1
    value = 0
    for k in range(4):
        byte = np.int64(text[i + k])
        if 0x30 <= byte <= 0x39:
            digit = byte - 0x30
        elif 0x61 <= (byte | 0x20) <= 0x66:
            digit = (byte | 0x20) - 0x57
        else:
            return -1
        value = value * 16 + digit
    return value


@inlined
def word_end(text, i, stop):
    """End of the number, true, false or null at ``i``; -1 where it is none of these."""
    byte = text[i]
    if byte == 0x74:
        return i + 4 if spells(text, i, stop, 0x72, 0x75, 0x65) else -1
    if byte == 0x6E:
        return i + 4 if spells(text, i, stop, 0x75, 0x6C, 0x6C) else -1
    if byte == 0x66:
        return i + 5 if spells(text, i + 1, stop, 0x6C, 0x73, 0x65) and text[i + 1] == 0x61 else -1
    if byte == 0x2D:
        i += 1
    digits = digits_end(text, i, stop)
    if digits == i or (digits > i + 1 and text[i] == 0x30):
        return -1
    i = digits
    if i < stop and text[i] == 0x2E:
        digits = digits_end(text, i + 1, stop)
        if digits == i + 1:
            return -1
        i = digits
    if i < stop and text[i] | 0x20 == 0x65:
        i += 1
        if i < stop and text[i] in (0x2B, 0x2D):
            i += 1
        digits = digits_end(text, i, stop)
        if digits == i:
            return -1
        i = digits
    return i


@inlined
def spells(text, i, stop, second, third, fourth):
    """Whether the three bytes behind ``i`` are these."""
    return (
        i + 4 <= stop and text[i + 1] == second and text[i + 2] == third and text[i + 3] == fourth
    )


@inlined
def digits_end(text, i, stop):
    """The first index from ``i`` that is not a decimal digit."""
    while i < stop and 0x30 <= text[i] <= 0x39:
        i += 1
    return i


@part
def unescape(text, i, stop, out, at):
    """The string ``text[i:stop]`` without its escapes to ``out[at:]``.

    Returns the end of what was written, -1 for a lone surrogate. Never longer than what it reads.
    """
    while i < stop:
        while i + 8 <= stop:
            word = load_u64(text, i)
            slashes = word ^ BACKSLASHES
            if (slashes - ONES) & ~slashes & HIGHS:
                break
            store_u64(out, at, word)
            i += 8
            at += 8
        while i < stop and text[i] != 0x5C:
            out[at] = text[i]
            i += 1
            at += 1
        if i >= stop:
            break
        escape = text[i + 1]
        if escape != 0x75:
            if escape == 0x6E:
                escape = np.uint8(0x0A)
            elif escape == 0x74:
                escape = np.uint8(0x09)
            elif escape == 0x72:
                escape = np.uint8(0x0D)
            elif escape == 0x62:
                escape = np.uint8(0x08)
            elif escape == 0x66:
                escape = np.uint8(0x0C)
            out[at] = escape
            i += 2
            at += 1
            continue
        point = hex_value(text, i + 2, stop)
        i += 6
        if 0xD800 <= point < 0xE000:
            if point >= 0xDC00 or i + 6 > stop or text[i] != 0x5C or text[i + 1] != 0x75:
                return -1
            low = hex_value(text, i + 2, stop)
            if low < 0xDC00 or low > 0xDFFF:
                return -1
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00)
            i += 6
        at = put_character(point, out, at)
    return at


@inlined
def put_character(point, out, at):
    """UTF-8 of a code point to ``out[at:]``; the end of what was written."""
    if point < 0x80:
        out[at] = np.uint8(point)
        return at + 1
    if point < 0x800:
        out[at] = np.uint8(0xC0 | (point >> 6))
        out[at + 1] = np.uint8(0x80 | (point & 0x3F))
        return at + 2
    if point < 0x10000:
        out[at] = np.uint8(0xE0 | (point >> 12))
        out[at + 1] = np.uint8(0x80 | ((point >> 6) & 0x3F))
        out[at + 2] = np.uint8(0x80 | (point & 0x3F))
        return at + 3
    out[at] = np.uint8(0xF0 | (point >> 18))
    out[at + 1] = np.uint8(0x80 | ((point >> 12) & 0x3F))
    out[at + 2] = np.uint8(0x80 | ((point >> 6) & 0x3F))
    out[at + 3] = np.uint8(0x80 | (point & 0x3F))
    return at + 4


@kernel
def frame_rows(ids, bounds, before, after, out, out_bounds):
    """Rows of ids in the dtype of ``out``, each between ``before`` and ``after`` (-1: nothing)."""
    at = 0
    for row in range(len(bounds) - 1):
        out_bounds[row] = at
        if before >= 0:
            out[at] = before
            at += 1
        start, size = bounds[row], bounds[row + 1] - bounds[row]
        for k in range(size):
            out[at + k] = ids[start + k]
        at += size
        if after >= 0:
            out[at] = after
            at += 1
    out_bounds[len(bounds) - 1] = at


@kernel
def reorder_rows(values, offsets, order, out, out_offsets):
    """Row ``order[i]`` becomes row ``i``."""
    at = 0
    for row in range(len(order)):
        out_offsets[row] = at
        start, size = offsets[order[row]], offsets[order[row] + 1] - offsets[order[row]]
        for k in range(size):
            out[at + k] = values[start + k]
        at += size
    out_offsets[len(order)] = at
