"""Finding numbers in UTF-8 text: the kernel of `encoders.scan.numbers`, which tells the rules."""

import numpy as np

from encoders.jit import inlined, kernel, part
from encoders.scan._digit_kernels import (
    BEFORE_POINT,
    BY_COMMA,
    BY_DOT,
    BY_SPACE,
    COLON,
    COMMA,
    DASH,
    DOT,
    JOINT,
    KIND,
    OPENS,
    SLASH,
    WORD,
    after_section_sign,
    digits_end,
    digits_follow,
    few_digits_end,
    is_digit,
    is_scientific,
    next_digit,
    phone_end,
    thousands_at,
    word_end,
    word_start,
)

IDENTIFIER, DOTTED, DASHED, SLASHED, TIMED, PHONE, SECTION = 1, 2, 4, 8, 16, 32, 64


# --- chains: runs of digits with single joints between them


@inlined
def joint_at(text, at):
    """(last byte, length) of the joint at ``at``, which is inside a word."""
    byte = text[at]
    if byte == COLON and text[at + 1] == COLON:
        return byte, 2
    if byte == 0xC2:
        return text[at + 1], 2
    if byte == 0xE2:
        return text[at + 2], 3
    return byte, 1


@part
def chain_end(text, at, stop, kind):
    """End of the chain of digits from ``at``, in a word that ends at ``stop``."""
    while True:
        at = digits_end(text, at, stop)
        if at >= stop or (text[at] < 0x80 and KIND[text[at]] & WORD):
            return at
        _, length = joint_at(text, at)
        if text[at] >= 0x80 and not thousands_at(text, at, stop, kind):
            return at
        if at + length >= stop or not is_digit(text[at + length]):
            return at
        at += length


@part
def grouped_end(text, at, run, end, kind, indian):
    """End of the digits with thousands separators from ``at``; ``run``, the end of the first
    digits, where they are not such, or not to the last separator."""
    if run - at > 3 - indian or text[at] == 0x30:
        return run
    here, last, mark = run, 0, 0
    while True:
        length = thousands_at(text, here, end, kind)
        if length == 0:
            break
        if mark == 0:
            mark = length
        digits = digits_end(text, here + length, end) - here - length
        fits = digits == 3 or (indian and digits == 2)
        if not fits or length != mark or (indian and last == 3):
            return run
        last = digits
        here += length + digits
    return here if not indian or last == 3 else run


@part
def is_dotted(text, at, stop, end, kind, indian):
    """Whether digits with two dots or more, from ``at`` to ``stop``, are not grouped so."""
    if kind != BY_DOT:
        return True
    if grouped_end(text, at, digits_end(text, at, stop), stop, kind, indian) != stop:
        return True
    octets = 0  # an IP address may look as if it were grouped
    while at < stop:
        run = digits_end(text, at, stop)
        value = 0
        for k in range(at, run):
            value = 10 * value + np.int64(text[k]) - 48
        if value > 255:
            return False
        octets += 1
        at = run + 1
    return octets == 4


@part
def chain_is_protected(text, at, end, options):
    """Whether a chain is a date, a time, a version or the like."""
    kind, indian, protect = options[0], options[1], options[3]
    dots, dashes, first = 0, 0, at
    while True:
        run = digits_end(text, at, end)
        joint, length = np.uint8(0), 0
        if run < end:
            joint, length = joint_at(text, run)
        if joint == DOT:
            if dots == 0:
                first = at
            dots += 1
        else:
            if dots > 1 and protect & DOTTED and is_dotted(text, first, run, end, kind, indian):
                return True
            dots = 0
            dashes += joint == DASH
            if dashes == 2 and protect & DASHED:
                return True
            if joint == SLASH and protect & SLASHED:
                return True
            if joint == COLON and protect & TIMED:
                return True
        if run == end:
            return False
        at = run + length


@inlined
def separated_before(text, at, begin, kind):
    """Whether a thousands separator after a digit stands before ``at``."""
    if kind == BY_COMMA:
        return at - 2 >= begin and text[at - 1] == COMMA and is_digit(text[at - 2])
    if kind == BY_SPACE:
        for length in (2, 3):
            here = at - length
            if here - 1 >= begin and thousands_at(text, here, at, kind) == length:
                return is_digit(text[here - 1])
    return False


@inlined
def fits(text, start, point, stop, options):
    """Whether a number has no more digits than may be; separators count as none."""
    digits = point - start
    if digits > options[4]:
        digits = 0
        for k in range(start, point):
            digits += is_digit(text[k])
    return digits <= options[4] and stop - point - 1 <= options[5]


@inlined
def keep(spans, count, start, point, stop):
    """Write a number where there is room; returns how many there are by now."""
    if count < len(spans):
        spans[count, 0], spans[count, 1], spans[count, 2] = start, point, stop
    return count + 1


