"""Byte-level probabilities of a token model: the one class that most users need."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byteprob.bpe import BpeViability
from byteprob.covers import Covers, Reading, beginning, pushed
from byteprob.dist import END, ByteDist, Target
from byteprob.errors import ByteprobError, UnsupportedTokenizerError
from byteprob.token_models import TokenModel
from byteprob.viability import Viability
from byteprob.vocabulary import ByteVocabulary
from encoders.scan import patterns
from tokenkit.text import Tokenizer

SPLITS = (patterns.GPT2, patterns.CL100K, patterns.LLAMA3, patterns.QWEN2, patterns.O200K)
"""The split patterns of which every way to go on is known (`byteprob.splits`)."""


@dataclass(frozen=True)
class Score:
    """Of a byte string: natural logarithm of its probability, and its length in bytes."""

    log_prob: float
    size: int

    @property
    def bits_per_byte(self) -> float:
        """Bits a byte; infinite for what cannot be, NaN for no bytes."""
        return -self.log_prob / math.log(2) / self.size if self.size else math.nan


class ByteModel:
    """The distribution over byte strings that a token model and its tokenizer make.

    ``target`` says which one (`byteprob.dist.Target`); every `ByteDist` says it again. Immutable:
    where a text goes on byte by byte, `at` gives a cursor that keeps what is known of it.
    """

    def __init__(
        self,
        model: TokenModel,
        tokenizer: Tokenizer,
        target: Target = "marginal",
        *,
        beam: int | None = None,
    ) -> None:
        """``beam``: of "marginal" only, strings of tokens kept at each byte; None keeps all.

        Raises UnsupportedTokenizerError for a tokenizer whose tokens do not spell the bytes of its
        texts, and for a canonical target where its splits are not known.
        """
        if beam is not None and (target != "marginal" or beam < 1):
            raise ValueError("a beam is at least 1, and goes with the target 'marginal'")
        vocabulary = vocabulary_of(tokenizer)
        viability = None if target == "marginal" else viability_of(tokenizer, vocabulary)
        self._reading = Reading(model, vocabulary, target, viability, beam)

    @property
    def target(self) -> Target:
        """Which distribution this is."""
        return self._reading.target

    def at(self, prefix: bytes = b"") -> "Cursor":
        """The place behind a prefix. Raises ImpossiblePrefixError where it has no probability."""
        cursor = Cursor(self._reading, beginning(self._reading))
        for byte in prefix:
            cursor.push(byte)
        return cursor

    def next_byte(self, prefix: bytes = b"") -> ByteDist:
        """What follows a prefix."""
        return self.at(prefix).next_byte()

    def next_bytes(self, prefixes: Sequence[bytes]) -> list[ByteDist]:
        """What follows each of many prefixes; the model is asked for all of them together."""
        covers = [beginning(self._reading)] * len(prefixes)
        for depth in range(max(map(len, prefixes), default=0)):
            live = [i for i, prefix in enumerate(prefixes) if len(prefix) > depth]
            moved = pushed(
                self._reading, [covers[i] for i in live], [prefixes[i][depth] for i in live]
            )
            for i, found in zip(live, moved, strict=True):
                covers[i] = found
        return [found.next_byte(self._reading) for found in covers]

    def score(self, text: bytes, *, ended: bool = False) -> Score:
        """Probability of ``text`` as a prefix; with ``ended``, as a whole text.

        For the canonical targets it is the product of what `next_byte` gives, which leaves out the
        leak of every step.
        """
        cursor, total = self.at(), 0.0
        for byte in text:
            total += float(cursor.next_byte().log_probs[byte])
            if total == -math.inf:
                return Score(total, len(text))
            cursor.push(byte)
        if ended:
            total += float(cursor.next_byte().log_probs[END])
        return Score(total, len(text))

    def sample(
        self,
        size: int,
        prefix: bytes = b"",
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> bytes:
        """Up to ``size`` bytes that follow a prefix; fewer where the text ends.

        ``temperature`` and ``top_p`` are those of bytes, not of tokens: each byte is drawn from
        ``P(b) ** (1 / temperature)``, normalised, and of that from the fewest symbols, the end
        among them, that hold ``top_p``. At 0 the likeliest byte is taken.
        """
        random, cursor, found = np.random.default_rng(seed), self.at(prefix), bytearray()
        while len(found) < size:
            probs = shaped(cursor.next_byte().log_probs, temperature, top_p)
            symbol = int(random.choice(257, p=probs))
            if symbol == END:
                break
            found.append(symbol)
            if len(found) < size:
                cursor.push(symbol)
        return bytes(found)


class Cursor:
    """A place in a text that goes on byte by byte."""

    def __init__(self, reading: Reading, covers: Covers) -> None:
        """Not for users: see `ByteModel.at`."""
        self._reading, self._covers = reading, covers

    @property
    def log_prob(self) -> float:
        """Log-probability of the prefix: P of "marginal", S of "canonical", see `Target`."""
        return self._covers.log_mass

    def next_byte(self) -> ByteDist:
        """What follows."""
        return self._covers.next_byte(self._reading)

    def push(self, byte: int) -> None:
        """Go on by one byte. Raises ImpossiblePrefixError where it has no probability: the cursor
        then stays where it was."""
        if not 0 <= byte <= 255:
            raise ByteprobError(f"{byte} is not a byte: push takes 0 to 255")
        (self._covers,) = pushed(self._reading, [self._covers], [byte])

    def fork(self) -> "Cursor":
        """Another cursor at the same place; the two go on by themselves."""
        return Cursor(self._reading, self._covers)


def shaped(log_probs: NDArray[np.float64], temperature: float, top_p: float) -> NDArray[np.float64]:
    """Probabilities to draw from; see `ByteModel.sample`. Raises ValueError outside its range."""
    if temperature < 0 or not 0 < top_p <= 1:
        raise ValueError("temperature is at least 0, and top_p is above 0 and at most 1")
    if temperature == 0:
        found = np.zeros(len(log_probs))
        found[np.argmax(log_probs)] = 1.0
        return found
    scaled = log_probs / temperature
    probs = np.exp(scaled - scaled.max())
    probs /= probs.sum()
    order = np.argsort(-probs, kind="stable")
    needed = int(np.searchsorted(np.cumsum(probs[order]), top_p)) + 1
    probs[order[needed:]] = 0.0
    kept: NDArray[np.float64] = probs / probs.sum()
    return kept


def vocabulary_of(tokenizer: Tokenizer) -> ByteVocabulary:
    """What the ids of a tokenizer stand for; its special tokens all end the text.

    Raises UnsupportedTokenizerError where tokens do not spell the bytes of a text.
    """
    if tokenizer.contract == "lossy":
        raise UnsupportedTokenizerError(
            f"{tokenizer!r} does not give back the bytes of a text, so that no probability of "
            "bytes follows from those of its tokens"
        )
    ends = set(tokenizer.special_tokens.values())
    tokens = {
        id_: raw
        for id_ in range(tokenizer.vocab_size)
        if id_ not in ends and (raw := tokenizer.id_to_bytes(id_))
    }
    return ByteVocabulary.of(tokens, ends)


def viability_of(tokenizer: Tokenizer, vocabulary: ByteVocabulary) -> Viability:
    """Which tokens a tokenizer may put after others.

    Raises UnsupportedTokenizerError where that is not known: then there is the target "marginal".
    """
    plain = [token.content for token in tokenizer.added_tokens if not token.special]
    if plain:
        raise UnsupportedTokenizerError(
            f"{tokenizer!r} cuts its added token {plain[0]!r} out of every text: "
            'use the target "marginal"'
        )
    found = tokenizer.byte_level_bpe
    if found is None:
        raise UnsupportedTokenizerError(
            f'{tokenizer!r} is no byte-level BPE on the kernels: use the target "marginal"'
        )
    tables, scanner = found
    if scanner not in SPLITS:
        raise UnsupportedTokenizerError(
            f"{tokenizer!r} has a split pattern of which it is not known how far it looks ahead: "
            'use the target "marginal"'
        )
    return BpeViability(tables, scanner, vocabulary.ranges)
