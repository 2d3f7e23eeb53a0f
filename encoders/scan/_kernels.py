"""State machines of the split patterns over UTF-8 bytes.

Every family has two roads that agree. ``*_piece`` follows the pattern one piece at a time and
covers everything. ``*_starts`` finds the piece starts among the next 64 bytes at once, by bit
operations on class masks; it returns 0 where it cannot tell, and then one piece goes the first
way. Both begin at a piece start, and the patterns look at nothing before it, so no state is
carried from one step to the next.
"""

import numpy as np

from encoders.intrinsics import clz64, ctz64
from encoders.jit import kernel, part
from encoders.scan._block_kernels import (
    APOSTROPHE,
    BLANK,
    CASELESS,
    CR,
    DECIDED,
    LETTER,
    LF,
    LOWER,
    MARK,
    NOT_OTHER,
    NUMBER,
    ONE,
    SHORT,
    SLASH,
    SPACE,
    TOP,
    UPPER,
    ZERO,
    char_at,
    contraction_end,
    emit,
    newline_run_end,
    number_piece,
    run_end,
    run_end_without,
    space_piece,
    space_piece_lines,
    to_lead,
    wide_masks,
)
from encoders.scan._class_kernels import (
    scan_blanks,
    scan_by_class,
    scan_cjk,
    scan_deepseek,
    scan_lines,
    scan_metaspace,
    scan_numbers,
    scan_short,
)
from encoders.scan.intrinsics import ascii_masks

__all__ = [
    "scan_blanks",
    "scan_by_class",
    "scan_cjk",
    "scan_cl100k",
    "scan_deepseek",
    "scan_gpt2",
    "scan_lines",
    "scan_metaspace",
    "scan_numbers",
    "scan_o200k",
    "scan_short",
]

# --- GPT-2: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+


@part
def gpt2_piece(text, start, end, index, blocks):
    if text[start] == APOSTROPHE:
        stop = contraction_end(text, start, end, False)
        if stop > start:
            return stop
    flags, length = char_at(text, start, end, index, blocks)
    body = start
    if text[start] == BLANK and start + 1 < end:
        next_flags, _ = char_at(text, start + 1, end, index, blocks)
        if not next_flags & SPACE:
            body, flags = start + 1, next_flags
    if flags & LETTER:
        return run_end(text, body, end, index, blocks, LETTER)
    if flags & NUMBER:
        return run_end(text, body, end, index, blocks, NUMBER)
    if not flags & SPACE:
        return run_end_without(text, body, end, index, blocks, NOT_OTHER)
    last, stop = space_piece(text, start, end, index, blocks)
    return stop if stop == end or last == start else last


@part
def gpt2_starts(text, position, left, index, blocks, flags):
    masks = ascii_masks(text, position, left)
    upper, lower, digits, spaces, blank, _, apostrophe, _, high, tail = masks
    letters = upper | lower
    if high != ZERO:
        wide = wide_masks(text, position, left, high, tail, index, blocks, flags)
        if not wide[6]:
            return ZERO
        letters |= wide[0]
        digits |= wide[1]
        spaces |= wide[2]
    other = ~(letters | digits | spaces)
    # A run starts where its class does, unless a blank before it is its prefix.
    starts = (letters & ~(letters << ONE)) | (digits & ~(digits << ONE))
    other_starts = other & ~(other << ONE) & ~(blank << ONE)
    starts = (starts & ~(blank << ONE)) | other_starts
    starts |= (spaces & ~(spaces << ONE)) | to_lead(spaces & ~(spaces >> ONE), tail)
    quotes = apostrophe & other_starts & (DECIDED | ONE)
    while quotes != ZERO:
        bit = ctz64(quotes)
        quotes &= quotes - ONE
        here = position + np.int64(bit)
        length = contraction_end(text, here, position + left, False) - here
        if length > 0:
            starts &= ~(ONE << (bit + ONE))
            starts |= ONE << (bit + np.uint64(length))
    return starts & DECIDED


@kernel
def scan_gpt2(text, bounds, document, position, ends, index, blocks, flags):
    count, room = 0, len(ends) - 64
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if count > room:
                return count, document, position
            starts = ZERO
            if end - position > SHORT:
                starts = gpt2_starts(text, position, end - position, index, blocks, flags)
            if starts != ZERO:
                count = emit(starts, position, ends, count)
                position += np.int64(TOP - clz64(starts))
            elif end - position == 1:
                position = end  # what is left is a piece, whatever it is
                ends[count] = position
                count += 1
            else:
                position = gpt2_piece(text, position, end, index, blocks)
                ends[count] = position
                count += 1
        document += 1
    return count, document, position


# --- cl100k, Llama-3, Qwen2: (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,k}
#     | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
#     and phrases, which have \p{L}+(?: \p{L}+)* there


@part
def letters_end(text, position, end, index, blocks, phrases):
    """End of ``\\p{L}*``, or with ``phrases`` of ``\\p{L}*(?: \\p{L}+)*``."""
    position = run_end(text, position, end, index, blocks, LETTER)
    while phrases and position + 1 < end and text[position] == BLANK:
        stop = run_end(text, position + 1, end, index, blocks, LETTER)
        if stop == position + 1:
            break
        position = stop
    return position


