"""Regular expressions as automata over bytes.

What one character of a pattern stands for, `re` itself is asked; sequences, choices and repeats
become a non-deterministic automaton (Thompson 1968), and that a deterministic one, whose states
are sets of its states (Rabin and Scott 1959). Libraries that do this stop at the first choice that
matches, as a search does (outlines-core 0.2: ``a|ab`` without ``ab``), or know no bytes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byteprob.errors import PatternError

MOST_STATES = 50_000
Span = tuple[int, int]
"""The first and the last of what follow one another: characters or bytes."""


@dataclass(frozen=True)
class OneOf:
    """One character: any of these spans of bytes, one after the other."""

    spans: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True)
class Then:
    """Parts one after the other."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Either:
    """One of the parts."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Repeat:
    """A part ``least`` to ``most`` times; None is any number."""

    part: "Node"
    least: int
    most: int | None


Node = OneOf | Then | Either | Repeat

# What one character is spelled as: a class, an escape, or the character itself.
_ATOM = re.compile(
    r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\(?:x..|u.{4}|U.{8}|0[0-7]{0,2}|[1-3][0-7]{2}|.)|.", re.DOTALL
)
_GROUP = re.compile(r"\((?!\?)|\(\?:|\(\?P<\w+>")
_REPEAT = re.compile(r"(?:([*+?])|\{(?!\})(\d*)(?:(,)(\d*))?\})(\?|\+)?")
_TIMES: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_ZERO_WIDTH = re.compile(r"\^|\$|\\[bBAZ]")


def parsed(pattern: str | bytes) -> Node:
    """A pattern of `re` as a tree. Raises PatternError for what is not regular, by name."""
    try:
        re.compile(pattern)
        if isinstance(pattern, str):
            pattern.encode()
    except (re.error, UnicodeEncodeError) as error:
        raise PatternError(f"{pattern!r} is no regular expression: {error}") from None
    parser = _Parser(pattern if isinstance(pattern, str) else pattern.decode("latin-1"), pattern)
    return parser.either()


@dataclass
class _Parser:
    """Of a pattern that `re` takes: so that nothing is unbalanced here."""

    text: str
    pattern: str | bytes
    at: int = 0

    def either(self) -> Node:
        parts = [self.then()]
        while self.text.startswith("|", self.at):
            self.at += 1
            parts.append(self.then())
        return Either(tuple(parts))

    def then(self) -> Node:
        parts = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self.repeated(self.one()))
        return Then(tuple(parts))

    def one(self) -> Node:
        if self.text[self.at] == "(":
            opened = _GROUP.match(self.text, self.at)
            if opened is None:
                raise self.refused(self.text[self.at : self.at + 4], "is no plain group")
            self.at = opened.end()
            inside = self.either()
            self.at += 1
            return inside
        atom = _ATOM.match(self.text, self.at)
        assert atom is not None
        self.at = atom.end()
        spelled = atom.group()
        if _ZERO_WIDTH.fullmatch(spelled):
            raise self.refused(spelled, "stands for no byte; the whole text is matched anyway")
        if re.fullmatch(r"\\[1-9]|\\N", spelled):
            raise self.refused(spelled, "is not supported")
        return character(spelled, isinstance(self.pattern, bytes))

    def repeated(self, node: Node) -> Node:
        found = _REPEAT.match(self.text, self.at)
        if found is None:
            return node
        sign, least, comma, most, kind = found.groups()
        if kind == "+":
            raise self.refused(found.group(), "is possessive, which is not regular here")
        self.at = found.end()
        if sign:
            return Repeat(node, *_TIMES[sign])
        low = int(least or 0)
        return Repeat(node, low, (int(most) if most else None) if comma else low)

    def refused(self, part: str, why: str) -> PatternError:
        return PatternError(f"{part!r} at {self.at} of {self.pattern!r} {why}")


@cache
def character(spelled: str, raw: bool) -> OneOf:
    """What one character of a pattern may be, in bytes; of ``raw`` patterns, one byte."""
    if raw:
        runs = re.finditer(b"(?:" + spelled.encode("latin-1") + b")+", bytes(range(256)))
        return OneOf(tuple(((run.start(), run.end() - 1),) for run in runs))
    if len(spelled) == 1 and spelled != ".":
        return OneOf((tuple((byte, byte) for byte in spelled.encode()),))
    runs_of = re.finditer(f"(?:{spelled})+", _every_character())
    spans = [span for run in runs_of for span in utf8_spans(run.start(), run.end() - 1)]
    return OneOf(tuple(spans))


@cache
def _every_character() -> str:
    return "".join(map(chr, range(0x110000)))


_SAME_LENGTH = ((0, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF))


def utf8_spans(low: int, high: int) -> Iterator[tuple[Span, ...]]:
    """Spans of bytes that spell just the characters from ``low`` to ``high``; no surrogates."""
    for least, most in _SAME_LENGTH:
        first, last = max(low, least), min(high, most)
        if first <= last:
            yield from _spans(chr(first).encode(), chr(last).encode())


def _spans(low: bytes, high: bytes) -> Iterator[tuple[Span, ...]]:
    first, last, rest = low[0], high[0], len(low) - 1
    if first == last and rest:
        yield from (((first, last), *more) for more in _spans(low[1:], high[1:]))
        return
    if low[1:] != b"\x80" * rest:
        yield from (((first, first), *more) for more in _spans(low[1:], b"\xbf" * rest))
        first += 1
    if high[1:] != b"\xbf" * rest:
        yield from (((last, last), *more) for more in _spans(b"\x80" * rest, high[1:]))
        last -= 1
    if first <= last:
        yield ((first, last), *[(0x80, 0xBF)] * rest)


@dataclass
class _Graph:
    """A non-deterministic automaton. ``steps[s]``: spans of bytes and where they lead."""

    pattern: str | bytes
    steps: list[list[tuple[int, int, int]]] = field(default_factory=list)
    free: list[list[int]] = field(default_factory=list)

    def state(self) -> int:
        _refuse_many(self.pattern, len(self.steps))
        self.steps.append([])
        self.free.append([])
        return len(self.steps) - 1

    def add(self, node: Node, start: int, stop: int) -> None:
        """Ways from one state to another; none leads into ``start`` or out of ``stop``."""
        match node:
            case OneOf(spans):
                shared: dict[tuple[Span, ...], int] = {(): stop}
                for span in spans:
                    self._spell(span, start, shared)
            case Either(parts):
                for part in parts:
                    self.add(part, start, stop)
            case Then(parts):
                for part in parts:
                    start = self._after(part, start)
                self.free[start].append(stop)
            case Repeat(part, least, most):
                for _ in range(least):
                    start = self._after(part, start)
                if most is None:
                    hub = self.state()
                    self.free[start].append(hub)
                    self.add(part, hub, hub)
                    self.free[hub].append(stop)
                    return
                for _ in range(most - least):
                    self.free[start].append(stop)
                    start = self._after(part, start)
                self.free[start].append(stop)

    def _after(self, node: Node, start: int) -> int:
        stop = self.state()
        self.add(node, start, stop)
        return stop

    def _spell(self, spans: tuple[Span, ...], start: int, shared: dict[Any, int]) -> None:
        rest = spans[1:]
        if rest not in shared:
            shared[rest] = self.state()
            self._spell(rest, shared[rest], shared)
        self.steps[start].append((*spans[0], shared[rest]))

    def closed(self, states: set[int]) -> frozenset[int]:
        """These states and those that they lead to for nothing."""
        found, last = set(states), list(states)
        while last:
            new = set(self.free[last.pop()]) - found
            found |= new
            last += new
        return frozenset(found)


def automaton(pattern: str | bytes) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The state after each byte, int32[states, 256], -1 for none; where a text may end, bool.

    Text begins in state 0. Raises PatternError.
    """
    graph = _Graph(pattern)
    begin, stop = graph.state(), graph.state()
    graph.add(parsed(pattern), begin, stop)
    number = {graph.closed({begin}): 0}
    rows, order = [], list(number)
    for states in order:
        targets: list[set[int]] = [set() for _ in range(256)]
        for state in states:
            for low, high, target in graph.steps[state]:
                for byte in range(low, high + 1):
                    targets[byte].add(target)
        row = np.full(256, -1, np.int32)
        for byte, found in enumerate(targets):
            if found:
                closed = graph.closed(found)
                if closed not in number:
                    _refuse_many(pattern, len(order))
                    number[closed] = len(order)
                    order.append(closed)
                row[byte] = number[closed]
        rows.append(row)
    return np.array(rows), np.array([stop in states for states in order])


def _refuse_many(pattern: str | bytes, states: int) -> None:
    if states == MOST_STATES:
        raise PatternError(f"{pattern!r} needs more than {MOST_STATES} states")
