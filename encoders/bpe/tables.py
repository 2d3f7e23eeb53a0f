"""What the merge kernels need to know of a vocabulary, as plain arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.bpe import scratch
from encoders.bpe.sure import no_sure_tables, sure_tables
from encoders.buffers import ABSENT, Bytes, Ids, Offsets, aligned

Words = NDArray[np.uint64]

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
    """uint64[8 n], buckets of four; see ``_symbol_kernels``."""
    whole: Words
    """uint64[n], open addressing: ``half a hash << 32 | id`` of the tokens that a piece equal to
    them becomes outright."""
    byte_ids: Ids
    """uint32[256]: symbol of each byte (byte fallback where symbols are characters)."""
    chars: Ids
    """uint32[131072] or empty: for each two- or three-byte character the rank of the last merge
    inside it, and the token that it merges into."""
    lead_ranks: Ids
    """uint32[64, 257]: least rank of a merge of the beginning of a character (by its lead byte)
    with what ends in a given byte before it; 256 is the edge of the piece."""
    tail_ranks: Ids
    """uint32[64, 257]: the same of the end of a character with what begins after it."""
    byte_pairs: Ids
    """uint32[131072] or empty: for each two bytes the rank of their merge, and its token."""
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
    """(symbols are characters, unknown id or ABSENT, fuse unknowns, no merge ranks before those
    that make its parts)."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Field name to array."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def pair_shift(self) -> np.uint64:
        """Right shift that takes a 64-bit hash to a bucket of ``pairs``."""
        return _pair_shift(self.pairs)

    @property
    def merge_arguments(self) -> tuple[Any, ...]:
        """The tables in the shape the merge kernels take."""
        return self._arguments(self.byte_pairs)

    @property
    def stepwise_arguments(self) -> tuple[Any, ...]:
        """The same, with every merge made one by one from bytes: dropout may refuse any."""
        return self._arguments(self.byte_pairs[:0])

    def _arguments(self, byte_pairs: Ids) -> tuple[Any, ...]:
        by_character, unknown, fuse, ordered = (int(option) for option in self.options)
        characters = (self.chars, self.lead_ranks, self.tail_ranks)
        pairs_of_bytes = (byte_pairs, self.left_ranks, self.right_ranks)
        char_tables = (self.char_slots, self.char_keys, self.char_offsets, self.char_values)
        initial = (
            bool(by_character),
            self.byte_ids,
            characters,
            pairs_of_bytes,
            char_tables,
            np.uint32(unknown),
            bool(fuse),
        )
        return self.pairs, self.pair_shift, bool(ordered), initial


def tables_from_ranks(tokens: Sequence[bytes]) -> BpeTables:
    """Tables of a rank vocabulary (tiktoken): a token's index is its id and its rank.

    Any two neighbours whose bytes together are a token merge, lowest rank first; a piece that is
    a token becomes it outright. Empty entries are ids without a token.

    Raises ValueError where one of the 256 bytes is not a token.
    """
    from encoders.bpe import _kernels, _symbol_kernels

    vocab, offsets = _flat(tokens)
    byte_ids = _byte_ids(tokens)
    if (byte_ids == ABSENT).any():
        missing = int(np.flatnonzero(byte_ids == ABSENT)[0])
        raise ValueError(f"byte 0x{missing:02X} is not a token of this rank vocabulary")
    pairs, shift = _pair_table(len(tokens))
    whole = np.flatnonzero(np.diff(offsets) > 0).astype(np.int64)
    by_length = whole[np.argsort(np.diff(offsets)[whole], kind="stable")]
    merges = np.empty((len(tokens), 3), np.uint32)
    room = scratch.long_piece(_longest(offsets), len(tokens))
    found = _kernels.merges_of_ranks(
        vocab, offsets, by_length, byte_ids, pairs, shift, merges, room
    )
    merges = merges[:found][np.argsort(merges[:found, 2])]
    ranks = np.arange(found, dtype=np.uint32)
    pairs, shift = _pair_table(found)
    _symbol_kernels.fill_pairs(pairs, shift, *np.ascontiguousarray(merges.T), ranks)
    ordered = _are_ordered(merges, ranks, len(tokens))
    options = np.array([False, ABSENT, False, ordered], np.int64)
    plain = _stepwise(vocab, offsets, merges, pairs, byte_ids, options)
    merge_whole = np.zeros(len(tokens), np.bool_)
    merge_whole[merges[:, 2]] = True
    return _quickened(plain, whole, merge_whole)


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
    from encoders.bpe import _symbol_kernels

    vocab, offsets = _flat(tokens)
    merges = np.ascontiguousarray(merges, np.uint32).reshape(-1, 3)
    pairs, shift = _pair_table(len(merges))
    if ranks is None:
        ranks = np.arange(len(merges), dtype=np.uint32)
    _symbol_kernels.fill_pairs(pairs, shift, *np.ascontiguousarray(merges.T), ranks)
    how = (characters is not None, ABSENT if unknown is None else unknown, fuse_unknown)
    options = np.array([*how, _are_ordered(merges, ranks, len(tokens))], np.int64)
    plain = _stepwise(vocab, offsets, merges, pairs, byte_ids, options, characters)
    merge_whole = _merge_whole(plain)
    whole = np.diff(offsets) > 0 if ignore_merges else merge_whole
    return _quickened(plain, np.flatnonzero(whole).astype(np.int64), merge_whole)