@part
def cl100k_piece(text, start, end, index, blocks, digits, whole_tail, phrases):
    first = text[start]
    if first == APOSTROPHE:
        stop = contraction_end(text, start, end, True)
        if stop > start:
            return stop
    flags, length = char_at(text, start, end, index, blocks)
    if flags & LETTER:
        return letters_end(text, start + length, end, index, blocks, phrases)
    if flags & NUMBER:
        return number_piece(text, start, end, index, blocks, digits)
    second, next_flags = start + length, SPACE
    if second < end:
        next_flags, _ = char_at(text, second, end, index, blocks)
    if first != CR and first != LF and next_flags & LETTER:
        return letters_end(text, second, end, index, blocks, phrases)
    if not flags & SPACE or (first == BLANK and not next_flags & NOT_OTHER):
        stop = run_end_without(text, second, end, index, blocks, NOT_OTHER)
        return newline_run_end(text, stop, end)
    return space_piece_lines(text, start, end, index, blocks, whole_tail)


@part
def next_bit_after(ones, within):
    """The first position outside ``within`` after each bit of ``ones`` and its run there."""
    shifted = ones << ONE
    inside = shifted & within
    return ((within + inside) & ~within) | (shifted & ~within)


@part
def digit_starts(digits, longest):
    """Starts of the groups of at most ``longest`` (1 or 3) in runs of one-byte digits."""
    if longest == 1:
        return digits
    starts = digits & ~(digits << ONE)
    long = digits & (digits << ONE) & (digits << np.uint64(2)) & (digits << np.uint64(3))
    if long != ZERO:
        group = starts
        for _ in range(21):
            group = (group << np.uint64(3)) & digits & (digits << ONE) & (digits << np.uint64(2))
            if group == ZERO:
                break
            starts |= group
    return starts


@part
def line_space_starts(spaces, free, line_breaks, tail):
    """Starts inside runs of white space under ``\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+``.

    ``free`` are the spaces that no piece before them has taken in.
    """
    breaks = free & line_breaks
    plain = free & ~breaks
    tails = plain & (breaks << ONE)
    # A tail is a piece start only if no further line break ends its run.
    broken = (plain + tails) & ~plain & breaks
    while broken != ZERO:
        below = tails & ((broken & (ZERO - broken)) - ONE)
        tails &= ~(ONE << (TOP - clz64(below)))
        broken &= broken - ONE
    starts = (free & ~(free << ONE)) | tails | to_lead(plain & ~(spaces >> ONE), tail)
    if free >> TOP:
        # The run goes on beyond the block: only its first start is sure.
        length = clz64(~free)
        if length < np.uint64(64):
            first = np.uint64(64) - length
            starts &= (ONE << first) | ((ONE << first) - ONE)
        else:
            starts = ZERO
    return starts


@part
def cl100k_starts(text, position, left, index, blocks, flags, longest, phrases):
    masks = ascii_masks(text, position, left)
    upper, lower, digits, spaces, blank, breaks, apostrophe, _, high, tail = masks
    letters = upper | lower
    if high != ZERO:
        wide = wide_masks(text, position, left, high, tail, index, blocks, flags)
        if wide[1] != ZERO or not wide[6]:
            return ZERO
        spaces |= wide[2]
        letters |= wide[0]
    other = ~(letters | digits | spaces)
    other_starts = other & ~(other << ONE) & ~(blank << ONE)
    taken = breaks & ~(breaks + (breaks & (other << ONE)))
    free = spaces & ~taken
    prefixed = ((free & ~breaks) << ONE) | next_bit_after(other_starts, tail)
    starts = (letters & ~(letters << ONE) & ~prefixed) | other_starts
    starts |= digit_starts(digits, longest) | line_space_starts(spaces, free, breaks, tail)
    if phrases:
        starts &= ~(blank & (letters << ONE) & (letters >> ONE))
    quotes = apostrophe & other_starts & (DECIDED | ONE)
    while quotes != ZERO:
        bit = ctz64(quotes)
        quotes &= quotes - ONE
        here = position + np.int64(bit)
        length = contraction_end(text, here, position + left, True) - here
        if length > 0:
            starts |= ONE << (bit + np.uint64(length))
    return starts & DECIDED


@kernel
def scan_cl100k(
    text, bounds, document, position, ends, index, blocks, flags, digits, whole_tail, phrases
):
    count, room = 0, len(ends) - 64
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if count > room:
                return count, document, position
            starts = ZERO
            if end - position > SHORT:
                starts = cl100k_starts(
                    text, position, end - position, index, blocks, flags, digits, phrases
                )
            if starts != ZERO:
                count = emit(starts, position, ends, count)
                position += np.int64(TOP - clz64(starts))
            elif end - position == 1:
                position = end  # what is left is a piece, whatever it is
                ends[count] = position
                count += 1
            else:
                position = cl100k_piece(
                    text, position, end, index, blocks, digits, whole_tail, phrases
                )
                ends[count] = position
                count += 1
        document += 1
    return count, document, position


