"""Scanners that look at one character after another, by its class or by itself."""

import numpy as np

from encoders.intrinsics import clz64, ctz64
from encoders.jit import inlined, kernel, part
from encoders.scan._block_kernels import (
    BLANK,
    BLOCK,
    CR,
    DECIDED,
    DELIMITER,
    DIGIT,
    LETTER,
    LF,
    MARK,
    NUMBER,
    ONE,
    PUNCTUATION,
    SPACE,
    SYMBOL,
    TOP,
    WORD,
    ZERO,
    char_at,
    newline_run_end,
    number_piece,
    run_end,
    run_end_without,
    space_piece_lines,
    wide_masks,
)
from encoders.scan.intrinsics import ascii_masks, control_masks

# --- the class-wise pre-tokenizers: Digits, Whitespace, WhitespaceSplit, Punctuation, Bert


# What a character is to `scan_by_class`: the flags in its table.
IS_DROPPED, IS_ISOLATED, IS_GROUPED = 1, 2, 4


@part
def class_masks(text, position, index, blocks, flags, dropped, isolated, grouped):
    """Which of the next 64 bytes are of characters to drop, to isolate and to group, which are not
    the first of theirs, and whether all that is known."""
    upper, lower, digits, spaces, _, _, _, _, high, tail = ascii_masks(text, position, 64)
    control, low_line = control_masks(text, position)
    words = upper | lower | digits
    delimiters = ~(words | spaces | control | high)
    drops, isolates, groups = ZERO, ZERO, ZERO
    if dropped & SPACE:
        drops = spaces
    if isolated & DIGIT:
        isolates = digits
    if isolated & DELIMITER:
        isolates = delimiters
    if grouped & DIGIT:
        groups = digits
    if grouped & WORD:
        groups = words | low_line
    known = True
    if high != ZERO:
        wide = wide_masks(text, position, 67, high, tail, index, blocks, flags)
        drops |= wide[0]
        isolates |= wide[1]
        groups |= wide[2]
        known = wide[6]
    return drops, isolates, groups, tail, known


@inlined
def emit_dropping(starts, drops, position, ends, count):
    """As `emit`, where a piece of ``drops`` is to be dropped."""
    while starts != ZERO:
        bit = ctz64(starts)
        starts &= starts - ONE
        is_dropped = np.int64(drops >> (bit - ONE) & ONE)
        ends[count] = (position + np.int64(bit)) ^ -is_dropped
        count += 1
    return count


@part
def class_piece(text, position, end, index, blocks):
    """Where the piece at ``position`` ends, and whether it is dropped."""
    flags, length = char_at(text, position, end, index, blocks)
    if flags & IS_DROPPED:
        return run_end(text, position, end, index, blocks, IS_DROPPED), True
    if flags & IS_ISOLATED:
        return position + length, False
    if flags & IS_GROUPED:
        return run_end(text, position, end, index, blocks, IS_GROUPED), False
    unwanted = IS_DROPPED | IS_ISOLATED | IS_GROUPED
    return run_end_without(text, position, end, index, blocks, unwanted), False


@kernel
def scan_by_class(
    text, bounds, document, position, ends, index, blocks, flags, dropped, isolated, grouped
):
    """Drop runs of ``dropped``, isolate each character of ``isolated``; the rest falls into runs
    of ``grouped`` and of others. The table ``index``, ``blocks`` says which of the three (bits 0,
    1, 2) a character is in."""
    count, room = 0, len(ends) - 64
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if count > room:
                return count, document, position
            starts, drops = ZERO, ZERO
            if end - position >= BLOCK:
                drops, isolates, groups, tail, known = class_masks(
                    text, position, index, blocks, flags, dropped, isolated, grouped
                )
                others = ~(drops | groups | isolates)
                starts = drops & ~(drops << ONE) | groups & ~(groups << ONE)
                starts |= others & ~(others << ONE) | isolates & ~tail
                starts &= DECIDED if known else ZERO
            if starts != ZERO:
                count = emit_dropping(starts, drops, position, ends, count)
                position += np.int64(TOP - clz64(starts))
            else:
                stop, is_dropped = class_piece(text, position, end, index, blocks)
                ends[count] = ~stop if is_dropped else stop
                count += 1
                position = stop
        document += 1
    return count, document, position


# --- DeepSeek V3: \p{N}{1,3}, then [一-龥぀-ゟ゠-ヿ]+, then
#     [ASCII punctuation][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*
#     |\s*[\r\n]+|\s+(?!\S)|\s+


@kernel
def scan_numbers(text, bounds, document, position, ends, index, blocks, flags):
    """``\\p{N}{1,3}`` isolated; what lies between is one piece."""
    count = 0
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if count == len(ends):
                return count, document, position
            stop = number_piece(text, position, end, index, blocks, 3)
            if stop == position:
                stop = run_end_without(text, position, end, index, blocks, NUMBER)
            position = stop
            ends[count] = position
            count += 1
        document += 1
    return count, document, position


@part
def is_cjk_or_kana(text, position, end):
    """U+4E00 to U+9FA5 and U+3040 to U+30FF: all three bytes long."""
    if position + 2 >= end:
        return False
    a, b, c = np.int64(text[position]), np.int64(text[position + 1]), np.int64(text[position + 2])
    if (b & 0xC0) != 0x80 or (c & 0xC0) != 0x80:
        return False
    code = (a & 0x0F) << 12 | (b & 0x3F) << 6 | (c & 0x3F)
    return 0xE3 <= a <= 0xE9 and (0x4E00 <= code <= 0x9FA5 or 0x3040 <= code <= 0x30FF)


