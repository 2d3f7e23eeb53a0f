"""Looking for an example that breaks a law, and for the smallest one."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from tokenkit.testing.laws import LAWS, Law, LawViolation
from tokenkit.testing.subjects import Contract, Subject, subject_of

_MOST_CUTS = 300


def check_law(law: Law, tokenizer: Any, *, max_examples: int = 100) -> None:
    """Try ``law`` on ``max_examples`` examples by Hypothesis and on the corners of `strategies`.

    The examples are the same in every run. Raises LawViolation with the smallest example found.
    Does nothing where the law does not bind the tokenizer.
    """
    from tokenkit.testing.searching import search

    subject = subject_of(tokenizer)
    if not law.binds(subject):
        return

    search(_examples(law, subject), partial(_try, law, subject), max_examples)
    for corner in _corners(law):
        _try_corner(law, subject, corner)


def check_tokenizer(
    tokenizer: Any,
    *,
    contract: Contract | None = None,
    laws: Iterable[Law] = LAWS,
    max_examples: int = 100,
) -> tuple[str, ...]:
    """Check all laws that bind a tokenizer; returns their names.

    ``tokenizer``: of tokenkit, `tiktoken`, `tokenizers` or `sentencepiece`, or a `Subject`.
    ``contract``: what it is held to, where it should not be what the tokenizer says.

    Raises LawViolation for the first law that is broken, with the smallest input found.
    """
    subject = subject_of(tokenizer, contract)
    checked = []
    for law in laws:
        if law.binds(subject):
            check_law(law, subject, max_examples=max_examples)
            checked.append(law.name)
    return tuple(checked)


def find_violations(
    tokenizer: Any,
    *,
    contract: Contract | None = None,
    laws: Iterable[Law] = LAWS,
    max_examples: int = 100,
) -> dict[str, LawViolation]:
    """As `check_tokenizer`, but go on after a broken law: name of law to what broke it."""
    subject = subject_of(tokenizer, contract)
    found = {}
    for law in laws:
        try:
            check_law(law, subject, max_examples=max_examples)
        except LawViolation as violation:
            found[law.name] = violation
    return found


def _try(law: Law, subject: Subject, example: Any) -> None:
    """The law, with errors of the tokenizer itself as violations."""
    try:
        law.check(subject, example)
    except LawViolation:
        raise
    except Exception as error:
        if law.name == "takes_any_text" or not _is_about_surrogates(example):
            raise LawViolation(subject, law.name, example, "no error", repr(error)) from error


def _try_corner(law: Law, subject: Subject, corner: Any) -> None:
    """As `_try`, and what breaks the law is cut down as far as it still does (by halves)."""
    try:
        _try(law, subject, corner)
    except LawViolation as violation:
        smallest, width, tries = violation, len(corner) // 2, 0
        while width and tries < _MOST_CUTS:
            example, at = smallest.example, 0
            while at < len(example) and tries < _MOST_CUTS:
                shorter = example[:at] + example[at + width :]
                tries += 1
                try:
                    _try(law, subject, shorter)
                    at += width
                except LawViolation as found:
                    smallest, example = found, shorter
            width //= 2
        raise smallest from smallest.__cause__


def _is_about_surrogates(example: Any) -> bool:
    """Refusing lone surrogates breaks `takes_any_text`, and that once is enough."""
    texts = example if isinstance(example, list) else [example]
    return any(
        "\ud800" <= character <= "\udfff"
        for text in texts
        if isinstance(text, str)
        for character in text
    )


def _examples(law: Law, subject: Subject) -> Any:
    from hypothesis import strategies as st

    from tokenkit.testing import strategies

    texts = strategies.texts((*subject.special_tokens, *subject.added_tokens))
    if law.examples == "text":
        return texts
    if law.examples == "texts":
        return st.lists(texts, max_size=4)
    if law.examples == "bytes":
        return strategies.raw_bytes()
    return strategies.ids(subject.ids)


def _corners(law: Law) -> list[Any]:
    from tokenkit.testing.strategies import corners

    if law.examples == "text":
        return list(corners())
    if law.examples == "bytes":
        return [text.encode("utf-8", "surrogatepass") for text in corners()]
    return [list(corners())] if law.examples == "texts" else []
