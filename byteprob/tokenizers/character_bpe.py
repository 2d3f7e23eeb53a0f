"""Viability under BPE over characters, as SentencePiece and Llama 2 have it.

Nothing but merging decides, so that a string of tokens begins an encoding exactly if each two
neighbours are what merging makes of their characters (`encoders.bpe.junctions`). Characters that
are no tokens become their bytes, which merge with nothing. Where blanks begin pieces of their own,
a token with a blank further in is never made, and one that begins with a blank may follow any.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from byteprob.tokenizers.fallback import Fallback, length_of
from byteprob.viability import Mask
from encoders.bpe import BpeTables
from encoders.bpe.junctions import Junctions
from encoders.byte_ranges import ByteRanges


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
        self._junctions, self._ranges, self._cut = Junctions(tables), ranges, cut_at_blanks
        raws = [
            ranges.values[ranges.offsets[i] : ranges.offsets[i + 1]].tobytes()
            for i in range(len(ranges))
        ]
        made = self._junctions.whole.astype(np.bool_)
        inside = ranges.order < len(made)
        self._made: NDArray[np.bool_] = inside & made[np.where(inside, ranges.order, 0)]
        if cut_at_blanks:
            self._made &= [b" " not in raw[1:] for raw in raws]
        self._begins = np.array([cut_at_blanks and raw[:1] == b" " for raw in raws], np.bool_)
        tokens = [raws[place] for place in np.flatnonzero(self._made)]
        self._fallback = Fallback(tables.byte_ids, tokens, ranges)
        self._byte_at = {int(place): byte for byte, place in enumerate(self._fallback.places)}
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
        mask = np.zeros(len(self._ranges), np.uint8)
        if not state.begun:
            mask[self._made & (self._begins | self._joins(state.token))] = 1
        mask[self._fallback.after(state.begun)] = 1
        return mask

    def _joins(self, token: int) -> NDArray[np.bool_]:
        """By place: what may stand behind a token in one piece."""
        if token < 0:
            return self._made
        row = self._junctions.after(token)
        inside = self._ranges.order < len(row)
        found: NDArray[np.bool_] = row[np.where(inside, self._ranges.order, 0)].astype(np.bool_)
        return found

    def after(self, state: Last, place: int) -> Last:
        """See `Viability`."""
        byte = self._byte_at.get(place)
        if byte is None:
            return Last(int(self._ranges.order[place]))
        begun = state.begun + bytes([byte])
        return Last() if len(begun) == length_of(begun) else Last(begun=begun)
