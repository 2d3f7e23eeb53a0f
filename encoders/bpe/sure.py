"""Which bytes and characters are sure to merge before anything else touches them.

``byte_symbols`` in ``_symbol_kernels`` begins with those instead of single bytes, and says why that
is exact.
"""

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import ABSENT, Bytes, Ids, Offsets


def sure_tables(
    vocab: Bytes, offsets: Offsets, merges: Ids, byte_ids: Ids, merge_whole: NDArray[np.bool_]
) -> dict[str, Ids]:
    """chars, lead_ranks, tail_ranks, byte_pairs, left_ranks and right_ranks of
    `encoders.bpe.BpeTables`.

    ``merge_whole``: bool[V], the tokens that their own bytes merge into. All are empty where the
    merges are not in the order that makes them exact, or where a byte has no token.
    """
    made_at = _order_of_making(merges, len(offsets) - 1)
    if made_at is None or not len(merges) or (byte_ids == ABSENT).any():
        return no_sure_tables()
    of_characters = _character_tables(vocab, offsets, merges, made_at, merge_whole)
    found = (*of_characters, *_pair_tables(vocab, offsets, merges))
    return dict(zip(_NAMES, found, strict=True))


def no_sure_tables() -> dict[str, Ids]:
    """Every merge is made one by one."""
    flat, square = np.empty(0, np.uint32), np.empty((0, 0), np.uint32)
    return dict(zip(_NAMES, (flat, square, square, flat, square, square), strict=True))


_NAMES = ("chars", "lead_ranks", "tail_ranks", "byte_pairs", "left_ranks", "right_ranks")


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
    vocab: Bytes, offsets: Offsets, merges: Ids, made_at: Offsets, merge_whole: NDArray[np.bool_]
) -> tuple[Ids, Ids, Ids]:
    """chars, lead_ranks, tail_ranks of `BpeTables`."""
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
    chars = np.full((1 << 16, 2), ABSENT, np.uint32)
    found = headed & (lengths == needed) & (lengths < 4) & (made_at >= 0) & merge_whole
    for id_ in np.flatnonzero(found).tolist():
        try:
            code = ord(vocab[offsets[id_] : offsets[id_ + 1]].tobytes().decode())
        except UnicodeDecodeError:
            continue
        chars[code] = made_at[id_], id_
    return chars.ravel(), lead_ranks, tail_ranks


def _pair_tables(vocab: Bytes, offsets: Offsets, merges: Ids) -> tuple[Ids, Ids, Ids]:
    """byte_pairs, left_ranks, right_ranks of `BpeTables`."""
    ranks = np.arange(len(merges), dtype=np.int64)
    left, right, merged = merges.T.astype(np.int64)
    lengths = np.diff(offsets)
    first, last = vocab[offsets[:-1]], vocab[np.maximum(offsets[1:] - 1, 0)]
    single_left, single_right = lengths[left] == 1, lengths[right] == 1
    both = single_left & single_right
    byte_pairs = np.full((256, 256, 2), ABSENT, np.uint32)
    byte_pairs[first[left[both]], first[right[both]], 0] = ranks[both]
    byte_pairs[first[left[both]], first[right[both]], 1] = merged[both]
    left_ranks = np.full((257, 256), ABSENT, np.uint32)
    right_ranks = np.full((256, 257), ABSENT, np.uint32)
    at = last[left[single_right]], first[right[single_right]]
    np.minimum.at(left_ranks, at, ranks[single_right])
    at = last[left[single_left]], first[right[single_left]]
    np.minimum.at(right_ranks, at, ranks[single_left])
    return byte_pairs.ravel(), left_ranks, right_ranks
