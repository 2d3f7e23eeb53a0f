"""What the merge kernels need to know of a vocabulary, as plain arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets

Ids = NDArray[np.uint32]
Words = NDArray[np.uint64]

ABSENT = 0xFFFFFFFF
_ONES = np.uint64(0xFFFFFFFFFFFFFFFF)
_MOST_MERGES = 1 << 26  # ranks share a word with an index in the short merge


@dataclass(frozen=True, eq=False)
class BpeTables:
    """A BPE vocabulary ready for the kernels. Arrays only, so it stores and maps as one binary.

    Two kinds of initial symbols: bytes (``char_values`` empty) and characters.
    """

    vocab: Bytes
    """Bytes of all tokens end to end, and 16 spare."""
    offsets: Offsets
    """int64[V + 1]: token ``i`` is ``vocab[offsets[i]:offsets[i + 1]]``; empty where ``i`` is no
    token."""
    merges: Ids
    """uint32[M, 3]: left, right and merged id, in rank order."""
    pairs: Words
    """uint64[n, 2], open addressing: ``left << 32 | right`` to ``rank << 32 | merged``."""
    whole: Words
    """uint64[n], open addressing: ``half a hash << 32 | id`` of the tokens that a piece equal to
    them becomes outright."""
    byte_ids: Ids
    """uint32[256]: symbol of each byte (byte fallback where symbols are characters)."""
    char_ids: Ids
    """uint32[65536] or empty: the token that a two- or three-byte character merges into."""
    char_ranks: Ids
    """uint32[65536]: rank of the last merge inside that character."""
    lead_ranks: Ids
    """uint32[64, 257]: least rank of a merge of the beginning of a character (by its lead byte)
    with what ends in a given byte before it; 256 is the edge of the piece."""
    tail_ranks: Ids
    """uint32[64, 257]: the same of the end of a character with what begins after it."""
    pair_ids: Ids
    """uint32[256, 256] or empty: what two bytes merge into."""
    pair_ranks: Ids
    """uint32[256, 256]: the rank of that merge."""
    left_ranks: Ids
    """uint32[257, 256]: least rank of a merge of a byte with what ends in a byte before it."""
    right_ranks: Ids
    """uint32[256, 257]: the same with what begins after it."""
    char_slots: Words
    """uint64[4, n]: hash tables from a character alone, first, last, inner in a piece."""
    char_keys: Bytes
    char_offsets: Offsets
    char_values: Ids
    """uint32[4, m]: symbol of each character in each of the four places."""
    options: NDArray[np.int64]
    """(symbols are characters, unknown id or ABSENT, fuse unknowns)."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Field name to array."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def pair_shift(self) -> np.uint64:
        """Right shift that takes a 64-bit hash to a slot of ``pairs``."""
        return np.uint64(64 - (len(self.pairs).bit_length() - 1))

    @property
    def merge_arguments(self) -> tuple[Any, ...]:
        """The tables in the shape the merge kernels take."""
        return self._arguments(self.pair_ids)

    @property
    def stepwise_arguments(self) -> tuple[Any, ...]:
        """The same, with every merge made one by one from bytes: dropout may refuse any."""
        return self._arguments(self.pair_ids[:0])

    def _arguments(self, pair_ids: Ids) -> tuple[Any, ...]:
        by_character, unknown, fuse = (int(option) for option in self.options)
        characters = (self.char_ids, self.char_ranks, self.lead_ranks, self.tail_ranks)
        byte_pairs = (pair_ids, self.pair_ranks, self.left_ranks, self.right_ranks)
        char_tables = (self.char_slots, self.char_keys, self.char_offsets, self.char_values)
        initial = (
            bool(by_character),
            self.byte_ids,
            characters,
            byte_pairs,
            char_tables,
            np.uint32(unknown),
            bool(fuse),
        )
        return self.pairs, self.pair_shift, initial


