"""Phantom edits: other ids for a text that reads the same.

Ayoobi, Armstrong and Mukherjee 2026, "Say Anything but This: When Tokenizer Betrays Reasoning in
LLMs" (arXiv 2601.14658): a model that is asked to replace a word may write other tokens that spell
the old one, and go on as if it had done so. The paper sorts such edits into eight artifacts; the
rules by which `_artifact` sorts them are ours.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Ids
from tokenkit.text import Tokenizer
from tokenkit.text.inputs import to_ids

_BLANKS = b" \t\r\n\f\v"
_WORD = re.compile(rb"[^ \t\r\n\f\v]+")
_TAILS = frozenset(("s", "es", "'s", "’s", "s'", "s’", "'", "’"))
_BEGINNINGS = frozenset(
    ("anti", "de", "dis", "im", "in", "inter", "mis", "non", "over", "pre", "re", "sub", "un")
)
_ENDINGS = frozenset(
    "able al ance ation ed en ence ent er ers est ful hood ial ible ing ion ions ise ised ism "  # noqa: SIM905
    "ist ists ity ive ize ized less ly ment ments ness ous ship tion y".split()
)


class Artifact(StrEnum):
    """The eight artifacts, in the paper's order."""

    WHITESPACE_BOUNDARY = "whitespace boundary"
    """The white space before a word is lost or gained: “ February” and “February”."""
    WHITESPACE_DETACHED = "whitespace detached"
    """White space is a token of its own in one of them: “ ” “x” and “ x”."""
    NEWLINE_FOR_SPACE = "newline for space"
    """Line break and blank change places."""
    RESEGMENTED = "resegmented"
    """A word is cut elsewhere, and none of the following."""
    PROPER_NOUN = "proper noun"
    """A capitalised word is cut elsewhere."""
    MORPHOLOGY = "morphology"
    """Only one of them is cut behind a known beginning or before a known ending of words."""
    ACRONYM = "acronym"
    """A word in capitals is cut elsewhere."""
    TAIL = "plural or possessive tail"
    """The ending “s”, “es” or “’s” is a token of its own in one of them."""


Outcome = Literal["kept", "phantom", "replaced"]


@dataclass(frozen=True)
class Edit:
    """Words that both texts have, in other ids: a phantom edit.

    ``before`` and ``after`` are spans of positions in the two sequences of ids.
    """

    artifact: Artifact
    word: str
    before: tuple[int, int]
    after: tuple[int, int]
    before_ids: tuple[int, ...]
    after_ids: tuple[int, ...]

    @property
    def one_to_one(self) -> bool:
        """Whether one token stands for one, as in most phantom edits that the paper saw."""
        return len(self.before_ids) == len(self.after_ids) == 1


@dataclass(frozen=True)
class Comparison:
    """Two sequences of ids, word by word."""

    edits: tuple[Edit, ...]
    """The phantom edits, in order."""
    replaced: tuple[tuple[str, str], ...]
    """Words that are others: old and new, runs of them joined by blanks; either may be empty."""
    words: tuple[tuple[str, Outcome], ...]
    """The words of the first text and what became of each."""

    @property
    def same_text(self) -> bool:
        """Whether the texts are equal but for white space."""
        return not self.replaced


def compare(
    tokenizer: Tokenizer,
    before: Sequence[int] | NDArray[Any],
    after: Sequence[int] | NDArray[Any],
) -> Comparison:
    """What differs between two sequences of ids, and which of it cannot be read.

    Words are what white space parts, aligned as `difflib` does. Of words that both texts have the
    ids are compared, those of the white space in front included. Words that one token spells
    together are compared together. Raises VocabularyError for an id outside the vocabulary.
    """
    old, new = _words(tokenizer, to_ids(before)), _words(tokenizer, to_ids(after))
    matcher = SequenceMatcher(None, old.words, new.words, autojunk=False)
    outcomes: list[Outcome] = ["replaced"] * len(old.words)
    edits, replaced = [], []
    for kind, i, i_stop, j, j_stop in matcher.get_opcodes():
        if kind != "equal":
            replaced.append((_text(old.words[i:i_stop]), _text(new.words[j:j_stop])))
            continue
        for first, last in _groups(old, i, new, j, i_stop - i):
            edit = _edit(old, new, (i + first, i + last), (j + first, j + last))
            outcomes[i + first : i + last] = ["phantom" if edit else "kept"] * (last - first)
            if edit:
                edits.append(edit)
    words = tuple(zip(map(_read, old.words), outcomes, strict=True))
    return Comparison(tuple(edits), tuple(replaced), words)


