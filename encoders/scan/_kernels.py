"""State machines of the split patterns over UTF-8 bytes.

Every family has two roads that agree. ``*_piece`` follows the pattern one piece at a time and
covers everything. ``*_starts`` finds the piece starts among the next 64 bytes at once, by bit
operations on class masks; it returns 0 where it cannot tell, and then one piece goes the first
way. Both begin at a piece start, and the patterns look at nothing before it, so no state is
carried from one step to the next.
"""

import numpy as np

from encoders.intrinsics import clz64, ctz64, load_u32, popcount64
from encoders.jit import inlined, kernel, part
from encoders.scan.intrinsics import ascii_masks, clear_64, flag_masks, lead_masks

LETTER, NUMBER, SPACE, MARK, UPPER, LOWER, CASELESS = 1, 2, 4, 8, 16, 32, 64
PUNCTUATION, SYMBOL = 128, 256
NOT_OTHER = LETTER | NUMBER | SPACE

BLANK, APOSTROPHE, SLASH, CR, LF = 0x20, 0x27, 0x2F, 0x0D, 0x0A

ZERO = np.uint64(0)
ONE = np.uint64(1)
TOP = np.uint64(63)
# Starts beyond bit 60 are left to the next block: a contraction looks three bytes ahead.
DECIDED = np.uint64((1 << 61) - 2)
BLOCK = 67  # 64 bytes, and the rest of a character that begins in the last of them


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
def wide_masks(text, position, high, tail, index, blocks, flags):
    """Class masks of the non-ASCII characters of a block, on all their bytes.

    Returns (letters, numbers, spaces, marks, upper, lower, well_formed). ``flags``: uint8[64],
    scratch.
    """
    two, three, four = lead_masks(text, position)
    leads, longer = two | three | four, three | four
    # Which bytes continue a character by what its first byte says, in the block and behind it.
    inside = leads << ONE | longer << np.uint64(2) | four << np.uint64(3)
    behind = leads >> TOP | longer >> np.uint64(62) | four >> np.uint64(61)
    for k in range(3):
        continues = text[position + 64 + k] & 0xC0 == 0x80
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
def gpt2_starts(text, position, index, blocks, flags):
    upper, lower, digits, spaces, blank, _, apostrophe, _, high, tail = ascii_masks(text, position)
    letters = upper | lower
    if high != ZERO:
        wide = wide_masks(text, position, high, tail, index, blocks, flags)
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
        length = contraction_end(text, here, here + 4, False) - here
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
            if end - position >= BLOCK:
                starts = gpt2_starts(text, position, index, blocks, flags)
            if starts != ZERO:
                count = emit(starts, position, ends, count)
                position += np.int64(TOP - clz64(starts))
            else:
                position = gpt2_piece(text, position, end, index, blocks)
                ends[count] = position
                count += 1
        document += 1
    return count, document, position


# --- cl100k, Llama-3, Qwen2: (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,k}
#     | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+


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
def cl100k_piece(text, start, end, index, blocks, digits, whole_tail):
    first = text[start]
    if first == APOSTROPHE:
        stop = contraction_end(text, start, end, True)
        if stop > start:
            return stop
    flags, length = char_at(text, start, end, index, blocks)
    if flags & LETTER:
        return run_end(text, start + length, end, index, blocks, LETTER)
    if flags & NUMBER:
        return number_piece(text, start, end, index, blocks, digits)
    second, next_flags = start + length, SPACE
    if second < end:
        next_flags, _ = char_at(text, second, end, index, blocks)
    if first != CR and first != LF and next_flags & LETTER:
        return run_end(text, second, end, index, blocks, LETTER)
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
def cl100k_starts(text, position, index, blocks, flags, longest):
    masks = ascii_masks(text, position)
    upper, lower, digits, spaces, blank, breaks, apostrophe, _, high, tail = masks
    letters = upper | lower
    if high != ZERO:
        wide = wide_masks(text, position, high, tail, index, blocks, flags)
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
    quotes = apostrophe & other_starts & (DECIDED | ONE)
    while quotes != ZERO:
        bit = ctz64(quotes)
        quotes &= quotes - ONE
        here = position + np.int64(bit)
        length = contraction_end(text, here, here + 4, True) - here
        if length > 0:
            starts |= ONE << (bit + np.uint64(length))
    return starts & DECIDED


@kernel
def scan_cl100k(text, bounds, document, position, ends, index, blocks, flags, digits, whole_tail):
    count, room = 0, len(ends) - 64
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if count > room:
                return count, document, position
            starts = ZERO
            if end - position >= BLOCK:
                starts = cl100k_starts(text, position, index, blocks, flags, digits)
            if starts != ZERO:
                count = emit(starts, position, ends, count)
                position += np.int64(TOP - clz64(starts))
            else:
                position = cl100k_piece(text, position, end, index, blocks, digits, whole_tail)
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
def o200k_starts(text, position, index, blocks, flags):
    masks = ascii_masks(text, position)
    upper, lower, digits, spaces, blank, breaks, apostrophe, slash, high, tail = masks
    words = upper | lower
    if high != ZERO:
        wide = wide_masks(text, position, high, tail, index, blocks, flags)
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
        length = np.uint64(contraction_end(text, here, here + 4, True) - here)
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
            if end - position >= BLOCK:
                starts = o200k_starts(text, position, index, blocks, flags)
            if starts != ZERO:
                count = emit(starts, position, ends, count)
                position += np.int64(TOP - clz64(starts))
            else:
                position = o200k_piece(text, position, end, index, blocks)
                ends[count] = position
                count += 1
        document += 1
    return count, document, position


# --- the class-wise pre-tokenizers: Digits, Whitespace, WhitespaceSplit, Punctuation, Bert


@kernel
def scan_by_class(
    text, bounds, document, position, ends, index, blocks, flags, dropped, isolated, grouped
):
    """Drop runs of ``dropped``, isolate each character of ``isolated``; the rest falls into runs
    that agree on having any flag of ``grouped``."""
    count = 0
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if count == len(ends):
                return count, document, position
            flags, length = char_at(text, position, end, index, blocks)
            position += length
            if flags & dropped:
                position = run_end(text, position, end, index, blocks, dropped)
                ends[count] = ~position
            else:
                if not flags & isolated:
                    if flags & grouped:
                        position = run_end(text, position, end, index, blocks, grouped)
                    else:
                        unwanted = dropped | isolated | grouped
                        position = run_end_without(text, position, end, index, blocks, unwanted)
                ends[count] = position
            count += 1
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
