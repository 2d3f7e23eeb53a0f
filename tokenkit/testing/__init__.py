"""Hypothesis strategies and round-trip laws that every tokenizer must keep.

    from tokenkit.testing import check_tokenizer
    check_tokenizer(tokenizer)

`strategies` makes the texts, `laws` states what must hold, `subjects` says how to reach a
tokenizer of tokenkit, `tiktoken`, `tokenizers` or `sentencepiece`, `checking` looks for what breaks
a law, and `plugin` does so in pytest. Needs the extra ``testing``.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenkit.testing.checking import check_tokenizer, find_violations
    from tokenkit.testing.laws import LAWS, Law, LawViolation
    from tokenkit.testing.subjects import Subject, subject_of

__all__ = [
    "LAWS",
    "Law",
    "LawViolation",
    "Subject",
    "check_tokenizer",
    "find_violations",
    "subject_of",
]

_HOMES = {
    "LAWS": "laws",
    "Law": "laws",
    "LawViolation": "laws",
    "Subject": "subjects",
    "check_tokenizer": "checking",
    "find_violations": "checking",
    "subject_of": "subjects",
}


def __getattr__(name: str) -> Any:
    """Load on use: pytest imports this package at its start, to find the plugin."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tokenkit.testing' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"tokenkit.testing.{_HOMES[name]}"), name)
