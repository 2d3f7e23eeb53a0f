"""Megatron-LM's indexed datasets (``.bin`` and ``.idx``): read and written without Megatron.

`tokenkit prepare --format megatron` writes them from corpora; here are reading, for any that
Megatron or its relatives made, and writing from ids at hand. The layout is that of
megatron/core/datasets/indexed_dataset.py, version 1: magic, version, dtype code, number of
sequences and of document bounds, then int32 lengths, int64 byte pointers, int64 document bounds,
which count sequences.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tokenkit.corpus.shards import Shard, ShardSet
from tokenkit.errors import ShardError
from tokenkit.tokens import Ragged

_MAGIC = b"MMIDIDX\x00\x00"
_HEAD = struct.Struct("<QBQQ")
_DTYPES = {1: "u1", 2: "i1", 3: "<i2", 4: "<i4", 5: "<i8", 8: "<u2"}
_CODES = {np.dtype(name): code for code, name in _DTYPES.items()}


@dataclass(frozen=True)
class Indexed:
    """The dataset ``<prefix>.bin`` and ``<prefix>.idx``, memory-mapped; nothing is read before use.

    Has what a `tokenkit.corpus.shards.Shard` has, so that `indexed_shards` can stand in for shards.
    """

    path: Path
    """The prefix, without ``.bin`` or ``.idx``."""

    @cached_property
    def _index(self) -> tuple[np.dtype[Any], NDArray[np.int32], NDArray[np.int64]]:
        """Dtype, sequence lengths, document bounds."""
        place = self.path.with_name(self.path.name + ".idx")
        raw = place.read_bytes()
        start = len(_MAGIC) + _HEAD.size
        if not raw.startswith(_MAGIC) or len(raw) < start:
            raise ShardError(f"{place} is not the index of a Megatron dataset")
        version, code, sequences, bounds = _HEAD.unpack_from(raw, len(_MAGIC))
        if version != 1 or code not in _DTYPES:
            raise ShardError(f"{place}: version {version} with dtype code {code} is not known")
        if len(raw) < start + 12 * sequences + 8 * bounds:
            raise ShardError(f"{place} is cut short")
        lengths = np.frombuffer(raw, "<i4", sequences, start)
        pointers = np.frombuffer(raw, "<i8", sequences, start + 4 * sequences)
        documents = np.frombuffer(raw, "<i8", bounds, start + 12 * sequences)
        dtype = np.dtype(_DTYPES[code])
        ends = np.cumsum(lengths, dtype=np.int64) * dtype.itemsize
        if not np.array_equal(pointers[1:], ends[:-1]) or pointers[:1].any():
            raise ShardError(f"{place}: the sequences do not lie end to end")
        size = os.path.getsize(self.path.with_name(self.path.name + ".bin"))
        if size != ends[-1:].sum():
            raise ShardError(f"{self.path}.bin has {size} bytes, which is not what {place} says")
        return dtype, lengths, documents

    @property
    def header(self) -> dict[str, Any]:
        """``tokens``, ``documents`` and ``dtype``. Raises ShardError where files are damaged."""
        dtype, lengths, _ = self._index
        return {"tokens": int(lengths.sum()), "documents": len(self), "dtype": dtype.name}

    @cached_property
    def tokens(self) -> NDArray[Any]:
        """All ids, end to end, memory-mapped and read-only."""
        dtype, lengths, _ = self._index
        if not lengths.sum():
            return np.empty(0, dtype)
        return np.memmap(self.path.with_name(self.path.name + ".bin"), dtype, "r")

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """int64[documents + 1]: where documents begin among the tokens."""
        _, lengths, documents = self._index
        ends = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
        return cast(NDArray[np.int64], ends[documents])

    @property
    def documents(self) -> Ragged:
        """All documents over the mapped memory."""
        return Ragged(self.tokens, self.offsets)

    def __len__(self) -> int:
        return len(self._index[2]) - 1

    def document(self, index: int) -> NDArray[Any]:
        """Ids of one document. Raises IndexError outside 0 to len - 1."""
        if not 0 <= index < len(self):
            raise IndexError(f"document {index} of {len(self)}")
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter(self.documents)


def read_indexed(prefix: str | Path) -> Indexed:
    """The dataset at ``prefix``. Raises ShardError where its files are missing or damaged."""
    found = Indexed(Path(prefix))
    try:
        _ = found.header
    except FileNotFoundError as error:
        raise ShardError(f"{error.filename} is missing") from None
    return found


def write_indexed(prefix: str | Path, documents: Ragged) -> Indexed:
    """Write documents of ids as ``<prefix>.bin`` and ``.idx``, each document one sequence.

    Ids are kept as uint16, int32 or whatever other integers Megatron knows; uint32, which it does
    not, becomes int32. Raises ShardError for a dtype or an id that it cannot hold.
    """
    values = documents.values
    if values.dtype == np.uint32:
        if values.size and values.max() > np.iinfo(np.int32).max:
            raise ShardError(f"id {values.max()} does not fit the int32 of Megatron's format")
        values = values.astype(np.int32)
    dtype = values.dtype.newbyteorder("<")
    if dtype not in _CODES:
        raise ShardError(f"Megatron's format has no {values.dtype.name}")
    path, count = Path(prefix), len(documents)
    index = b"".join([
        _MAGIC + _HEAD.pack(1, _CODES[dtype], count, count + 1),
        documents.lengths.astype("<i4").tobytes(),
        (documents.offsets[:-1] * dtype.itemsize).astype("<i8").tobytes(),
        np.arange(count + 1, dtype="<i8").tobytes(),
    ])  # fmt: skip
    for suffix, content in ((".bin", values.astype(dtype).tobytes()), (".idx", index)):
        part = path.with_name(path.name + suffix + ".part")
        part.write_bytes(content)
        os.replace(part, path.with_name(path.name + suffix))
    return read_indexed(path)


def indexed_shards(prefixes: Sequence[str | Path]) -> ShardSet:
    """Megatron datasets as one `ShardSet`, for `tokenkit.adapters.torch_data`."""
    found = tuple(read_indexed(prefix) for prefix in prefixes)
    return ShardSet(found[0].path.parent, cast(tuple[Shard, ...], found))
