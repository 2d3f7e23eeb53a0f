"""Cutting text where no token of a vocabulary goes on from one character to the next."""

import numpy as np

from encoders.intrinsics import clz64, ctz64
from encoders.jit import inlined, kernel, part
from encoders.pieces._kernels import MULTIPLIER
from encoders.scan._block_kernels import BLOCK, DECIDED, ONE, TOP, ZERO, emit
from encoders.scan.intrinsics import ascii_masks
from encoders.utf8._kernels import character


@inlined
def pair_bit(before, after, shift):
    """Number of the bit that two neighbouring characters have in the set."""
    return (np.uint64(before) << np.uint64(21) | np.uint64(after)) * MULTIPLIER >> shift


@kernel
def fill_joins(pairs, bits, shift):
    """Put pairs of code points (int64[n, 2]) into the set."""
    for i in range(len(pairs)):
        bit = pair_bit(pairs[i, 0], pairs[i, 1], shift)
        bits[bit >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))


@part
def ascii_starts(text, position, ascii_cuts):
    """Which of the next bytes begin a piece; none where not all of them are ASCII."""
    upper, lower, _, _, _, _, _, _, high, _ = ascii_masks(text, position, 64)
    if high != ZERO:
        return ZERO
    letters = upper | lower
    undecided = ~(letters & letters << ONE) & DECIDED
    starts = ZERO
    while undecided != ZERO:
        bit = ctz64(undecided)
        undecided &= undecided - ONE
        at = position + np.int64(bit)
        pair = np.uint64(text[at - 1]) << np.uint64(7) | np.uint64(text[at])
        starts |= np.uint64(ascii_cuts[pair]) << bit
    return starts


@part
def join_piece(text, position, end, ascii_cuts, bits, shift, known, blank, each_blank):
    """Where the piece at ``position`` ends."""
    before, size = character(text, position, end)
    position += size
    while position < end:
        after = np.int64(text[position])
        if (before | after) < 0x80 and before >= 0:
            if ascii_cuts[np.uint64(before << 7 | after)]:
                break
            size = 1
        else:
            after, size = character(text, position, end)
            bit = pair_bit(before, after, shift)
            joins = bits[bit >> np.uint64(6)] >> (bit & np.uint64(63)) & np.uint64(1) != 0
            joins = joins or before < 0 or after < 0
            if after == blank and each_blank:
                break
            if not joins and (
                len(known) == 0
                or before == blank
                or after == blank
                or (before < 0x80 and known[np.uint64(before & 0x7F)])
                or (after < 0x80 and known[np.uint64(after & 0x7F)])
            ):
                break
        before = after
        position += size
    return position


@kernel
def scan_joins(
    text, bounds, document, position, ends, ascii_cuts, bits, shift, known, blank, each_blank
):
    """A piece ends where the next character joins to none of a token.

    ``ascii_cuts``: bool[128 * 128], whether there is a cut between two ASCII characters; for
    others, ``bits``: a hashed set of characters that are neighbours in a token, in which others
    may seem to be; ``known``: uint8[128], ASCII characters beside which a cut is safe, as it is
    beside ``blank``, a code point; or empty where it is beside all. ``each_blank``: a piece ends
    before each blank.
    """
    count, room = 0, len(ends) - 64
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if count > room:
                return count, document, position
            starts = ZERO
            if end - position >= BLOCK:
                starts = ascii_starts(text, position, ascii_cuts)
            if starts != ZERO:
                count = emit(starts, position, ends, count)
                position += np.int64(TOP - clz64(starts))
            else:
                position = join_piece(
                    text, position, end, ascii_cuts, bits, shift, known, blank, each_blank
                )
                ends[count] = position
                count += 1
        document += 1
    return count, document, position
