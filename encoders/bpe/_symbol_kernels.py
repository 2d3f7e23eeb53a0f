"""From the bytes of a piece to its first symbols, and the hash tables that pieces are found in."""

import numpy as np

from encoders.intrinsics import match4, prefetch
from encoders.jit import inlined, kernel, part
from encoders.pieces._kernels import (
    LOW32,
    MULTIPLIER,
    ONES,
    U1,
    U32,
    hash_piece,
    same_bytes,
)

NEVER = np.uint32(0xFFFFFFFF)
ABSENT = np.uint32(0xFFFFFFFF)


# --- pieces that are tokens


@kernel
def fill_whole(whole, vocab, offsets, ids):
    """Hash table from token bytes to ``hash's upper half << 32 | id``."""
    last = np.uint64(len(whole) - 1)
    for id_ in ids:
        start = offsets[id_]
        hashed = hash_piece(vocab, start, offsets[id_ + 1] - start)
        slot = hashed & last
        while whole[slot] != ONES:
            slot = (slot + U1) & last
        whole[slot] = (hashed & ~LOW32) | np.uint64(id_)


@inlined
def next_candidate(whole, slot, hashed):
    """The slot, from ``slot`` on, of the first token whose half hash is that of ``hashed``, or of
    the first empty slot. Bytes are compared only where half of the hash agrees already."""
    last = np.uint64(len(whole) - 1)
    while whole[slot] != ONES and (whole[slot] ^ hashed) >> U32 != np.uint64(0):
        slot = (slot + U1) & last
    return slot


@inlined
def find_hashed(whole, vocab, offsets, text, start, length, hashed):
    last = np.uint64(len(whole) - 1)
    slot = next_candidate(whole, hashed & last, hashed)
    while whole[slot] != ONES:
        id_ = np.int64(whole[slot] & LOW32)
        at = offsets[id_]
        if offsets[id_ + 1] - at == length and same_bytes(vocab, at, text, start, length):
            return np.uint32(id_)
        slot = next_candidate(whole, (slot + U1) & last, hashed)
    return ABSENT


@inlined
def find_whole(whole, vocab, offsets, text, start, length):
    """Id of the token with these bytes; ABSENT where there is none."""
    hashed = hash_piece(text, start, length)
    return find_hashed(whole, vocab, offsets, text, start, length, hashed)


# --- pairs that merge
#
# ``pairs``: uint64[8 n], buckets of four keys ``left << 32 | right`` and then the complements of
# their four values ``rank << 32 | merged id``. Free places hold all ones and zero. A bucket is a
# cache line, and searched without a branch; a pair that finds its bucket full is in the next.


@inlined
def pair_bucket(key, shift):
    """Index of the first word of a key's bucket."""
    return np.int64((key * MULTIPLIER) >> shift) << 3


@inlined
def find_key(pairs, shift, key):
    """``rank << 32 | merged id`` of a pair ``left << 32 | right``; all ones where there is none.

    All ones may be asked for, and is no pair.
    """
    at = pair_bucket(key, shift)
    found = match4(pairs, at, key)
    # One test, hardly ever true: whether there is such a pair is nearly a toss of a coin.
    while (found == np.uint64(0)) & (pairs[np.uint64(at + 3)] != ONES) & (key != ONES):
        at = (at + 8) & (len(pairs) - 1)
        found = match4(pairs, at, key)
    return ~found


@inlined
def find_pair(pairs, shift, left, right):
    """As `find_key`."""
    return find_key(pairs, shift, np.uint64(left) << U32 | np.uint64(right))


@inlined
def prefetch_pair(pairs, shift, key):
    prefetch(pairs, pair_bucket(key, shift))


@part
def add_pair(pairs, shift, left, right, value):
    """Add or replace."""
    key = np.uint64(left) << U32 | np.uint64(right)
    at = pair_bucket(key, shift)
    while True:
        for place in range(at, at + 4):
            if pairs[place] == ONES or pairs[place] == key:
                pairs[place], pairs[place + 4] = key, ~value
                return
        at = (at + 8) & (len(pairs) - 1)


@kernel
def fill_pairs(pairs, shift, lefts, rights, merged, ranks):
    """Pairs in rank order; a later one of the same key replaces the earlier, as `tokenizers`."""
    for i in range(len(lefts)):
        value = np.uint64(ranks[i]) << U32 | np.uint64(merged[i])
        add_pair(pairs, shift, lefts[i], rights[i], value)


# --- from characters to symbols


@inlined
def utf8_length(lead):
    if lead < 0xC0:
        return 1
    if lead < 0xE0:
        return 2
    return 3 if lead < 0xF0 else 4