def phantom_ids(tokenizer: Tokenizer, span: str, spelled: str = "") -> Ids:
    """Ids that would write ``span`` again, to mask while decoding: uint32, ascending.

    These are all ids that complete the span once ``spelled``, its beginning, is written: with the
    default those that spell the whole of it, whatever white space is around (artifacts 1 to 3),
    later the last tokens of every other way to cut it (4 to 8). A token that goes on with letters
    or digits writes another word and is none of them. A mask over a whole decoding therefore asks
    anew at each step, as `tokenkit.adapters.hf_phantom.PhantomMask` does.

    White space around the span does not count. Raises ValueError where nothing is left of it, or
    where it does not begin with ``spelled``.
    """
    span = span.strip()
    if not span or not span.startswith(spelled) or span == spelled:
        raise ValueError(f"{spelled!r} is no beginning of the span {span!r}")
    return _phantom_ids(tokenizer, span, spelled)


@lru_cache(maxsize=4096)
def _phantom_ids(tokenizer: Tokenizer, span: str, spelled: str) -> Ids:
    rest = span[len(spelled) :].encode("utf-8", "surrogatepass")
    tokens, ids = _sorted_tokens(tokenizer)
    found = []
    at = bisect_left(tokens, rest)
    while at < len(tokens) and tokens[at].startswith(rest):
        blank_first = tokenizer.id_to_bytes(ids[at])[:1] in _BLANK_BYTES
        if _ends_word(tokens[at][len(rest) :]) and not (spelled and blank_first):
            found.append(ids[at])
        at += 1
    result = np.array(sorted(found), np.uint32)
    result.flags.writeable = False  # it is shared with later calls
    return result


_BLANK_BYTES = frozenset(bytes([byte]) for byte in _BLANKS)


@lru_cache(maxsize=4)
def _sorted_tokens(tokenizer: Tokenizer) -> tuple[list[bytes], list[int]]:
    """Tokens without the white space in front, in order, and their ids."""
    pairs = sorted(
        (tokenizer.id_to_bytes(id_).lstrip(_BLANKS), id_) for id_ in range(tokenizer.vocab_size)
    )
    return [token for token, _ in pairs], [id_ for _, id_ in pairs]


def _ends_word(behind: bytes) -> bool:
    """Whether what a token has behind a word begins with neither letter nor digit."""
    return not behind or (behind[0] < 0x80 and not behind[:1].isalnum())


# --- words and their tokens


@dataclass(frozen=True, eq=False)
class _Words:
    """The words of a sequence of ids."""

    ids: Ids
    tokens: list[bytes]
    raw: bytes
    bounds: NDArray[np.int64]
    """int64[n + 1]: where each token begins in the bytes of the text."""
    words: list[bytes]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    before: NDArray[np.int64]
    """Where the word before ends."""
    joined: NDArray[np.bool_]
    """Whether the token that a word begins in began in the word before."""

    def tokens_of(self, first: int, last: int) -> tuple[int, int]:
        """Those that spell words ``first`` up to ``last``, and the white space in front."""
        begins = self.bounds[:-1]
        start = np.searchsorted(begins, self.before[first], side="left")
        stop = np.searchsorted(begins, self.stops[last - 1], side="left")
        return int(start), int(stop)

    def blank_before(self, word: int) -> bytes:
        """The white space in front of a word."""
        return self.raw[self.before[word] : self.starts[word]]


