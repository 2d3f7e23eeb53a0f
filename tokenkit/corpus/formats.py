"""The file formats of token shards: what files a shard becomes, byte for byte."""

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from tokenkit.corpus.shards import SUFFIX, encode_shard
from tokenkit.tokens import Ragged

Files = dict[str, list[bytes]]
"""File name to its content in parts."""


def shard_files(stem: str, documents: Ragged, fingerprint: str, pack: int | None) -> Files:
    """Our own format."""
    return {stem + SUFFIX: encode_shard(documents, fingerprint, pack)}


def nanogpt_files(stem: str, documents: Ragged, fingerprint: str, pack: int | None) -> Files:
    """nanoGPT's ``.bin``: ids end to end and nothing else (karpathy/nanoGPT, data/*/prepare.py)."""
    del fingerprint, pack
    return {stem + ".bin": [documents.values.tobytes()]}


def megatron_files(stem: str, documents: Ragged, fingerprint: str, pack: int | None) -> Files:
    """Megatron-LM's ``.bin`` and ``.idx`` (megatron/core/datasets/indexed_dataset.py).

    Index: magic, version 1, dtype code (8 uint16, 4 int32), sequences, documents + 1, then
    int32 lengths, int64 byte pointers, int64 document bounds. Each document is one sequence.
    """
    del fingerprint, pack
    values = documents.values
    code = 8
    if values.dtype != np.uint16:
        values, code = values.astype(np.int32), 4
    lengths = documents.lengths.astype(np.int32)
    pointers = documents.offsets[:-1] * values.dtype.itemsize
    bounds = np.arange(len(documents) + 1, dtype=np.int64)
    header = b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, code, len(lengths), len(bounds))
    index = [header, lengths.tobytes(), pointers.astype(np.int64).tobytes(), bounds.tobytes()]
    return {stem + ".bin": [values.tobytes()], stem + ".idx": index}


def _table(documents: Ragged) -> Any:
    import pyarrow

    tokens = pyarrow.LargeListArray.from_arrays(
        pyarrow.array(documents.offsets), pyarrow.array(documents.values)
    )
    return pyarrow.table({"tokens": tokens})


def parquet_files(stem: str, documents: Ragged, fingerprint: str, pack: int | None) -> Files:
    """Parquet with one list column ``tokens``."""
    del fingerprint, pack
    import pyarrow.parquet

    sink = io.BytesIO()
    pyarrow.parquet.write_table(_table(documents), sink, compression="zstd")
    return {stem + ".parquet": [sink.getvalue()]}


def arrow_files(stem: str, documents: Ragged, fingerprint: str, pack: int | None) -> Files:
    """An Arrow IPC file with one list column ``tokens``."""
    del fingerprint, pack
    import pyarrow.ipc

    table = _table(documents)
    sink = io.BytesIO()
    with pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return {stem + ".arrow": [sink.getvalue()]}


FORMATS: dict[str, Callable[[str, Ragged, str, int | None], Files]] = {
    "shards": shard_files,
    "nanogpt": nanogpt_files,
    "megatron": megatron_files,
    "parquet": parquet_files,
    "arrow": arrow_files,
}
"""What ``--format`` may say."""
