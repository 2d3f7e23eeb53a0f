"""Anything that gives the next byte's distribution: what can be done with it, whatever it is."""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

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


_MOST_LEAK = math.nextafter(1.0, 0.0)  # of what all has leaked but for less than rounding tells


@runtime_checkable
class Weighed(Protocol):
    """A `ByteCursor` that knows the probability of what is behind it, as `byteprob.Cursor` does."""

    def log_bounds(self, *, ended: bool = False) -> tuple[float, float]:
        """Between what the log-probability of the prefix lies, or of it as a whole text; one number
        twice where it is known exactly."""
        ...


@dataclass(frozen=True)
class Score:
    """Of a byte string of ``size`` bytes, in natural logarithms.

    ``log_prob``: of the string under the target: of "canonical", S of `Target`, a lower bound of
    what the model gives to the string by any tokens. ``chained``: the product of what `next_byte`
    gives, each time normalised; it is larger by the leak of every step, and so flatters the model.
    For the other targets, and for ensembles, the two are one.

    ``high``: ``log_prob`` itself where all is exact. Of a model with a tolerance or a beam, and of
    ensembles of such, the exact number is at least ``log_prob`` and at most this.
    """

    log_prob: float
    chained: float
    size: int
    high: float

    @property
    def bits_per_byte(self) -> float:
        """Bits a byte; infinite for what cannot be, NaN for no bytes."""
        return -self.log_prob / math.log(2) / self.size if self.size else math.nan


def score(source: ByteSource, text: bytes, *, ended: bool = False) -> Score:
    """The probability of ``text`` as a prefix; with ``ended``, as a whole text.

    Where the source knows the probability of a prefix (`Weighed`), ``log_prob`` is that.
    """
    cursor, low, high, leaked = source.at(), 0.0, 0.0, 0.0
    for symbol in (*text, END) if ended else text:
        try:
            dist = cursor.next_byte()
            if symbol != END:
                cursor.push(symbol)
        except ImpossiblePrefixError:
            return Score(-math.inf, -math.inf, len(text), -math.inf)
        least, most = dist.log_bounds(symbol)
        low, high = low + least, high + most
        leaked += math.log1p(-min(dist.leak, _MOST_LEAK))
    if isinstance(cursor, Weighed):
        low, high = cursor.log_bounds(ended=ended)
        return Score(low, low - leaked, len(text), high)
    return Score(low, low, len(text), high)


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
    draft, cursor = Draft.begun(seed, constraint), source.at(prefix)
    while len(draft.text) < size:
        draft.go_on(cursor.next_byte(), temperature, top_p)
        if draft.ended:
            break
        if len(draft.text) < size:
            cursor.push(draft.text[-1])
    return draft.text


@dataclass
class Draft:
    """A text that is being drawn. ``state``: of the constraint. ``ended``: nothing follows."""

    random: np.random.Generator
    constraint: ByteConstraint | None
    state: Hashable
    text: bytes = b""
    ended: bool = False

    @staticmethod
    def begun(seed: int | None, constraint: ByteConstraint | None) -> "Draft":
        """Of no bytes."""
        state = constraint.start if constraint else None
        return Draft(np.random.default_rng(seed), constraint, state)

    def go_on(self, dist: ByteDist, temperature: float, top_p: float) -> None:
        """Draw one symbol more: see `sample`."""
        logs = dist.log_probs
        if self.constraint:
            logs = np.where(self.constraint.allowed(self.state), logs, -np.inf)
        if logs.max() == -np.inf:
            raise ImpossiblePrefixError(
                f"behind {self.text[-40:]!r} the model gives nothing to what is allowed"
            )
        symbol = int(self.random.choice(257, p=shaped(logs, temperature, top_p)))
        if symbol == END:
            self.ended = True
            return
        self.text += bytes([symbol])
        if self.constraint:
            self.state = self.constraint.after(self.state, symbol)


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
