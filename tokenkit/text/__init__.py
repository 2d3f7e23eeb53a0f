"""Text tokenizers: load, save, train, encode, decode."""

from tokenkit.text.added import AddedToken
from tokenkit.text.batching import Padded, Padding, Truncation
from tokenkit.text.spans import Encoding
from tokenkit.text.stream import DecodeStream
from tokenkit.text.templates import Template
from tokenkit.text.tokenizer import Tokenizer

__all__ = [
    "AddedToken",
    "DecodeStream",
    "Encoding",
    "Padded",
    "Padding",
    "Template",
    "Tokenizer",
    "Truncation",
]
