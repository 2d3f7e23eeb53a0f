"""Our shard files: self-describing, checksummed, memory-mapped. ``docs/shards.md`` specifies them."""

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

MAGIC = b"TKSHARD\x01"
SUFFIX = ".tks"
_ALIGN = 64


def encode_shard(documents: Ragged, tokenizer: str, pack_length: int | None) -> list[bytes]:
    """The parts of a shard file: header, token ids, document offsets.

    ``documents.values`` is uint16 or uint32. ``tokenizer`` is its fingerprint.
    """
    values = np.ascontiguousarray(documents.values)
    offsets = np.ascontiguousarray(documents.offsets, np.int64)
    ids, index = values.data.cast("B"), offsets.data.cast("B")
    header = {
        "dtype": values.dtype.name,
        "tokens": len(values),
        "documents": len(documents),
        "pack": pack_length,
        "tokenizer": tokenizer,
        "tokens_sha256": sha256(ids).hexdigest(),
        "offsets_sha256": sha256(index).hexdigest(),
    }
    text = json.dumps(header, sort_keys=True).encode()
    start = -(-(len(MAGIC) + 8 + len(text)) // _ALIGN) * _ALIGN
    text = text.ljust(start - len(MAGIC) - 8)
    padding = bytes(-len(ids) % _ALIGN)
    return [MAGIC + len(text).to_bytes(8, "little") + text, bytes(ids) + padding, bytes(index)]


@dataclass(frozen=True)
class Shard:
    """One shard on disk. Nothing is read before it is used."""

    path: Path

    @cached_property
    def header(self) -> dict[str, Any]:
        """dtype, tokens, documents, pack, tokenizer and checksums.

        Raises ShardError where the file is no shard or is cut short.
        """
        with open(self.path, "rb") as file:
            start = file.read(len(MAGIC) + 8)
            if start[: len(MAGIC)] != MAGIC:
                raise ShardError(f"{self.path} is not a tokenkit shard")
            length = int.from_bytes(start[len(MAGIC) :], "little")
            try:
                header: dict[str, Any] = json.loads(file.read(length))
            except ValueError:
                raise ShardError(f"{self.path}: damaged header") from None
        header["start"] = len(start) + length
        size = os.path.getsize(self.path)
        if size != self._offsets_start(header) + 8 * (header["documents"] + 1):
            raise ShardError(f"{self.path} is {size} bytes, which is not what its header says")
        return header

    @staticmethod
    def _offsets_start(header: dict[str, Any]) -> int:
        ids = int(header["tokens"]) * np.dtype(header["dtype"]).itemsize
        return int(header["start"]) + -(-ids // _ALIGN) * _ALIGN

    @cached_property
    def tokens(self) -> NDArray[Any]:
        """Token ids, uint16[n] or uint32[n], memory-mapped and read-only."""
        header = self.header
        if not header["tokens"]:
            return np.empty(0, header["dtype"])
        return np.memmap(self.path, header["dtype"], "r", header["start"], (header["tokens"],))

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """int64[documents + 1], memory-mapped and read-only."""
        shape = (self.header["documents"] + 1,)
        return np.memmap(self.path, np.int64, "r", self._offsets_start(self.header), shape)

    @property
    def documents(self) -> Ragged:
        """All documents over the mapped memory."""
        return Ragged(self.tokens, self.offsets)

    def __len__(self) -> int:
        return int(self.header["documents"])

    def check(self) -> None:
        """Raise ShardError where tokens or offsets are not those that were written."""
        for name in ("tokens", "offsets"):
            found = sha256(np.ascontiguousarray(getattr(self, name)).data).hexdigest()
            if found != self.header[f"{name}_sha256"]:
                raise ShardError(f"{self.path}: the {name} are damaged (sha256 {found})")


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
        return self.shards[shard].documents[index - int(self._firsts[shard])]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for shard in self.shards:
            yield from shard.documents


def open_shards(folder: str | Path) -> ShardSet:
    """The shards of a directory that `prepare` finished.

    Raises ShardError where the directory has no finished manifest or another format.
    """
    folder = Path(folder)
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
    except FileNotFoundError:
        raise ShardError(f"{folder} has no manifest.json: preparation is not finished") from None
    if manifest["options"]["format"] != "shards":
        raise ShardError(f"{folder} holds {manifest['options']['format']}, not tokenkit shards")
    return ShardSet(folder, tuple(Shard(folder / s["files"][0]["name"]) for s in manifest["shards"]))