def tables_from_ranks(tokens: Sequence[bytes]) -> BpeTables:
    """Tables of a rank vocabulary (tiktoken): a token's index is its id and its rank.

    Any two neighbours whose bytes together are a token merge, lowest rank first; a piece that is
    a token becomes it outright. Empty entries are ids without a token.

    Raises ValueError where one of the 256 bytes is not a token.
    """
    from encoders.bpe import _kernels

    vocab, offsets = _flat(tokens)
    byte_ids = _byte_ids(tokens)
    if (byte_ids == ABSENT).any():
        missing = int(np.flatnonzero(byte_ids == ABSENT)[0])
        raise ValueError(f"byte 0x{missing:02X} is not a token of this rank vocabulary")
    pairs, shift = _pair_table(len(tokens))
    order = np.flatnonzero(np.diff(offsets) > 0).astype(np.int64)
    parts = np.empty((3, len(tokens)), np.uint32)
    found = _kernels.merges_of_ranks(
        vocab, offsets, order, byte_ids, pairs, shift, *parts, merge_scratch(_longest(offsets))
    )
    merges = np.ascontiguousarray(parts[:, :found].T)
    return _assemble(vocab, offsets, merges, pairs, byte_ids, whole_ids=order)


def tables_from_merges(
    tokens: Sequence[bytes],
    merges: NDArray[np.uint32],
    byte_ids: NDArray[np.uint32],
    *,
    ignore_merges: bool = False,
    characters: Sequence[Mapping[bytes, int]] | None = None,
    unknown: int | None = None,
    fuse_unknown: bool = False,
    ranks: NDArray[np.uint32] | None = None,
) -> BpeTables:
    """Tables of a merge list (`tokenizers`): ``merges`` is (left, right, merged), best first.

    ``tokens[id]`` are the bytes of a token as it stands in text. Without ``characters`` the
    symbols are bytes, ``byte_ids`` gives them and a byte with ABSENT vanishes. With
    ``characters`` (four mappings, of a character alone, first, last and inner in a piece) they
    are characters, and ``byte_ids`` is the fallback, all ABSENT where there is none.
    ``ignore_merges``: a piece that is a token becomes it even where merging would not make it.
    ``ranks`` (uint32[M], ascending) are those of the merges where some share one, as all the
    ways to make a token do in SentencePiece; of equal ranks the leftmost pair merges.
    """
    if len(merges) >= _MOST_MERGES:
        raise ValueError(f"{len(merges)} merges; the kernels hold fewer than {_MOST_MERGES}")
    from encoders.bpe import _kernels

    vocab, offsets = _flat(tokens)
    merges = np.ascontiguousarray(merges, np.uint32).reshape(-1, 3)
    pairs, shift = _pair_table(len(merges))
    if ranks is None:
        ranks = np.arange(len(merges), dtype=np.uint32)
    _kernels.fill_pairs(pairs, shift, *np.ascontiguousarray(merges.T), ranks)
    options = np.array(
        [characters is not None, ABSENT if unknown is None else unknown, fuse_unknown], np.int64
    )
    tables = _assemble(
        vocab, offsets, merges, pairs, byte_ids, np.empty(0, np.int64), options, characters
    )
    if ignore_merges:
        whole_ids = np.flatnonzero(np.diff(offsets) > 0).astype(np.int64)
    else:
        scratch = merge_scratch(_longest(offsets))
        whole_ids = np.flatnonzero(
            _kernels.tokens_that_merge_whole(vocab, offsets, tables.merge_arguments, scratch)
        ).astype(np.int64)
    arrays = tables.arrays() | {"whole": _whole_table(vocab, offsets, whole_ids)}
    return BpeTables(**arrays)


def merge_scratch(longest: int) -> tuple[NDArray[Any], ...]:
    """What merging one piece of up to ``longest`` bytes needs beside the tables."""
    room = max(longest, 64)
    return (
        np.empty(room, np.uint32),
        np.empty(64, np.uint32),
        np.empty(64, np.uint32),
        np.empty((2, room), np.int64),
        np.empty(3 * room, np.uint64),
    )


