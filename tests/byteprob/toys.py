"""Vocabularies small enough to write out every string of tokens."""

import itertools
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from byteprob.model import ByteModel
from byteprob.token_models import FunctionModel
from byteprob.tokenizers.normal_forms import NormalForm
from byteprob.vocabulary import ByteVocabulary

LONGEST = 5
"""Tokens in a text, at most: then the end is certain."""


@dataclass(frozen=True)
class ToyBpe:
    """BPE without a split pattern. ``merges``: pairs of bytes strings, the first merged first."""

    alphabet: bytes
    merges: tuple[tuple[bytes, bytes], ...]

    @cached_property
    def tokens(self):
        singles = [bytes([byte]) for byte in self.alphabet]
        return singles + [left + right for left, right in self.merges]

    @property
    def end(self):
        return len(self.tokens)

    def encode(self, text):
        parts = [bytes([byte]) for byte in text]
        for pair in self.merges:
            merged, i = [], 0
            while i < len(parts):
                if tuple(parts[i : i + 2]) == pair:
                    merged.append(parts[i] + parts[i + 1])
                    i += 2
                else:
                    merged.append(parts[i])
                    i += 1
            parts = merged
        return tuple(self.tokens.index(part) for part in parts)

    def spelled(self, ids):
        return b"".join(self.tokens[id_] for id_ in ids)

    @cached_property
    def vocabulary(self):
        return ByteVocabulary.of(dict(enumerate(self.tokens)), [self.end])

    def viable(self):
        """Every string of at most LONGEST tokens that begins the encoding of a text."""
        longest = max(map(len, self.tokens)) * (LONGEST + 1)
        found = {()}
        for length in range(min(longest, 9) + 1):
            for text in itertools.product(self.alphabet, repeat=length):
                ids = self.encode(bytes(text))
                found.update(ids[:n] for n in range(min(len(ids), LONGEST) + 1))
        return found


@dataclass(frozen=True)
class ListedViability:
    """Viability by looking it up in a list of all viable strings."""

    toy: ToyBpe
    listed: frozenset
    start: tuple = ()

    def following(self, state):
        size = len(self.toy.vocabulary.ranges.every)
        return np.array([(*state, id_) in self.listed for id_ in range(size)], np.uint8)

    def ends(self, state):
        return state in self.listed and self.toy.encode(self.toy.spelled(state)) == state

    def after(self, state, id_):
        return (*state, id_)


def random_model(toy, seed, listed=None):
    """A model of random logits for every context; the end is certain after LONGEST tokens.

    With ``listed`` it gives nothing to tokens outside: a model that is canonical only.
    """

    def row(context):
        logits = np.random.default_rng([seed, *context, 99]).normal(0, 2, len(toy.tokens) + 3)
        logits[len(toy.tokens) + 1 :] = 60.0  # padding, which must not matter
        if len(context) >= LONGEST:
            logits[: len(toy.tokens)] = -np.inf
        if listed is not None:
            for id_ in range(len(toy.tokens)):
                if (*context, id_) not in listed:
                    logits[id_] = -np.inf
            if context and toy.encode(toy.spelled(context)) != context:
                logits[toy.end] = -np.inf
        return logits

    return FunctionModel(lambda contexts: np.array([row(context) for context in contexts]))


def byte_model(reading):
    """The `ByteModel` of a reading, without a tokenizer."""
    found = ByteModel.__new__(ByteModel)
    found._reading, found._form = reading, NormalForm(front=reading.front)
    return found


class Oracle:
    """The definitions, by writing out every string of tokens. ``allowed``: as a target masks."""

    def __init__(self, toy, model, target, listed):
        self.toy, self.target = toy, target
        self.listed = None if target == "marginal" else listed
        self.rows = {}
        self.model = model
        self.strings = self._grow()

    def _log_probs(self, ids):
        """Of the tokens and the end, as the target has them before any sum."""
        logits = self.model.function([ids])[0][: len(self.toy.tokens) + 1].astype(float)
        keep = np.ones(len(logits), bool)
        if self.listed is not None:
            keep[:-1] = [(*ids, id_) in self.listed for id_ in range(len(self.toy.tokens))]
            keep[-1] = self.toy.encode(self.toy.spelled(ids)) == ids
        if self.target == "canonical-renorm":
            logits[~keep] = -np.inf
        with np.errstate(invalid="ignore"):
            found = logits - np.logaddexp.reduce(logits)
        found[~keep] = -np.inf
        return found

    def _grow(self):
        """Log-probability of every string of tokens that the target has; and with its end."""
        found, ended = {(): 0.0}, {}
        last = [()]
        while last:
            longer = []
            for ids in last:
                probs = self._log_probs(ids)
                ended[ids] = found[ids] + probs[-1]
                for id_ in range(len(self.toy.tokens)):
                    if probs[id_] > -math.inf:
                        found[(*ids, id_)] = found[ids] + probs[id_]
                        longer.append((*ids, id_))
            last = longer
        self.ended = ended
        self.bytes = {ids: self.toy.spelled(ids) for ids in found}
        return found

    def mass(self, prefix):
        """Sum over the covers of a prefix."""
        if not prefix:
            return 1.0
        return math.fsum(
            math.exp(log)
            for ids, log in self.strings.items()
            if self.bytes[ids].startswith(prefix) and len(self.bytes[ids[:-1]]) < len(prefix)
        )

    def next_byte(self, prefix):
        found = np.zeros(257)
        for byte in self.toy.alphabet:
            found[byte] = self.mass(prefix + bytes([byte]))
        found[256] = sum(
            math.exp(log) for ids, log in self.ended.items() if self.bytes[ids] == prefix
        )
        return found
