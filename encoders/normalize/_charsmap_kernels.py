"""Kernels for the character maps of SentencePiece models (see `_kernels` for how they run).

A map is a double-array trie of UTF-8 keys (``units``: uint32, as the Darts-clone library lays them
out: offset in bits 10 to 30, shifted by 8 more where bit 9 is set; bit 8 where a key ends; label
in the low byte) whose values are places in ``blob``, where replacements end with a zero byte.
"""

import numpy as np

from encoders.intrinsics import ctz64, load_u64, store_u64
from encoders.jit import kernel, part
from encoders.normalize._kernels import (
    AFTER_BLANK,
    CHANGED,
    CONSONANT,
    CONTROL,
    DOCUMENT,
    EXTEND,
    HIGH,
    INSIDE,
    JOINED,
    LACKING,
    LINKER,
    LV,
    LVT,
    MARKS,
    ONES,
    PICTURE,
    POSITION,
    PREPEND,
    RI,
    SLACK,
    SPACING,
    WRITTEN,
    ZWJ,
    L,
    T,
    V,
    bytes_of,
    copy,
    entry,
    lacks,
    mark,
)
from encoders.utf8._kernels import character


@part
def lookup(units, text, at, stop, longest):
    """(value, bytes) of the shortest or longest key that begins the stretch; (-1, 0) if none."""
    node = np.uint64(0)
    value, length = -1, 0
    unit = np.uint64(units[node])
    node ^= unit >> np.uint64(10) << ((unit & np.uint64(512)) >> np.uint64(6))
    for i in range(at, stop):
        byte = np.uint64(text[i])
        node ^= byte
        if byte == 0 or node >= len(units):
            break
        unit = np.uint64(units[node])
        if unit & np.uint64(0x800000FF) != byte:
            break
        node ^= unit >> np.uint64(10) << ((unit & np.uint64(512)) >> np.uint64(6))
        if unit & np.uint64(256) and node < len(units):
            value, length = np.int64(units[node] & np.uint32(0x7FFFFFFF)), i + 1 - at
            if not longest:
                break
    return value, length


@part
def value_end(blob, at):
    """Where the replacement at ``at`` ends."""
    while at < len(blob) and blob[at] != 0:
        at += 1
    return at


@part
def cluster_end(text, at, end, pages, classes):
    """The end of the extended grapheme cluster at ``at`` (UAX 29, rules GB3 to GB13)."""
    code, size = character(text, at, end)
    at += size
    before = np.uint8(0) if code < 0 else entry(pages, classes, code)
    picture, consonant, linked, regions = before == PICTURE, before == CONSONANT, False, 1
    if code == 13 and at < end and text[at] == 10:
        return at + 1
    while at < end and before != CONTROL:
        code, size = character(text, at, end)
        now = np.uint8(0) if code < 0 else entry(pages, classes, code)
        extends = now == EXTEND or now == LINKER or now == JOINED
        if now == CONTROL:
            break
        if not (extends or now == SPACING or now == ZWJ or before == PREPEND):
            hangul = (
                (before == L and (now == L or now == V or now == LV or now == LVT))
                or ((before == LV or before == V) and (now == V or now == T))
                or ((before == LVT or before == T) and now == T)
            )
            joined = before == ZWJ and now == PICTURE and picture
            conjunct = now == CONSONANT and consonant and linked
            flag = before == RI and now == RI and regions & 1
            if not (hangul or joined or conjunct or flag):
                break
        at += size
        # What the rules for pictures, conjuncts and flags look back to.
        picture = now == PICTURE or (picture and (extends or (now == ZWJ and before != ZWJ)))
        linked = (linked or now == LINKER) and now != CONSONANT
        consonant = now == CONSONANT or (
            consonant and (now == LINKER or now == JOINED or now == ZWJ)
        )
        regions = regions + 1 if now == RI and before == RI else 1
        before = now
    return at


