"""All characters, and the normal forms of many texts at once."""

import unicodedata
from collections.abc import Sequence
from functools import cache

from tokenkit.text import Tokenizer
from tokenkit.text.changes import MARK

_CORE = "a1b"
_BETWEEN = f"|{_CORE}|"
"""Parts texts that are normalised together: no normalizer known changes it, composes with it or
makes it of anything else."""


@cache
def characters() -> tuple[str, ...]:
    """All assigned code points but surrogates and private ones, in order."""
    every = map(chr, range(0x110000))
    return tuple(c for c in every if unicodedata.category(c) not in ("Cn", "Cs", "Co"))


def normalizes(tokenizer: Tokenizer) -> bool:
    """Whether the tokenizer changes text before its model sees it."""
    return bool(tokenizer.head.get("normalizer")) or "sentencepiece" in tokenizer.head


def normal_forms(tokenizer: Tokenizer, texts: Sequence[str]) -> list[str]:
    """What the tokenizer makes of each text before its model sees it."""
    if not normalizes(tokenizer):
        return list(texts)
    if "sentencepiece" in tokenizer.head:  # which treats white space at the ends of a text apart
        return [tokenizer.normalize(text) for text in texts]
    plain = [text for text in texts if _CORE not in text]
    found = tokenizer.normalize(_BETWEEN.join(["", *plain, ""])).split(_BETWEEN)[1:-1]
    known = dict(zip(plain, found, strict=True)) if len(found) == len(plain) else {}
    return [known[text] if text in known else tokenizer.normalize(text) for text in texts]


def is_normal(text: str, normal: str) -> bool:
    """Whether a normal form is the text itself, but for blanks around it or marked by U+2581."""
    return text.strip() == normal.replace(MARK, " ").strip()
