import numpy as np

from encoders.bpe._symbol_kernels import LOW32, ONES, U32, find_pair
from encoders.jit import kernel

NONE = np.uint32(0xFFFFFFFF)


@kernel
def last_merges(firsts, bounds, pairs, shift, symbols, lefts, rights, ranks):
    # By the plainest BPE, of each token that its own symbols merge into: the two that merge last.
    for id_ in range(len(bounds) - 1):
        count = 0
        for at in range(bounds[id_], bounds[id_ + 1]):
            symbols[count] = firsts[at]
            if symbols[count] == NONE:
                count = 0
                break
            count += 1
        while count > 1:
            best, place = ONES, -1
            for i in range(count - 1):
                found = find_pair(pairs, shift, symbols[i], symbols[i + 1])
                if found != ONES and (place < 0 or found >> U32 < best >> U32):
                    best, place = found, i
            if place < 0:
                break
            if count == 2 and np.uint32(best & LOW32) == id_:
                lefts[id_], rights[id_] = symbols[0], symbols[1]
                ranks[id_] = np.int64(best >> U32)
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
    sizes, blocked,
):  # fmt: skip
    # blocked[place] = 1 of what cannot follow: a merge across the border would come first.
    x, consumed = token, np.int64(1) << 62
    while True:
        for i in range(merge_bounds[x], merge_bounds[x + 1]):
            rank, y = merge_ranks[i], merge_rights[i]
            if rank >= consumed:
                break
            if places[y] < 0:
                continue
            blocked[places[y]] = 1
            start, stop = child_bounds[y], child_bounds[y + 1]
            while start < stop:  # the first child that merges no earlier
                middle = (start + stop) >> 1
                if ranks[children[middle]] < rank:
                    start = middle + 1
                else:
                    stop = middle
            if start < child_bounds[y + 1]:
                blocked[places[children[start]] : places[y] + sizes[y]] = 1
        if rights[x] == NONE:
            return
        consumed = ranks[x]
        x = rights[x]
