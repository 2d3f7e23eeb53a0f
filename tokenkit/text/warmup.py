"""Running every text kernel once, so that it is compiled and on disk."""

import string

import numpy as np

from encoders import normalize, scan
from encoders.bpe import tables_from_merges
from encoders.buffers import joined
from encoders.pieces import PieceCache
from encoders.unigram import UnigramEncoder, UnigramTables, unigram_tables
from encoders.wordpiece import WordPieceEncoder, wordpiece_tables
from tokenkit.text.formats.tiktoken import NAMED_PATTERNS, write_ranks
from tokenkit.text.tokenizer import Tokenizer

_TEXT = (string.printable + " É日本語 'll 1234\n\n  x\u00a0y " * 3) * 3
_BATCH = joined([_TEXT.encode(), "\u2581a\u2581b".encode()])
_PATTERN = r"\w+|."
_SCANNER = scan.RegexScanner(_PATTERN)  # no kernel, so that `scanners` compiles all of them
_RANKS = write_ranks([bytes([byte]) for byte in range(256)] + [b"ab", b"abc"])


def scanners() -> None:
    """Those that split text."""
    every = [*map(scan.scanner_for, NAMED_PATTERNS.values()), scan.BYTE_LEVEL, scan.DIGITS]
    every += [scan.WHITESPACE, scan.BERT, scan.METASPACE, scan.BLANKS, scan.LINES, scan.SHORT3]
    every += [scan.DEEPSEEK_V3]
    for scanner in (*every, scan.JoinScanner.of(*_BATCH)):
        for _ in scanner.chunks(*_BATCH):
            pass


def bpe() -> None:
    """Encoding by merges, and decoding."""
    tok = Tokenizer.from_bytes(_RANKS, pattern=_PATTERN, special_tokens={"<x>": 300})
    tok.decode(tok.encode(_TEXT + "<x>", allowed_special="all"))
    tok.encode("a" * 5000)
    tok.encode(_TEXT, dropout=0.1)
    merges = np.array([[97, 98, 256]], np.uint32)
    tables_from_merges([b"a"] * 257, merges, np.arange(256, dtype=np.uint32))
    cache = PieceCache()
    cache.make_room()  # more arena
    cache.state[0] = len(cache.table)
    cache.make_room()  # a larger table
    PieceCache(limit=0).make_room()


def models() -> None:
    """All models, which share the kernels of the piece cache."""
    bpe()
    unigram_and_wordpiece()


def unigram_and_wordpiece() -> None:
    """The models that find tokens in a trie."""
    pieces, scores = [b"", b"a", "\u2581a".encode()], [0.0, -1.0, -2.0]
    for single in (True, False):
        tables = unigram_tables(pieces, scores, 0, least=-2.0, single=single)
        _encode_unigram(tables, carries=single)
    words = wordpiece_tables({"[UNK]": 0, "a": 1, "##b": 2}, 0, prefix="##", most=9)
    encoder = WordPieceEncoder(words, _SCANNER)
    encoder.encode(*_BATCH)
    encoder.encode(*joined([b"a" * 500]))


def _encode_unigram(tables: UnigramTables, *, carries: bool) -> None:
    encoder = UnigramEncoder(tables, _SCANNER, carries=carries)
    encoder.encode(*_BATCH)
    encoder.encode(*joined([b"a" * 500]))
    encoder.encode_sampled(*_BATCH, 0.5, 0)


def normalizers() -> None:
    """Those that change text."""
    steps: tuple[normalize.Normalizer, ...] = (
        normalize.WellFormed(),
        normalize.Nfkc(),
        normalize.Lowercase(),
        normalize.ByteLevel(),
        normalize.Replace("a", "b"),
        normalize.Strip(),
        normalize.Prepend("a"),
        normalize.Precompiled(b""),
        normalize.SentencePiece(b""),
    )
    for step in steps:
        step.normalize(*_BATCH)


def training() -> None:
    """The trainer."""
    Tokenizer.train(["".join(map(chr, range(0x400, 0x6000)))], pattern=".", vocab_size=280)


GROUPS = (models, normalizers, training, scanners)
"""Functions that compile all kernels under `tokenkit.text` between them, the slowest first."""
