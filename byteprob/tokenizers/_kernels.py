import numpy as np

from encoders.jit import kernel
from encoders.utf8._kernels import character

APOSTROPHE = 39
START, JOIN, START_OPEN, JOIN_OPEN = 1, 2, 4, 8  # as in `byteprob.tokenizers.bpe`


@kernel
def shape_keys(values, offsets, kinds, letters, keys, bounds):
    # A byte for each character: what is left of it in a shape before runs are cut, a kind (which is
    # less than any letter) or a letter. Bytes outside UTF-8 stay as they are, so that texts of one
    # key have one shape.
    size = 0
    for i in range(len(offsets) - 1):
        at, stop = offsets[i], offsets[i + 1]
        named = 2  # letters behind the beginning or an apostrophe that a pattern may name
        while at < stop:
            code, length = character(values, at, stop)
            at += length
            if code < 0:
                keys[size] = values[at - 1]
                named = 0
            elif named > 0 and code < len(letters) and letters[code] > 0:
                keys[size] = letters[code]
                named -= 1
            else:
                keys[size] = kinds[code]
                named = 2 if code == APOSTROPHE else 0
            size += 1
        bounds[i + 1] = size


@kernel
def put_before(before, text, bounds, out, out_bounds):
    # Documents, each with the same bytes in front of it.
    size = len(before)
    for i in range(len(bounds) - 1):
        out_bounds[i] = bounds[i] + i * size
        for k in range(size):
            out[out_bounds[i] + k] = before[k]
        for at in range(bounds[i], bounds[i + 1]):
            out[at + (i + 1) * size] = text[at]
    last = len(bounds) - 1
    out_bounds[last] = bounds[last] + last * size


@kernel
def cut_rows(ends, bounds, size, bit_at, lengths, count, names, rows):
    # names[d] with the bits of the cuts of document d, of those that have cuts at bounds only, see
    # `byteprob.tokenizers.splits`. The ways on of one shape mostly agree: what is equal in a row is
    # one.
    at, found, last = 0, 0, np.int64(-1)
    for d in range(len(bounds) - 1):
        bits, whole = np.int64(0), True
        while at < len(ends) and ends[at] <= bounds[d + 1]:
            place = ends[at] - bounds[d] - size
            at += 1
            if place > lengths[d]:
                continue
            bit = count
            if place <= 0:
                bit = bit_at[place + size]
            elif place < lengths[d]:
                bit = -1
            if bit < 0:
                whole = False
            else:
                bits |= np.int64(1) << bit
        row = names[d] | bits
        if whole and row != last:
            rows[found] = last = row
            found += 1
    return found


@kernel
def tokens_that_follow(group_of, flags, have, spots, marks, mask, waiting):
    # mask[id] = 1 where a token may follow; waiting: those that may if something goes on with them.
    joins, some = np.uint8(JOIN | JOIN_OPEN), np.uint8(0)
    for i in range(len(mask)):
        mask[i] = flags[group_of[i]] & (have[i] | joins & (marks[spots[i]] - np.uint8(1)))
        some |= mask[i]
    count = 0
    if some > (START | JOIN):
        for i in range(len(mask)):
            if mask[i] > (START | JOIN) and mask[i] & (START | JOIN) == 0:
                waiting[count] = i
                count += 1
    for i in range(len(mask)):
        mask[i] = (mask[i] & (START | JOIN)) != 0
    return count
