"""Kernels of the normalizers: they copy what needs no change and work on the rest.

All share one way of running, so that `encoders.normalize.running` can drive them:
``kernel(text, bounds, state, out, out_bounds, marks, …) -> done``. ``state`` (int64[9]) keeps
where it is in the batch, what it has written, the room it lacks, and whether anything changed. A
kernel returns False where ``out``, ``marks`` or ``scratch`` is too small for its next step; its
caller enlarges them, keeps their content, and calls again. Kernels that change little put off
copying: what lies from ``state[RUN]`` on is still to be copied, and is not where nothing at all
changes.

``marks`` (int64[2, m]) get the (written, read) places where stretches that map byte to byte end
and begin again, in turn; none are written where ``m`` is 0.
"""

import numpy as np

from encoders.intrinsics import ctz64, load_u64, store_u64
from encoders.jit import inlined, kernel, part
from encoders.utf8._kernels import character

DOCUMENT, POSITION, WRITTEN, MARKS, LACKING, CHANGED, RUN, INSIDE, AFTER_BLANK = range(9)
ONES = np.uint64(0x0101010101010101)
HIGH = np.uint64(0x8080808080808080)
SLACK = 64  # bytes that copying may write behind its end

# Classes of grapheme clusters, as `build_tables` numbers them.
OTHER, CONTROL, EXTEND, SPACING, ZWJ, PREPEND, L, V, T, LV, LVT, RI, PICTURE = range(13)
CONSONANT, LINKER, JOINED = range(13, 16)


@inlined
def bytes_of(value):
    """Eight bytes of one value."""
    return np.uint64(value) * ONES


@inlined
def entry(pages, entries, code):
    """The table's entry for a code point; ``code >= 0``."""
    return entries[np.uint64(pages[np.uint64(code >> 8)]) << np.uint64(8) | np.uint64(code & 255)]


@part
def copy(source, start, stop, target, at):
    """Copy bytes, eight at a time: up to seven more are read and written. Returns the new end."""
    for offset in range(0, stop - start, 8):
        store_u64(target, at + offset, load_u64(source, start + offset))
    return at + stop - start


@part
def mark(marks, state, written, read):
    """Note a place, if notes are asked for."""
    if marks.shape[1]:
        marks[0, state[MARKS]], marks[1, state[MARKS]] = written, read
        state[MARKS] += 1


@part
def lacks(state, out, marks, written, need):
    """Whether the next step, writing at most ``need`` bytes, has no room."""
    full = marks.shape[1] > 0 and state[MARKS] + 8 > marks.shape[1]
    return full or written + need + SLACK > len(out)


@kernel
def map_characters(
    text, bounds, state, out, out_bounds, marks, pages, entries, offsets, blob, lower, controls
):
    """Put ``blob[offsets[e]:offsets[e + 1]]`` for every character whose entry ``e`` is not 0.

    ASCII is judged eight bytes at a time: ``lower`` where its capitals become small letters,
    ``controls`` where its controls are in the table; no other ASCII may be.
    """
    document, position, written = state[DOCUMENT], state[POSITION], state[WRITTEN]
    differs = np.uint64(0)
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            room = min(end - position, len(out) - SLACK - written)
            stop = position
            while room >= 8:
                word = load_u64(text, position)
                bad = word & HIGH
                if controls:
                    low = word & ~HIGH
                    bad |= (~(low + bytes_of(0x60)) | low + ONES) & HIGH
                good = word
                if lower:
                    low = word & ~HIGH
                    capital = (low + bytes_of(0x3F)) & ~(low + bytes_of(0x25)) & ~word & HIGH
                    good |= capital >> np.uint64(2)
                store_u64(out, written, good)
                if bad:
                    stop = np.int64(ctz64(bad) >> np.uint64(3))
                    fewer = (np.uint64(1) << np.uint64(8 * stop)) - np.uint64(1)
                    differs |= (good ^ word) & fewer
                    position += stop
                    written += stop
                    break
                differs |= good ^ word
                position += 8
                written += 8
                room -= 8
            # One character by the table; all the last ones of a document come here.
            if position >= end:
                break
            code, size = character(text, position, end)
            found = entry(pages, entries, code) if code >= 0 else 0
            if lacks(state, out, marks, written, offsets[found + 1] - offsets[found] + 8):
                state[DOCUMENT], state[POSITION], state[WRITTEN] = document, position, written
                state[CHANGED] |= differs != 0
                return False
            if found == 0:
                store_u64(out, written, load_u64(text, position))
                position += size
                written += size
            else:
                differs |= np.uint64(1)
                length = offsets[found + 1] - offsets[found]
                if length != size:
                    mark(marks, state, written, position)
                written = copy(blob, offsets[found], offsets[found + 1], out, written)
                position += size
                if length != size:
                    mark(marks, state, written, position)
        document += 1
        out_bounds[document] = written
    state[DOCUMENT], state[POSITION], state[WRITTEN] = document, position, written
    state[CHANGED] |= differs != 0
    return True


