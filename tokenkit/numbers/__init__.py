"""Numbers as tokens: Triadic Suffix Tokenization, its siblings, and their place in a tokenizer."""

from encoders.scan.numbers import EVERYTHING, Protect
from tokenkit.numbers.locales import Locale
from tokenkit.numbers.schemes import L2R, R2L, TST, Digits, NumberEncoding, Scheme
from tokenkit.numbers.tokenizer import NumericTokenizer

__all__ = [
    "EVERYTHING",
    "L2R",
    "R2L",
    "TST",
    "Digits",
    "Locale",
    "NumberEncoding",
    "NumericTokenizer",
    "Protect",
    "Scheme",
]
