import math

from encoders.jit import kernel, part


@part
def child_of(words, first, node, word):
    # The child of a node by this word; -1 where there is none.
    low, high = first[node], first[node + 1]
    while low < high:
        middle = (low + high) >> 1
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    return low if low < first[node + 1] and words[low] == word else -1


@part
def nodes_of(words, first, contexts, row, nodes):
    # nodes[j]: of the last j + 1 ids of a context, -1 padded on the left; returns how many are.
    width = contexts.shape[1]
    for length in range(1, width + 1):
        if contexts[row, width - length] < 0:
            return length - 1
        node = contexts[row, width - length]
        for i in range(width - length + 1, width):
            node = child_of(words, first, node, contexts[row, i])
            if node < 0:
                return length - 1
        if node >= len(first) - 1:
            return length - 1
        nodes[length - 1] = node
    return width


@kernel
def fill_rows(words, first, shares, rests, base, log_base, contexts, nodes, out):
    # out[row]: log-probabilities of all ids after each context. What follows a context follows
    # its shorter endings too, so that only children of the last id differ from a scaled base.
    for row in range(len(contexts)):
        found = nodes_of(words, first, contexts, row, nodes)
        scale = 1.0
        for j in range(found):
            scale *= rests[nodes[j]]
        logs = out[row]
        log_scale = math.log(scale)
        for i in range(len(logs)):
            logs[i] = log_base[i] + log_scale
        if not found:
            continue
        start, stop = first[nodes[0]], first[nodes[0] + 1]
        for child in range(start, stop):
            logs[words[child]] = base[words[child]] * scale
        above = 1.0
        for j in range(found - 1, -1, -1):
            for child in range(first[nodes[j]], first[nodes[j] + 1]):
                logs[words[child]] += above * shares[child]
            above *= rests[nodes[j]]
        for child in range(start, stop):
            logs[words[child]] = math.log(logs[words[child]])


@kernel
def fill_probs(words, first, shares, rests, base, contexts, nodes, ids, out):
    # out[row, j]: probability of ids[row, j] after each context.
    for row in range(len(contexts)):
        found = nodes_of(words, first, contexts, row, nodes)
        for j in range(ids.shape[1]):
            prob = base[ids[row, j]]
            for level in range(found):
                child = child_of(words, first, nodes[level], ids[row, j])
                prob *= rests[nodes[level]]
                prob += shares[child] if child >= 0 else 0.0
            out[row, j] = prob