def _merge_whole(plain: BpeTables) -> NDArray[np.bool_]:
    """bool[V]: which tokens their own bytes merge into."""
    from encoders.bpe import _kernels

    offsets = plain.offsets
    kept = np.flatnonzero(np.diff(offsets) > 0)
    ids = np.empty(int(offsets[-1]), np.uint32)
    id_bounds = np.zeros(len(offsets), np.int64)
    room = scratch.long_piece(_longest(offsets), len(plain.merges))
    document, _, at = _kernels.encode_stepwise(
        plain.vocab,
        offsets,
        offsets[kept + 1],
        0,
        0,
        ids,
        0,
        id_bounds,
        (plain.whole, plain.vocab, offsets),
        plain.merge_arguments,
        room,
        0.0,
    )
    id_bounds[document + 1 :] = at
    found = np.zeros(len(offsets) - 1, np.bool_)
    found[kept] = (np.diff(id_bounds)[kept] == 1) & (ids[id_bounds[kept]] == kept)
    return found


def _are_ordered(merges: Ids, ranks: Ids, tokens: int) -> bool:
    """Whether every merge ranks after all those that make its parts."""
    made_at = np.full(tokens, -1, np.int64)
    np.maximum.at(made_at, merges[:, 2], ranks.astype(np.int64))
    return bool((made_at[merges[:, :2]] < ranks[:, None]).all())


def _longest(offsets: Offsets) -> int:
    return int(np.diff(offsets).max(initial=1))


def _stepwise(
    vocab: Bytes,
    offsets: Offsets,
    merges: Ids,
    pairs: Words,
    byte_ids: Ids,
    options: NDArray[np.int64],
    characters: Sequence[Mapping[bytes, int]] | None = None,
) -> BpeTables:
    """Tables with which every merge is made one by one."""
    char_slots, char_keys, char_offsets, char_values = _char_tables(characters)
    return BpeTables(
        vocab=vocab,
        offsets=offsets,
        merges=merges,
        pairs=pairs,
        whole=_whole_table(vocab, offsets, np.empty(0, np.int64)),
        byte_ids=np.ascontiguousarray(byte_ids, np.uint32),
        **no_sure_tables(),
        char_slots=char_slots,
        char_keys=char_keys,
        char_offsets=char_offsets,
        char_values=char_values,
        options=options,
    )


def _quickened(plain: BpeTables, whole_ids: Offsets, merge_whole: NDArray[np.bool_]) -> BpeTables:
    """The same tables with what spares merges: tokens that pieces are outright, ``whole_ids``,
    and merges that are sure; ``merge_whole``: bool[V], tokens that their bytes merge into."""
    vocab, offsets = plain.vocab, plain.offsets
    arrays = plain.arrays() | {"whole": _whole_table(vocab, offsets, whole_ids)}
    if not plain.options[0]:
        arrays |= sure_tables(vocab, offsets, plain.merges, plain.byte_ids, merge_whole)
    return BpeTables(**arrays)


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
    """An empty table that is at most half full, on a cache line's bound, and its shift."""
    pairs = aligned(8 * _power_of_two(-(-merges // 2)), np.uint64)
    pairs.reshape(-1, 8)[:, :4] = _ONES
    pairs.reshape(-1, 8)[:, 4:] = 0
    return pairs, _pair_shift(pairs)


def _pair_shift(pairs: Words) -> np.uint64:
    return np.uint64(64 - (len(pairs) // 8).bit_length() + 1)


def _whole_table(vocab: Bytes, offsets: Offsets, ids: Offsets) -> Words:
    from encoders.bpe import _symbol_kernels

    whole = np.full(_power_of_two(2 * len(ids)), _ONES, np.uint64)
    _symbol_kernels.fill_whole(whole, vocab, offsets, ids)
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
        from encoders.bpe import _symbol_kernels

        for place, (flat_keys, key_offsets, present_ids) in enumerate(slots):
            _symbol_kernels.fill_whole(tables[place], flat_keys, key_offsets, present_ids)
    return tables, flat, offsets, values
