"""Audits as assertions, and all encodings of a text as examples.

from tokenkit.testing.audits import check_audit, encodings
check_audit(tokenizer, fail_on=["error", "whitespace"])
"""

from collections.abc import Iterable
from functools import lru_cache

from hypothesis import strategies as st

from tokenkit.audit import Audit, Encodings, audit, compare
from tokenkit.testing import strategies
from tokenkit.testing.laws import as_utf8
from tokenkit.text import Tokenizer


class AuditViolation(AssertionError):  # noqa: N818 - named as the laws' violations are
    """An audit found what it was told to fail on; ``audit`` is all that it found."""

    def __init__(self, found: Audit, fail_on: tuple[str, ...]) -> None:
        self.audit = found
        lines = [f"{found.name}:"]
        for finding in found.failures(fail_on):
            lines.append(f"  {finding.severity} {finding.check}: {finding.title}")
            lines += [f"    {e.spelling} {e.note}" for e in finding.examples[:3]]
        super().__init__("\n".join(lines))


def check_audit(tokenizer: Tokenizer, *, fail_on: Iterable[str] = ("error",)) -> Audit:
    """The audit of a tokenizer. Raises AuditViolation for findings to fail on, by severity or
    check; AuditError for a name that is neither."""
    wanted, found = tuple(fail_on), audit(tokenizer)
    if found.failures(wanted):
        raise AuditViolation(found, wanted)
    return found


@lru_cache(maxsize=4)
def _encodings(tokenizer: Tokenizer) -> Encodings:
    return Encodings.of(tokenizer)


def encodings(
    tokenizer: Tokenizer, texts: st.SearchStrategy[str] | None = None
) -> st.SearchStrategy[tuple[str, list[int]]]:
    """Texts, each with one of all its encodings, any with the same probability.

    ``texts``: of those that `strategies.texts` makes, unless given, which have an encoding.
    """
    every = _encodings(tokenizer)
    given = strategies.texts() if texts is None else texts
    return st.tuples(given.map(as_utf8), st.integers(0, 2**32)).flatmap(
        lambda drawn: (
            st.just(drawn[0])
            .filter(lambda text: every.count(text) > 0)
            .map(lambda text: (text, every.sample(text, 1, seed=drawn[1])[0].tolist()))
        )
    )


def encodings_read_alike(tokenizer: Tokenizer, example: tuple[str, list[int]]) -> None:
    """Any encoding of a text decodes to it, and its differences are phantom edits.

    For tokenizers whose contract is "lossless". Raises AssertionError where it is not so.
    """
    text, ids = example
    if tokenizer.decode_bytes(ids) != text.encode():
        raise AssertionError(f"{ids} decode to {tokenizer.decode_bytes(ids)!r}, not to {text!r}")
    comparison = compare(tokenizer, tokenizer.encode(text), ids)
    if comparison.replaced:
        raise AssertionError(f"{comparison.replaced} is told of equal texts {text!r}")
    for edit in comparison.edits:
        before, after = map(tokenizer.decode_bytes, (edit.before_ids, edit.after_ids))
        if edit.before_ids == edit.after_ids or before.strip() != after.strip():
            raise AssertionError(f"{edit} is no phantom edit: {before!r} and {after!r}")
