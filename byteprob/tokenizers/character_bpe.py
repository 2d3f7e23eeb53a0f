"""Viability under BPE over characters, as SentencePiece and Llama 2 have it.

Nothing but merging decides, so that a string of tokens begins an encoding exactly if each two
neighbours are what merging makes of their characters (`encoders.bpe.junctions`). Characters that
are no tokens become their bytes, which merge with nothing. Where blanks begin pieces of their own,
a token with a blank further in is never made, and one that begins with a blank may follow any.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from byteprob.tokenizers.fallback import Fallback, length_of
from encoders.bpe import BpeTables
from encoders.bpe.junctions import Junctions
from encoders.byte_ranges import ByteRanges, Mask


@dataclass(frozen=True)
class Last:
    """``token``: the last one, -1 for none with which anything could merge. ``begun``: bytes of a
    character behind it that is cut."""

    token: int = -1
    begun: bytes = b""


class CharacterBpeViability:
    """See `byteprob.viability.Viability`; states are `Last`."""

    def __init__(self, tables: BpeTables, ranges: ByteRanges, *, cut_at_blanks: bool) -> None:
        """``cut_at_blanks``: whether each blank begins a piece that is merged by itself."""
        self._junctions = Junctions(tables)
        self._made: Mask = ranges.every & _sized(self._junctions.whole, len(ranges.every))
        raws = {id_: ranges.token(id_) for id_ in np.flatnonzero(self._made).tolist()}
        self._begins = np.zeros_like(self._made)
        if cut_at_blanks:
            self._made[[id_ for id_, raw in raws.items() if b" " in raw[1:]]] = 0
            self._begins[[id_ for id_, raw in raws.items() if raw[:1] == b" "]] = 1
        tokens = [raws[id_] for id_ in np.flatnonzero(self._made).tolist()]
        self._fallback = Fallback(tables.byte_ids, tokens, ranges)
        self._byte_of = {id_: byte for byte, id_ in enumerate(self._fallback.ids.tolist())}
        self.following = lru_cache(1 << 10)(self._following)

    @property
    def start(self) -> Last:
        """No tokens."""
        return Last()

    def ends(self, state: Last) -> bool:
        """See `Viability`: not inside a character."""
        return not state.begun

    def _following(self, state: Last) -> Mask:
        """See `Viability`."""
        mask = np.zeros_like(self._made)
        if not state.begun:
            mask |= self._made
            if state.token >= 0:
                mask &= self._begins | _sized(self._junctions.after(state.token), len(mask))
        mask[self._fallback.after(state.begun)] = 1
        return mask

    def after(self, state: Last, id_: int) -> Last:
        """See `Viability`."""
        byte = self._byte_of.get(id_)
        if byte is None:
            return Last(id_)
        begun = state.begun + bytes([byte])
        return Last() if len(begun) == length_of(begun) else Last(begun=begun)


def _sized(mask: Mask, size: int) -> Mask:
    """For so many ids: cut, or with zeros for what is new."""
    found = np.zeros(size, np.uint8)
    found[: len(mask)] = mask[:size]
    return found