@kernel
def scan_cjk(text, bounds, document, position, ends, index, blocks, flags):
    count = 0
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if count == len(ends):
                return count, document, position
            wanted = is_cjk_or_kana(text, position, end)
            while position < end and is_cjk_or_kana(text, position, end) == wanted:
                if wanted:
                    position += 3
                else:
                    position += char_at(text, position, end, index, blocks)[1]
            ends[count] = position
            count += 1
        document += 1
    return count, document, position


@part
def is_ascii_letter(byte):
    return 0x61 <= (byte | 0x20) <= 0x7A and byte < 0x80


@part
def deepseek_piece(text, start, end, index, blocks):
    """End of the match at ``start``; ``start`` where nothing matches."""
    first = text[start]
    flags, length = char_at(text, start, end, index, blocks)
    second, next_flags = start + length, 0
    if second < end:
        next_flags, _ = char_at(text, second, end, index, blocks)
    if first < 0x80 and flags & (PUNCTUATION | SYMBOL) and second < end:
        if is_ascii_letter(text[second]):
            while second < end and is_ascii_letter(text[second]):
                second += 1
            return second
    if flags & (LETTER | MARK):
        return run_end(text, start, end, index, blocks, LETTER | MARK)
    prefix = not flags & (PUNCTUATION | SYMBOL) and first != CR and first != LF
    if prefix and next_flags & (LETTER | MARK):
        return run_end(text, second, end, index, blocks, LETTER | MARK)
    signs = PUNCTUATION | SYMBOL
    if flags & signs or (first == BLANK and next_flags & signs):
        stop = run_end(text, second, end, index, blocks, signs)
        return newline_run_end(text, stop, end)
    if flags & SPACE:
        return space_piece_lines(text, start, end, index, blocks, False)
    return start


@kernel
def scan_deepseek(text, bounds, document, position, ends, index, blocks, flags):
    count = 0
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if count + 1 >= len(ends):
                return count, document, position
            start = position
            stop = deepseek_piece(text, position, end, index, blocks)
            while stop == position and position < end:
                position += char_at(text, position, end, index, blocks)[1]
                if position < end:
                    stop = deepseek_piece(text, position, end, index, blocks)
                else:
                    stop = position
            if position > start:
                ends[count] = position
                count += 1
            if stop > position:
                position = stop
                ends[count] = position
                count += 1
        document += 1
    return count, document, position


# --- SentencePiece's U+2581, the blank made visible


@inlined
def is_metaspace(text, at, end):
    """Whether U+2581 stands at ``at``."""
    return at + 3 <= end and text[at] == 0xE2 and text[at + 1] == 0x96 and text[at + 2] == 0x81


@kernel
def scan_blanks(text, bounds, document, position, ends, index, blocks, flags):
    """Pieces begin with each blank."""
    count = 0
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if count == len(ends):
                return count, document, position
            position += 1
            while position < end and text[position] != BLANK:
                position += 1
            ends[count] = position
            count += 1
        document += 1
    return count, document, position


@kernel
def scan_metaspace(text, bounds, document, position, ends, index, blocks, flags):
    """Pieces begin with each U+2581."""
    count = 0
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if count == len(ends):
                return count, document, position
            position += 3 if is_metaspace(text, position, end) else 1
            while position < end and not (
                text[position] == 0xE2 and is_metaspace(text, position, end)
            ):
                position += 1
            ends[count] = position
            count += 1
        document += 1
    return count, document, position


# --- lines: [^\r\n]*[\r\n]+|[^\r\n]+


@kernel
def scan_lines(text, bounds, document, position, ends, index, blocks, flags):
    """Lines with their line ends and with the empty lines behind them."""
    count, room = 0, len(ends) - 64
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if count > room:
                return count, document, position
            while position < end and text[position] != CR and text[position] != LF:
                position += 1
            position = newline_run_end(text, position, end)
            ends[count] = position
            count += 1
        document += 1
    return count, document, position


# --- short pieces: ` [^\saceo]{0,k-1}[aceo]|[^\saceo]{0,k}[aceo]| ?[^\saceo]{1,k}|\s`


@inlined
def is_round(byte):
    """Whether a byte is a, c, e or o."""
    return byte == 0x61 or byte == 0x63 or byte == 0x65 or byte == 0x6F


@part
def short_piece(text, start, end, index, blocks, most):
    """Where a piece ends: behind a round letter with up to ``most`` characters before it, of which
    a blank in front is one, or else behind as many others as there are."""
    body = start + 1 if text[start] == BLANK else start
    position, others = body, 0
    while position < end and others < most and not is_round(text[position]):
        flags, length = char_at(text, position, end, index, blocks)
        if flags & SPACE:
            break
        position += length
        others += 1
    if position < end and is_round(text[position]) and others + body - start <= most:
        return position + 1
    if position > start:
        return position
    return position + char_at(text, position, end, index, blocks)[1]


@kernel
def scan_short(text, bounds, document, position, ends, index, blocks, flags, most):
    """Pieces of at most ``most + 1`` characters, cut behind round letters."""
    count, room = 0, len(ends) - 64
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if count > room:
                return count, document, position
            position = short_piece(text, position, end, index, blocks, most)
            ends[count] = position
            count += 1
        document += 1
    return count, document, position
