"""Where a text may be cut in two and encoded in parts, with the ids of the whole.

A cut is safe where every text with it keeps its ids. Whether it is, the characters around it
decide, so what is reported are pairs of classes: of the character before and of the one behind.
Two things can go wrong. A token lies across the cut: every token of the vocabulary is tried. Or the
split looks at what stands farther off: all combinations of two symbols on each side are tried. That
is a thorough search for counterexamples and no proof. Special tokens are ordinary text. Where a
tokenizer normalises, classes are those of the characters' normal forms.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tokenkit.audit.contexts import completions
from tokenkit.audit.findings import Example, Finding, shown
from tokenkit.audit.vocabulary import Vocabulary
from tokenkit.text import Tokenizer
from tokenkit.text.inputs import sound
from tokenkit.tokens import Ragged

# Two spellings of each class, so that a cut inside a piece is seen by what merges there.
_SYMBOLS = {
    "letter": ("the", "s"),
    "capital": ("A", "THE"),
    "digit": ("1", "20"),
    "blank": (" ", "  "),
    "line feed": ("\n", "\n\n"),
    "tab": ("\t", "\t\t"),
    "apostrophe": ("'", "’"),
    "punctuation": (".", "=="),
    "slash": ("/", "//"),
    "other cased letter": ("é", "Ü"),
    "mark": ("e\u0301", "न\u093f"),
    "uncased letter": ("中", "日本"),
}
_CLASSES = tuple(_SYMBOLS)
_BY_CHARACTER = {" ": "blank", "\n": "line feed", "\t": "tab", "/": "slash"} | dict.fromkeys(
    "'’", "apostrophe"
)
_BY_CATEGORY = {
    **dict.fromkeys(("Ll", "Lu", "Lt", "Lm"), "other cased letter"),
    **dict.fromkeys(("Mn", "Mc", "Me"), "mark"),
    "Lo": "uncased letter",
    "Nd": "digit",
}
_SHOWN = 12
_COMPLETIONS = 8
_Cut: TypeAlias = tuple[tuple[str, str], str, str]
"""The classes of the characters beside a cut, and the texts before and behind it."""


def class_of(character: str) -> str | None:
    """The class of a character; None for what is in none (controls, symbols beyond ASCII, …)."""
    if character in _BY_CHARACTER:
        return _BY_CHARACTER[character]
    if character.isascii() and character.isalpha():
        return "letter" if character.islower() else "capital"
    found = _BY_CATEGORY.get(unicodedata.category(character))
    plain = character.isascii() and character.isprintable()
    return found or ("punctuation" if plain else None)


@dataclass(frozen=True)
class CutRule:
    """A cut between two classes of characters."""

    before: str
    behind: str
    tried: int
    """Texts that were cut so."""
    changed: int
    """Those whose ids changed."""
    example: tuple[str, str] = ("", "")
    """The shortest such text, cut."""

    def with_text(self, left: str, right: str, *, changed: bool) -> "CutRule":
        """The rule after one more text."""
        size, least = len(left + right), len("".join(self.example))
        example = (left, right) if changed and not 0 < least <= size else self.example
        return CutRule(self.before, self.behind, self.tried + 1, self.changed + changed, example)

    @property
    def safe(self) -> bool:
        """Whether no text tried has other ids when cut there."""
        return not self.changed


def cut_rules(vocabulary: Vocabulary) -> tuple[CutRule, ...]:
    """All pairs of classes, in order."""
    inner = [(name, text) for name, texts in _SYMBOLS.items() for text in texts]
    outer = [texts[0] for texts in _SYMBOLS.values()]
    lefts = [(name, far + near) for far, (name, near) in product(outer, inner)]
    rights = [(name, near + far) for (name, near), far in product(inner, outer)]
    behind = vocabulary.encode_plain([text for _, text in rights])
    rules: dict[tuple[str, str], CutRule] = {}
    for (last, left), ids in zip(
        lefts, vocabulary.encode_plain([t for _, t in lefts]), strict=True
    ):
        whole = vocabulary.encode_plain([left + right for _, right in rights])
        for (name, right), same in zip(rights, _are_joined(whole, ids, behind), strict=True):
            rule = rules.get((last, name), CutRule(last, name, 0, 0))
            rules[last, name] = rule.with_text(left, right, changed=not same)
    crossing = [*_across_tokens(vocabulary), *_across_parts(vocabulary)]
    before = vocabulary.encode_plain([left for _, left, _ in crossing]).to_lists()
    after = vocabulary.encode_plain([right for _, _, right in crossing]).to_lists()
    wholes = vocabulary.encode_plain([left + right for _, left, right in crossing]).to_lists()
    for (pair, left, right), a, b, whole_ids in zip(crossing, before, after, wholes, strict=True):
        rules[pair] = rules[pair].with_text(left, right, changed=whole_ids != a + b)
    return tuple(rules[pair] for pair in product(_CLASSES, _CLASSES))


def _across_tokens(vocabulary: Vocabulary) -> Iterator[_Cut]:
    """For each pair of classes a token that holds it, cut there."""
    texts = [
        text
        for id_, text in enumerate(vocabulary.texts)
        if text and vocabulary.standalone[id_] and not _is_special(vocabulary, id_)
    ]
    joined = "\0".join(texts)
    points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
    distinct, which = np.unique(points, return_inverse=True)
    classes = [class_of(chr(point)) for point in distinct.tolist()]
    numbers = np.array([_CLASSES.index(name) if name else -1 for name in classes], np.int64)[which]
    pairs = np.where(
        (numbers[:-1] < 0) | (numbers[1:] < 0), -1, numbers[:-1] * len(_CLASSES) + numbers[1:]
    )
    for pair, at in zip(*np.unique(pairs, return_index=True), strict=True):
        if pair >= 0:
            start, stop = joined.rfind("\0", 0, at) + 1, joined.find("\0", at)
            token = joined[start : None if stop < 0 else stop]
            before, behind = divmod(int(pair), len(_CLASSES))
            cut = int(at) + 1 - start
            yield (_CLASSES[before], _CLASSES[behind]), token[:cut], token[cut:]


def _is_special(vocabulary: Vocabulary, id_: int) -> bool:
    return id_ in vocabulary.added and vocabulary.added[id_].special


def _across_parts(vocabulary: Vocabulary) -> Iterator[_Cut]:
    """The same for tokens of partial characters, in texts that complete them."""
    for token, text in zip(vocabulary.tokens, vocabulary.texts, strict=True):
        inner = [k for k in range(1, len(token)) if token[k] & 0xC0 != 0x80]
        if text is not None or not inner:
            continue
        around = completions(token)
        for whole in around[:: len(around) // _COMPLETIONS + 1]:
            at = whole.find(token)
            for k in inner:
                left, right = whole[: at + k].decode(), whole[at + k :].decode()
                before, behind = class_of(left[-1]), class_of(right[0])
                if before and behind:
                    yield (before, behind), left, right


def _are_joined(whole: Ragged, left: NDArray[Any], rights: Ragged) -> list[bool]:
    """Which rows of ``whole`` are ``left`` followed by the row of ``rights``."""
    size = len(left)
    found: NDArray[np.bool_] = whole.lengths == size + rights.lengths
    rows = np.flatnonzero(found)
    starts, lengths = whole.offsets[rows], rights.lengths[rows]
    found[rows] = (whole.values[starts[:, None] + np.arange(size)] == left).all(axis=1)
    row_of = np.repeat(np.arange(len(rows)), lengths)
    within = np.arange(len(row_of)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    theirs = rights.values[rights.offsets[rows][row_of] + within]
    found[rows[row_of[whole.values[starts[row_of] + size + within] != theirs]]] = False
    return list(found.tolist())


def safe_cuts(tokenizer: Tokenizer, text: str) -> NDArray[np.int64]:
    """Places (character offsets, ascending) where cutting this text leaves its ids as they are.

    Exact: the text is encoded once for each token bound, which is quadratic in its length.
    """
    text = sound(text)
    whole = tokenizer.encode(text).tolist()
    cuts = sorted({int(stop) for _, stop in tokenizer.encode_with_offsets(text).char_spans})
    cuts = [cut for cut in cuts if 0 < cut < len(text)]
    left = tokenizer.encode_batch([text[:cut] for cut in cuts]).to_lists()
    right = tokenizer.encode_batch([text[cut:] for cut in cuts]).to_lists()
    kept = [cut for cut, a, b in zip(cuts, left, right, strict=True) if a + b == whole]
    return np.array(kept, np.int64)


def chunk_safety(vocabulary: Vocabulary) -> Finding:
    """Pairs of characters between which a text may not be cut."""
    rules = cut_rules(vocabulary)
    safe = [rule for rule in rules if rule.safe]
    broken = [rule for rule in rules if not rule.safe]
    at_lines = [rule for rule in safe if "line feed" in (rule.before, rule.behind)]
    return Finding(
        check="chunk_safety",
        severity="ok" if not broken else "note" if at_lines else "warning",
        count=len(broken),
        title=f"{len(safe)} of {len(rules)} kinds of cuts kept the ids of every text tried"
        + ("" if at_lines else "; none of them at a line feed"),
        why="A text encoded in parts, cut elsewhere, has other ids than the whole.",
        advice="Cut only where the table says that it is safe: "
        + ("; ".join(f"{r.before}|{r.behind}" for r in (at_lines or safe)[:6]) or "nowhere")
        + ".",
        examples=tuple(
            Example(None, shown("|".join(rule.example)), f"{rule.before}|{rule.behind}: ids change")
            for rule in broken[:: len(broken) // _SHOWN + 1]
        ),
        facts={f"{rule.before}|{rule.behind}": "safe" for rule in safe},
    )
