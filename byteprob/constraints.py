"""What a sampled text must be: a match of a regular expression, or one of some strings.

`byteprob.sources.sample` masks what may not follow, byte by byte, and normalises the rest: each
byte is drawn as if nothing had been asked of those after it. That is not the model's distribution
given that the whole text matches; of a few strings `choose` gives that one, exactly.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byteprob.errors import ImpossiblePrefixError, PatternError
from byteprob.regular import automaton
from byteprob.sources import ByteCursor, ByteSource, score


@dataclass(frozen=True, eq=False)
class Automaton:
    """A `byteprob.ByteConstraint`. From each of its states there is a way to an end.

    ``table``: int32[states, 256], the state after each byte, -1 for a byte that may not follow.
    ``accepting``: bool[states], where the text may end. A text begins in state 0.
    """

    table: NDArray[np.int32]
    accepting: NDArray[np.bool_]
    start: int = 0

    def allowed(self, state: int) -> NDArray[np.bool_]:
        """Which symbols may follow: bool[257]."""
        return np.append(self.table[state] >= 0, self.accepting[state])

    def after(self, state: int, byte: int) -> int:
        """The state after a byte; -1 if it may not follow."""
        return int(self.table[state, byte])

    def accepts(self, text: bytes) -> bool:
        """Whether it is a text that may be."""
        state = self.start
        for byte in text:
            state = self.after(state, byte)
            if state < 0:
                return False
        return bool(self.accepting[state])


def matching(pattern: str | bytes) -> Automaton:
    """The texts that a regular expression matches from end to end, as `re.fullmatch` says.

    Of a string, characters are UTF-8 and classes are Unicode's; of bytes, each is a byte. There
    are literals, escapes, classes, ``.``, groups, ``|`` and the repeats ``* + ? {m,n}``, lazy or
    not. Flags, anchors, looking around, back-references and possessive repeats are refused.

    Raises PatternError, naming what is refused, and for what nothing matches.
    """
    table, accepting = automaton(pattern)
    live = _reaching(table, accepting)
    if not live[0]:
        raise PatternError(f"nothing matches {pattern!r}")
    number = np.where(live, np.cumsum(live) - 1, -1).astype(np.int32)
    return Automaton(np.where(table[live] < 0, -1, number[table[live]]), accepting[live])


def one_of(strings: Iterable[bytes]) -> Automaton:
    """The texts that are one of these, as a tree of their prefixes.

    Raises PatternError for no strings.
    """
    rows, ends = [np.full(256, -1, np.int32)], {}
    for string in strings:
        state = 0
        for byte in string:
            if rows[state][byte] < 0:
                rows[state][byte] = len(rows)
                rows.append(np.full(256, -1, np.int32))
            state = int(rows[state][byte])
        ends[state] = True
    if not ends:
        raise PatternError("a text cannot be one of no strings")
    return Automaton(np.array(rows), np.array([state in ends for state in range(len(rows))]))


def choose(
    source: ByteSource, strings: Sequence[bytes], prompt: bytes = b"", *, ended: bool = True
) -> NDArray[np.float64]:
    """How likely each of some strings is to follow a prompt, given that one of them does.

    With ``ended``, the text ends behind it; without, it may go on. The shares of what `score`
    gives, float64[strings]: as exact as the source is, unlike a sample that a constraint was put on
    byte by byte. Of a model that normalises, the strings are of normal forms.

    Raises ImpossiblePrefixError where none has any probability.
    """
    behind = _Behind(source.at(prompt))
    logs = np.array([score(behind, string, ended=ended).log_prob for string in strings])
    if logs.max(initial=-np.inf) == -np.inf:
        raise ImpossiblePrefixError(f"behind {prompt[-40:]!r} none of {strings!r} can be")
    shares: NDArray[np.float64] = np.exp(logs - np.logaddexp.reduce(logs))
    return shares


@dataclass(frozen=True)
class _Behind:
    """What follows a place, whose prefix is read once for all."""

    cursor: ByteCursor

    def at(self, prefix: bytes = b"") -> ByteCursor:
        found = self.cursor.fork()
        for byte in prefix:
            found.push(byte)
        return found


def _reaching(table: NDArray[np.int32], accepting: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which states lead to one where the text may end."""
    found, known = accepting.copy(), -1
    while known != (known := int(found.sum())):
        for state in reversed(range(len(table))):
            row = table[state]
            found[state] |= found[row[row >= 0]].any()
    return found
