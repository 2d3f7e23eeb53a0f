"""One automaton over all added tokens: leftmost, then longest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Ids, Offsets


@dataclass(frozen=True, eq=False)
class Matches:
    """``starts``, ``stops``: byte spans in order, not overlapping; ``which``: pattern indices."""

    starts: Offsets
    stops: Offsets
    which: Offsets


@dataclass(frozen=True, eq=False)
class Matcher:
    """A byte trie with a filter on the first byte."""

    trie: NDArray[np.int32]
    token_at: NDArray[np.int32]
    first: NDArray[np.bool_]

    @staticmethod
    def build(patterns: Sequence[bytes]) -> "Matcher":
        """A matcher of non-empty patterns; of equal ones the last counts."""
        children: list[dict[int, int]] = [{}]
        tokens = [-1]
        for index, pattern in enumerate(patterns):
            if not pattern:
                raise ValueError(f"pattern {index} is empty")
            node = 0
            for byte in pattern:
                if byte not in children[node]:
                    children[node][byte] = len(children)
                    children.append({})
                    tokens.append(-1)
                node = children[node][byte]
            tokens[node] = index
        trie = np.zeros((len(children), 256), np.int32)
        for node, edges in enumerate(children):
            trie[node, list(edges)] = list(edges.values())
        return Matcher(trie, np.array(tokens, np.int32), trie[0] > 0)

    def find(self, text: Bytes, bounds: Offsets) -> Matches:
        """All matches in a batch of documents (text: uint8 with PADDING, bounds: int64[n + 1])."""
        from encoders.match import _kernels

        found: list[Offsets] = []
        document, position = 0, int(bounds[0])
        while document < len(bounds) - 1:
            spans = np.empty((3, 4096), np.int64)
            count, document, position = _kernels.find_longest(
                text, bounds, document, position, self.trie, self.token_at, self.first, *spans
            )
            if count:
                found.append(spans[:, :count])
        starts, stops, which = np.concatenate(found or [np.empty((3, 0), np.int64)], axis=1)
        return Matches(starts, stops, which)


def stitch(
    ids: Ids, id_bounds: Offsets, replaced: Offsets, segment_of: Offsets
) -> tuple[Ids, Offsets]:
    """Join segments into documents; ``replaced[s] >= 0`` puts that id in place of segment s.

    ``segment_of``: int64[documents + 1], the first segment of each document.
    """
    from encoders.match import _kernels

    out = np.empty(len(ids) + len(replaced), np.uint32)
    out_bounds = np.zeros(len(segment_of), np.int64)
    count = _kernels.stitch(ids, id_bounds, replaced, segment_of, out, out_bounds)
    return out[:count], out_bounds
