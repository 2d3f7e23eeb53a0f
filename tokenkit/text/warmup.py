"""Running every text kernel once, so that it is compiled and on disk."""

import string

from encoders import scan
from encoders.buffers import joined
from encoders.unigram import UnigramEncoder, unigram_tables
from encoders.wordpiece import WordPieceEncoder, wordpiece_tables
from tokenkit.text.formats.tiktoken import NAMED_PATTERNS, write_ranks
from tokenkit.text.tokenizer import Tokenizer

_TEXT = (string.printable + " É日本語 'll 1234\n\n  x\u00a0y " * 3) * 3


def compile_kernels() -> None:
    """Compile all kernels under `tokenkit.text`; nothing to do where they are cached."""
    content = write_ranks([bytes([byte]) for byte in range(256)] + [b"ab", b"abc"])
    for name in NAMED_PATTERNS:
        tok = Tokenizer.from_bytes(content, pattern=name, special_tokens={"<x>": 300})
        tok.decode(tok.encode(_TEXT + "<x>", allowed_special="all"))
    tok.encode("a" * 5000)
    tok.encode(_TEXT, dropout=0.1)
    Tokenizer.from_bytes(Tokenizer.from_bytes(content, pattern="gpt2").to_bytes()).encode(_TEXT)
    batch = joined([_TEXT.encode(), "\u2581a\u2581b".encode()])
    for scanner in (scan.DEEPSEEK_V3, scan.WHITESPACE, scan.BERT, scan.METASPACE):
        for _ in scanner.chunks(*batch):
            pass
    pieces, scores = [b"", b"a", "\u2581a".encode()], [0.0, -1.0, -2.0]
    for single in (True, False):
        tables = unigram_tables(pieces, scores, 0, least=-2.0, single=single)
        UnigramEncoder(tables, scan.METASPACE, carries=single).encode(*batch)
    words = wordpiece_tables({"[UNK]": 0, "a": 1, "##b": 2}, 0, prefix="##", most=9)
    WordPieceEncoder(words, scan.BERT).encode(*batch)