def _longest(offsets: Offsets) -> int:
    return int(np.diff(offsets).max(initial=1))


def _assemble(
    vocab: Bytes,
    offsets: Offsets,
    merges: Ids,
    pairs: Words,
    byte_ids: Ids,
    whole_ids: Offsets,
    options: NDArray[np.int64] | None = None,
    characters: Sequence[Mapping[bytes, int]] | None = None,
) -> BpeTables:
    char_slots, char_keys, char_offsets, char_values = _char_tables(characters)
    if options is None:
        options = np.array([False, ABSENT, False], np.int64)
    made_at = _order_of_making(merges, len(offsets) - 1) if characters is None else None
    safe = _character_tables(vocab, offsets, merges, made_at)
    sure_pairs = _pair_tables(vocab, offsets, merges, made_at, byte_ids)
    return BpeTables(
        vocab,
        offsets,
        merges,
        pairs,
        _whole_table(vocab, offsets, whole_ids),
        np.ascontiguousarray(byte_ids, np.uint32),
        *safe,
        *sure_pairs,
        char_slots,
        char_keys,
        char_offsets,
        char_values,
        options,
    )


def _flat(tokens: Sequence[bytes]) -> tuple[Bytes, Offsets]:
    offsets = np.zeros(len(tokens) + 1, np.int64)
    np.cumsum([len(token) for token in tokens], out=offsets[1:])
    return np.frombuffer(b"".join(tokens) + bytes(16), np.uint8).copy(), offsets


def _byte_ids(tokens: Sequence[bytes]) -> Ids:
    ids = np.full(256, ABSENT, np.uint32)
    for id_, token in enumerate(tokens):
        if len(token) == 1:
            ids[token[0]] = id_
    return ids


def _power_of_two(least: int) -> int:
    return 1 << max(4, (least - 1).bit_length())


def _pair_table(merges: int) -> tuple[Words, np.uint64]:
    size = _power_of_two(2 * merges)
    return np.full((size, 2), _ONES, np.uint64), np.uint64(64 - (size.bit_length() - 1))


def _whole_table(vocab: Bytes, offsets: Offsets, ids: Offsets) -> Words:
    from encoders.bpe import _kernels

    whole = np.full(_power_of_two(2 * len(ids)), _ONES, np.uint64)
    _kernels.fill_whole(whole, vocab, offsets, ids)
    return whole


def _char_tables(
    characters: Sequence[Mapping[bytes, int]] | None,
) -> tuple[Words, Bytes, Offsets, Ids]:
    keys = sorted(set().union(*characters)) if characters else []
    flat, offsets = _flat(keys)
    values = np.full((4, len(keys)), ABSENT, np.uint32)
    slots = []
    for place, mapping in enumerate(characters or ()):
        present = [i for i, key in enumerate(keys) if key in mapping]
        values[place, present] = [mapping[keys[i]] for i in present]
        slots.append((flat, offsets, np.array(present, np.int64)))
    size = _power_of_two(2 * len(keys))
    tables = np.full((4, size), _ONES, np.uint64)
    if slots:
        from encoders.bpe import _kernels

        for place, (flat_keys, key_offsets, present_ids) in enumerate(slots):
            _kernels.fill_whole(tables[place], flat_keys, key_offsets, present_ids)
    return tables, flat, offsets, values


def _order_of_making(merges: Ids, tokens: int) -> Offsets | None:
    """int64[V]: the merge that makes each token, -1 for none; None unless every merge comes after
    those that make its parts, and no token is made in two ways."""
    ranks = np.arange(len(merges), dtype=np.int64)
    left, right, merged = merges.T.astype(np.int64)
    made_at = np.full(tokens, -1, np.int64)
    made_at[merged] = ranks
    if (made_at[left] >= ranks).any() or (made_at[right] >= ranks).any():
        return None
    return made_at if len(np.unique(merged)) == len(merged) else None


