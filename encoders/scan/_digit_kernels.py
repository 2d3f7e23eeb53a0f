"""What is around digits in UTF-8 text: words, telephone numbers, section signs.

`encoders.scan.numbers` tells the rules.
"""

import numpy as np

from encoders.intrinsics import ctz64, load_u64
from encoders.jit import inlined, part
from encoders.scan._block_kernels import LOWER, MARK, NUMBER, UPPER, char_at
from encoders.scan.intrinsics import ascii_masks

GLUE = UPPER | LOWER | NUMBER  # what a digit beside it is one identifier with
COMMA, DASH, DOT, SLASH, COLON, PLUS = 0x2C, 0x2D, 0x2E, 0x2F, 0x3A, 0x2B
SECTION_SIGN = 0xA7  # its last byte, after 0xC2
BY_COMMA, BY_DOT, BY_SPACE = 1, 2, 3  # kinds of thousands separators

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
        digits = ascii_masks(text, at, 64)[2]
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