@kernel
def by_clusters(
    text, bounds, state, out, out_bounds, marks, units, blob, pages, classes, plain, widest
):
    """As `tokenizers`: clusters under six bytes, else characters, by their shortest key.

    ``plain``: printable ASCII before ASCII stays; ``widest``: longest replacement.
    """
    document, position, written = state[DOCUMENT], state[POSITION], state[WRITTEN]
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            room = min(end - position, len(out) - SLACK - written) if plain else 0
            while room >= 8:
                word = load_u64(text, position)
                low = word & ~HIGH
                bad = word & HIGH | (~(low + bytes_of(0x60)) | low + ONES) & HIGH
                good = np.int64(ctz64(bad) >> np.uint64(3))
                if good == 8 or text[position + good] >= 0x80:
                    good -= 1  # what follows may join it
                if good < 1:
                    break
                store_u64(out, written, word)
                position += good
                written += good
                room -= good
            stop = cluster_end(text, position, end, pages, classes)
            if lacks(state, out, marks, written, (stop - position) * widest):
                state[DOCUMENT], state[POSITION], state[WRITTEN] = document, position, written
                state[LACKING] = (stop - position) * widest
                return False
            whole = stop - position < 6
            start, origin = written, position
            changed = False
            while position < stop:
                size = stop - position
                if not whole:
                    _, size = character(text, position, stop)
                value, _ = lookup(units, text, position, position + size, False)
                if value >= 0:
                    written = copy(blob, value, value_end(blob, value), out, written)
                    position += size
                    changed = True
                elif whole:
                    whole = False
                else:
                    store_u64(out, written, load_u64(text, position))
                    written += size
                    position += size
            if changed:
                state[CHANGED] = 1
                mark(marks, state, start, origin)
                mark(marks, state, written, position)
        document += 1
        out_bounds[document] = written
    state[DOCUMENT], state[POSITION], state[WRITTEN] = document, position, written
    return True


@part
def kept_prefix(trie, token_at, text, at, end):
    """Length of the longest symbol at ``at`` that is never changed; 0 if none."""
    node, length, start = 0, 0, at
    while at < end:
        node = np.int64(trie[node, text[at]])
        if node == 0:
            break
        at += 1
        if token_at[node] >= 0:
            length = at - start
    return length


@part
def ends_with(out, begin, written, space):
    """Whether what was written from ``begin`` ends with a blank."""
    wide = len(space)
    if written - wide < begin:
        return False
    for i in range(wide):
        if out[written - wide + i] != space[i]:
            return False
    return True


@part
def put(source, start, stop, out, written, space, extra, after_blank):
    """Write bytes, their blanks as ``space``. Returns (written, whether a blank was last)."""
    while after_blank and start < stop and source[start] == 32:
        start += 1
    if start < stop:
        for i in range(start, stop):
            if source[i] == 32:
                written = copy(space, 0, len(space), out, written)
            else:
                out[written] = source[i]
                written += 1
        after_blank = extra and source[stop - 1] == 32
    return written, after_blank


@part
def blanks_from(text, at, end, units, blob, trie, token_at):
    """The end of what becomes single blanks at ``at``."""
    while at < end:
        size = kept_prefix(trie, token_at, text, at, end)
        if size:
            blank = size == 1 and text[at] == 32
        else:
            value, size = lookup(units, text, at, end, True)
            if value < 0:
                size, blank = 1, text[at] == 32
            else:
                blank = value_end(blob, value) == value + 1 and blob[value] == 32
        if not blank:
            break
        at += size
    return at


