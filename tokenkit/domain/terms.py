"""How many tokens the terms of a field take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenkit.domain.cuts import AnyTokenizer
from tokenkit.errors import ComparisonError

Terms = Mapping[str, Sequence[str]]
"""Field to its terms."""

PAPER_TERMS: Terms = {
    "Legal": (
        "11 U.S.C. § 362(a)",
        "res judicata",
        "stare decisis",
        "habeas corpus",
        "certiorari",
        "de novo review",
        "28 C.F.R. § 14.2(a)",
        "42 U.S.C. § 1983",
        "Fed. R. Civ. P. 12(b)(6)",
        "prima facie",
    ),
    "Financial": (
        "EBITDA",
        "P/E ratio",
        "10-K filing",
        "SEC Form 8-K",
        "quarterly dividend",
        "year-over-year growth",
        "Basel III compliance",
        "GAAP accounting",
        "ROI analysis",
        "market capitalization",
    ),
}
"""The twenty terms of the KL3M tokenizer paper (Bommarito, Katz and Bommarito 2025)."""


@dataclass(frozen=True)
class TermCounts:
    """Tokens of each term. ``counts``: by tokenizer, then by field, in the order of ``terms``."""

    terms: Terms
    counts: Mapping[str, Mapping[str, Sequence[int]]]

    def mean(self, tokenizer: str, field: str) -> float:
        """Tokens that a term of a field takes on average."""
        found = self.counts[tokenizer][field]
        return sum(found) / len(found)


def count_terms(tokenizers: Mapping[str, AnyTokenizer], terms: Terms = PAPER_TERMS) -> TermCounts:
    """Count the tokens of terms standing alone, without special tokens.

    The paper's own table counts those that `tokenizers` adds by default too: two for RoBERTa, one
    for Llama 3.
    """
    counts = {
        name: {field: [tokenizer.count(term) for term in own] for field, own in terms.items()}
        for name, tokenizer in tokenizers.items()
    }
    return TermCounts(terms, counts)


def read_terms(path: str | Path) -> Terms:
    """Terms of a file, one a line; a field and a tab may stand before a term.

    Without a field, terms are those of the file's name. Raises ComparisonError where the file is
    not UTF-8 text or has no term.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ComparisonError(f"cannot read terms from {path}: {error}") from None
    found: dict[str, list[str]] = {}
    for line in lines:
        field, tab, term = line.partition("\t")
        if not tab:
            field, term = path.stem, line
        if term.strip():
            found.setdefault(field.strip(), []).append(term.strip())
    if not found:
        raise ComparisonError(f"{path} has no terms: one a line, or FIELD, a tab and the term")
    return found
