"""Finding added tokens in text, and putting their ids between those of the text around them."""

import numpy as np

from encoders.jit import kernel


@kernel
def find_longest(text, bounds, document, position, trie, token_at, first, starts, stops, which):
    """Leftmost-longest matches, never across a document bound.

    ``trie``: int32[nodes, 256], 0 where there is no child; ``token_at``: int32[nodes], token
    index or -1; ``first``: bool[256], bytes that begin a token. Returns (matches, document,
    position); full arrays mean that there may be more.
    """
    count = 0
    while document < len(bounds) - 1:
        end = bounds[document + 1]
        while position < end:
            if not first[text[position]]:
                position += 1
                continue
            node, found, stop = 0, -1, position
            at = position
            while at < end:
                node = trie[node, text[at]]
                if node == 0:
                    break
                at += 1
                if token_at[node] >= 0:
                    found, stop = token_at[node], at
            if found < 0:
                position += 1
                continue
            if count == len(starts):
                return count, document, position
            starts[count], stops[count], which[count] = position, stop, found
            count += 1
            position = stop
        document += 1
    return count, document, position


@kernel
def stitch(ids, id_bounds, replaced, segment_of, out, out_bounds):
    """Join segments into documents, a segment with ``replaced[s] >= 0`` becoming that one id.

    ``segment_of``: int64[documents + 1], first segment of each document. Returns ids written.
    """
    at = 0
    for document in range(len(segment_of) - 1):
        for segment in range(segment_of[document], segment_of[document + 1]):
            if replaced[segment] >= 0:
                out[at] = np.uint32(replaced[segment])
                at += 1
            else:
                for k in range(id_bounds[segment], id_bounds[segment + 1]):
                    out[at] = ids[k]
                    at += 1
        out_bounds[document + 1] = at
    return at
