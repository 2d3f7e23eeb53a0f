"""Characters of UTF-8, and whether bytes are any (RFC 3629)."""

import numpy as np

from encoders.intrinsics import load_u64
from encoders.jit import inlined, kernel

HIGHS = np.uint64(0x8080808080808080)
# The bits of two, three and four bytes that say their kind, first byte lowest, and their values.
KIND2, IS2 = np.uint64(0xC0E0), np.uint64(0x80C0)
KIND3, IS3 = np.uint64(0xC0C0F0), np.uint64(0x8080E0)
KIND4, IS4 = np.uint64(0xC0C0C0F8), np.uint64(0x808080F0)


@inlined
def character(text, at, end):
    """(code point, bytes) at ``at``; (-1, 1) where the bytes are not well-formed UTF-8. Three more
    bytes are read."""
    lead = np.int64(text[at])
    if lead < 0x80:
        return lead, 1
    left = end - at
    b1 = np.int64(text[at + 1]) ^ 0x80
    b2 = np.int64(text[at + 2]) ^ 0x80
    b3 = np.int64(text[at + 3]) ^ 0x80
    if 0xC2 <= lead < 0xE0 and left >= 2 and b1 < 0x40:
        return (lead & 0x1F) << 6 | b1, 2
    code = (lead & 0x0F) << 12 | b1 << 6 | b2
    if 0xE0 <= lead < 0xF0 and left >= 3 and b1 | b2 < 0x40:
        if code >= 0x800 and (code < 0xD800 or code >= 0xE000):
            return code, 3
    code = (lead & 0x07) << 18 | b1 << 12 | b2 << 6 | b3
    if 0xF0 <= lead < 0xF5 and left >= 4 and b1 | b2 | b3 < 0x40:
        if 0x10000 <= code < 0x110000:
            return code, 4
    return -1, 1


@inlined
def character_size(text, i, stop):
    """Bytes of the well-formed character at ``i``, or 0; seven more bytes are read."""
    lead = text[i]
    if lead < 0x80:
        return 1
    word = load_u64(text, i)
    second = text[i + 1]
    if word & KIND3 == IS3:
        low = 0xA0 if lead == 0xE0 else 0x80
        high = 0x9F if lead == 0xED else 0xBF
        return 3 if i + 3 <= stop and low <= second <= high else 0
    if word & KIND2 == IS2:
        return 2 if i + 2 <= stop and lead >= 0xC2 else 0
    if word & KIND4 == IS4:
        low = 0x90 if lead == 0xF0 else 0x80
        high = 0x8F if lead == 0xF4 else 0xBF
        return 4 if i + 4 <= stop and lead <= 0xF4 and low <= second <= high else 0
    return 0


@kernel
def first_invalid(text, starts, stops, where):
    """For each stretch, the offset in it of the first byte that is not UTF-8, or -1."""
    for stretch in range(len(starts)):
        i, stop = starts[stretch], stops[stretch]
        where[stretch] = -1
        while i < stop:
            if i + 8 <= stop and load_u64(text, i) & HIGHS == 0:
                i += 8
                continue
            size = character_size(text, i, stop)
            if size == 0:
                where[stretch] = i - starts[stretch]
                break
            i += size