def _words(tokenizer: Tokenizer, ids: Ids) -> _Words:
    tokens = [tokenizer.id_to_bytes(id_) for id_ in ids.tolist()]
    bounds = np.concatenate(([0], np.cumsum([len(token) for token in tokens]))).astype(np.int64)
    raw = b"".join(tokens)
    spans = np.array([m.span() for m in _WORD.finditer(raw)], np.int64).reshape(-1, 2)
    starts, stops = spans.T
    before = np.concatenate(([0], stops[:-1])) if len(stops) else stops
    first_token = np.searchsorted(bounds, starts, side="right") - 1
    joined = bounds[first_token] < before
    words = [raw[start:stop] for start, stop in spans.tolist()]
    return _Words(ids, tokens, raw, bounds, words, starts, stops, before, joined)


def _groups(old: _Words, i: int, new: _Words, j: int, count: int) -> list[tuple[int, int]]:
    """Words ``i + k`` and ``j + k`` that both texts have, grouped where a token spells several.

    A group that shares a token with a word beyond them is left out: its ids differ because of it.
    """
    inner = [k for k in range(1, count) if not (old.joined[i + k] or new.joined[j + k])]
    edges = [0, *inner, count]
    groups = list(pairwise(edges))
    if old.joined[i] or new.joined[j]:
        groups = groups[1:]
    after = [words.joined[at + count : at + count + 1] for words, at in ((old, i), (new, j))]
    return groups[:-1] if any(map(np.any, after)) else groups


def _edit(old: _Words, new: _Words, i: tuple[int, int], j: tuple[int, int]) -> Edit | None:
    """The phantom edit of a group of words, where their ids differ."""
    before, after = old.tokens_of(*i), new.tokens_of(*j)
    old_ids = tuple(old.ids[slice(*before)].tolist())
    new_ids = tuple(new.ids[slice(*after)].tolist())
    if old_ids == new_ids:
        return None
    artifact = _artifact(
        old.blank_before(i[0]),
        new.blank_before(j[0]),
        old.tokens[slice(*before)],
        new.tokens[slice(*after)],
    )
    return Edit(artifact, _text(old.words[slice(*i)]), before, after, old_ids, new_ids)


# --- sorting into artifacts


def _artifact(
    old_blank: bytes, new_blank: bytes, old: Sequence[bytes], new: Sequence[bytes]
) -> Artifact:
    if old_blank != new_blank:
        both = old_blank and new_blank
        broken = (b"\n" in old_blank) != (b"\n" in new_blank)
        return Artifact.NEWLINE_FOR_SPACE if both and broken else Artifact.WHITESPACE_BOUNDARY
    pieces, others = _pieces(old), _pieces(new)
    if pieces == others:
        return Artifact.WHITESPACE_DETACHED
    word = "".join(filter(str.isalpha, "".join(pieces)))
    if (_last(pieces) in _TAILS) != (_last(others) in _TAILS):
        return Artifact.TAIL
    if len(word) > 1 and word.isupper():
        return Artifact.ACRONYM
    if word[:1].isupper():
        return Artifact.PROPER_NOUN
    if _morphemes(pieces) != _morphemes(others):
        return Artifact.MORPHOLOGY
    return Artifact.RESEGMENTED


def _pieces(tokens: Sequence[bytes]) -> list[str]:
    """Tokens without white space around them."""
    return [_read(piece) for token in tokens if (piece := token.strip(_BLANKS))]


def _last(pieces: Sequence[str]) -> str:
    """The last that is more than punctuation, or an apostrophe; none of a word that is one."""
    kept = [p for p in pieces if any(map(str.isalnum, p)) or p in _TAILS]
    return kept[-1] if len(kept) > 1 else ""


def _morphemes(pieces: Sequence[str]) -> set[int]:
    """Places where the pieces part at a known beginning or ending of words."""
    found, at, last = set(), 0, _last(pieces)
    for rank, piece in enumerate(pieces):
        if piece == last and last.lower() in _ENDINGS:
            found.add(at)
        at += len(piece)
        if rank == 0 and len(pieces) > 1 and piece.lower() in _BEGINNINGS:
            found.add(at)
    return found


def _read(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _text(words: Sequence[bytes]) -> str:
    return " ".join(map(_read, words))
