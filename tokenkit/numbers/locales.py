"""How numbers are written in the places that a scheme can be told of."""

from dataclasses import dataclass
from typing import Literal

from encoders.scan.numbers import Notation

Locale = Literal["en", "de", "fr", "in", "none"]


@dataclass(frozen=True)
class Style:
    """``notation`` for the scanner; ``separators``: those between thousands, as text."""

    notation: Notation
    decimal: str
    separators: tuple[str, ...] = ()


STYLES: dict[Locale, Style] = {
    "en": Style(Notation(1), ".", (",",)),
    "de": Style(Notation(2, ord(",")), ",", (".",)),
    "fr": Style(Notation(3, ord(",")), ",", ("\u00a0", "\u202f")),
    "in": Style(Notation(1, indian=True), ".", (",",)),
    "none": Style(Notation(0), "."),
}
"""``en`` 1,234,567.8; ``de`` 1.234.567,8; ``fr`` 1 234 567,8 with no-break spaces; ``in``
12,34,567.8; ``none`` 1234567.8."""
