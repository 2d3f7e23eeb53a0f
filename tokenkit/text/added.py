"""Added tokens: found in text before anything else happens to it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets, joined
from encoders.match import Matcher, Matches

_WORD = r"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]"


@dataclass(frozen=True)
class AddedToken:
    """A token outside the model, with the flags of `tokenizers`."""

    content: str
    id: int
    special: bool = False
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = False

    @staticmethod
    def from_json(entry: dict[str, Any]) -> "AddedToken":
        """From an entry of ``added_tokens`` in a tokenizer.json."""
        names = ("special", "single_word", "lstrip", "rstrip", "normalized")
        flags = {name: bool(entry.get(name, False)) for name in names}
        return AddedToken(entry["content"], int(entry["id"]), **flags)

    def to_json(self) -> dict[str, Any]:
        """As an entry of ``added_tokens``."""
        return {
            "id": self.id,
            "content": self.content,
            "single_word": self.single_word,
            "lstrip": self.lstrip,
            "rstrip": self.rstrip,
            "normalized": self.normalized,
            "special": self.special,
        }


@dataclass(frozen=True, eq=False)
class Segments:
    """Documents cut at added tokens.

    ``text`` and ``bounds`` (int64[segments + 1]): the segments; ``replaced``: int64[segments], the
    id that stands for the segment or -1; ``segment_of``: int64[documents + 1], the first segment
    of each document.
    """

    text: Bytes
    bounds: Offsets
    replaced: Offsets
    segment_of: Offsets

    def begins(self, first: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        """bool[segments]: which begin a text, given which documents do (all unless given)."""
        found = np.zeros(len(self.replaced), np.bool_)
        starts = self.segment_of[:-1] if first is None else self.segment_of[:-1][first]
        found[starts[starts < len(found)]] = True
        return found


@dataclass(frozen=True, eq=False)
class AddedTokenFinder:
    """Finds a set of added tokens, leftmost-longest, with their flags, as `tokenizers` does."""

    tokens: tuple[AddedToken, ...]
    spelling: Callable[[str], str] = str

    @cached_property
    def _matcher(self) -> Matcher:
        return Matcher.build([self.spelling(token.content).encode() for token in self.tokens])

    @cached_property
    def _flagged(self) -> bool:
        return any(token.single_word or token.lstrip or token.rstrip for token in self.tokens)

    def cut(self, text: Bytes, bounds: Offsets) -> Segments | None:
        """The documents cut at every match; None where nothing matches."""
        if not self.tokens:
            return None
        matches = self._matcher.find(text, bounds)
        if self._flagged and len(matches.starts):
            matches = self._with_flags(text, bounds, matches)
        if not len(matches.starts):
            return None
        ids = np.array([token.id for token in self.tokens], np.int64)[matches.which]
        if (matches.starts[1:] < matches.stops[:-1]).any():
            return _cut_overlapping(text, bounds, matches, ids)
        return _cut(text, bounds, matches, ids)

    def _with_flags(self, text: Bytes, bounds: Offsets, matches: Matches) -> Matches:
        import regex

        word_before = regex.compile(_WORD + r"\Z")
        word_after = regex.compile(_WORD)
        documents = np.searchsorted(bounds, matches.starts, side="right") - 1
        kept: list[tuple[int, int, int]] = []
        taken_to = -1
        rows = zip(matches.starts, matches.stops, matches.which, documents, strict=True)
        for found_start, found_stop, which, document in rows:
            token, start, stop = self.tokens[which], int(found_start), int(found_stop)
            begin, end = int(bounds[document]), int(bounds[document + 1])
            before = text[max(begin, start - 256) : start].tobytes().decode("utf-8", "replace")
            after = text[stop : min(end, stop + 4)].tobytes().decode("utf-8", "replace")
            if token.single_word and (word_before.search(before) or word_after.match(after)):
                continue
            if token.lstrip and start > max(begin, taken_to):
                blank = text[max(begin, taken_to) : start].tobytes().decode("utf-8", "replace")
                start -= len(blank[len(blank.rstrip(_SPACES)) :].encode())
            if token.rstrip:
                rest = text[stop:end].tobytes().decode("utf-8", "replace")
                stop += len(rest[: len(rest) - len(rest.lstrip(_SPACES))].encode())
            kept.append((start, stop, which))
            taken_to = stop
        spans = np.array(kept, np.int64).reshape(-1, 3).T
        return Matches(spans[0], spans[1], spans[2])


_SPACES = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def _cut(text: Bytes, bounds: Offsets, matches: Matches, ids: NDArray[np.int64]) -> Segments:
    # Where edges coincide, a match ends before a document does, and begins after one begins.
    edges = np.concatenate((3 * matches.stops, 3 * bounds + 1, 3 * matches.starts + 2))
    order = np.argsort(edges, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    count = len(matches.stops)
    first_bound = place[count]
    replaced = np.full(len(order) - 1, -1, np.int64)
    replaced[place[count + len(bounds) :]] = ids
    segment_of = place[count : count + len(bounds)] - first_bound
    return Segments(text, edges[order] // 3, replaced, segment_of)


def _cut_overlapping(
    text: Bytes, bounds: Offsets, matches: Matches, ids: NDArray[np.int64]
) -> Segments:
    """As `_cut`, where white space that one match took holds the next match.

    Then `tokenizers` emits both and goes on behind the later one, be it earlier in the text.
    """
    pieces: list[bytes] = []
    replaced: list[int] = []
    segment_of = [0]
    owner = np.searchsorted(bounds, matches.starts, side="right") - 1
    for document, (begin, end) in enumerate(pairwise(bounds.tolist())):
        at = begin
        for match in np.flatnonzero(owner == document).tolist():
            start, stop = int(matches.starts[match]), int(matches.stops[match])
            if at < start:
                pieces.append(text[at:start].tobytes())
                replaced.append(-1)
            pieces.append(b"")
            replaced.append(int(ids[match]))
            at = stop
        if at < end:
            pieces.append(text[at:end].tobytes())
            replaced.append(-1)
        segment_of.append(len(pieces))
    return Segments(*joined(pieces), np.array(replaced, np.int64), np.array(segment_of, np.int64))


def enabled(tokens: Iterable[AddedToken], allowed: frozenset[str] | None) -> tuple[AddedToken, ...]:
    """The tokens to look for: special ones only where allowed (None allows all)."""
    return tuple(
        token
        for token in tokens
        if token.content and (not token.special or allowed is None or token.content in allowed)
    )
