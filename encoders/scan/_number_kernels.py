"""Finding numbers in UTF-8 text: the kernel of `encoders.scan.numbers`, which tells the rules."""

import numpy as np

from encoders.intrinsics import ctz64, load_u64
from encoders.jit import inlined, kernel, part
from encoders.scan._block_kernels import LOWER, MARK, NUMBER, UPPER, char_at
from encoders.scan.intrinsics import ascii_masks

GLUE = UPPER | LOWER | NUMBER  # what a digit beside it is one identifier with
COMMA, DASH, DOT, SLASH, COLON, PLUS = 0x2C, 0x2D, 0x2E, 0x2F, 0x3A, 0x2B
SECTION_SIGN = 0xA7  # its last byte, after 0xC2
BY_COMMA, BY_DOT, BY_SPACE = 1, 2, 3  # kinds of thousands separators
IDENTIFIER, DOTTED, DASHED, SLASHED, TIMED, PHONE, SECTION = 1, 2, 4, 8, 16, 32, 64

ZEROS = np.uint64(0x3030303030303030)
BEYOND_NINE = np.uint64(0x7676767676767676)  # added to a byte of 10 or more, sets its high bit
HIGH_BITS = np.uint64(0x8080808080808080)

DIGIT, WORD, BEFORE_POINT, JOINT, OPENS = 1, 2, 4, 8, 16
KIND = np.zeros(128, np.uint8)
for _byte in b"0123456789":
    KIND[_byte] |= DIGIT
for _byte in b"_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz":
    KIND[_byte] |= WORD
for _byte in b" \t\n\r([{<>=+-*$~|\"'":
    KIND[_byte] |= BEFORE_POINT
for _byte in b".,-/:":
    KIND[_byte] |= JOINT
KIND[PLUS] |= OPENS


# --- characters


@inlined
def is_digit(byte):
    return np.uint8(byte - np.uint8(0x30)) < np.uint8(10)


@inlined
def digits_end(text, at, end):
    while at < end and is_digit(text[at]):
        at += 1
    return at


@inlined
def few_digits_end(text, at, end):
    """`digits_end`, in one step where they are fewer than eight."""
    word = load_u64(text, at) ^ ZEROS
    others = ((word + BEYOND_NINE) | word) & HIGH_BITS
    at = min(at + np.int64(ctz64(others) >> np.uint64(3)), end)
    return digits_end(text, at, end) if others == np.uint64(0) else at


@inlined
def next_digit(text, at, end):
    """Where the next ASCII digit is; ``end`` or beyond where there is none."""
    while at < end:
        digits = ascii_masks(text, at)[2]
        if digits != np.uint64(0):
            return at + np.int64(ctz64(digits))
        at += 64
    return at


@part
def wide_word_length(text, at, end, index, blocks):
    flags, length = char_at(text, at, end, index, blocks)
    return length if flags & GLUE else 0


@inlined
def word_length(text, at, end, index, blocks):
    """Bytes of the word character at ``at``; 0 where it is another."""
    if text[at] < 0x80:
        return (KIND[text[at]] & WORD) >> 1
    return wide_word_length(text, at, end, index, blocks)


@part
def word_length_before(text, at, begin, index, blocks):
    """Bytes of the word character that ends at ``at``; 0 where it is another."""
    if at <= begin:
        return 0
    if text[at - 1] < 0x80:
        return (KIND[text[at - 1]] & WORD) >> 1
    lead = at - 1
    while lead > begin and lead > at - 4 and text[lead] & 0xC0 == 0x80:
        lead -= 1
    length = wide_word_length(text, lead, at, index, blocks)
    return length if lead + length == at else 0


@inlined
def thousands_at(text, at, end, kind):
    """Bytes of the thousands separator at ``at``; 0 where there is none."""
    if at >= end:
        return 0
    byte = text[at]
    if kind == BY_COMMA:
        return 1 if byte == COMMA else 0
    if kind == BY_DOT:
        return 1 if byte == DOT else 0
    if kind == BY_SPACE:
        if byte == 0xC2 and at + 1 < end and text[at + 1] == 0xA0:
            return 2
        if byte == 0xE2 and at + 2 < end and text[at + 1] == 0x80 and text[at + 2] == 0xAF:
            return 3
    return 0


@inlined
def digits_follow(text, at, end):
    return at < end and is_digit(text[at])


# --- words: what may be one identifier


