"""Our shard files, memory-mapped; ``docs/shards.md`` specifies them."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenkit.errors import ShardError
from tokenkit.tokens import Ragged

MANIFEST = "manifest.json"
MAGIC = b"TKSHARD\x01"
SUFFIX = ".tks"
PATCHES = ".patches"
_ALIGN = 64
_DIGEST = 32
_BLOCK = 1 << 22


def header_bytes(header: dict[str, Any]) -> bytes:
    """The file up to the ids; see `Shard.header` for what ``header`` holds."""
    text = json.dumps(header, sort_keys=True).encode()
    start = -(-(len(MAGIC) + 8 + len(text)) // _ALIGN) * _ALIGN
    text = text.ljust(start - len(MAGIC) - 8)
    return MAGIC + len(text).to_bytes(8, "little") + text


def padding_after(size: int) -> bytes:
    """Zero bytes between ids of ``size`` bytes and the index."""
    return bytes(-size % _ALIGN)


@dataclass(frozen=True)
class Shard:
    """One shard on disk. Nothing is read before it is used."""

    path: Path

    @cached_property
    def header(self) -> dict[str, Any]:
        """What the shard says about itself.

        ``dtype``: of the ids, "uint8", "uint16" or "uint32". ``tokens``: ids in the shard, those
        that only fill up a sequence included. ``documents``: rows of the index. ``tokenizer``:
        fingerprint.
        ``pack``: length of its sequences, or null where documents simply follow one another;
        ``filling``: how many ids at the end only fill up the last sequence. ``start``: where the
        ids begin in the file.

        Raises ShardError where the file is no shard or is cut short.
        """
        try:
            file = open(self.path, "rb")  # noqa: SIM115 - closed by what follows
        except FileNotFoundError:
            raise ShardError(f"there is no {self.path}") from None
        with file:
            start = file.read(len(MAGIC) + 8)
            if start[: len(MAGIC)] != MAGIC:
                raise ShardError(f"{self.path} is not a tokenkit shard")
            length = int.from_bytes(start[len(MAGIC) :], "little")
            try:
                header: dict[str, Any] = json.loads(file.read(min(length, 1 << 16)))
                header["start"] = len(start) + length
                expected = self._index_start(header) + 8 * (header["documents"] + 1) + _DIGEST
            except (ValueError, TypeError, KeyError):
                raise ShardError(f"{self.path}: damaged header") from None
        size = os.path.getsize(self.path)
        if size != expected:
            raise ShardError(f"{self.path} has {size} bytes, which is not what its header says")
        return header

    @staticmethod
    def _index_start(header: dict[str, Any]) -> int:
        size = int(header["tokens"] * np.dtype(header["dtype"]).itemsize)
        return int(header["start"]) + size + len(padding_after(size))

    @cached_property
    def tokens(self) -> NDArray[Any]:
        """Token ids, uint8[n], uint16[n] or uint32[n], memory-mapped and read-only."""
        header = self.header
        dtype = np.dtype(header["dtype"]).newbyteorder("<")
        if not header["tokens"]:
            return np.empty(0, dtype)
        return np.memmap(self.path, dtype, "r", header["start"], (header["tokens"],))

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """int64[documents + 1], memory-mapped and read-only."""
        shape = (self.header["documents"] + 1,)
        return np.memmap(self.path, "<i8", "r", self._index_start(self.header), shape)

    @property
    def documents(self) -> Ragged:
        """All documents over the mapped memory."""
        return Ragged(self.tokens, self.offsets)

    def __len__(self) -> int:
        return int(self.header["documents"])

    def document(self, index: int) -> NDArray[Any]:
        """Token ids of one document. Raises IndexError outside 0 to len - 1."""
        if not 0 <= index < len(self):
            raise IndexError(f"document {index} of {len(self)}")
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    @cached_property
    def patches(self) -> "Shard":
        """The file beside it that says where patches begin, of the same make.

        Its ``tokens`` are where each patch starts among those of this shard, uint32[patches] (or
        uint64), its ``offsets`` which patches each document has, and ``header["longest"]`` the
        length of the longest. Reading it raises ShardError where there is none.
        """
        return Shard(self.path.with_suffix(PATCHES))

    def check(self) -> None:
        """Raise ShardError where the file is not what was written: its checksum is its end."""
        digest, rest = sha256(), os.path.getsize(self.path) - _DIGEST
        self.header  # noqa: B018 - raises where the file is too short to have one
        with open(self.path, "rb") as file:
            while rest:
                block = file.read(min(rest, _BLOCK))
                digest.update(block)
                rest -= len(block)
            if file.read() != digest.digest():
                raise ShardError(f"{self.path} is damaged: its content has another checksum")


@dataclass(frozen=True)
class ShardSet:
    """The shards of a prepared directory, as one sequence of documents."""

    folder: Path
    shards: tuple[Shard, ...]

    @cached_property
    def _firsts(self) -> NDArray[np.int64]:
        return np.concatenate(([0], np.cumsum([len(shard) for shard in self.shards]))).astype(
            np.int64
        )

    def __len__(self) -> int:
        return int(self._firsts[-1])

    @property
    def tokens(self) -> int:
        """Tokens in all shards."""
        return sum(int(shard.header["tokens"]) for shard in self.shards)

    @property
    def tokenizer(self) -> str:
        """Fingerprint of the tokenizer that made them; empty without shards."""
        return str(self.shards[0].header["tokenizer"]) if self.shards else ""

    def document(self, index: int) -> NDArray[Any]:
        """Token ids of one document. Raises IndexError outside 0 to len - 1."""
        if not 0 <= index < len(self):
            raise IndexError(f"document {index} of {len(self)}")
        shard = int(np.searchsorted(self._firsts, index, side="right")) - 1
        return self.shards[shard].document(index - int(self._firsts[shard]))

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for shard in self.shards:
            yield from shard.documents


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a prepared directory. Raises ShardError where there is none."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise ShardError(f"{folder} has no {MANIFEST}: preparation is not finished") from None
    except ValueError as error:
        raise ShardError(f"{folder / MANIFEST} is damaged: {error}") from None
    return manifest


def open_shards(folder: str | Path) -> ShardSet:
    """The shards of a directory that `prepare` finished.

    Raises ShardError where the directory has no finished manifest or another format.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest["options"]["format"] != "shards":
        raise ShardError(f"{folder} holds {manifest['options']['format']}, not tokenkit shards")
    return ShardSet(
        folder, tuple(Shard(folder / s["files"][0]["name"]) for s in manifest["shards"])
    )
