"""Where documents come from: files, directories, globs, standard input; and their bytes."""

import glob
import hashlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tokenkit.corpus.compression import Broken, gunzip, unzstd
from tokenkit.errors import CorpusError, InputError, ManifestMismatchError

STDIN = "-"
_READ = 1 << 22
KINDS = {
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
"""Suffixes that a directory is searched for, and what such a file holds."""
_COMPRESSED = (".gz", ".zst")


def suffix_of(path: str | Path) -> str:
    """The suffix that tells what a file holds: that of ``a.jsonl.gz`` is ``.jsonl``."""
    suffixes = [suffix for suffix in Path(path).suffixes if suffix not in _COMPRESSED]
    return suffixes[-1] if suffixes else ""


def expand(inputs: Sequence[str], without: Path | None = None) -> list[str]:
    """Paths of all input files, in order: a directory or glob gives its files sorted.

    Of a directory are taken the files that KINDS knows by suffix, at any depth, but none that is
    hidden and none under the folder ``without``.

    Raises CorpusError for an input that names no file, and for a file that is named twice.
    """
    found: list[str] = []
    for given in inputs:
        path = Path(given)
        if given == STDIN or path.is_file():
            found.append(given)
        elif path.is_dir():
            found += _under(path, without)
        else:
            files = sorted(p for p in glob.glob(given, recursive=True) if Path(p).is_file())
            if not files:
                raise CorpusError(f"no such file, directory or glob: {given}")
            found += files
    twice = [path for path, count in Counter(found).items() if count > 1]
    if twice:
        raise CorpusError(f"{twice[0]} is named twice among the inputs")
    return found


def _under(folder: Path, without: Path | None) -> list[str]:
    excluded = without.resolve() if without else None
    files, others = [], Counter[str]()
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden or not path.is_file() or (excluded and excluded in path.resolve().parents):
            continue
        if suffix_of(path) in KINDS:
            files.append(str(path))
        else:
            others[suffix_of(path) or "no suffix"] += 1
    if not files:
        there = f"; it has {dict(others)}: name such files, or give a glob" if others else ""
        raise CorpusError(f"no input files under {folder}: looked for {', '.join(KINDS)}{there}")
    return sorted(files)


@dataclass(frozen=True)
class Checkpoint:
    """What was read of an input at some time: ``size`` bytes of the file, with that sha256."""

    size: int
    sha256: str


class InputStream:
    """The decompressed bytes of one input, hashed as they are read.

    Damaged compression never raises: the stream ends at the last readable byte, and ``broken``
    tells where and why.
    """

    def __init__(self, path: str, expected: Checkpoint | None = None) -> None:
        """Raises InputError where ``path`` cannot be opened.

        ``expected``: what an interrupted run read of it; reading raises ManifestMismatchError
        where the file begins with something else now.
        """
        self.path = path
        self.broken: Broken | None = None
        self._size = 0
        self._hash = hashlib.sha256()
        self._expected = expected
        try:
            # Closed by `blocks`, which is what reads it.
            self._file: IO[bytes] = sys.stdin.buffer if path == STDIN else open(path, "rb")  # noqa: SIM115
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from None

    def checkpoint(self) -> Checkpoint:
        """What is read so far; at the end, size and sha256 of the file as it lies on disk."""
        return Checkpoint(self._size, self._hash.hexdigest())

    def blocks(self) -> Iterator[bytes]:
        """Consecutive blocks of decompressed bytes, some megabytes at most."""
        with self._file:
            first = self._raw()
            if first[:2] == b"\x1f\x8b":
                self.broken = yield from gunzip(first, self._raw)
            elif first[:4] == b"\x28\xb5\x2f\xfd" or first[1:4] == b"\x2a\x4d\x18":
                self.broken = yield from unzstd(first, self._raw)
            else:
                while first:
                    yield first
                    first = self._raw()
            while self._raw():  # what lies behind a break still belongs to the file's hash
                pass
        if self._expected is not None and self._size < self._expected.size:
            raise ManifestMismatchError(f"{self.path} has become shorter since the job was begun")

    def _raw(self) -> bytes:
        try:
            block = self._file.read(_READ)
        except OSError as error:
            self.broken = Broken(self._size, f"reading failed: {error.strerror}")
            return b""
        self._size += len(block)
        self._hash.update(block)
        expected = self._expected
        if expected is not None and self._size == expected.size and block:
            if self._hash.hexdigest() != expected.sha256:
                raise ManifestMismatchError(
                    f"{self.path} has changed since the job was begun: give another --out, or "
                    "remove the directory"
                )
            self._expected = None
        return block
