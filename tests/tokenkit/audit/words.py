"""A tokenizer of hand-picked tokens, so that a test can write a word in any of its ways."""

import json
from functools import cache

from tests.tokenkit.audit import broken
from tokenkit import Tokenizer
from tokenkit.text import byte_map

_BITS = (
    "Feb", "ruary", "February", " February", "inter", "nation", "al", "international",
    " international", "NAS", "A", "NASA", " NASA", "cat", "s", "cats", " cats", " cat", "Oba", "ma",
    "Obama", " Obama", "talk", "ing", "talking", " talking", "ta", "lk", "lking", " the", "the",
    " of the", "\n\n", "  ", "'s", "a's", "cat's", ".\n",
)  # fmt: skip


@cache
def tokenizer() -> Tokenizer:
    """All 256 bytes, then the tokens above."""
    spec = broken.spec()
    letters = [byte_map.CHARACTER_OF[byte] for byte in range(256)]
    merged = [byte_map.from_bytes(bit.encode()) for bit in _BITS if len(bit) > 1]
    spec["added_tokens"] = []
    spec["model"]["vocab"] = {token: i for i, token in enumerate([*letters, *merged])}
    spec["model"]["merges"] = []
    return Tokenizer.from_bytes(json.dumps(spec).encode())


def ids(*pieces: str) -> list[int]:
    """Pieces as tokens, those that there are not byte by byte."""
    vocab, found = tokenizer().vocab, []
    for piece in pieces:
        letters = byte_map.from_bytes(piece.encode())
        found += [vocab[letters]] if letters in vocab else [vocab[letter] for letter in letters]
    return found
