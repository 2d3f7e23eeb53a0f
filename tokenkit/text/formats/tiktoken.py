"""tiktoken rank files: a line a token, its bytes in base64 and its rank."""

import base64
import binascii
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from encoders.bpe import BpeTables, tables_from_ranks
from encoders.scan import patterns
from tokenkit.errors import FormatError
from tokenkit.text import byte_map
from tokenkit.text.added import AddedToken
from tokenkit.text.formats.plan import Plan, fingerprint_of

NAMED_PATTERNS = {
    "gpt2": patterns.GPT2_PATTERN,
    "r50k": patterns.GPT2_PATTERN,
    "p50k": patterns.GPT2_PATTERN,
    "cl100k": patterns.CL100K_PATTERN,
    "o200k": patterns.O200K_PATTERN,
    "llama3": patterns.LLAMA3_PATTERN,
    "qwen2": patterns.QWEN2_PATTERN,
}
# Where the pattern of a rank file is spelled for an engine that `tokenizers` does not have.
_IN_JSON = {
    patterns.CL100K_PATTERN: patterns.CL100K_ONIGURUMA_PATTERN,
    patterns.R50K_PATTERN: patterns.GPT2_PATTERN,
}


def for_oniguruma(pattern: str) -> str:
    """A split pattern in the spelling that `tokenizers` reads alike."""
    return _IN_JSON.get(pattern, pattern)


def looks_like(content: bytes) -> bool:
    """Whether the first line is base64, a blank and a number."""
    first = content.split(b"\n", 1)[0].split()
    return len(first) == 2 and first[1].isdigit()


def read(content: bytes, pattern: str, special_tokens: Mapping[str, int]) -> Plan:
    """Read a rank file; ``pattern`` is a name of NAMED_PATTERNS or a regular expression.

    Raises FormatError, naming the line, where it is not a rank file.
    """
    tokens = read_ranks(content)
    tables = tables_from_ranks(tokens)
    pattern = NAMED_PATTERNS.get(pattern, pattern)
    spec = as_tokenizer_json(tables, tokens, pattern, special_tokens)
    head = {key: value for key, value in spec.items() if key != "model"}
    head["model"] = {k: v for k, v in spec["model"].items() if k not in ("vocab", "merges")}
    return Plan(head, fingerprint_of(spec), tables, {}, pattern)


def read_ranks(content: bytes) -> list[bytes]:
    """Token bytes by rank; empty where a rank has no token."""
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(content.splitlines(), 1):
        if not line:
            continue
        try:
            encoded, rank = line.split()
            ranks[base64.b64decode(encoded, validate=True)] = int(rank)
        except (ValueError, binascii.Error):
            raise FormatError(f"line {number} of the rank file is not 'base64 rank'") from None
    tokens = [b""] * (1 + max(ranks.values(), default=-1))
    for piece, place in ranks.items():
        tokens[place] = piece
    missing = set(range(256)) - {token[0] for token in tokens if len(token) == 1}
    if missing:
        raise FormatError(
            f"byte 0x{min(missing):02X} has no rank, so not every text can be encoded"
        )
    return tokens


def write_ranks(tokens: list[bytes]) -> bytes:
    """The rank file of tokens by rank."""
    lines = (base64.b64encode(t) + b" %d\n" % rank for rank, t in enumerate(tokens) if t)
    return b"".join(lines)


def ranks_of(tables: object, added: Collection[int]) -> bytes:
    """The rank file of a byte-level merge list without its ``added`` ids, where ranks say the same.

    Raises FormatError where they do not: another model, ids out of the order of merges, or
    missing bytes.
    """
    if not isinstance(tables, BpeTables) or tables.options[0]:
        raise FormatError("ranks cannot express this tokenizer: it is no byte-level BPE")
    raw, offsets = tables.vocab.tobytes(), tables.offsets.tolist()
    tokens = [b"" if i in added else raw[a:b] for i, (a, b) in enumerate(pairwise(offsets))]
    try:
        same = np.array_equal(tables_from_ranks(tokens).merges, tables.merges)
    except ValueError as error:
        raise FormatError(f"ranks cannot express this tokenizer: {error}") from None
    if not same:
        raise FormatError("ranks cannot express this tokenizer: its ids do not follow its merges")
    return write_ranks(tokens)


def as_tokenizer_json(
    tables: BpeTables, tokens: list[bytes], pattern: str, special_tokens: Mapping[str, int]
) -> dict[str, Any]:
    """The tokenizer.json that `tokenizers` encodes with alike."""
    spelled = [byte_map.from_bytes(token) for token in tokens]
    merges = tables.merges[:, :2].astype(np.int64).tolist()
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": False,
    }
    split = {
        "type": "Split",
        "pattern": {"Regex": for_oniguruma(pattern)},
        "behavior": "Isolated",
        "invert": False,
    }
    added = [AddedToken(text, id_, special=True) for text, id_ in special_tokens.items()]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [token.to_json() for token in sorted(added, key=lambda t: t.id)],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": None,
        "decoder": {**byte_level, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": True,
            "vocab": {token: rank for rank, token in enumerate(spelled) if token},
            "merges": [[spelled[left], spelled[right]] for left, right in merges],
        },
    }