@kernel
def by_prefixes(
    text, bounds, state, out, out_bounds, marks, units, blob, trie, token_at,
    plain, begins, widest, space, extra, front, back,
):  # fmt: skip
    """As `sentencepiece`: the longest key at each place, then its treatment of blanks; U+FFFD for a
    byte outside UTF-8.

    ``begins``: uint8[65536], whether what is changed or kept may begin with two bytes; ``space``:
    bytes put for a blank; ``extra``: blanks at the ends, and after blanks, go; ``front``, ``back``:
    a blank is put before or behind a document that is not empty.
    """
    document, position, written = state[DOCUMENT], state[POSITION], state[WRITTEN]
    inside, after_blank = state[INSIDE] != 0, state[AFTER_BLANK] != 0
    wide = len(space)
    while document < len(bounds) - 1:
        begin, end = bounds[document], bounds[document + 1]
        while position < end or not inside:
            room = min(end - position, len(out) - SLACK - written) if plain and inside else 0
            while room >= 8:
                word = load_u64(text, position)
                low = word & ~HIGH
                bad = word & HIGH | (~(low + bytes_of(0x60)) | low + ONES) & HIGH
                odd = word ^ bytes_of(32)
                blanks = ~((odd & ~HIGH) + ~HIGH | odd) & HIGH
                if wide > 1:
                    bad |= blanks
                elif extra:
                    bad |= blanks & (
                        blanks << np.uint64(8) | np.uint64(after_blank) << np.uint64(7)
                    )
                good = np.int64(ctz64(bad) >> np.uint64(3))
                if good == 8 or text[position + good] >= 0x80:
                    good -= 1  # what follows may join it
                if good < 1:
                    break
                store_u64(out, written, word)
                position += good
                written += good
                room -= good
                after_blank = extra and text[position - 1] == 32
            if room >= 8 and text[position] >= 0x80:
                pair = np.int64(text[position]) << 8 | np.int64(text[position + 1])
                code, size = character(text, position, end)
                if code >= 0 and not begins[pair]:
                    store_u64(out, written, load_u64(text, position))
                    position += size
                    written += size
                    after_blank = False
                    continue
            need = wide * (widest + 2)
            if lacks(state, out, marks, written, need):
                state[DOCUMENT], state[POSITION], state[WRITTEN] = document, position, written
                state[INSIDE], state[AFTER_BLANK], state[LACKING] = inside, after_blank, need
                return False
            if not inside:
                inside, after_blank = True, extra
                if extra:
                    position = blanks_from(text, begin, end, units, blob, trie, token_at)
                before = front and position < end
                if before or position > begin:
                    mark(marks, state, written, begin)
                    written = copy(space, 0, wide if before else 0, out, written)
                    mark(marks, state, written, position)
                    state[CHANGED] = 1
                if position == end:
                    begin = end  # nothing is put behind a document of blanks
                continue
            size = kept_prefix(trie, token_at, text, position, end)
            value, origin, start = -1, position, written
            if size == 0:
                value, size = lookup(units, text, position, end, True)
            if value >= 0:
                written, after_blank = put(
                    blob, value, value_end(blob, value), out, written, space, extra, after_blank
                )
            else:
                code = np.int64(0)
                if size == 0:
                    code, size = character(text, position, end)
                if code < 0:
                    out[written], out[written + 1], out[written + 2] = 0xEF, 0xBF, 0xBD
                    written += 3
                    after_blank = False
                else:
                    written, after_blank = put(
                        text, position, position + size, out, written, space, extra, after_blank
                    )
            position += size
            same = written - start == size
            for i in range(size):
                same = same and out[start + i] == text[origin + i]
            if not same:
                mark(marks, state, start, origin)
                mark(marks, state, written, position)
                state[CHANGED] = 1
        stop = written
        while extra and ends_with(out, out_bounds[document], written, space):
            written -= wide
        if written < stop:
            state[CHANGED] = 1
            for i in range(state[MARKS] if marks.shape[1] else 0):
                i = state[MARKS] - 1 - i
                if marks[0, i] <= written:
                    break
                marks[0, i] = written
            mark(marks, state, written, end)
            mark(marks, state, written, end)
        if back and begin < end:
            state[CHANGED] = 1
            mark(marks, state, written, end)
            written = copy(space, 0, wide, out, written)
            mark(marks, state, written, end)
        inside = False
        document += 1
        out_bounds[document] = written
    state[DOCUMENT], state[POSITION], state[WRITTEN] = document, position, written
    return True
