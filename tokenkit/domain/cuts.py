"""Where a tokenizer cuts many texts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Offsets
from tokenkit.text import Tokenizer
from tokenkit.text.inputs import sound
from tokenkit.tokens import Ragged

Flags = NDArray[np.bool_]


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


def cut(tokenizer: Tokenizer, texts: Sequence[str]) -> Cuts:
    """Tokenize texts, special tokens being ordinary text and none added.

    Where the tokens of a text spell it, byte for byte, their lengths tell the cuts. Elsewhere, as
    where a normalizer changed it, the spans of `Tokenizer.encode_with_offsets` do.
    """
    raws = [sound(text).encode() for text in texts]
    bounds = np.concatenate(([0], np.cumsum([len(raw) for raw in raws]))).astype(np.int64)
    ids = tokenizer.encode_batch(raws)
    stops = np.concatenate(([0], np.cumsum(_lengths(tokenizer, ids))))
    spelled = tokenizer.decode_bytes(ids.values)
    flags = np.zeros(int(bounds[-1]) + 1, np.bool_)
    for i, raw in enumerate(raws):
        own = stops[ids.offsets[i] : ids.offsets[i + 1] + 1]
        if int(own[-1] - own[0]) != len(raw) or spelled[own[0] : own[-1]] != raw:
            own = tokenizer.encode_with_offsets(raw).byte_spans
            flags[bounds[i] + own] = True
        else:
            flags[bounds[i] + own - own[0]] = True
    flags[bounds] = False
    return Cuts(ids, bounds, flags)


def _lengths(tokenizer: Tokenizer, ids: Ragged) -> Offsets:
    """Bytes of each token, int64[tokens]."""
    table = np.zeros(tokenizer.vocab_size, np.int64)
    for id_ in np.flatnonzero(np.bincount(ids.values, minlength=1)).tolist():
        table[id_] = len(tokenizer.id_to_bytes(id_))
    return table[ids.values]