@part
def numbers_of_chain(text, at, end, begin, document_end, options, spans, count):
    """Write the numbers of a chain that is not protected; returns how many there are by now."""
    kind, indian, decimal = options[0], options[1], options[2]
    lone = (
        decimal == DOT
        and at - 1 >= begin
        and text[at - 1] == DOT
        and (at - 2 < begin or (text[at - 2] < 0x80 and KIND[text[at - 2]] & BEFORE_POINT != 0))
    )
    groups = kind != 0 and not lone and not separated_before(text, at, begin, kind)
    after_point = False
    while at < end:
        run = digits_end(text, at, end)
        whole = run
        if groups:
            whole = grouped_end(text, at, run, end, kind, indian)
            if whole == end:
                length = thousands_at(text, end, document_end, kind)
                if length and digits_follow(text, end + length, document_end):
                    whole = run
        begins, point, stop = at, whole, whole
        if whole < end and text[whole] == decimal and not (after_point and whole == run):
            fraction = digits_end(text, whole + 1, end)
            if fraction == end or text[fraction] != decimal:
                stop = fraction
        if lone and (run == end or text[run] != decimal):
            begins, point = at - 1, at - 1
        lone = False
        if fits(text, begins, point, stop, options):
            count = keep(spans, count, begins, point, stop)
        if stop == end:
            return count
        joint, length = joint_at(text, stop)
        after_point = joint == decimal
        groups = kind != 0 and not after_point and thousands_at(text, stop, end, kind) == 0
        at = stop + length
    return count


# --- the most frequent numbers, without all that


@inlined
def begins_plainly(text, at, begin):
    """Whether what is before ``at`` has no say in what the digits there are; False where unsure."""
    if at == begin:
        return True
    before = text[at - 1]
    if before >= 0x80 or KIND[before] & (WORD | JOINT | OPENS):
        return False
    return before != 0x20 or at - 1 == begin or text[at - 2] < 0x80


@inlined
def ends_plainly(text, at, end):
    """Whether what is behind digits that end at ``at`` has no say in what they are."""
    if at == end:
        return True
    after = text[at]
    if after >= 0x80 or after == COLON or KIND[after] & WORD:
        return False
    if not KIND[after] & JOINT or at + 1 == end:
        return True
    return text[at + 1] < 0x80 and not KIND[text[at + 1]] & WORD


@inlined
def plain_number(text, at, begin, end, options):
    """(decimal point, stop) of the number at ``at``, which is a word by itself; ``at`` twice where
    that is not sure. All that it takes for a number is one to the long way too."""
    if not begins_plainly(text, at, begin):
        return at, at
    point = few_digits_end(text, at, end)
    if at > begin and text[at - 1] == 0x28 and point < end and text[point] == 0x29:
        if point - at == 3:
            return at, at  # perhaps an area code
    if options[0] == BY_COMMA and not options[1] and point - at <= 3 and text[at] != 0x30:
        while point + 3 < end and text[point] == COMMA and is_digit(text[point + 1]):
            stop = few_digits_end(text, point + 1, end)
            if stop - point != 4:
                return at, at
            point = stop
    stop = point
    if options[2] == DOT and point < end and text[point] == DOT:
        after = few_digits_end(text, point + 1, end)
        stop = after if after > point + 1 else point
    return (point, stop) if ends_plainly(text, stop, end) else (at, at)


@kernel
def find_numbers(text, bounds, spans, options, index, blocks):
    """Find the numbers of documents.

    ``spans``: int64[n, 3], rows to write: start, decimal point (or stop), stop. ``options``: kind
    of thousands separator, whether groups are Indian, decimal point, what is protected, most
    digits before and behind the point. Returns how many there are, whether or not ``spans`` has
    room for all.
    """
    count = 0
    for document in range(len(bounds) - 1):
        begin, end = bounds[document], bounds[document + 1]
        protected = begin
        at = next_digit(text, begin, end)
        while at < end:
            if at >= protected:
                point, stop = plain_number(text, at, begin, end, options)
                if stop > at:
                    if fits(text, at, point, stop, options):
                        count = keep(spans, count, at, point, stop)
                    at = next_digit(text, stop, end)
                    continue
            start = word_start(text, at, begin, end, index, blocks)
            stop, touch = word_end(text, start, end, options, index, blocks)
            protect = options[3]
            if protect & PHONE and start == at:
                protected = max(protected, phone_end(text, at, begin, end))
            identifier = touch and protect & IDENTIFIER
            if identifier and start == at:
                identifier = not is_scientific(text, at, stop, end, options, index, blocks)
            if identifier or (protect & SECTION and after_section_sign(text, start, begin)):
                protected = max(protected, stop)
            while at < stop:
                if is_digit(text[at]):
                    chain = chain_end(text, at, stop, options[0])
                    if at >= protected and not chain_is_protected(text, at, chain, options):
                        count = numbers_of_chain(text, at, chain, begin, end, options, spans, count)
                    at = chain
                else:
                    at += 1
            at = next_digit(text, stop, end)
    return count
