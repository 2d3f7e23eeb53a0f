"""What a format reader hands to the Tokenizer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeAlias

from encoders.bpe import BpeTables
from encoders.unigram import UnigramTables
from encoders.wordpiece import WordPieceTables

Tables: TypeAlias = BpeTables | UnigramTables | WordPieceTables


@dataclass(frozen=True, eq=False)
class Plan:
    """A tokenizer, read.

    ``head`` is its tokenizer.json without vocabulary and merges; ``tables`` are set where the
    kernels run it, and then ``odd`` holds the bytes of tokens that no text encodes to; otherwise
    ``reason`` says why not and ``content`` is the whole file for the library that runs it.
    """

    head: Mapping[str, Any]
    fingerprint: str
    tables: Tables | None = None
    odd: Mapping[int, bytes] | None = None
    pattern: str = ""
    """The split pattern of a rank file, which its head cannot always spell."""
    blanks: bool = False
    """Whether the tables have a blank for U+2581, which text then need not be changed to."""
    reason: str = ""
    content: bytes = b""


def fingerprint_of(spec: Mapping[str, Any]) -> str:
    """sha256 of a tokenizer.json with sorted keys and no spaces."""
    canonical = json.dumps(spec, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
