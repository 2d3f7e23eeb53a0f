"""Anything that gives the next byte's distribution: what can be done with it, whatever it is."""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from byteprob.dist import END, ByteDist
from byteprob.errors import ImpossiblePrefixError


class ByteCursor(Protocol):
    """A place in a text that goes on byte by byte."""

    def next_byte(self) -> ByteDist:
        """What follows."""
        ...

    def push(self, byte: int) -> None:
        """Go on by one byte. Raises ImpossiblePrefixError where it has no probability: the cursor
        then stays where it was."""
        ...

    def fork(self) -> "ByteCursor":
        """Another cursor at the same place; the two go on by themselves."""
        ...


class ByteSource(Protocol):
    """A distribution over byte strings: one model, or several that vote."""

    def at(self, prefix: bytes = b"") -> ByteCursor:
        """The place behind a prefix. Raises ImpossiblePrefixError where it has no probability."""
        ...


class ByteConstraint(Protocol):
    """A set of byte strings, grown byte by byte, as an automaton: what `sample` must stay in."""

    @property
    def start(self) -> Hashable:
        """The state of no bytes."""
        ...

    def allowed(self, state: Any) -> NDArray[np.bool_]:
        """Which symbols may follow: bool[257], `END` where the text may end here."""
        ...

    def after(self, state: Any, byte: int) -> Hashable:
        """The state after a byte that `allowed` allows."""
        ...


@dataclass(frozen=True)
class Score:
    """Of a byte string of ``size`` bytes, in natural logarithms.

    ``log_prob``: of the string under the target: of "canonical", S of `Target`, a lower bound of
    what the model gives to the string by any tokens. ``chained``: the product of what `next_byte`
    gives, each time normalised; it is larger by the leak of every step, and so flatters the model.
    For the other targets, and for ensembles, the two are one.
    """

    log_prob: float
    chained: float
    size: int

    @property
    def bits_per_byte(self) -> float:
        """Bits a byte; infinite for what cannot be, NaN for no bytes."""
        return -self.log_prob / math.log(2) / self.size if self.size else math.nan


def score(source: ByteSource, text: bytes, *, ended: bool = False) -> Score:
    """The probability of ``text`` as a prefix; with ``ended``, as a whole text.

    Where the source tells the mass of a prefix (`byteprob.Cursor`), ``log_prob`` is that.
    """
    cursor, chained = source.at(), 0.0
    for byte in text:
        chained += float(cursor.next_byte().log_probs[byte])
        if chained == -math.inf:
            return Score(chained, chained, len(text))
        cursor.push(byte)
    mass = getattr(cursor, "log_prob", chained)
    if ended:
        dist = cursor.next_byte()
        end = float(dist.log_probs[END])
        chained, mass = chained + end, mass + end + math.log1p(-dist.leak)
    return Score(mass, chained, len(text))


def sample(
    source: ByteSource,
    size: int,
    prefix: bytes = b"",
    *,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int | None = None,
    constraint: ByteConstraint | None = None,
) -> bytes:
    """Up to ``size`` bytes that follow a prefix; fewer where the text ends.

    ``temperature`` and ``top_p`` are those of bytes, not of tokens: each byte is drawn from
    ``P(b) ** (1 / temperature)``, normalised, and of that from the fewest symbols, the end
    among them, that hold ``top_p``. At 0 the likeliest byte is taken.

    ``constraint`` says which symbols may follow what was drawn; the others are masked, and the
    rest normalised, before temperature and nucleus. Raises ImpossiblePrefixError where those have
    no probability.
    """
    random, cursor, found = np.random.default_rng(seed), source.at(prefix), bytearray()
    state = constraint.start if constraint else None
    while len(found) < size:
        logs = cursor.next_byte().log_probs
        if constraint:
            logs = np.where(constraint.allowed(state), logs, -np.inf)
        if logs.max() == -np.inf:
            raise ImpossiblePrefixError(
                f"behind {bytes(found[-40:])!r} the model gives nothing to what is allowed"
            )
        symbol = int(random.choice(257, p=shaped(logs, temperature, top_p)))
        if symbol == END:
            break
        found.append(symbol)
        if len(found) < size:
            cursor.push(symbol)
            state = constraint.after(state, symbol) if constraint else None
    return bytes(found)


def shaped(log_probs: NDArray[np.float64], temperature: float, top_p: float) -> NDArray[np.float64]:
    """Probabilities to draw from; see `sample`. Raises ValueError outside its range."""
    if temperature < 0 or not 0 < top_p <= 1:
        raise ValueError("temperature is at least 0, and top_p is above 0 and at most 1")
    if temperature == 0:
        found = np.zeros(len(log_probs))
        found[np.argmax(log_probs)] = 1.0
        return found
    scaled = log_probs / temperature
    probs: NDArray[np.float64] = np.exp(scaled - scaled.max())
    probs /= probs.sum()
    if top_p == 1:
        return probs
    order = np.argsort(-probs, kind="stable")
    needed = int(np.searchsorted(np.cumsum(probs[order]), top_p)) + 1
    probs[order[needed:]] = 0.0
    kept: NDArray[np.float64] = probs / probs.sum()
    return kept
