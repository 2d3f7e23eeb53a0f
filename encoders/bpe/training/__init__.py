"""Training byte-level BPE: counts of pieces first, then merges from the counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.bpe.encoder import BpeEncoder
from encoders.bpe.tables import tables_from_merges
from encoders.bpe.training.characters import load_characters
from encoders.bpe.training.counting import PieceCounts, count_pieces, count_within, merged
from encoders.buffers import ABSENT, Bytes, Ids, Offsets, joined
from encoders.scan.scanners import WholeScanner

__all__ = [
    "PieceCounts",
    "TrainedBpe",
    "TrainerOptions",
    "count_pieces",
    "count_within",
    "merged",
    "single_bytes",
    "train_bpe",
    "train_further",
]

_UNBOUNDED = 1 << 62


@dataclass(frozen=True)
class TrainerOptions:
    """What decides the merges, beside the counts.

    ``vocab_size`` counts all ids. A pair is merged while it occurs ``min_frequency`` times. The
    others forbid tokens, None and False none:

    - ``max_token_length``: as `tokenizers` reads its option of that name, a token has fewer bytes,
      but two bytes always make one.
    - ``max_token_characters``: a token has no more characters; as such count the bytes that begin
      one, all but 0x80 to 0xBF.
    - ``max_digits``: a token has no more decimal digits, of any script (Nd).
    - ``within_scripts``: a token has no characters of two scripts (by the Unicode property Script;
      Common, Inherited and Unknown go with any).

    Digits and scripts are those of whole characters. Lest a limit be passed by in parts of them,
    under either a token is whole characters or part of one.

    Raises ValueError for a limit that is too low to mean anything.
    """

    vocab_size: int
    min_frequency: int = 0
    max_token_length: int | None = None
    max_token_characters: int | None = None
    max_digits: int | None = None
    within_scripts: bool = False

    def __post_init__(self) -> None:
        least = {"max_token_length": 2, "max_token_characters": 1, "max_digits": 1}
        for name, bound in least.items():
            given = getattr(self, name)
            if given is not None and given < bound:
                raise ValueError(f"{name} {given}: it is None, for no limit, or at least {bound}")

    @property
    def limits(self) -> NDArray[np.int64] | None:
        """int64[5], see ``_limit_kernels.py``; None where there are none."""
        whole = self.max_digits is not None or self.within_scripts
        least = (self.max_token_length, self.max_token_characters, self.max_digits)
        if not whole and least == (None, None, None):
            return None
        length, characters, digits = (_UNBOUNDED if bound is None else bound for bound in least)
        # Two bytes always make a token: three is the least length that forbids anything.
        return np.array([max(length, 3), characters, digits, self.within_scripts, whole], np.int64)


@dataclass(frozen=True, eq=False)
class TrainedBpe:
    """``tokens``: bytes by id, as given for reserved ids. ``merges``: int64[m, 3], left, right and
    merged id, best first."""

    tokens: list[bytes]
    merges: NDArray[np.int64]


def train_bpe(
    pieces: list[bytes],
    counts: NDArray[np.int64],
    alphabet: Sequence[int],
    options: TrainerOptions,
    reserved: Sequence[bytes] = (),
) -> TrainedBpe:
    """Learn merges from counted pieces.

    ``reserved``: what the first ids stand for (special tokens), different bytes, or none where
    bytes cannot spell it. A merge that spells one gives its id, as in `tokenizers`. ``alphabet``:
    the bytes that get ids, in their order, behind the reserved ones and where not among them. Of
    pairs that are equally frequent the one of lesser ids is merged, the left before the right, as
    in `tokenizers`, whose merges these equal.

    Raises ValueError where the vocabulary has no room for the alphabet, and where a piece has a
    byte that is not in it.
    """
    taken = {token[0] for token in reserved if len(token) == 1}
    singles = [bytes([byte]) for byte in alphabet if byte not in taken]
    tokens = [*reserved, *singles]
    if options.vocab_size < len(tokens):
        raise ValueError(
            f"vocab_size {options.vocab_size} is less than {len(tokens)}: "
            f"{len(singles)} bytes and the specials"
        )
    bounds = np.zeros(len(pieces) + 1, np.int64)
    np.cumsum([len(piece) for piece in pieces], out=bounds[1:])
    return _learned(
        TrainedBpe(tokens, _NO_MERGES), _symbols(b"".join(pieces), tokens), bounds, counts, options
    )


def train_further(
    first: TrainedBpe, pieces: list[bytes], counts: NDArray[np.int64], options: TrainerOptions
) -> TrainedBpe:
    """Learn more merges behind those of ``first``, from other pieces: longer ones, for superwords.

    The pieces are encoded by the merges there are, and what stands side by side then is merged as
    in `train_bpe`. ``options.vocab_size`` counts the tokens of ``first`` too. After "SuperBPE:
    Space Travel for Language Models" (arXiv 2503.13423), section 2, where the second stage has
    whole texts for pieces.

    Raises ValueError where a piece has a byte that ``first`` has no token for.
    """
    byte_ids = single_bytes(first.tokens)
    _require_bytes(b"".join(pieces), byte_ids != ABSENT)
    tables = tables_from_merges(first.tokens, first.merges.astype(np.uint32), byte_ids)
    ids, bounds = BpeEncoder(tables, WholeScanner()).encode(*joined(pieces))
    return _learned(first, ids.astype(np.int64), bounds, counts, options)


_NO_MERGES = np.empty((0, 3), np.int64)


def _learned(
    first: TrainedBpe,
    symbols: NDArray[np.int64],
    bounds: Offsets,
    counts: NDArray[np.int64],
    options: TrainerOptions,
) -> TrainedBpe:
    """``first`` and what is learned from words of its ids, which are overwritten."""
    from encoders.bpe.training import _kernels

    vocab, offsets = _room_for_tokens(first.tokens, options.vocab_size)
    merges = np.empty((2 * options.vocab_size, 3), np.int64)
    found, _ = _kernels.learn(
        symbols,
        bounds,
        np.ascontiguousarray(counts, np.int64),
        vocab,
        offsets,
        len(first.tokens),
        options.vocab_size,
        options.min_frequency,
        _rules(options),
        load_characters(),
        merges,
    )
    return _trained(first, merges[:found])


def _symbols(text: bytes, tokens: list[bytes]) -> NDArray[np.int64]:
    byte_ids = single_bytes(tokens)
    _require_bytes(text, byte_ids != ABSENT)
    return byte_ids[np.frombuffer(text, np.uint8)].astype(np.int64)


def single_bytes(tokens: Sequence[bytes]) -> Ids:
    """uint32[256]: the id of each byte, ABSENT where it is no token."""
    found = np.full(256, ABSENT, np.uint32)
    for id_, token in enumerate(tokens):
        if len(token) == 1:
            found[token[0]] = id_
    return found


def _require_bytes(text: bytes, known: NDArray[np.bool_]) -> None:
    missing = ~known[np.frombuffer(text, np.uint8)]
    if missing.any():
        byte = text[int(np.argmax(missing))]
        raise ValueError(f"byte 0x{byte:02X} of a piece is not in the alphabet: add it")


def _room_for_tokens(tokens: list[bytes], vocab_size: int) -> tuple[Bytes, Offsets]:
    """Bytes of the tokens, and their bounds, with room for more."""
    flat = b"".join(tokens)
    vocab = np.zeros(len(flat) + 16 * vocab_size + 64, np.uint8)
    vocab[: len(flat)] = np.frombuffer(flat, np.uint8)
    offsets = np.zeros(vocab_size + 2, np.int64)
    np.cumsum([len(token) for token in tokens], out=offsets[1 : len(tokens) + 1])
    return vocab, offsets


def _rules(options: TrainerOptions) -> tuple[bool, NDArray[np.int64], NDArray[np.int64]]:
    limits = options.limits
    if limits is None:
        return False, np.zeros((0, 4), np.int64), np.zeros(5, np.int64)
    return True, np.zeros((options.vocab_size + 1, 4), np.int64), limits


def _trained(first: TrainedBpe, merges: NDArray[np.int64]) -> TrainedBpe:
    made = [*first.tokens]
    for left, right, id_ in merges.tolist():
        if id_ == len(made):
            made.append(made[left] + made[right])
    return TrainedBpe(made, np.concatenate((first.merges, merges)))
