"""A shortest script of edits between two sequences, in memory linear in their lengths.

Furthest points by number of edits (Ukkonen 1985), from both ends until they meet, and again in
both halves (Myers 1986, section 4b; for substitutions too as Marco-Sola et al. 2023, BiWFA).
"""

from encoders.jit import kernel, part

NONE = -(1 << 40)


@kernel
def find_edits(source, target, most, ahead, back, stack, source_changed, target_changed, edits):
    """Write the edits of a shortest script; how many they are, or -1 for more than ``most``.

    Scratch: ``ahead`` and ``back``, int64, of ``len(source) + len(target) + 3`` each; ``stack``,
    int64[n, 4]; flags, all false.
    """
    if not mark_changes(source, target, most, ahead, back, stack, source_changed, target_changed):
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
def mark_changes(source, target, most, ahead, back, stack, source_changed, target_changed):
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
        i, k = meeting(source, target, a, b, c, d, most, ahead, back)
        if i < 0:
            return False
        stack[depth] = (a, a + i, c, c + i + k)
        stack[depth + 1] = (a + i, b, c + i + k, d)
        depth += 2
    return True


@part
def meeting(source, target, a, b, c, d, most, ahead, back):
    """A point in the middle of a shortest script from ``source[a:b]`` to ``target[c:d]``.

    Returns ``(i, k)``: the script goes through ``source[a + i]`` and ``target[c + i + k]``;
    ``i`` is -1 where it has more than ``most`` edits. ``ahead[k]`` is the furthest ``i`` on
    diagonal ``k`` that so many edits from the front reach, ``back`` the same from the rear. The
    first time that both overlap, they have spent as many edits as the shortest script: the
    distance to an end never grows along a diagonal.
    """
    rows, columns = b - a, d - c
    zero = rows + 1  # the place of diagonal 0
    ahead[zero - 1 : zero + 2] = NONE
    back[zero - 1 : zero + 2] = NONE
    ahead[zero] = back[zero] = 0
    for edits in range(1, most + 1):
        reach, forward = (edits + 1) // 2, edits % 2 == 1
        ours, theirs = (ahead, back) if forward else (back, ahead)
        low, high = max(-reach, -rows), min(reach, columns)
        ours[zero + low - 1] = NONE
        ours[zero + high + 1] = NONE
        if reach <= rows:
            ours[zero - reach] = NONE
        if reach <= columns:
            ours[zero + reach] = NONE
        other = edits // 2  # how far the other side is, in edits
        before = NONE
        for k in range(low, high + 1):
            here = ours[zero + k]
            i = max(here + 1, before, ours[zero + k + 1] + 1)
            i = min(i, rows, columns - k)
            if forward:
                while i < rows and i + k < columns and source[a + i] == target[c + i + k]:
                    i += 1
            else:
                while i < rows and i + k < columns and source[b - 1 - i] == target[d - 1 - i - k]:
                    i += 1
            before = here
            ours[zero + k] = i
            facing = columns - rows - k
            if max(-other, -rows) <= facing <= min(other, columns):
                if i + theirs[zero + facing] >= rows:
                    return (i, k) if forward else (rows - i, columns - rows - k)
    return -1, 0