@inlined
def byte_symbols(text, start, stop, byte_ids, characters, pairs_of_bytes, symbols, base):
    """One symbol a byte, or two bytes or a character where they are sure to merge first.

    Why that is exact: where no merge ranks before those that make its parts, ranks never fall
    while a piece is merged. So if every merge that could tear the bytes apart - of a part of
    them with a neighbour, whatever that has grown to - ranks after the merges among them, those
    among them come first. The tables (`encoders.bpe.sure`) hold the least such rank by the
    neighbouring byte.
    """
    chars, lead_ranks, tail_ranks = characters
    byte_pairs, left_ranks, right_ranks = pairs_of_bytes
    count, at = base, start
    if len(byte_pairs) == 0:
        while at < stop:
            symbols[count] = byte_ids[text[at]]
            count += 1 if byte_ids[text[at]] != ABSENT else 0
            at += 1
        return count - base
    before = np.uint64(256)
    while at < stop:
        lead, second = np.uint64(text[at]), np.uint64(text[at + 1])
        if np.uint64(0xC2) <= lead < np.uint64(0xF0):
            length = 2 if lead < np.uint64(0xE0) else 3
            if at + length <= stop:
                code = (lead & np.uint64(0x1F)) << np.uint64(6) | second & np.uint64(0x3F)
                if length == 3:
                    code = code << np.uint64(6) | np.uint64(text[at + 2] & 0x3F)
                    # No character is spelled overlong; no table has a surrogate.
                    code = code if code >= np.uint64(0x800) else np.uint64(0xD800)
                rank = chars[code + code]
                tail = np.uint64(text[at + length - 1])
                after = np.uint64(text[at + length]) if at + length < stop else np.uint64(256)
                if (
                    rank < lead_ranks[lead & np.uint64(0x3F), before]
                    and rank < tail_ranks[tail & np.uint64(0x3F), after]
                    and (second & np.uint64(0xC0)) == np.uint64(0x80)
                    and (tail & np.uint64(0xC0)) == np.uint64(0x80)
                ):
                    symbols[count] = chars[code + code + U1]
                    count += 1
                    at += length
                    before = tail
                    continue
        # Without a branch, for whether two bytes merge is nearly a toss of a coin.
        after = np.uint64(text[at + 2]) if at + 2 < stop else np.uint64(256)
        pair = (lead << np.uint64(8) | second) << U1
        rank = byte_pairs[pair] if at + 1 < stop else NEVER
        sure = (rank < left_ranks[before, lead]) & (rank < right_ranks[second, after])
        symbols[count] = byte_pairs[pair + U1] if sure else byte_ids[lead]
        count += 1
        at += 2 if sure else 1
        before = second if sure else lead
    return count - base


@inlined
def char_symbols(text, start, stop, char_tables, byte_ids, unknown, fuse_unknown, symbols, base):
    """One symbol a character, as `tokenizers` BPE has it without a byte alphabet.

    ``char_tables``: for a character that is (alone, first, last, inner) the hash table from its
    bytes to its symbol. A character without one falls back to ``byte_ids`` if all its bytes
    have one, else to ``unknown``, else vanishes.
    """
    tables, keys, offsets, ids = char_tables
    count, at = base, start
    fused = False
    while at < stop:
        length = min(utf8_length(text[at]), stop - at)
        place = (
            (2 if at + length == stop else 3) if at > start else (0 if at + length == stop else 1)
        )
        found = find_whole(tables[place], keys, offsets, text, at, length)
        if found != ABSENT:
            symbols[count] = ids[place, found]
            count += 1
            fused = False
        else:
            bytes_known = True
            for k in range(length):
                bytes_known &= byte_ids[text[at + k]] != ABSENT
            if bytes_known:
                for k in range(length):
                    symbols[count] = byte_ids[text[at + k]]
                    count += 1
                fused = False
            elif unknown != ABSENT and not (fused and fuse_unknown):
                symbols[count] = unknown
                count += 1
                fused = True
        at += length
    return count - base


@inlined
def first_symbols(text, start, stop, initial, symbols, base):
    """The symbols of a piece before any merge, from ``symbols[base]`` on; returns their number."""
    by_character, byte_ids, characters, byte_pairs, char_tables, unknown, fuse_unknown = initial
    if by_character:
        return char_symbols(
            text, start, stop, char_tables, byte_ids, unknown, fuse_unknown, symbols, base
        )
    return byte_symbols(text, start, stop, byte_ids, characters, byte_pairs, symbols, base)
