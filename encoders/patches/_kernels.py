"""Where patches begin, as bits: bit ``i & 63`` of ``marks[i >> 6]`` tells of byte ``i``.

Every rule is a few operations on 64 bytes at a time. Documents lie end to end; their bounds are
marked before a rule runs, so no rule has a loop over documents.
"""

import numpy as np

from encoders.intrinsics import ctz64, popcount64
from encoders.jit import inlined, kernel, part
from encoders.scan.intrinsics import ascii_masks, wide_space_leads
from encoders.utf8._kernels import character_size

ZERO, ONE, TOP = np.uint64(0), np.uint64(1), np.uint64(63)


@kernel
def mark(positions, marks):
    """Mark ``positions`` (int64)."""
    for position in positions:
        marks[position >> 6] |= ONE << np.uint64(position & 63)


@kernel
def mark_strides(bounds, stride, marks):
    """Mark every ``stride``-th byte of each document from its first on."""
    for document in range(len(bounds) - 1):
        for position in range(bounds[document], bounds[document + 1], stride):
            marks[position >> 6] |= ONE << np.uint64(position & 63)


@kernel
def mark_spacelike(text, size, marks):
    """SpaceByte: mark what follows a spacelike byte that no spacelike byte precedes."""
    before, ended = ZERO, ZERO
    for block in range(size + 63 >> 6):
        upper, lower, digits, _, _, _, _, _, _, tail = ascii_masks(text, block << 6, 64)
        spacelike = ~(upper | lower | digits | tail)
        documents = marks[block]
        ends = spacelike & ~(spacelike << ONE | before | documents)
        marks[block] = documents | ends << ONE | ended
        before, ended = spacelike >> TOP, ends >> TOP


@part
def wide_space_size(text, i):
    """Bytes of the white-space character beyond ASCII at ``i``, or 0."""
    first, second = text[i], text[i + 1]
    if first == 0xC2:
        return 2 if second == 0x85 or second == 0xA0 else 0
    third = text[i + 2]
    if first == 0xE2 and second == 0x80:
        found = 0x80 <= third <= 0x8A or third == 0xA8 or third == 0xA9 or third == 0xAF
    elif first == 0xE2:
        found = second == 0x81 and third == 0x9F
    elif first == 0xE1:
        found = second == 0x9A and third == 0x80
    else:
        found = first == 0xE3 and second == 0x80 and third == 0x80
    return 3 if found else 0


@kernel
def mark_words(text, size, before_space, before_word, marks):
    """Mark where a run of white space begins, where a word begins, or both."""
    last, spill = ZERO, ZERO
    for block in range(size + 63 >> 6):
        at = block << 6
        spaces = ascii_masks(text, at, 64)[3] | spill
        spill = ZERO
        leads = wide_space_leads(text, at)
        documents = marks[block]
        while leads != ZERO:
            bit = ctz64(leads)
            leads &= leads - ONE
            length = wide_space_size(text, at + np.int64(bit))
            # Bits 0 to 2 tell which of the three bytes begin a document.
            bounds = documents >> bit | marks[block + 1] << (TOP - bit) << ONE
            if length and bounds & np.uint64(2 * length - 2) == ZERO:
                ones = (ONE << np.uint64(length)) - ONE
                spaces |= ones << bit
                spill |= ones >> ONE >> (TOP - bit)
        changes = spaces ^ (spaces << ONE | last)
        last = spaces >> TOP
        if not before_space:
            changes &= ~spaces
        if not before_word:
            changes &= spaces
        marks[block] = documents | changes


@kernel
def count_marks(marks):
    count = ZERO
    for word in marks:
        count += popcount64(word)
    return np.int64(count)


@kernel
def list_marks(marks, offsets):
    """Write the marked positions, in order, with up to three more entries behind them."""
    count = 0
    for block in range(len(marks)):
        word, at, position = marks[block], count, block << 6
        count += np.int64(popcount64(word))
        while word != ZERO:
            # Four at a time, the spare ones overwritten later: the loop's end is then easier
            # to foretell.
            for _ in range(4):
                offsets[at] = position + np.int64(ctz64(word))
                word &= word - ONE
                at += 1


@inlined
def character_start(text, position, least, stop):
    """Where the well-formed character around ``position`` begins, from ``least`` on."""
    for back in range(1, 4):
        start = position - back
        if start < least:
            break
        if text[start] & 0xC0 != 0x80:
            return start if character_size(text, start, stop) > back else position
    return position


@kernel
def refine(offsets, bounds, text, longest, whole, refined):
    """Cut patches longer than ``longest``; where ``whole``, begin none inside a character.

    Returns how many entries of ``refined`` are written.
    """
    count, document, last = 0, 0, np.int64(-1)
    for offset in offsets:
        while bounds[document] < offset:
            document += 1
        stop = bounds[document]
        if whole and stop != offset:
            offset = character_start(text, offset, last, stop)
            if offset == last:
                continue
        while last >= 0 and offset - last > longest:
            last += longest
            if whole:
                last = character_start(text, last, last - longest, stop)
            refined[count] = last
            count += 1
        refined[count] = offset
        count += 1
        last = offset
    return count


@kernel
def fill_rows(values, offsets, width, fill, matrix):
    """Row ``i`` of ``matrix`` (rows x ``width``, flat) is patch ``i``, cut and filled up."""
    at, size = 0, len(values)
    for patch in range(len(offsets) - 1):
        start = offsets[patch]
        length = offsets[patch + 1] - start
        if start + width <= size:  # without a branch, so that it is done by vectors
            for k in range(width):
                value = matrix.dtype.type(values[start + k])
                matrix[at + k] = value if k < length else fill
        else:
            for k in range(width):
                matrix[at + k] = values[start + k] if k < length else fill
        at += width
