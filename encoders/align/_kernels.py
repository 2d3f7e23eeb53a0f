"""A shortest script of edits between two sequences, in memory linear in their lengths.

Furthest points by number of edits (Ukkonen 1985), from both ends until they meet, and again in
both halves (Myers 1986, section 4b; for substitutions too as Marco-Sola et al. 2023, BiWFA).
"""

from encoders.jit import inlined, kernel, part

NONE = -(1 << 40)


@kernel
def find_edits(source, target, most, reached, stack, source_changed, target_changed, edits):
    """Write the edits of a shortest script; how many they are, or -1 for more than ``most``.

    Scratch: ``reached``, int64[4, len(source) + len(target) + 3]; ``stack``, int64[n, 4]; flags,
    all false.
    """
    if not mark_changes(source, target, most, reached, stack, source_changed, target_changed):
        return -1
    # What is not marked is the same on both sides, one by one; marks that touch are one edit.
    count, i, j = 0, 0, 0
    while True:
        while (
            i < len(source) and j < len(target) and not source_changed[i] and not target_changed[j]
        ):
            i += 1
            j += 1
        if i == len(source) and j == len(target):
            return count
        edits[count, 0], edits[count, 2] = i, j
        while i < len(source) and source_changed[i]:
            i += 1
        while j < len(target) and target_changed[j]:
            j += 1
        edits[count, 1], edits[count, 3] = i, j
        count += 1


@part
def mark_changes(source, target, most, reached, stack, source_changed, target_changed):
    """Mark what a shortest script changes; whether ``most`` edits are enough."""
    stack[0] = (0, len(source), 0, len(target))
    depth = 1
    while depth:
        depth -= 1
        a, b, c, d = stack[depth, 0], stack[depth, 1], stack[depth, 2], stack[depth, 3]
        while a < b and c < d and source[a] == target[c]:
            a += 1
            c += 1
        while a < b and c < d and source[b - 1] == target[d - 1]:
            b -= 1
            d -= 1
        # With equal ends gone, any other rest is two edits or more, so that halving it ends.
        if a == b or c == d or (b - a == 1 and d - c == 1):
            if max(b - a, d - c) > most:
                return False
            source_changed[a:b] = True
            target_changed[c:d] = True
            continue
        i, k = meeting(source, target, a, b, c, d, most, reached)
        if i < 0:
            return False
        stack[depth] = (a, a + i, c, c + i + k)
        stack[depth + 1] = (a + i, b, c + i + k, d)
        depth += 2
    return True


@part
def meeting(source, target, a, b, c, d, most, reached):
    """A point in the middle of a shortest script from ``source[a:b]`` to ``target[c:d]``.

    Returns ``(i, k)``: the script goes through ``source[a + i]`` and ``target[c + i + k]``;
    ``i`` is -1 where it has more than ``most`` edits. ``reached[.., k]`` is the furthest ``i`` on
    diagonal ``k`` that so many edits reach, from the front (rows 0 and 1 by turns) and from the
    rear (2 and 3). The first time that both overlap, they have spent as many edits as the shortest
    script: the distance to an end never grows along a diagonal.
    """
    rows, columns = b - a, d - c
    zero = rows + 1  # the place of diagonal 0
    for side in range(4):
        reached[side, zero - 1 : zero + 2] = NONE
    reached[0, zero] = reached[2, zero] = 0
    for edits in range(1, most + 1):
        spent, forward = (edits + 1) // 2, edits % 2 == 1
        before = reached[(spent + 1) % 2 + (0 if forward else 2)]
        ours = reached[spent % 2 + (0 if forward else 2)]
        theirs = reached[edits // 2 % 2 + (2 if forward else 0)]
        low, high = max(-spent, -rows), min(spent, columns)
        widen(before, ours, zero, low, high)
        step(before, ours, zero, low, high, rows, columns)
        if forward:
            slide(source, target, a, c, ours, zero, low, high, rows, columns)
        else:
            slide_back(source, target, b - 1, d - 1, ours, zero, low, high, rows, columns)
        other = edits // 2  # what the other side has spent
        facing = columns - rows
        first, last = max(low, facing - min(other, columns)), min(high, facing + min(other, rows))
        met = False
        for k in range(first, last + 1):
            met |= ours[zero + k] + theirs[zero + facing - k] >= rows
        if met:
            for k in range(first, last + 1):
                i = ours[zero + k]
                if i + theirs[zero + facing - k] >= rows:
                    return (i, k) if forward else (rows - i, facing - k)
    return -1, 0


@inlined
def widen(before, ours, zero, low, high):
    """Nothing is reached outside of ``low`` to ``high``."""
    before[zero + low - 1] = before[zero + high + 1] = NONE
    ours[zero + low - 1] = ours[zero + high + 1] = NONE


@inlined
def step(before, ours, zero, low, high, rows, columns):
    """Spend an edit: a substitution, an insertion or a deletion, whichever leads furthest."""
    for at in range(zero + low, zero + high + 1):
        i = max(before[at] + 1, before[at - 1], before[at + 1] + 1)
        ours[at] = min(i, rows, columns - at + zero)


@inlined
def slide(source, target, a, c, ours, zero, low, high, rows, columns):
    """Go on along each diagonal while both are the same."""
    for k in range(low, high + 1):
        i, stop = ours[zero + k], min(rows, columns - k)
        while i < stop and source[a + i] == target[c + k + i]:
            i += 1
        ours[zero + k] = i


@inlined
def slide_back(source, target, b, d, ours, zero, low, high, rows, columns):
    """The same from the rear."""
    for k in range(low, high + 1):
        i, stop = ours[zero + k], min(rows, columns - k)
        while i < stop and source[b - i] == target[d - k - i]:
            i += 1
        ours[zero + k] = i