@kernel
def map_bytes(text, bounds, state, out, out_bounds, marks, table):
    """Put the one or two bytes of ``table`` (uint16[256], first byte low) for every byte."""
    document, position, written = state[DOCUMENT], state[POSITION], state[WRITTEN]
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if lacks(state, out, marks, written, 8):
                state[DOCUMENT], state[POSITION], state[WRITTEN] = document, position, written
                return False
            found = table[text[position]]
            out[written] = np.uint8(found & 255)
            if found < 256:
                state[CHANGED] |= found != text[position]
                written += 1
                position += 1
                continue
            state[CHANGED] = 1
            mark(marks, state, written, position)
            out[written + 1] = np.uint8(found >> 8)
            written += 2
            position += 1
            mark(marks, state, written, position)
        document += 1
        out_bounds[document] = written
    state[DOCUMENT], state[POSITION], state[WRITTEN] = document, position, written
    return True


@kernel
def replace(text, bounds, state, out, out_bounds, marks, pattern, size, content, length, greedy):
    """Put ``content[:length]`` for each ``pattern[:size]``, from the left, not overlapping.

    Bytes equal to ``greedy`` (-1: none) right behind the pattern go with it.
    """
    document, position, written = state[DOCUMENT], state[POSITION], state[WRITTEN]
    run = state[RUN]
    first = bytes_of(pattern[0])
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position + size <= end:
            # A whole word at a time while the first byte of the pattern is not in it.
            odd = load_u64(text, position) ^ first
            here = (odd - ONES) & ~odd & HIGH
            if not here:
                position += 8
                continue
            position += np.int64(ctz64(here) >> np.uint64(3))
            if position + size > end:
                break
            same = 1
            while same < size and text[position + same] == pattern[same]:
                same += 1
            if same < size:
                position += 1
                continue
            if lacks(state, out, marks, written, position - run + length):
                state[DOCUMENT], state[POSITION], state[WRITTEN] = document, position, written
                state[RUN], state[LACKING] = run, position - run + length
                return False
            written = copy(text, run, position, out, written)
            if size != length or greedy >= 0:
                mark(marks, state, written, position)
            written = copy(content, 0, length, out, written)
            position += size
            while position < end and text[position] == greedy:
                position += 1
            if size != length or greedy >= 0:
                mark(marks, state, written, position)
            state[CHANGED] = 1
            run = position
        position = end
        document += 1
        out_bounds[document] = written + position - run
    return finish(text, bounds, state, out, marks, written, run)


@part
def finish(text, bounds, state, out, marks, written, run):
    """Copy the last run, unless nothing changed."""
    end = bounds[-1]
    state[DOCUMENT], state[POSITION], state[WRITTEN] = len(bounds) - 1, end, written
    state[RUN] = run
    if state[CHANGED]:
        if lacks(state, out, marks, written, end - run):
            state[LACKING] = end - run
            return False
        state[WRITTEN] = copy(text, run, end, out, written)
    return True


@inlined
def is_space(code):
    """Unicode's White_Space."""
    if code < 0x80:
        return code == 32 or 9 <= code <= 13
    if code < 0x2000:
        return code == 0x85 or code == 0xA0 or code == 0x1680
    return (
        code <= 0x200A
        or code == 0x2028
        or code == 0x2029
        or code == 0x202F
        or code == 0x205F
        or code == 0x3000
    )


@part
def spaces_from(text, at, end):
    """The end of the white space at ``at``."""
    while at < end:
        code, size = character(text, at, end)
        if not is_space(code):
            break
        at += size
    return at


@part
def spaces_until(text, begin, at):
    """The start of the white space that ends at ``at``."""
    while at > begin:
        start = at - 1
        while start > begin and at - start < 3 and text[start] & 0xC0 == 0x80:
            start -= 1
        code, size = character(text, start, at)
        if start + size != at or not is_space(code):
            break
        at = start
    return at


