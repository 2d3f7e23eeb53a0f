"""What the scanners are made of: classes of characters, one by one and 64 bytes at a time."""

import numpy as np

from encoders.intrinsics import ctz64, load_u32, popcount64
from encoders.jit import inlined, part
from encoders.scan.intrinsics import clear_64, flag_masks, lead_masks

LETTER, NUMBER, SPACE, MARK, UPPER, LOWER, CASELESS = 1, 2, 4, 8, 16, 32, 64
PUNCTUATION, SYMBOL, WORD, DELIMITER, DIGIT = 128, 256, 512, 1024, 2048
NOT_OTHER = LETTER | NUMBER | SPACE

BLANK, APOSTROPHE, SLASH, CR, LF = 0x20, 0x27, 0x2F, 0x0D, 0x0A

ZERO = np.uint64(0)
ONE = np.uint64(1)
TOP = np.uint64(63)
# Starts beyond bit 60 are left to the next block: a contraction looks three bytes ahead.
DECIDED = np.uint64((1 << 61) - 2)
BLOCK = 67  # 64 bytes, and the rest of a character that begins in the last of them
SHORT = 1  # bytes left of a document, which are a piece whatever they are


@part
def char_at(text, position, end, index, blocks):
    """Class flags and byte length of the character at ``position``."""
    lead = np.int64(text[position])
    if lead < 0x80:
        return np.int64(blocks[lead]), 1
    left = end - position
    if 0xC2 <= lead < 0xE0 and left >= 2:
        c1 = np.int64(text[position + 1]) ^ 0x80
        if c1 < 0x40:
            code = (lead & 0x1F) << 6 | c1
            return np.int64(blocks[np.int64(index[code >> 8]) << 8 | code & 255]), 2
    elif 0xE0 <= lead < 0xF0 and left >= 3:
        c1 = np.int64(text[position + 1]) ^ 0x80
        c2 = np.int64(text[position + 2]) ^ 0x80
        code = (lead & 0x0F) << 12 | c1 << 6 | c2
        if (c1 | c2) < 0x40 and code >= 0x800 and (code < 0xD800 or code >= 0xE000):
            return np.int64(blocks[np.int64(index[code >> 8]) << 8 | code & 255]), 3
    elif 0xF0 <= lead < 0xF5 and left >= 4:
        c1 = np.int64(text[position + 1]) ^ 0x80
        c2 = np.int64(text[position + 2]) ^ 0x80
        c3 = np.int64(text[position + 3]) ^ 0x80
        code = (lead & 0x07) << 18 | c1 << 12 | c2 << 6 | c3
        if (c1 | c2 | c3) < 0x40 and 0x10000 <= code < 0x110000:
            return np.int64(blocks[np.int64(index[code >> 8]) << 8 | code & 255]), 4
    return SYMBOL, 1


@part
def run_end(text, position, end, index, blocks, wanted):
    """End of the run of characters with any of the flags ``wanted``."""
    while position < end:
        flags, length = char_at(text, position, end, index, blocks)
        if not flags & wanted:
            break
        position += length
    return position


@part
def run_end_without(text, position, end, index, blocks, unwanted):
    """End of the run of characters with none of the flags ``unwanted``."""
    while position < end:
        flags, length = char_at(text, position, end, index, blocks)
        if flags & unwanted:
            break
        position += length
    return position


@part
def contraction_end(text, position, end, any_case):
    """End of ``'s 't 'd 'm 're 've 'll`` at an apostrophe; ``position`` where there is none."""
    if position + 1 >= end:
        return position
    a = text[position + 1]
    b = text[position + 2] if position + 2 < end else np.uint8(0)
    if any_case:
        if a == 0xC5 and b == 0xBF:  # the long s folds to s
            return position + 3
        if a < 0x80:
            a |= 0x20
        if b < 0x80:
            b |= 0x20
    if a == 0x73 or a == 0x74 or a == 0x64 or a == 0x6D:
        return position + 2
    if (a == 0x72 and b == 0x65) or (a == 0x76 and b == 0x65) or (a == 0x6C and b == 0x6C):
        return position + 3
    return position


@part
def newline_run_end(text, position, end):
    while position < end and (text[position] == CR or text[position] == LF):
        position += 1
    return position


@part
def number_piece(text, position, end, index, blocks, longest):
    for _ in range(longest):
        if position >= end:
            break
        flags, length = char_at(text, position, end, index, blocks)
        if not flags & NUMBER:
            break
        position += length
    return position


