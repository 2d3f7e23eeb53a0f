"""Training byte-level BPE into a tokenizer.json."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from encoders.bpe.training import TrainedBpe, TrainerOptions, count_pieces, train_bpe
from encoders.buffers import Bytes, Offsets, joined
from encoders.scan import scanner_for
from tokenkit.text import byte_map
from tokenkit.text.added import AddedToken
from tokenkit.text.formats.tiktoken import NAMED_PATTERNS, for_oniguruma

_BATCH = 1 << 22  # bytes of text counted at a time


def train(
    texts: Iterable[bytes | memoryview],
    options: TrainerOptions,
    *,
    pattern: str,
    special_tokens: Sequence[str],
    initial_alphabet: str | Iterable[int] | None,
    threads: int,
) -> bytes:
    """The tokenizer.json of byte-level BPE trained on texts.

    See `tokenkit.Tokenizer.train`, which this serves.
    """
    regex = NAMED_PATTERNS.get(pattern, pattern)
    special = list(dict.fromkeys(special_tokens))
    pieces, counts = count_pieces(batches_of(texts), scanner_for(regex), threads)
    alphabet = alphabet_of(pieces, initial_alphabet)
    trained = train_bpe(pieces, counts, alphabet, options, reserved_for(special))
    spec = tokenizer_json(trained, regex, special)
    return json.dumps(spec, ensure_ascii=False).encode()


def reserved_for(special_tokens: Sequence[str]) -> list[bytes]:
    """What special tokens stand for, as `train_bpe` takes it."""
    return [byte_map.to_bytes(token) or b"" for token in special_tokens]


def alphabet_of(pieces: list[bytes], initial: str | Iterable[int] | None) -> list[int]:
    """The bytes that get ids, in the order of `tokenizers`, that of their stand-ins."""
    if initial is None:
        kept = set(range(256))
    else:
        kept = set(initial.encode() if isinstance(initial, str) else bytes(initial))
        kept.update(*pieces)
    return sorted(kept, key=byte_map.CHARACTER_OF.__getitem__)


def batches_of(texts: Iterable[bytes | memoryview]) -> Iterator[tuple[Bytes, Offsets]]:
    """Texts in batches of some megabytes, as the kernels take them."""
    batch: list[bytes | memoryview] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= _BATCH:
            yield joined(batch)
            batch, size = [], 0
    if batch:
        yield joined(batch)


def tokenizer_json(
    trained: TrainedBpe, pattern: str, special_tokens: Sequence[str]
) -> dict[str, Any]:
    """The tokenizer.json of merges under a split pattern; special tokens have the first ids."""
    spelled = [byte_map.from_bytes(token) for token in trained.tokens]
    spelled[: len(special_tokens)] = special_tokens
    whole = pattern == NAMED_PATTERNS["gpt2"]
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": whole,
    }
    split = {
        "type": "Split",
        "pattern": {"Regex": for_oniguruma(pattern)},
        "behavior": "Isolated",
        "invert": False,
    }
    added = [AddedToken(token, id_, special=True) for id_, token in enumerate(special_tokens)]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [token.to_json() for token in added],
        "normalizer": None,
        "pre_tokenizer": byte_level
        if whole
        else {"type": "Sequence", "pretokenizers": [split, byte_level]},
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
            "ignore_merges": False,
            "vocab": {token: id_ for id_, token in enumerate(spelled)},
            "merges": [[spelled[left], spelled[right]] for left, right, _ in trained.merges],
        },
    }
