"""Where a tokenizer cuts many texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Offsets, joined
from tokenkit.domain.normal import normal_form
from tokenkit.text import Encoding, Tokenizer
from tokenkit.text.contract import Contract
from tokenkit.text.inputs import sound
from tokenkit.tokens import Ragged

Flags = NDArray[np.bool_]

_SHARE = 1 << 23  # bytes at a time: a list of tokens takes ten times the memory of their text


class AnyTokenizer(Protocol):
    """What is asked of a tokenizer here; `Tokenizer` and `NumericTokenizer` have it."""

    @property
    def vocab_size(self) -> int:
        """One more than the highest id."""

    @property
    def contract(self) -> Contract:
        """What decoding gives back."""

    def count(self, text: str, /) -> int:
        """Number of ids of a text."""

    def encode_batch(self, texts: Sequence[bytes], /) -> Ragged:
        """Ids of texts."""

    def encode_with_offsets(self, text: bytes, /) -> Encoding:
        """Ids with their spans of a text."""

    def id_to_bytes(self, id_: int, /) -> bytes:
        """The bytes that an id stands for in the middle of a text."""


@dataclass(frozen=True, eq=False)
class Cuts:
    """Tokens of texts that lie end to end.

    ``ids``: those of each text. ``bounds``: int64[n + 1], where each text begins, in bytes.
    ``flags``: bool[bytes + 1], whether a token begins or ends before a byte; false at the ends of
    texts, which are no cuts.
    """

    ids: Ragged
    bounds: Offsets
    flags: Flags


def counted(flags: Flags, bounds: Offsets) -> Offsets:
    """How many flags are set in each text, int64[n]; ``bounds`` as in `Cuts`."""
    running = np.concatenate(([0], np.cumsum(flags, dtype=np.int64)))
    return np.diff(running[bounds])


def cut(tokenizer: AnyTokenizer, texts: Sequence[str]) -> Cuts:
    """Tokenize texts, special tokens being ordinary text and none added.

    Where the tokens of a text spell its normal form, byte for byte, their lengths tell the cuts;
    one inside of what a character became is at both ends of that character. Elsewhere, and where
    decoding puts blanks that belong to no token, the spans of `Tokenizer.encode_with_offsets`
    tell, which takes longer.
    """
    raws = [sound(text).encode() for text in texts]
    sizes = np.cumsum([len(raw) for raw in raws])
    marks = np.searchsorted(sizes, np.arange(_SHARE, sizes[-1] if len(sizes) else 0, _SHARE)) + 1
    edges = [0, *np.unique(marks).tolist(), len(raws)]
    return _together([_cut(tokenizer, raws[first:last]) for first, last in pairwise(edges)])


def _together(parts: Sequence[Cuts]) -> Cuts:
    """Cuts of all texts, from those of some at a time."""
    if len(parts) == 1:
        return parts[0]
    sizes = np.concatenate([np.diff(part.bounds) for part in parts])
    flags = [part.flags[:-1] for part in parts]
    lengths = np.concatenate([part.ids.lengths for part in parts])
    ids = Ragged(np.concatenate([part.ids.values for part in parts]), _starts(lengths))
    return Cuts(ids, _starts(sizes), np.concatenate((*flags, np.zeros(1, np.bool_))))


def _starts(lengths: Offsets) -> Offsets:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))


def _cut(tokenizer: AnyTokenizer, raws: Sequence[bytes]) -> Cuts:
    text, bounds = joined(raws)
    ids = tokenizer.encode_batch(raws)
    spelled, ends = _spelled(tokenizer, ids)
    normal = normal_form(
        tokenizer.normalizer if isinstance(tokenizer, Tokenizer) else None, text, bounds
    )
    blanks = tokenizer.contract == "lossy"
    spans, begins, stops = [bounds[:0]], [bounds[:0]], [bounds[:0]]
    for i, raw in enumerate(raws):
        own = ends[ids.offsets[i] : ids.offsets[i + 1] + 1]
        first, last = normal.bounds[i : i + 2].tolist()
        said = spelled[own[0] : own[-1]] == normal.text[first:last].tobytes()
        if said and not blanks and i not in normal.mixed:
            begins.append(own[:-1] + (first - own[0]))
            stops.append(own[1:] + (first - own[0]))
        else:
            spans.append(tokenizer.encode_with_offsets(raw).byte_spans.ravel() + bounds[i])
    sides = np.concatenate(begins), np.concatenate(stops)
    if normal.alignment is not None:
        sides = normal.alignment.starts(sides[0]), normal.alignment.stops(sides[1])
    flags = np.zeros(int(bounds[-1]) + 1, np.bool_)
    flags[np.concatenate((*spans, *sides))] = True
    flags[bounds] = False
    return Cuts(ids, bounds, flags)


def _spelled(tokenizer: AnyTokenizer, ids: Ragged) -> tuple[bytes, Offsets]:
    """The bytes of all tokens one after another, and where each begins and the last ends."""
    often = np.bincount(ids.values, minlength=1)
    table = {id_: tokenizer.id_to_bytes(id_) for id_ in np.flatnonzero(often).tolist()}
    lengths = np.zeros(len(often), np.int64)
    lengths[list(table)] = [len(token) for token in table.values()]
    spelled = b"".join(map(table.__getitem__, ids.values.tolist()))
    return spelled, _starts(lengths[ids.values])
