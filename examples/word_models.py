"""The models that the word-pooled example compares: words, subwords and bytes, of equal size.

All read the same windows of text, give them a likelihood, and are asked for the same next words.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
import torch
from tiny_gpt import IGNORED, Gpt, GptConfig
from torch import Tensor, nn

from tokenkit import Tokenizer
from tokenkit.words import Dense, Patcher, Word
from tokenkit.words.model import WordPooledConfig, WordPooledModel, word_tensors

NAMES = ("word-pooled", "subwords (BPE)", "bytes")
WIDTH, HEADS, BLOCKS = 64, 4, 6
"""Of every model: six blocks, of which the word-pooled has one as encoder and one as decoder."""
LONGEST = 12
"""Bytes of the longest word of the word-pooled model; longer ones are cut."""
SPACE = tuple(b" \t\n\v\f\r")


class Target(NamedTuple):
    """A word to predict: the bytes ``start`` to ``stop`` of a window, white space before it too."""

    start: int
    stop: int


class Contender(Protocol):
    """A language model over windows of text."""

    @property
    def model(self) -> nn.Module:
        """What is trained."""
        ...

    def nats(self, windows: Sequence[bytes]) -> Tensor:
        """Minus the log-likelihood of each window; float[windows]."""
        ...

    def right(self, window: bytes, targets: Sequence[Target]) -> list[bool]:
        """Whether the model, given all before a word, greedily writes it and then ends it."""
        ...


class Subwords:
    """A plain GPT over tokens. ``pieces``: the bytes of each token; those of a byte model are
    single bytes. Windows are encoded by ``encode``."""

    def __init__(self, pieces: Sequence[bytes], encode: Callable[[bytes], Sequence[int]]) -> None:
        self._pieces, self._encode = pieces, encode
        self._begin = len(pieces)
        self.model = Gpt(GptConfig(len(pieces) + 1, WIDTH, BLOCKS, HEADS))

    def nats(self, windows: Sequence[bytes]) -> Tensor:
        """See `Contender`."""
        rows = [self._encode(window) for window in windows]
        length = max(map(len, rows))
        ids = torch.full((len(rows), length), self._begin)
        targets = torch.full((len(rows), length), IGNORED)
        for i, row in enumerate(rows):
            ids[i, 1 : len(row)] = torch.tensor(row[:-1])
            targets[i, : len(row)] = torch.tensor(row)
        found = self.model.losses(ids, targets)
        return found.new_zeros(targets.shape).masked_scatter(targets != IGNORED, found).sum(1)

    @torch.no_grad()
    def right(self, window: bytes, targets: Sequence[Target]) -> list[bool]:
        """See `Contender`."""
        ids = [self._begin, *self._encode(window)]
        ends = np.cumsum([0] + [len(self._pieces[i]) for i in ids[1:]]).tolist()
        place = {end: i for i, end in enumerate(ends)}
        likeliest = self.model(torch.tensor([ids]))[0].argmax(-1).tolist()
        return [self._writes(window, t, ids[: place[t.start] + 1], likeliest) for t in targets]

    def _writes(self, window: bytes, target: Target, ids: list[int], likeliest: list[int]) -> bool:
        """Follow what the model writes as long as it is the word.

        As long as these are the tokens of the text, ``likeliest`` knows what comes behind them.
        """
        known = [self._begin, *self._encode(window)]
        at = target.start
        while True:
            if ids == known[: len(ids)]:
                new = likeliest[len(ids) - 1]
            else:
                new = int(self.model(torch.tensor([ids]))[0, -1].argmax())
            piece = b"" if new == self._begin else self._pieces[new]
            if at == target.stop:
                return piece[:1] != b"" and piece[0] in SPACE
            if not piece or not window[at : target.stop].startswith(piece):
                return False
            ids = [*ids, new]
            at += len(piece)


class PooledWords:
    """The word-pooled model over words with the white space before them."""

    def __init__(self) -> None:
        self._patcher = Patcher(Word(), max_patch_length=LONGEST)
        self.model = WordPooledModel(
            WordPooledConfig(
                width=WIDTH,
                layers=BLOCKS - 2,
                heads=HEADS,
                word_layers=1,
                word_heads=HEADS,
                max_word_bytes=LONGEST,
            )
        )

    def _tensors(self, windows: Sequence[bytes]) -> tuple[Tensor, Tensor]:
        return word_tensors(Dense.of(self._patcher.patch_batch(windows), LONGEST))

    def nats(self, windows: Sequence[bytes]) -> Tensor:
        """See `Contender`."""
        return -self.model.log_probs(*self._tensors(windows)).sum(1)

    @torch.no_grad()
    def right(self, window: bytes, targets: Sequence[Target]) -> list[bool]:
        """See `Contender`. Words that are cut are right where all parts are."""
        words, sizes = self.model.draw(self.model.contexts(*self._tensors([window]))[0])
        drawn = zip(words.tolist(), sizes.tolist(), strict=True)
        written = [bytes(word[:size]) for word, size in drawn]
        starts = [*self._patcher.starts(window).tolist(), len(window)]
        place = {start: i for i, start in enumerate(starts)}
        found = []
        for target in targets:
            parts = range(place[target.start], place[target.stop])
            as_it_is = all(window[starts[i] : starts[i + 1]] == written[i] for i in parts)
            # A part as long as can be does not say whether the word ends; the next one does.
            ends = len(written[parts[-1]]) < LONGEST or written[parts.stop][0] in SPACE
            found.append(as_it_is and ends)
        return found


def windows_of(texts: Sequence[str], longest: int) -> list[bytes]:
    """The texts in pieces of whole words, as many as ``longest`` bytes hold."""
    patches = Patcher(Word(), max_patch_length=LONGEST).patch_batch(texts)
    windows = []
    for row in patches:
        ends, start = row.offsets, 0
        while start < len(row):
            stop = int(np.searchsorted(ends, ends[start] + longest, side="right")) - 1
            windows.append(row.values[ends[start] : ends[stop]].tobytes())
            start = stop
    return windows


def targets_of(window: bytes) -> list[Target]:
    """The words of a window's second half but the last, whose end is not in the window."""
    spans = pairwise([*Patcher(Word()).starts(window).tolist(), len(window)])
    return [
        Target(*span) for span in spans if span[0] >= len(window) // 2 and span[1] < len(window)
    ]


def tokenizer_for(texts: Sequence[str], vocab_size: int) -> Tokenizer:
    """Byte-level BPE, trained on the text that the models are trained on."""
    return Tokenizer.train(texts, vocab_size=vocab_size, pattern="gpt2", threads=1)


def contender(name: str, texts: Sequence[str], vocab_size: int) -> Contender:
    """The model of one of `NAMES`. ``texts``: what the BPE of ``vocab_size`` is trained on."""
    if name == "word-pooled":
        return PooledWords()
    if name == "bytes":
        return Subwords([bytes([i]) for i in range(256)], list)
    tok = tokenizer_for(texts, vocab_size)
    pieces = [tok.id_to_bytes(i) for i in range(tok.vocab_size)]
    return Subwords(pieces, lambda window: tok.encode(window).tolist())
