"""Where documents come from: files, directories, globs, standard input; plain, gzip, zstd."""

import glob
import hashlib
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tokenkit.errors import CorpusError, InputError

STDIN = "-"
_READ = 1 << 22
_SUFFIXES = (".txt", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".md")


def expand(inputs: Sequence[str]) -> list[str]:
    """Paths of all input files, in order: a directory or glob gives its files sorted.

    Raises CorpusError for an input that names no file, and for one named twice.
    """
    found: list[str] = []
    for given in inputs:
        path = Path(given)
        if given == STDIN or path.is_file():
            found.append(given)
        elif path.is_dir():
            files = sorted(str(p) for p in path.rglob("*") if p.is_file() and _is_text(p))
            if not files:
                raise CorpusError(f"no input files under {given}: looked for {', '.join(_SUFFIXES)}")
            found += files
        else:
            files = sorted(p for p in glob.glob(given, recursive=True) if Path(p).is_file())
            if not files:
                raise CorpusError(f"no such file, directory or glob: {given}")
            found += files
    twice = {path for path in found if found.count(path) > 1} if len(set(found)) < len(found) else ()
    if twice:
        raise CorpusError(f"{min(twice)} is named twice among the inputs")
    return found


def _is_text(path: Path) -> bool:
    suffixes = [s for s in path.suffixes if s not in (".gz", ".zst")]
    return bool(suffixes) and suffixes[-1] in _SUFFIXES


@dataclass
class Broken:
    """Where and why a stream could not be read on."""

    offset: int
    reason: str


class InputStream:
    """The decompressed bytes of one input, hashed as they are read.

    Reading never raises for damaged compression: the stream ends at the last readable byte and
    ``broken`` tells where and why.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.broken: Broken | None = None
        self.size = 0
        self._hash = hashlib.sha256()
        try:
            self._file: IO[bytes] = sys.stdin.buffer if path == STDIN else open(path, "rb")
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from None

    def blocks(self) -> Iterator[bytes]:
        """Consecutive blocks of decompressed bytes, some megabytes each."""
        with self._file:
            first = self._raw()
            if first[:2] == b"\x1f\x8b":
                yield from self._gzip(first)
            elif first[:4] == b"\x28\xb5\x2f\xfd":
                yield from self._zstd(first)
            else:
                while first:
                    yield first
                    first = self._raw()
            while self._raw():  # what lies behind a break still belongs to the file's hash
                pass

    @property
    def digest(self) -> str:
        """sha256 of the file as it lies on disk, once it is read to its end."""
        return self._hash.hexdigest()

    def _raw(self) -> bytes:
        try:
            block = self._file.read(_READ)
        except OSError as error:
            self.broken = Broken(self.size, f"reading failed: {error.strerror}")
            return b""
        self.size += len(block)
        self._hash.update(block)
        return block

    def _gzip(self, block: bytes) -> Iterator[bytes]:
        member = zlib.decompressobj(wbits=31)
        consumed = 0
        while block:
            try:
                out = member.decompress(block, 4 * _READ)
            except zlib.error as error:
                # Feed what is left byte by byte, so that nothing before the break is lost.
                yield from self._until_error(member, block)
                self.broken = Broken(consumed, f"broken gzip: {error}")
                return
            if out:
                yield out
            consumed += len(block) - len(member.unconsumed_tail) - len(member.unused_data)
            block = member.unconsumed_tail
            if member.eof:
                block = member.unused_data.lstrip(b"\0") or self._raw()
                if block:
                    member = zlib.decompressobj(wbits=31)
            elif not block:
                block = self._raw()
        if not member.eof:
            self.broken = Broken(self.size, "gzip ends early")

    @staticmethod
    def _until_error(member: Any, block: bytes) -> Iterator[bytes]:
        for i in range(0, len(block), 64):
            copy = member.copy()
            try:
                out = member.decompress(block[i : i + 64])
            except zlib.error:
                for k in range(i, i + 64):
                    try:
                        out = copy.decompress(block[k : k + 1])
                    except zlib.error:
                        return
                    if out:
                        yield out
                return
            if out:
                yield out

    def _zstd(self, block: bytes) -> Iterator[bytes]:
        import zstandard

        frames = zstandard.ZstdDecompressor()
        frame = frames.decompressobj()
        while block:
            try:
                out = frame.decompress(block)
            except zstandard.ZstdError as error:
                self.broken = Broken(self.size, f"broken zstd: {error}")
                return
            if out:
                yield out
            if frame.eof:
                block = frame.unused_data or self._raw()
                if block:
                    frame = frames.decompressobj()
            else:
                block = self._raw()
        if not frame.eof:
            self.broken = Broken(self.size, "zstd ends early")
