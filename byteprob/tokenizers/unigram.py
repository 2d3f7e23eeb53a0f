"""Viability under a unigram model: which tokens end the best segmentation of a text.

The best path to a place does not depend on what comes behind it, so that a string of tokens begins
an encoding exactly if it is the encoding of its own bytes, and a token may follow exactly if it is
the last of the best path to its end. What can be better is a path that has one token across the
border, and then the best one through the rest of the token; the latter is known beforehand, so that
only tokens are looked at with which some token across has bytes in common. Where the two are as
close as rounding is large, the encoder's own sums, in its order and precision, decide.

SentencePiece lifts all scores when they have fallen below -1e5, some ten thousand tokens into a
text; we do as well, but not with the same rounding.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from byteprob.tokenizers.fallback import Fallback, length_of
from encoders.byte_ranges import ByteRanges, Mask
from encoders.unigram import UnigramTables

_LOWEST = -1e5  # where SentencePiece, whose scores are float32, lifts them
_BLANK = ord(" ")


@dataclass(frozen=True)
class Window:
    """The last bytes of a text that a token may still go across, and what is known of them.

    ``scores``: of the best path to each place from before the first byte to behind the last, in
    the encoder's own type. ``begun``: bytes of a character behind them that is cut.
    """

    text: bytes
    scores: bytes
    begun: bytes = b""


class UnigramViability:
    """See `byteprob.viability.Viability`; states are `Window`."""

    def __init__(self, tables: UnigramTables, ranges: ByteRanges, *, cut_at_blanks: bool) -> None:
        """``cut_at_blanks``: whether each blank begins a piece that is encoded by itself."""
        from byteprob.tokenizers import _unigram_kernels

        self._tables, self._cut, self._size = tables, cut_at_blanks, len(ranges.every)
        self._real = tables.scores.dtype
        self._unknown = self._real.type(tables.options[1])
        self._lowest = self._real.type(_LOWEST if self._real == np.float32 else -np.inf)
        raw, bounds = tables.vocab.tobytes(), tables.offsets.tolist()
        tokens = {
            id_: token
            for id_ in range(len(bounds) - 1)
            if (token := raw[bounds[id_] : bounds[id_ + 1]])
            and not (cut_at_blanks and _BLANK in token[1:])
        }
        self._tokens = ByteRanges.of(tokens)
        self._longest = int(np.diff(self._tokens.offsets).max(initial=1))
        spelled = np.setdiff1d(self._tokens.order, tables.byte_ids)
        self._ids = spelled[np.isin(spelled, ranges.order)]
        self._from = self._tokens.place[self._ids]
        self._fallback = Fallback(tables.byte_ids, tokens.values(), ranges)
        self._byte_of = {id_: byte for byte, id_ in enumerate(self._fallback.ids.tolist())}
        self._raw = {id_: tokens[id_] for id_ in self._ids.tolist()}
        size = len(self._tokens.values)
        self._lows, self._highs = np.zeros((2, size), np.int32)
        self._deficits = np.zeros(size)
        _unigram_kernels.measure(
            self._tokens.values,
            self._tokens.offsets,
            self._tokens.order,
            tables.trie,
            tables.scores,
            self._unknown,
            self._lows,
            self._highs,
            self._deficits,
            np.zeros(self._longest + 1),
        )
        self._worst = max(float(np.abs(tables.scores).max(initial=0)), abs(float(self._unknown)))
        self.following = lru_cache(1 << 10)(self._following)
        self.after = lru_cache(1 << 14)(self._after)
        self._marks = lru_cache(1 << 4)(self._marks_of)

    @property
    def start(self) -> Window:
        """No tokens."""
        return Window(b"", np.zeros(1, self._real).tobytes())

    def ends(self, state: Window) -> bool:
        """See `Viability`: not inside a character."""
        return not state.begun

    def _following(self, state: Window) -> Mask:
        """See `Viability`."""
        found, others = self._marks(state.text, state.scores)
        mask = np.zeros(self._size, np.uint8)
        if not state.begun:
            mask[self._ids] = found[self._from]
        mask[self._fallback.after(state.begun, others)] = 1
        return mask

    def _after(self, state: Window, id_: int) -> Window:
        """See `Viability`."""
        byte = self._byte_of.get(id_)
        if byte is None:
            return self._advanced(state, self._raw[id_])
        begun = state.begun + bytes([byte])
        if len(begun) < length_of(begun):
            return Window(state.text, state.scores, begun)
        return self._advanced(state, begun)

    def _marks_of(self, text: bytes, scores: bytes) -> tuple[Mask, frozenset[bytes]]:
        """Which of the tokens may follow, and which characters that are no tokens may not."""
        from byteprob.tokenizers import _unigram_kernels

        buffer, best, begin = self._room(text, scores, self._longest)
        tokens, size = self._tokens, len(text)
        found, unspelled = np.zeros((2, len(tokens)), np.uint8)
        precision = float(np.finfo(self._real).eps)
        largest = float(np.abs(best[: size + 1]).max()) + self._longest * self._worst
        tolerance = 2 * (self._longest + 2) * precision * largest
        _unigram_kernels.mark_viable(
            buffer, size, best, tokens.values, tokens.offsets, tokens.order,
            self._tables.scores, self._lows, self._highs, self._deficits, self._unknown, tolerance,
            found, unspelled,
        )  # fmt: skip
        _unigram_kernels.settle_doubtful(
            buffer, size, best, tokens.values, tokens.offsets, self._tables.trie,
            self._tables.scores, self._unknown, self._lowest, begin, found,
        )  # fmt: skip
        return found, frozenset(map(self._last_character, np.flatnonzero(unspelled).tolist()))

    def _last_character(self, at: int) -> bytes:
        return self._tokens.token_at(at).decode()[-1].encode()

    def _advanced(self, state: Window, token: bytes) -> Window:
        from byteprob.tokenizers import _unigram_kernels

        if self._cut and token[0] == _BLANK:
            state = self.start
        buffer, best, begin = self._room(state.text, state.scores, len(token))
        size, stop = len(state.text), len(state.text) + len(token)
        buffer[size:stop] = np.frombuffer(token, np.uint8)
        first = _unigram_kernels.advance(
            buffer, size, stop, self._tables.trie, self._tables.scores, self._unknown,
            self._lowest, best, begin, self._tokens.values, self._tokens.offsets,
        )  # fmt: skip
        return Window(buffer[first:stop].tobytes(), best[first : stop + 1].tobytes())

    def _room(
        self, text: bytes, scores: bytes, more: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.floating], NDArray[np.int64]]:
        """A text and the scores of its places, with room behind; and for where paths come from."""
        buffer = np.frombuffer(text + bytes(more), np.uint8).copy()
        best = np.zeros(len(buffer) + 1, self._real)
        best[: len(text) + 1] = np.frombuffer(scores, self._real)
        return buffer, best, np.zeros(len(buffer) + 1, np.int64)
