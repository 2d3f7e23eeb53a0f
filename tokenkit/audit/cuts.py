"""Where a text may be cut in two and encoded in parts, with the ids of the whole.

A cut is safe where every text with it keeps its ids. Whether it is, the characters around it
decide, so what is reported are pairs of classes: of the character before and of the one behind.
They are tried, not proved: every combination of two symbols on each side.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    "accented": ("é", "ü"),
    "mark": ("e\u0301", "न\u093f"),
    "ideograph": ("中", "日本"),
}
_SHOWN = 12


@dataclass(frozen=True)
class CutRule:
    """A cut between two classes of characters."""

    before: str
    behind: str
    tried: int
    """Texts that were cut so."""
    changed: int
    """Those whose ids changed."""
    example: str = ""
    """The shortest such text, with | at the cut."""

    def with_text(self, text: str, *, changed: bool) -> "CutRule":
        """The rule after one more text."""
        shorter = changed and (not self.example or len(text) < len(self.example))
        example = text if shorter else self.example
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
    behind = vocabulary.encode([text for _, text in rights])
    rules: dict[tuple[str, str], CutRule] = {}
    for (before, left), ids in zip(lefts, vocabulary.encode([t for _, t in lefts]), strict=True):
        whole = vocabulary.encode([left + right for _, right in rights])
        for (name, right), same in zip(rights, _are_joined(whole, ids, behind), strict=True):
            rule = rules.get((before, name), CutRule(before, name, 0, 0))
            rules[before, name] = rule.with_text(f"{left}|{right}", changed=not same)
    return tuple(rules[pair] for pair in product(_SYMBOLS, _SYMBOLS))


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
            Example(None, shown(rule.example), f"{rule.before}|{rule.behind}: ids change")
            for rule in broken[:: len(broken) // _SHOWN + 1]
        ),
        facts={f"{rule.before}|{rule.behind}": "safe" for rule in safe},
    )