# --- o200k


@part
def o200k_word_end(text, position, end, index, blocks):
    """End of ``[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+`` and True or,
    failing that, of the same with ``+`` and ``*`` exchanged and False; ``position`` where neither
    matches."""
    start, after_caseless = position, position
    while position < end:
        flags, length = char_at(text, position, end, index, blocks)
        if not flags & (UPPER | CASELESS):
            break
        position += length
        if flags & CASELESS:
            after_caseless = position
    stop = run_end(text, position, end, index, blocks, LOWER | CASELESS)
    if stop > position:
        return stop, True
    if after_caseless > start:
        # The opening run gives back its last caseless character; only upper case follows it.
        return after_caseless, True
    return position, False


@part
def o200k_piece(text, start, end, index, blocks):
    first = text[start]
    flags, length = char_at(text, start, end, index, blocks)
    second, next_flags = start + length, SPACE
    if second < end:
        next_flags, _ = char_at(text, second, end, index, blocks)
    # The prefix is optional and tried first. A mark can be prefix or word: as a word it always
    # fits the first shape, which is tried before the second shape with the mark as prefix.
    body, stop = start, start
    if not flags & (LETTER | NUMBER) and first != CR and first != LF:
        stop, first_shape = o200k_word_end(text, second, end, index, blocks)
        if stop > second and (first_shape or not flags & MARK):
            body = second
    if body == start:
        stop, _ = o200k_word_end(text, start, end, index, blocks)
    if stop > body:
        if stop < end and text[stop] == APOSTROPHE:
            stop = contraction_end(text, stop, end, True)
        return stop
    if flags & NUMBER:
        return number_piece(text, start, end, index, blocks, 3)
    if not flags & SPACE or (first == BLANK and not next_flags & NOT_OTHER):
        stop = run_end_without(text, second, end, index, blocks, NOT_OTHER)
        while stop < end and (text[stop] == CR or text[stop] == LF or text[stop] == SLASH):
            stop += 1
        return stop
    return space_piece_lines(text, start, end, index, blocks, False)


@part
def o200k_starts(text, position, left, index, blocks, flags):
    masks = ascii_masks(text, position, left)
    upper, lower, digits, spaces, blank, breaks, apostrophe, slash, high, tail = masks
    words = upper | lower
    if high != ZERO:
        wide = wide_masks(text, position, left, high, tail, index, blocks, flags)
        if wide[1] != ZERO or not wide[6]:
            return ZERO
        spaces |= wide[2]
        words |= wide[0] | wide[3]
        upper |= wide[4]
        lower |= wide[5]
        # A mark that follows no word character may be a prefix; an upper-case letter after a
        # caseless one may or may not open a word. Both are left to the other road.
        caseless = words & ~(upper | lower)
        if (wide[3] & ~tail & ~(words << ONE)) | (upper & (caseless << ONE)):
            return ZERO
    other = ~(words | digits | spaces)
    taken = breaks & ~(breaks + (breaks & (other << ONE)))
    slashes = slash & (taken << ONE)
    while slashes != ZERO:
        bit = ctz64(slashes)
        rest = (slash | breaks) >> bit
        run = ctz64(~rest)
        more = (((ONE << run) - ONE) if run < np.uint64(64) else ~ZERO) << bit
        taken |= more
        slashes &= ~more
    other &= ~taken
    other_starts = other & ~(other << ONE) & ~(blank << ONE)
    free = spaces & ~taken
    prefixed = ((free & ~breaks) << ONE) | next_bit_after(other_starts, tail)
    starts = (words & ~(words << ONE) & ~prefixed) | (upper & (lower << ONE)) | other_starts
    starts |= digit_starts(digits, 3) | line_space_starts(spaces, free, breaks, tail)
    quotes = apostrophe & other_starts & (words << ONE) & DECIDED
    forced = ZERO
    while quotes != ZERO:
        bit = ctz64(quotes)
        quotes &= quotes - ONE
        if forced >> bit & ONE:
            continue
        here = position + np.int64(bit)
        length = np.uint64(contraction_end(text, here, position + left, True) - here)
        if length > ZERO:
            forced |= ONE << (bit + length)
            starts &= ~(((ONE << length) - ONE) << bit)
            starts |= ONE << (bit + length)
    return starts & DECIDED


@kernel
def scan_o200k(text, bounds, document, position, ends, index, blocks, flags):
    count, room = 0, len(ends) - 64
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if count > room:
                return count, document, position
            starts = ZERO
            if end - position > SHORT:
                starts = o200k_starts(text, position, end - position, index, blocks, flags)
            if starts != ZERO:
                count = emit(starts, position, ends, count)
                position += np.int64(TOP - clz64(starts))
            elif end - position == 1:
                position = end  # what is left is a piece, whatever it is
                ends[count] = position
                count += 1
            else:
                position = o200k_piece(text, position, end, index, blocks)
                ends[count] = position
                count += 1
        document += 1
    return count, document, position