@kernel
def trim(text, bounds, left, right, starts, stops):
    """Where each document starts and stops without white space."""
    for document in range(len(starts)):
        start, stop = bounds[document], bounds[document + 1]
        if left:
            start = spaces_from(text, start, stop)
        if right:
            stop = spaces_until(text, start, stop)
        starts[document], stops[document] = start, stop


@kernel
def assemble(text, bounds, state, out, out_bounds, marks, starts, stops, front, length, fronted):
    """``text[starts[d]:stops[d]]`` of each document, with ``front[:length]`` before it if it is not
    empty and ``fronted[d]``."""
    document, written = state[DOCUMENT], state[WRITTEN]
    while document < len(bounds) - 1:
        start, stop = starts[document], stops[document]
        need = stop - start + length
        if lacks(state, out, marks, written, need):
            state[DOCUMENT], state[WRITTEN], state[LACKING] = document, written, need
            return False
        before = length if stop > start and fronted[document] else 0
        if before or start > bounds[document]:
            mark(marks, state, written, bounds[document])
            written = copy(front, 0, before, out, written)
            mark(marks, state, written, start)
        written = copy(text, start, stop, out, written)
        if stop < bounds[document + 1]:
            mark(marks, state, written, stop)
            mark(marks, state, written, bounds[document + 1])
        if before or stop - start < bounds[document + 1] - bounds[document]:
            state[CHANGED] = 1
        document += 1
        out_bounds[document] = written
    state[DOCUMENT], state[WRITTEN] = document, written
    return True


# --- normal forms

SYLLABLES, LEADS, VOWELS, TAILS = 0xAC00, 0x1100, 0x1161, 0x11A7
CODE = np.uint32(0x1FFFFF)


@part
def encode(code, out, at):
    """Write a code point in UTF-8. Returns the end."""
    if code < 0x80:
        out[at] = np.uint8(code)
        return at + 1
    if code < 0x800:
        out[at] = np.uint8(0xC0 | code >> 6)
        out[at + 1] = np.uint8(0x80 | code & 0x3F)
        return at + 2
    if code < 0x10000:
        out[at] = np.uint8(0xE0 | code >> 12)
        out[at + 1] = np.uint8(0x80 | code >> 6 & 0x3F)
        out[at + 2] = np.uint8(0x80 | code & 0x3F)
        return at + 3
    out[at] = np.uint8(0xF0 | code >> 18)
    out[at + 1] = np.uint8(0x80 | code >> 12 & 0x3F)
    out[at + 2] = np.uint8(0x80 | code >> 6 & 0x3F)
    out[at + 3] = np.uint8(0x80 | code & 0x3F)
    return at + 4