@part
def join_length(text, at, end, options, index, blocks):
    """Bytes that join the word character before ``at`` to the one behind them; 0 for none."""
    byte = text[at]
    if byte == DOT or byte == DASH or byte == SLASH or byte == COLON:
        length = 2 if byte == COLON and at + 1 < end and text[at + 1] == COLON else 1
        after = at + length
        return length if after < end and word_length(text, after, end, index, blocks) else 0
    if not is_digit(text[at - 1]):
        return 0
    length = thousands_at(text, at, end, options[0])
    if length:
        digits = digits_end(text, at + length, end) - at - length
        return length if digits == 3 or (options[1] and digits == 2) else 0
    if byte == COMMA and options[2] == COMMA and digits_follow(text, at + 1, end):
        return 1
    return 0


@part
def word_start(text, at, begin, end, index, blocks):
    """Where the word begins whose first digit is at ``at``."""
    while True:
        length = word_length_before(text, at, begin, index, blocks)
        while length:
            at -= length
            length = word_length_before(text, at, begin, index, blocks)
        if at - 2 < begin:
            return at
        byte = text[at - 1]
        if byte != DOT and byte != DASH and byte != SLASH and byte != COLON:
            return at
        joint = at - 1
        if byte == COLON and text[at - 2] == COLON:
            joint = at - 2
        if not word_length_before(text, joint, begin, index, blocks):
            return at
        at = joint


@part
def word_end(text, at, end, options, index, blocks):
    """(where the word ends, whether digits and other word characters touch in it)."""
    touch = False
    before, start = False, True  # whether the character before is a digit, or a word begins
    while at < end:
        if is_digit(text[at]):
            touch |= not before and not start
            before, start = True, False
            at += 1
            continue
        length = word_length(text, at, end, index, blocks)
        if length:
            touch |= before and not start
            before, start = False, False
            at += length
            continue
        if before and text[at] >= 0x80:
            flags, _ = char_at(text, at, end, index, blocks)
            touch |= flags & MARK != 0
        length = join_length(text, at, end, options, index, blocks)
        if length == 0:
            return at, touch
        at += length
        start = True
    return at, touch


@part
def is_scientific(text, at, stop, end, options, index, blocks):
    """Whether the word from ``at`` to ``stop`` is a number with an exponent, as a whole."""
    here = digits_end(text, at, stop)
    if here > at and here < stop and text[here] == options[2]:
        if not digits_follow(text, here + 1, stop):
            return False
        here = digits_end(text, here + 1, stop)
    if here == at or here == stop or text[here] | 0x20 != 0x65:
        return False
    here += 1
    if here == stop:
        if here >= end or text[here] != PLUS or not digits_follow(text, here + 1, end):
            return False
        stop, touch = word_end(text, here + 1, end, options, index, blocks)
        here += 1
        if touch:
            return False
    elif text[here] == DASH:
        here += 1
    exponent = digits_end(text, here, stop)
    return exponent == stop and 0 < exponent - here <= 3


# --- what is protected beside chains


@part
def phone_end(text, at, begin, end):
    """Where the telephone number with its first digit at ``at`` ends; ``at`` where none is."""
    if at - 1 < begin:
        return at
    if text[at - 1] == 0x28:  # (ddd) ddd-dddd
        here = at
        for length, close in ((3, 0x29), (3, DASH), (4, 0)):
            stop = digits_end(text, here, end)
            if stop - here != length:
                return at
            here = stop
            if close:
                if here >= end or text[here] != close:
                    return at
                here += 1
                if close == 0x29 and here < end and text[here] == 0x20:
                    here += 1
        return here
    if text[at - 1] != PLUS:
        return at
    if at - 2 >= begin and text[at - 2] < 0x80 and KIND[text[at - 2]] & WORD:
        return at
    here = digits_end(text, at, end)
    if here - at > 3:
        return at
    digits, parts = here - at, 0
    while here < end:
        after = here
        while after < min(here + 2, end) and (
            text[after] == 0x20
            or text[after] == DOT
            or text[after] == DASH
            or text[after] == 0x28
            or text[after] == 0x29
        ):
            after += 1
        if after == here or not digits_follow(text, after, end):
            break
        here = digits_end(text, after, end)
        digits += here - after
        parts += 1
    return here if parts >= 2 and 8 <= digits <= 15 else at


@part
def after_section_sign(text, at, begin):
    """Whether a section sign stands before ``at``, with a blank between them at most."""
    if at - 1 >= begin and text[at - 1] == 0x20:
        at -= 1
    elif at - 2 >= begin and text[at - 1] == 0xA0 and text[at - 2] == 0xC2:
        at -= 2
    return at - 2 >= begin and text[at - 1] == SECTION_SIGN and text[at - 2] == 0xC2


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
