"""How each library encodes a whole text or a batch of documents the fastest way it offers."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.material import unpacked

PEERS = (
    "gigatoken",
    "tiktoken",
    "tokenizers",
    "sentencepiece",
    "fastokens",
    "kitoken",
    "splintr-rs",
    "rs-bpe",
)


@dataclass(frozen=True)
class Library:
    """``load()`` gives a fresh object; the encoders return the number of tokens."""

    name: str
    load: Callable[[], Any]
    encode: Callable[[Any, str], int]
    encode_batch: Callable[[Any, list[str]], int]


def load_code(libraries: list[Library]) -> None:
    """Have code loaded or compiled before anything is timed; what fails here fails in its race."""
    for library in libraries:
        with suppress(Exception):
            library.encode_batch(library.load(), ["Warm-up text, 123."] * 3)


def threads() -> int:
    """How many threads this process may use, set by ``__main__`` for every library alike."""
    return int(os.environ.get("RAYON_NUM_THREADS", "1"))


def ours(path: Path, **options: Any) -> Library:
    from tokenkit import Tokenizer

    return Library(
        "tokenkit",
        lambda: Tokenizer.from_file(path, **options),
        lambda tok, text: len(tok.encode(text)),
        lambda tok, docs: len(tok.encode_batch(docs, threads=threads()).values),
    )


def gigatoken(source: Any) -> Library:
    import gigatoken as gt

    return Library(
        "gigatoken",
        lambda: gt.Tokenizer(source),
        lambda tok, text: len(tok.encode(text)),
        lambda tok, docs: _flat_length(tok.encode_batch(docs)),
    )


def _flat_length(ragged: Any) -> int:
    import awkward as ak

    return int(ak.count(ragged))


def tokenizers(path: Path) -> Library:
    import tokenizers as hf

    return Library(
        "tokenizers",
        lambda: hf.Tokenizer.from_file(str(path)),
        lambda tok, text: len(tok.encode(text, add_special_tokens=False)),
        lambda tok, docs: sum(map(len, tok.encode_batch_fast(docs, add_special_tokens=False))),
    )


def fastokens(path: Path) -> Library:
    from fastokens import Tokenizer

    return Library(
        "fastokens",
        lambda: Tokenizer.from_file(str(path)),
        lambda tok, text: len(tok.encode_ordinary(text)),
        lambda tok, docs: sum(map(len, tok.encode_batch(docs, add_special_tokens=False))),
    )


def kitoken(path: Path) -> Library:
    from kitoken import Kitoken

    return Library(
        "kitoken",
        lambda: Kitoken.from_file(str(path)),
        lambda tok, text: len(tok.encode(text, False)),
        lambda tok, docs: sum(map(len, tok.encode_all(docs, False))),
    )


def splintr(path: Path) -> Library:
    import splintr as sr

    return Library(
        "splintr",
        lambda: sr.from_json(str(path)),
        lambda tok, text: len(tok.encode_flat(text)) // 4,
        lambda tok, docs: len(tok.encode_batch_flat(docs)[0]) // 4,
    )


def rs_bpe(name: str) -> Library:
    """The vocabularies of OpenAI that it brings along. It loads one once a process: never cold."""
    import rs_bpe as rs

    batch = "encode_batch_parallel" if threads() > 1 else "encode_batch"
    return Library(
        "rs-bpe",
        getattr(rs.openai, name),
        lambda tok, text: len(tok.encode(text)),
        lambda tok, docs: sum(map(len, getattr(tok, batch)(docs)[0])),
    )


def tiktoken(name: str) -> Library:
    import tiktoken as tt
    from tiktoken.load import load_tiktoken_bpe

    pattern = PATTERNS[name]
    ranks = load_tiktoken_bpe(str(unpacked(f"{name}.tiktoken")))
    return Library(
        "tiktoken",
        lambda: tt.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={}),
        lambda tok, text: len(tok.encode_to_numpy(text, disallowed_special=())),
        lambda tok, docs: sum(map(len, tok.encode_ordinary_batch(docs, num_threads=threads()))),
    )


def sentencepiece(path: Path) -> Library:
    import sentencepiece as spm

    return Library(
        "sentencepiece",
        lambda: spm.SentencePieceProcessor(model_file=str(path)),
        lambda tok, text: len(tok.encode(text)),
        lambda tok, docs: sum(map(len, tok.encode(docs, num_threads=threads()))),
    )


_R50K = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
_CL100K = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+|"""
    r""" ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
)
_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_O200K = "|".join(
    [
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
        + _CONTRACTION,
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
        + _CONTRACTION,
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)
PATTERNS = {"r50k_base": _R50K, "cl100k_base": _CL100K, "o200k_base": _O200K}
