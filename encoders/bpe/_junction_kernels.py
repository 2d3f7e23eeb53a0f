import numpy as np

from encoders.bpe._symbol_kernels import LOW32, ONES, U32, find_pair
from encoders.jit import kernel, part

NONE = np.uint32(0xFFFFFFFF)


@kernel
def last_merges(firsts, bounds, pairs, shift, symbols, lefts, rights, ranks):
    # By the plainest BPE, of each token that its own symbols merge into: the two that merge last,
    # and the last rank of all its merges.
    for id_ in range(len(bounds) - 1):
        count = 0
        for at in range(bounds[id_], bounds[id_ + 1]):
            symbols[count] = firsts[at]
            if symbols[count] == NONE:
                count = 0
                break
            count += 1
        latest = np.int64(0)
        while count > 1:
            best, place = ONES, -1
            for i in range(count - 1):
                found = find_pair(pairs, shift, symbols[i], symbols[i + 1])
                if found != ONES and (place < 0 or found >> U32 < best >> U32):
                    best, place = found, i
            if place < 0:
                break
            latest = max(latest, np.int64(best >> U32))
            if count == 2 and np.uint32(best & LOW32) == id_:
                lefts[id_], rights[id_] = symbols[0], symbols[1]
                ranks[id_] = latest
            symbols[place] = np.uint32(best & LOW32)
            for i in range(place + 1, count - 1):
                symbols[i] = symbols[i + 1]
            count -= 1


@kernel
def ranks_of(merges, pairs, shift, ranks):
    for i in range(len(merges)):
        ranks[i] = np.int64(find_pair(pairs, shift, merges[i, 0], merges[i, 1]) >> U32)


@kernel
def lay_out_left_trees(by_rank, lefts, sizes, free, places):
    # A token's parent is the left of the two that merge into it. Depth first, children by rank:
    # those of a token that merge late, with all below them, are one range.
    for i in range(len(by_rank) - 1, -1, -1):
        id_ = by_rank[i]
        sizes[id_] += 1
        if lefts[id_] != NONE:
            sizes[lefts[id_]] += sizes[id_]
    top = 0
    for id_ in by_rank:
        if lefts[id_] == NONE:
            places[id_] = top
            top += sizes[id_]
        else:
            places[id_] = free[lefts[id_]]
            free[lefts[id_]] += sizes[id_]
        free[id_] = places[id_] + 1


@kernel
def block_followers(
    token, rights, ranks, merge_bounds, merge_rights, merge_ranks, child_bounds, children, places,
    sizes, ordered, blocked,
):  # fmt: skip
    # blocked[place] = 1 of what cannot follow: a merge across the border would come first. Of two
    # merges of one rank the left one does, if ``ordered``; else 2 is where that is not known.
    x, consumed = token, np.int64(1) << 62
    while True:
        for i in range(merge_bounds[x], merge_bounds[x + 1]):
            y = merge_rights[i]
            if merge_ranks[i] > consumed:
                break
            rank = max(merge_ranks[i], ranks[x], ranks[y])
            if rank > consumed or (rank == consumed and ordered) or places[y] < 0:
                continue
            mark = np.uint8(1 if rank < consumed else 2)
            mark_range(blocked, places[y], places[y] + 1, mark)
            last = places[y] + sizes[y]
            later = first_child(children, ranks, child_bounds[y], child_bounds[y + 1], rank + 1)
            begin = places[children[later]] if later < child_bounds[y + 1] else last
            mark_range(blocked, begin, last, mark)
            same = first_child(children, ranks, child_bounds[y], later, rank)
            if same < later:
                alike = mark if ordered else np.uint8(2)
                mark_range(blocked, places[children[same]], begin, alike)
        if rights[x] == NONE:
            return
        consumed = ranks[x]
        x = rights[x]


@part
def mark_range(blocked, start, stop, mark):
    for place in range(start, stop):
        if blocked[place] != 1:
            blocked[place] = mark


@part
def first_child(children, ranks, start, stop, rank):
    # The first whose rank is at least this.
    while start < stop:
        middle = (start + stop) >> 1
        if ranks[children[middle]] < rank:
            start = middle + 1
        else:
            stop = middle
    return start
