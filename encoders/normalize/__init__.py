"""Normalizers: text into the form that a tokenizer was trained on, exact to `tokenizers`."""

from encoders.normalize.characters import BertNormalizer, ByteLevel, Lowercase, Nmt, StripAccents
from encoders.normalize.charsmap import Precompiled, SentencePiece
from encoders.normalize.edits import (
    Prepend,
    Replace,
    ReplaceRegex,
    Sequence,
    Strip,
    WellFormed,
    emptied,
    put_before,
)
from encoders.normalize.forms import Nfc, Nfd, Nfkc, Nfkd
from encoders.normalize.running import Alignment, Normalized, Normalizer

__all__ = [
    "Alignment",
    "BertNormalizer",
    "ByteLevel",
    "Lowercase",
    "Nfc",
    "Nfd",
    "Nfkc",
    "Nfkd",
    "Nmt",
    "Normalized",
    "Normalizer",
    "Precompiled",
    "Prepend",
    "Replace",
    "ReplaceRegex",
    "SentencePiece",
    "Sequence",
    "Strip",
    "StripAccents",
    "WellFormed",
    "emptied",
    "put_before",
]