@part
def space_piece(text, position, end, index, blocks):
    """``\\s+(?!\\S)|\\s+``: where the run's last character begins, and where the run ends."""
    last = position
    while position < end:
        flags, length = char_at(text, position, end, index, blocks)
        if not flags & SPACE:
            break
        last, position = position, position + length
    return last, position


@part
def space_piece_lines(text, start, end, index, blocks, whole_tail):
    """``\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+``, with ``\\s++$`` before it where ``whole_tail``."""
    last, stop = space_piece(text, start, end, index, blocks)
    if whole_tail and stop == end:
        return stop
    for position in range(stop - 1, start - 1, -1):
        if text[position] == CR or text[position] == LF:
            return position + 1
    if stop == end or last == start:
        return stop
    return last


@inlined
def flags_of(code, index, blocks):
    return blocks[np.uint64(index[code >> np.uint64(8)]) << np.uint64(8) | code & np.uint64(255)]


@part
def wide_masks(text, position, left, high, tail, index, blocks, flags):
    """Class masks of the non-ASCII characters of a block, on all their bytes.

    ``left``: bytes of the document from ``position`` on; those behind are as blanks.

    Returns (letters, numbers, spaces, marks, upper, lower, well_formed). ``flags``: uint8[64],
    scratch.
    """
    two, three, four = lead_masks(text, position, left)
    leads, longer = two | three | four, three | four
    # Which bytes continue a character by what its first byte says, in the block and behind it.
    inside = leads << ONE | longer << np.uint64(2) | four << np.uint64(3)
    behind = leads >> TOP | longer >> np.uint64(62) | four >> np.uint64(61)
    for k in range(3):
        continues = 64 + k < left and text[position + 64 + k] & 0xC0 == 0x80
        behind &= ~(np.uint64(continues) << np.uint64(k))
    ill_formed = (inside ^ tail) | (high ^ (leads | tail)) | behind
    clear_64(flags)
    # One loop for each length, so that none has a branch but its end.
    while two != ZERO:
        bit = ctz64(two)
        two &= two - ONE
        word = np.uint64(load_u32(text, position + np.int64(bit)))
        code = (word & np.uint64(0x1F)) << np.uint64(6) | word >> np.uint64(8) & np.uint64(0x3F)
        flags[bit] = np.uint8(flags_of(code, index, blocks))
    while three != ZERO:
        bit = ctz64(three)
        three &= three - ONE
        word = np.uint64(load_u32(text, position + np.int64(bit)))
        code = (
            (word & np.uint64(0x0F)) << np.uint64(12)
            | (word >> np.uint64(8) & np.uint64(0x3F)) << np.uint64(6)
            | word >> np.uint64(16) & np.uint64(0x3F)
        )
        overlong, surrogate = code < np.uint64(0x800), code >> np.uint64(11) == np.uint64(27)
        ill_formed |= np.uint64(overlong | surrogate)
        flags[bit] = np.uint8(flags_of(code, index, blocks))
    while four != ZERO:
        bit = ctz64(four)
        four &= four - ONE
        here = position + np.int64(bit)
        found, length = char_at(text, here, here + 4, index, blocks)
        ill_formed |= np.uint64(length == 1)
        flags[bit] = np.uint8(found)
    letters, numbers, spaces, marks, upper, lower = flag_masks(flags)
    return (
        on_all_bytes(letters, tail),
        on_all_bytes(numbers, tail),
        on_all_bytes(spaces, tail),
        on_all_bytes(marks, tail),
        on_all_bytes(upper, tail),
        on_all_bytes(lower, tail),
        ill_formed == ZERO,
    )


@inlined
def on_all_bytes(leads, tail):
    """From the first byte of each character to all its bytes."""
    leads |= leads << ONE & tail
    leads |= leads << ONE & tail
    return leads | leads << ONE & tail


@part
def to_lead(ends, tail):
    """Move a bit on the last byte of a character (of three bytes at most) to its first."""
    ends = (ends & ~tail) | ((ends & tail) >> ONE)
    return (ends & ~tail) | ((ends & tail) >> ONE)


@part
def emit(starts, position, ends, count):
    """Write every start of the block as the end of the piece before it.

    Four are written at a time, the spare ones overwritten later: the loop then ends at a
    predictable turn more often.
    """
    total = np.int64(popcount64(starts))
    at = count
    while starts != ZERO:
        for _ in range(4):
            ends[at] = position + np.int64(ctz64(starts))
            starts &= starts - ONE
            at += 1
    return count + total
