"""Which tokens may stand next to each other inside a piece.

A string of tokens is what BPE makes of its bytes, or of its characters, exactly if each two
neighbours are what it makes of theirs: merges inside tokens come in the same order whatever stands
around them, so the first merge across a border would come first of the two tokens alone too.

Where merges rank after those that make their parts, time is rank, and a merge of ``x`` and ``y``
across a border comes first if ``x`` still ends the left token and ``y`` begins the right one at
its rank. What begins a token over time is a path in the tree of left parts, so the tokens that
a merge blocks are ranges of that tree laid out depth first.

Elsewhere a merge may be possible only when its own rank is past; it comes at once then. Time is the
last rank so far, of a token the last rank of all merges in it. Where two merges come at one time,
it is tried out which is the first.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from encoders.bpe import scratch
from encoders.bpe.tables import BpeTables
from encoders.buffers import ABSENT, Bytes, Ids, Offsets

Flags = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Lasts:
    """The two that merge last into each token of its own symbols, and when they do."""

    lefts: Ids
    rights: Ids
    ranks: Offsets


@dataclass(frozen=True, eq=False)
class _Trees:
    """Left trees of the tokens, laid out, and merges by their left token; see the kernels."""

    merge_bounds: Offsets
    merge_rights: Ids
    merge_ranks: Offsets
    child_bounds: Offsets
    children: Ids
    places: Offsets
    sizes: Offsets


class Junctions:
    """Neighbours in BPE of ``tables``; nothing is computed before it is asked for."""

    def __init__(self, tables: BpeTables) -> None:
        """Raises ValueError where a character is another symbol at the end of a piece."""
        if (tables.char_values != tables.char_values[:1]).any():
            raise ValueError("junctions are known where symbols do not depend on their place")
        self._tables = tables
        self._size = len(tables.offsets) - 1
        self.ordered = bool(tables.options[3])
        """Whether merges rank after those that make their parts."""

    @cached_property
    def whole(self) -> Flags:
        """Tokens that their own symbols merge into: uint8[V], 0 or 1."""
        symbols, bounds = self._symbols
        found: Flags = (self._lasts.lefts != ABSENT).astype(np.uint8)
        alone = np.flatnonzero(np.diff(bounds) == 1)
        found[alone] |= symbols[bounds[alone]] == alone
        return found

    @cached_property
    def _symbols(self) -> tuple[Ids, Offsets]:
        """What all tokens are before anything merges, ABSENT where that is no token: uint32[n],
        int64[V + 1]."""
        tables, size = self._tables, int(self._tables.offsets[-1])
        if not tables.options[0]:
            return tables.byte_ids[tables.vocab[:size]], tables.offsets
        starts = np.flatnonzero(tables.vocab[:size] & 0xC0 != 0x80)
        found = _packed(tables.vocab, starts, np.append(starts[1:], size))
        known = _packed(tables.char_keys, tables.char_offsets[:-1], tables.char_offsets[1:])
        order = np.argsort(known)
        at = np.minimum(np.searchsorted(known[order], found), len(known) - 1)
        ids = tables.char_values[0][order][at]
        ids[known[order][at] != found] = ABSENT
        return ids, np.searchsorted(starts, tables.offsets).astype(np.int64)

    @cached_property
    def spots(self) -> Ids:
        """Where in `marks` each token has its mark: uint32[V]."""
        places = self._trees.places
        return np.where(places < 0, self._size, places).astype(np.uint32)

    def marks(self, token: int) -> Flags:
        """1 for what may not stand right of ``token`` in one piece, 0 for the others of `whole`:
        uint8[V + 1], the mark of token ``t`` at ``spots[t]``."""
        from encoders.bpe import _junction_kernels

        trees = self._trees
        blocked = np.zeros(self._size + 1, np.uint8)
        blocked[self._size] = 1
        _junction_kernels.block_followers(
            token,
            self._lasts.rights,
            self._lasts.ranks,
            trees.merge_bounds,
            trees.merge_rights,
            trees.merge_ranks,
            trees.child_bounds,
            trees.children,
            trees.places,
            trees.sizes,
            self.ordered,
            blocked,
        )
        if self.ordered:
            return blocked
        doubtful = np.flatnonzero(blocked[self.spots] == 2)
        if len(doubtful):
            offsets = self._tables.offsets
            left = self._tables.vocab[offsets[token] : offsets[token + 1]].tobytes()
            blocked[self.spots[doubtful]] = 1 - self._merged_to(left, doubtful, token)[doubtful]
        return blocked

    def after(self, token: int) -> Flags:
        """Tokens that may stand right of ``token`` in one piece, of those in `whole`: uint8[V]."""
        allowed: Flags = 1 - self.marks(token)[self.spots]
        return allowed

    def _merged_to(self, left: bytes, rights: Offsets, token: int) -> Flags:
        """By merging: which of ``rights`` stay themselves behind the bytes of ``token``."""
        from encoders.bpe import _kernels

        tables = self._tables
        pieces = [
            left + tables.vocab[tables.offsets[id_] : tables.offsets[id_ + 1]].tobytes()
            for id_ in rights
        ]
        text = np.frombuffer(b"".join(pieces) + bytes(64), np.uint8)
        bounds = np.zeros(len(pieces) + 1, np.int64)
        np.cumsum([len(piece) for piece in pieces], out=bounds[1:])
        kept = np.flatnonzero(np.diff(bounds) > 0)
        ids = np.empty(int(bounds[-1]) + 64, np.uint32)
        id_bounds = np.zeros(len(bounds), np.int64)
        room = scratch.long_piece(int(np.diff(bounds).max(initial=1)), len(tables.merges))
        nothing = np.full(16, 0xFFFFFFFFFFFFFFFF, np.uint64)
        document, _, at = _kernels.encode_stepwise(
            text, bounds, bounds[kept + 1], 0, 0, ids, 0, id_bounds,
            (nothing, tables.vocab, tables.offsets), tables.stepwise_arguments, room, 0.0,
        )  # fmt: skip
        id_bounds[document + 1 :] = at
        found = np.zeros(self._size, np.uint8)
        kept = kept[np.diff(id_bounds)[kept] == 2]
        stops = id_bounds[kept + 1]
        same = (ids[stops - 1] == rights[kept]) & (ids[stops - 2] == token)
        found[rights[kept[same]]] = 1
        return found

    @cached_property
    def _lasts(self) -> _Lasts:
        from encoders.bpe import _junction_kernels

        tables, size = self._tables, self._size
        lefts, rights = np.full(size, ABSENT, np.uint32), np.full(size, ABSENT, np.uint32)
        ranks = np.full(size, -1, np.int64)
        symbols, bounds = self._symbols
        room = np.empty(int(np.diff(bounds).max(initial=1)), np.uint32)
        _junction_kernels.last_merges(
            symbols, bounds, tables.pairs, tables.pair_shift, room, lefts, rights, ranks
        )
        return _Lasts(lefts, rights, ranks)

    @cached_property
    def _trees(self) -> _Trees:
        from encoders.bpe import _junction_kernels

        size, ids = self._size, np.flatnonzero(self.whole)
        lefts, ranks = self._lasts.lefts, self._lasts.ranks
        by_rank = ids[np.lexsort((np.diff(self._symbols[1])[ids], ranks[ids]))]
        sizes, places = np.zeros(size, np.int64), np.full(size, -1, np.int64)
        free = np.zeros(size, np.int64)
        _junction_kernels.lay_out_left_trees(by_rank, lefts, sizes, free, places)
        made = by_rank[lefts[by_rank] != ABSENT]
        children = made[np.argsort(lefts[made], kind="stable")].astype(np.uint32)
        merges, merge_ranks = self._merges()
        return _Trees(
            _bounds(merges[:, 0], size),
            merges[:, 1].copy(),
            merge_ranks,
            _bounds(lefts[children], size),
            children,
            places,
            sizes,
        )

    def _merges(self) -> tuple[Ids, Offsets]:
        """The merges that count, by left token and then rank; a later one of a pair replaces."""
        from encoders.bpe import _junction_kernels

        tables, merges = self._tables, self._tables.merges
        ranks = np.empty(len(merges), np.int64)
        _junction_kernels.ranks_of(merges, tables.pairs, tables.pair_shift, ranks)
        keys = merges[:, 0].astype(np.uint64) << np.uint64(32) | merges[:, 1]
        last = len(keys) - 1 - np.unique(keys[::-1], return_index=True)[1]
        order = last[np.lexsort((ranks[last], merges[last, 0]))]
        return merges[order], ranks[order]


def _packed(flat: Bytes, starts: Offsets, stops: Offsets) -> NDArray[np.int64]:
    """Characters of at most four bytes as numbers."""
    found = np.zeros(len(starts), np.int64)
    for k in range(4):
        inside = starts + k < stops
        found[inside] = found[inside] << 8 | flat[starts[inside] + k]
    return found


def _bounds(lefts: Ids, size: int) -> Offsets:
    """Of rows in the order of their left token: where those of each token begin."""
    return np.concatenate([[0], np.cumsum(np.bincount(lefts, minlength=size))]).astype(np.int64)