def _character_tables(
    vocab: Bytes, offsets: Offsets, merges: Ids, made_at: Offsets | None
) -> tuple[Ids, Ids, Ids, Ids]:
    """char_ids, char_ranks, lead_ranks, tail_ranks of `BpeTables`; empty where merges are not in
    the order that makes them exact (see ``byte_symbols`` in ``_kernels``)."""
    none = np.empty(0, np.uint32), np.empty(0, np.uint32), *(np.empty((0, 0), np.uint32),) * 2
    if made_at is None or not len(merges):
        return none
    ranks = np.arange(len(merges), dtype=np.int64)
    left, right, _ = merges.T.astype(np.int64)
    lengths = np.diff(offsets)
    first, last = vocab[offsets[:-1]], vocab[np.maximum(offsets[1:] - 1, 0)]
    continuation = np.concatenate(([0], np.cumsum((vocab & 0xC0) == 0x80)))
    inner = continuation[offsets[1:]] - continuation[offsets[:-1]]
    needed = 1 + (first >= 0xC2).astype(np.int64) + (first >= 0xE0) + (first >= 0xF0)
    headed = (first >= 0xC2) & (inner == lengths - 1)
    begins = headed & (lengths < needed)  # the beginning of a character, not all of it
    ends = (inner == lengths) & (lengths > 0)  # continuation bytes only
    lead_ranks = np.full((64, 257), ABSENT, np.uint32)
    tail_ranks = np.full((64, 257), ABSENT, np.uint32)
    torn = begins[right]
    np.minimum.at(lead_ranks, (first[right[torn]] & 0x3F, last[left[torn]]), ranks[torn])
    torn = ends[left]
    np.minimum.at(tail_ranks, (last[left[torn]] & 0x3F, first[right[torn]]), ranks[torn])
    char_ids = np.full(1 << 16, ABSENT, np.uint32)
    char_ranks = np.full(1 << 16, ABSENT, np.uint32)
    whole = headed & (lengths == needed) & (lengths < 4) & (made_at >= 0)
    for id_ in np.flatnonzero(whole).tolist():
        try:
            code = ord(vocab[offsets[id_] : offsets[id_ + 1]].tobytes().decode())
        except UnicodeDecodeError:
            continue
        char_ids[code], char_ranks[code] = id_, made_at[id_]
    return char_ids, char_ranks, lead_ranks, tail_ranks


def _pair_tables(
    vocab: Bytes, offsets: Offsets, merges: Ids, made_at: Offsets | None, byte_ids: Ids
) -> tuple[Ids, Ids, Ids, Ids]:
    """pair_ids, pair_ranks, left_ranks, right_ranks of `BpeTables`; empty as above, or where
    a byte has no token."""
    if made_at is None or not len(merges) or (byte_ids == ABSENT).any():
        return (np.empty((0, 0), np.uint32),) * 4
    ranks = np.arange(len(merges), dtype=np.int64)
    left, right, merged = merges.T.astype(np.int64)
    lengths = np.diff(offsets)
    first, last = vocab[offsets[:-1]], vocab[np.maximum(offsets[1:] - 1, 0)]
    single_left, single_right = lengths[left] == 1, lengths[right] == 1
    both = single_left & single_right
    pair_ids = np.full((256, 256), ABSENT, np.uint32)
    pair_ranks = np.full((256, 256), ABSENT, np.uint32)
    pair_ids[first[left[both]], first[right[both]]] = merged[both]
    pair_ranks[first[left[both]], first[right[both]]] = ranks[both]
    left_ranks = np.full((257, 256), ABSENT, np.uint32)
    right_ranks = np.full((256, 257), ABSENT, np.uint32)
    at = last[left[single_right]], first[right[single_right]]
    np.minimum.at(left_ranks, at, ranks[single_right])
    at = last[left[single_left]], first[right[single_left]]
    np.minimum.at(right_ranks, at, ranks[single_left])
    return pair_ids, pair_ranks, left_ranks, right_ranks