@part
def decompose(text, start, stop, pages, entries, offsets, parts, scratch):
    """Code points of a stretch, decomposed: class << 24 | code. Returns how many."""
    count = 0
    at = start
    while at < stop:
        code, size = character(text, at, stop)
        at += size
        if 0 <= code - SYLLABLES < 11172:
            syllable = code - SYLLABLES
            scratch[count] = np.uint32(LEADS + syllable // 588)
            scratch[count + 1] = np.uint32(VOWELS + syllable % 588 // 28)
            count += 2
            if syllable % 28:
                scratch[count] = np.uint32(TAILS + syllable % 28)
                count += 1
            continue
        found = entry(pages, entries, code)
        which = np.int64(found >> np.uint32(16))
        if which == 0:
            scratch[count] = (found & np.uint32(0xFF00)) << np.uint32(16) | np.uint32(code)
            count += 1
            continue
        for k in range(offsets[which], offsets[which + 1]):
            scratch[count] = parts[k]
            count += 1
    return count


@part
def reorder(scratch, count, spare, tally):
    """Sort each run of marks by class, stably."""
    start = 0
    while start < count:
        if scratch[start] >> 24 == 0:
            start += 1
            continue
        stop = start + 1
        while stop < count and scratch[stop] >> 24 != 0:
            stop += 1
        if stop - start <= 32:
            for i in range(start + 1, stop):
                item, j = scratch[i], i
                while j > start and scratch[j - 1] >> 24 > item >> 24:
                    scratch[j] = scratch[j - 1]
                    j -= 1
                scratch[j] = item
        else:  # a counting sort, for marks without end must not take quadratic time
            tally[:] = 0
            for i in range(start, stop):
                tally[scratch[i] >> 24] += 1
            total = 0
            for value in range(256):
                here = tally[value]
                tally[value] = total
                total += here
            for i in range(start, stop):
                value = scratch[i] >> 24
                spare[tally[value]] = scratch[i]
                tally[value] += 1
            for i in range(start, stop):
                scratch[i] = spare[i - start]
        start = stop


@part
def composite(first, second, pair_keys, pair_values):
    """What two code points compose to; 0 for nothing."""
    lead, vowel = first - LEADS, second - VOWELS
    if 0 <= lead < 19 and 0 <= vowel < 21:
        return SYLLABLES + (lead * 21 + vowel) * 28
    syllable, tail = first - SYLLABLES, second - TAILS
    if 0 <= syllable < 11172 and syllable % 28 == 0 and 0 < tail < 28:
        return first + tail
    key = np.uint64(first << 21 | second)
    slot = key * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(52)
    while pair_keys[slot] != 0:
        if pair_keys[slot] == key:
            return np.int64(pair_values[slot])
        slot = (slot + np.uint64(1)) & np.uint64(4095)
    return 0


@part
def recompose(scratch, count, pair_keys, pair_values):
    """Compose in place, by the algorithm of the Unicode standard (3.11, D117). Returns how many."""
    kept, starter = 0, -1
    for i in range(count):
        item = scratch[i]
        value = item >> 24
        if starter >= 0 and (starter == kept - 1 or scratch[kept - 1] >> 24 < value):
            made = composite(
                np.int64(scratch[starter] & CODE), np.int64(item & CODE), pair_keys, pair_values
            )
            if made:
                scratch[starter] = np.uint32(made)
                continue
        if value == 0:
            starter = kept
        scratch[kept] = item
        kept += 1
    return kept


@kernel
def normal_form(
    text, bounds, state, out, out_bounds, marks, scratch, spare, tally,
    pages, entries, offsets, parts, pair_keys, pair_values, compose,
):  # fmt: skip
    """NFC, NFD, NFKC or NFKD.

    ``entries``: uint32, from the low end: 8 bits 255 where the form may change the character and
    else its combining class, 8 bits its combining class, 16 bits its decomposition (0: none).
    ``parts``: uint32, class << 24 | code. A stretch from one character that cannot change nor
    join to what is before it to the next such is in normal form or is made so.
    """
    document, position, written = state[DOCUMENT], state[POSITION], state[WRITTEN]
    run = state[RUN]
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        safe, last = position, np.uint32(0)
        while position < end:
            begun = position
            while position + 32 <= end:
                words = load_u64(text, position) | load_u64(text, position + 8)
                words |= load_u64(text, position + 16) | load_u64(text, position + 24)
                if words & HIGH:
                    break
                position += 32
            while position < end:
                odd = load_u64(text, position) & HIGH
                if odd:
                    position += np.int64(ctz64(odd) >> np.uint64(3))
                    break
                position += 8
            if position >= end:
                break
            if position > begun:
                safe, last = position - 1, np.uint32(0)
            code, size = character(text, position, end)
            if code < 0:
                position += 1
                safe, last = position, np.uint32(0)
                continue
            value = entry(pages, entries, code) & np.uint32(255)
            if value == 0:
                safe, last = position, np.uint32(0)
                position += size
                continue
            if value != 255 and value >= last:
                last = value
                position += size
                continue
            stop = position + size
            while stop < end:
                code, size = character(text, stop, end)
                if code < 0x80 or entry(pages, entries, code) & np.uint32(255) == 0:
                    break
                stop += size
            # A character of three bytes may become eighteen, of 33 bytes.
            room, cells = safe - run + 12 * (stop - safe), 6 * (stop - safe)
            if lacks(state, out, marks, written, room) or cells > len(scratch):
                state[DOCUMENT], state[POSITION], state[WRITTEN] = document, safe, written
                state[RUN], state[LACKING] = run, room
                return False
            count = decompose(text, safe, stop, pages, entries, offsets, parts, scratch)
            reorder(scratch, count, spare, tally)
            if compose:
                count = recompose(scratch, count, pair_keys, pair_values)
            # Written where it goes if it differs; the run before it is copied only then.
            start = written + safe - run
            at = start
            for i in range(count):
                at = encode(np.int64(scratch[i] & CODE), out, at)
            same = at - start == stop - safe
            i = 0
            while same and i < stop - safe:
                same = out[start + i] == text[safe + i]
                i += 1
            if not same:
                for i in range(safe - run):
                    out[written + i] = text[run + i]
                mark(marks, state, start, safe)
                mark(marks, state, at, stop)
                state[CHANGED] = 1
                written, run = at, stop
            position = stop
            safe, last = stop, np.uint32(0)
        position = end
        document += 1
        out_bounds[document] = written + position - run
    return finish(text, bounds, state, out, marks, written, run)
