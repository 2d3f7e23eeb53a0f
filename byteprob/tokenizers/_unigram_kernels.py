import numpy as np

from encoders.byte_ranges._kernels import first_past
from encoders.jit import kernel, part
from encoders.unigram._kernels import ROOT, TOKEN, character_length, child_of

NO, YES, DOUBTFUL = 0, 1, 2


@kernel
def measure(
    values, offsets, order, trie, scores, unknown, lows, highs, deficits, back
):  # fmt: skip
    # Of every token i and place k inside it, at offsets[i] + k: lows, highs are the tokens that
    # begin with the rest behind k; deficits is the score of the token less that of the best path
    # through that rest. For k = 0: of the best path of two tokens and more.
    for i in range(len(order)):
        begin, end = offsets[i], offsets[i + 1]
        back[end - begin] = 0.0
        for k in range(end - begin - 1, -1, -1):
            at = begin + k
            lows[at], highs[at], deficits[at] = 0, 0, np.inf
            if values[at] & 0xC0 == 0x80:
                back[k] = -np.inf
                continue
            back[k] = best_behind(values, at, begin, end, k == 0, trie, scores, unknown, back)
            deficits[at] = scores[order[i]] - back[k]
            if k > 0:
                lows[at], highs[at] = beginning_with(values, offsets, values, at, end)


@part
def best_behind(values, at, begin, end, whole, trie, scores, unknown, back):
    # The score of the best path from a place in a token to its end, the token itself left out.
    one = character_length(values, at, end)
    best, node, k, single = -np.inf, np.int64(ROOT), at, False
    while k < end:
        node = child_of(trie, node, values[k])
        if node < 0:
            break
        k += 1
        token = trie[node, TOKEN]
        if token >= 0:
            single = single or k == at + one
            if not (whole and k == end):
                best = max(best, np.float64(scores[token]) + back[k - begin])
    if not single:
        best = max(best, np.float64(unknown) + back[at + one - begin])
    return best


@part
def beginning_with(values, offsets, text, start, stop):
    # The range of tokens that begin with text[start:stop].
    low, high = 0, len(offsets) - 1
    for at in range(start, stop):
        byte = np.int64(text[at])
        low = first_past(values, offsets, low, high, at - start, byte - 1)
        high = first_past(values, offsets, low, high, at - start, byte)
    return low, high


@kernel
def mark_viable(
    text, size, best, values, offsets, order, scores, lows, highs, deficits, unknown,
    tolerance, found, unspelled,
):  # fmt: skip
    # Which tokens are the last of the best path through text[:size] and them: found[i]. A path that
    # does not part before the token has one token v across: it is better than the token u where it
    # gains more up to the end of v than u has over the best path through what is left of it.
    # unspelled[v] is 1 where the last character of v is no token, and v wins over its bytes.
    for i in range(len(found)):
        own = deficits[offsets[i]]
        found[i] = YES if own > tolerance else NO if own < -tolerance else DOUBTFUL
    for p in range(size):
        if text[p] & 0xC0 == 0x80:
            continue
        low, high = beginning_with(values, offsets, text, p, size)
        low = first_past(values, offsets, low, high, size - p, -1)
        shared = size - p
        for v in range(low, high):
            score = scores[order[v]]
            gain = np.float64(best[p]) + score - np.float64(best[size])
            rest = offsets[v] + shared
            more = offsets[v + 1] - rest
            for u in range(lows[rest], highs[rest]):
                whole = offsets[u + 1] - offsets[u] == more
                needed = np.float64(scores[order[u]]) if whole else deficits[offsets[u] + more]
                if needed - gain < -tolerance:
                    found[u] = NO
                elif needed - gain <= tolerance and found[u] == YES:
                    found[u] = DOUBTFUL
            first = lows[rest]
            is_token = first < highs[rest] and offsets[first + 1] - offsets[first] == more
            if not is_token and character_length(values, rest, offsets[v + 1]) == more:
                if score + best[p] >= best[size] + unknown:  # as the encoder sums them
                    unspelled[v] = 1


@kernel
def settle_doubtful(
    text, size, best, values, offsets, trie, scores, unknown, lowest, begin, found
):  # fmt: skip
    # As the encoder itself does: where marks are doubtful. ``text``, ``best`` have room behind.
    for i in range(len(found)):
        if found[i] == DOUBTFUL:
            stop = size + offsets[i + 1] - offsets[i]
            for k in range(offsets[i + 1] - offsets[i]):
                text[size + k] = values[offsets[i] + k]
            go_on(text, size, stop, trie, scores, unknown, lowest, best, begin)
            found[i] = YES if begin[stop] == size else NO


@kernel
def advance(
    text, size, stop, trie, scores, unknown, lowest, best, begin, values, offsets
):  # fmt: skip
    # Scores of the best paths to the places of text[size:stop]; the first place that still matters.
    go_on(text, size, stop, trie, scores, unknown, lowest, best, begin)
    for p in range(stop):
        if text[p] & 0xC0 != 0x80:
            low, high = beginning_with(values, offsets, text, p, stop)
            if first_past(values, offsets, low, high, stop - p, -1) < high:
                return p
    return stop


@part
def go_on(text, size, stop, trie, scores, unknown, lowest, best, begin):
    # `encoders.unigram._kernels.best_path`, where the scores up to ``size`` are known already.
    for k in range(size + 1, stop + 1):
        begin[k] = -1
    at = 0
    while at < stop:
        here = best[at]
        if at >= size and here < lowest:
            for k in range(stop + 1):
                best[k] -= here
            here = best[at]
        one = character_length(text, at, stop)
        node, k, single = np.int64(ROOT), at, False
        while k < stop:
            node = child_of(trie, node, text[k])
            if node < 0:
                break
            k += 1
            token = trie[node, TOKEN]
            if token >= 0:
                single = single or k == at + one
                candidate = scores[token] + here
                if k > size and (begin[k] < 0 or candidate > best[k]):
                    best[k], begin[k] = candidate, at
        k = at + one
        if not single and k > size:
            candidate = here + unknown
            if begin[k] < 0 or candidate > best[k]:
                best[k], begin[k] = candidate, at
        at += one
