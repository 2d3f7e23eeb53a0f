"""The file formats of token shards: what files a shard becomes, byte for byte."""

import io
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenkit.corpus.journal import NewFile
from tokenkit.corpus.packing import Packed
from tokenkit.corpus.shards import PATCHES, SUFFIX, header_bytes, padding_after
from tokenkit.tokens import Ragged


@dataclass(frozen=True, eq=False)
class ShardContent:
    """The documents of a shard.

    ``values``: ids (uint16 or uint32) in parts that follow one another, so that a huge document
    is never copied together; ``offsets``: int64[documents + 1]. Where ``packed`` is given, both
    are those of its segments. ``tokenizer``: fingerprint. ``patches``: the lengths of the patches
    of each document, where it is cut into any.
    """

    values: Sequence[NDArray[Any]]
    offsets: NDArray[np.int64]
    dtype: Any
    tokenizer: str
    packed: Packed | None = None
    patches: Ragged | None = None

    @property
    def flat(self) -> NDArray[Any]:
        """All ids in one array."""
        return self.values[0] if len(self.values) == 1 else np.concatenate(self.values)


NewFileOf = Callable[[str], NewFile]
"""Suffix to a new file of the shard."""


def write_shard(content: ShardContent, new: NewFileOf) -> None:
    """Our own format; ``docs/shards.md`` specifies it."""
    packed = content.packed
    header = {
        "dtype": np.dtype(content.dtype).name,
        "tokens": int(content.offsets[-1]),
        "documents": len(content.offsets) - 1,
        "tokenizer": content.tokenizer,
        "pack": packed.length if packed else None,
        "filling": packed.filling if packed else 0,
    }
    _write(new(SUFFIX), header, content.values, content.offsets)
    if content.patches is not None:
        _write_patches(new(PATCHES), content.patches, header)


def _write(
    file: NewFile, header: dict[str, Any], values: Sequence[NDArray[Any]], index: NDArray[np.int64]
) -> None:
    file.write(header_bytes(header))
    size = sum(file.write(_little(part)) for part in values)
    file.write(padding_after(size))
    file.write(_little(index))
    file.write(file.checksum())


def _write_patches(file: NewFile, lengths: Ragged, shard: dict[str, Any]) -> None:
    """Where each patch starts among the ids of the shard, as a file of the same make."""
    dtype = np.uint32 if shard["tokens"] < 1 << 32 else np.uint64
    ends = np.cumsum(lengths.values, dtype=dtype)
    header = {
        **shard,
        "dtype": np.dtype(dtype).name,
        "tokens": len(ends),
        "longest": int(lengths.values.max(initial=0)),
    }
    starts = np.zeros(min(1, len(ends)), dtype), ends[:-1]
    _write(file, header, starts, lengths.offsets)


def write_nanogpt(content: ShardContent, new: NewFileOf) -> None:
    """nanoGPT's ``.bin``: ids end to end and nothing else (karpathy/nanoGPT, data/*/prepare.py)."""
    file = new(".bin")
    for part in content.values:
        file.write(_little(part))


def write_megatron(content: ShardContent, new: NewFileOf) -> None:
    """Megatron-LM's ``.bin`` and ``.idx`` (megatron/core/datasets/indexed_dataset.py).

    Index: magic, version 1, dtype code (8 uint16, 4 int32), sequences, documents + 1, then
    int32 lengths, int64 byte pointers, int64 document bounds. Each document is one sequence.
    Its own tools take uint16 for vocabularies of less than 65500 and int32 for others.
    """
    code, dtype = (8, np.uint16) if content.dtype == np.uint16 else (4, np.int32)
    ids, index = new(".bin"), new(".idx")
    for part in content.values:
        ids.write(_little(part))  # an id is less than 2**31, so int32 has the bytes of uint32
    documents = len(content.offsets) - 1
    index.write(b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, code, documents, documents + 1))
    index.write(np.diff(content.offsets).astype("<i4"))
    index.write((content.offsets[:-1] * np.dtype(dtype).itemsize).astype("<i8"))
    index.write(np.arange(documents + 1, dtype="<i8"))


def write_parquet(content: ShardContent, new: NewFileOf) -> None:
    """Parquet: see `_table` for its columns."""
    import pyarrow
    import pyarrow.parquet

    table = _table(content)
    with pyarrow.PythonFile(_Sink(new(".parquet")), "w") as sink:
        pyarrow.parquet.write_table(table, sink, compression="zstd")


def write_arrow(content: ShardContent, new: NewFileOf) -> None:
    """An Arrow IPC file: see `_table` for its columns."""
    import pyarrow
    import pyarrow.ipc

    table = _table(content)
    with (
        pyarrow.PythonFile(_Sink(new(".arrow")), "w") as sink,
        pyarrow.ipc.new_file(sink, table.schema) as writer,
    ):
        writer.write_table(table)


class _Sink(io.RawIOBase):
    """A new file as Arrow writes to one."""

    def __init__(self, file: NewFile) -> None:
        super().__init__()
        self._into = file

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        return self._into.write(content)


def _table(content: ShardContent) -> Any:
    """A row for each document with the list column ``tokens``.

    Packed, a row for each sequence, with the lengths of its segments in the list column
    ``segments``; the filling is a segment.
    """
    import pyarrow

    packed = content.packed
    if packed is None:
        return pyarrow.table({"tokens": Ragged(content.flat, content.offsets).to_arrow()})
    bounds = np.arange(len(packed) + 1, dtype=np.int64) * packed.length
    tokens = Ragged(packed.rows.values, bounds)
    return pyarrow.table(
        {"tokens": tokens.to_arrow(), "segments": packed.segment_lengths().to_arrow()}
    )


def _little(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


@dataclass(frozen=True)
class Format:
    """``write`` makes a shard's files; ``packs``: sequences can be told in it; ``streams``: a
    shard is written without another copy in memory; ``narrow``: ids of a vocabulary of so many
    are uint16."""

    write: Callable[[ShardContent, NewFileOf], None]
    packs: bool
    streams: bool
    narrow: int = 1 << 16


FORMATS: dict[str, Format] = {
    "shards": Format(write_shard, packs=True, streams=True),
    "megatron": Format(write_megatron, packs=False, streams=True, narrow=65499),
    "nanogpt": Format(write_nanogpt, packs=False, streams=True),
    "parquet": Format(write_parquet, packs=True, streams=False),
    "arrow": Format(write_arrow, packs=True, streams=False),
}
"""What ``--format`` may say."""
