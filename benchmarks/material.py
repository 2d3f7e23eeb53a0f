"""Texts and vocabularies that the tables use, from the folder of TOKENKIT_DATA."""

import gzip
import os
import tempfile
from functools import cache
from pathlib import Path

CORPORA = ("english", "code", "multilingual", "legal", "financial")
VOCABULARIES = ("r50k_base", "cl100k_base", "o200k_base")


def folder() -> Path:
    """The data folder, or an exit that says what to set."""
    place = os.environ.get("TOKENKIT_DATA", "")
    if not Path(place, "text").is_dir():
        raise SystemExit("benchmarks: set TOKENKIT_DATA to the folder with text/ and vocab/")
    return Path(place)


@cache
def text(corpus: str, size: int) -> str:
    """About ``size`` bytes from the middle of a corpus, cut at a line end."""
    raw = gzip.decompress((folder() / "text" / f"{corpus}.txt.gz").read_bytes())
    start = raw.find(b"\n", max(0, (len(raw) - size) // 2)) + 1
    stop = raw.rfind(b"\n", start, start + size) + 1
    return raw[start : stop or len(raw)].decode()


@cache
def documents(corpus: str, size: int, length: int = 2000) -> tuple[str, ...]:
    """The same text as documents of about ``length`` characters."""
    whole = text(corpus, size)
    return tuple(whole[i : i + length] for i in range(0, len(whole), length))


@cache
def unpacked(name: str) -> Path:
    """A plain copy of a gzip file of ``vocab/``, for peers that read no gzip."""
    packed = folder() / "vocab" / f"{name}.gz"
    plain = Path(tempfile.mkdtemp(prefix="tokenkit-bench-")) / name
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    return plain
