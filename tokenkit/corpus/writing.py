"""The documents of a shard, gathered in memory and then written at once."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Offsets
from tokenkit.corpus.encoding import Encoded
from tokenkit.corpus.formats import FORMATS, ShardContent
from tokenkit.corpus.journal import NewFile, writing
from tokenkit.corpus.options import PrepareOptions
from tokenkit.corpus.packing import pack
from tokenkit.tokens import Ragged


@dataclass
class Gathered:
    """Documents that follow one another."""

    values: list[NDArray[Any]] = field(default_factory=list)
    lengths: list[Offsets] = field(default_factory=list)
    patches: list[Ragged] = field(default_factory=list)
    tokens: int = 0
    documents: int = 0
    text_bytes: int = 0

    def add(self, encoded: Encoded, first: int, last: int) -> None:
        """Add documents of a batch."""
        start, stop = int(encoded.offsets[first]), int(encoded.offsets[last])
        if len(encoded.values) == 1:
            self.values.append(encoded.values[0][start:stop])
        else:  # one huge document
            self.values += encoded.values
        self.lengths.append(np.diff(encoded.offsets[first : last + 1]))
        if encoded.patches is not None:
            rows = encoded.patches.offsets[first : last + 1]
            self.patches.append(Ragged(encoded.patches.values[rows[0] : rows[-1]], rows - rows[0]))
        self.tokens += stop - start
        self.documents += last - first
        self.text_bytes += int(encoded.sizes[first:last].sum())

    def counts(self, options: PrepareOptions) -> dict[str, int]:
        """For the journal and the manifest."""
        counts = {
            "tokens": self.tokens,
            "documents": self.documents,
            "text_bytes": self.text_bytes,
        }
        if self.patches:
            counts["patches"] = sum(len(part.values) for part in self.patches)
        if options.pack:
            counts["sequences"] = -(-self.tokens // options.pack)
        return counts


def write_gathered(
    gathered: Gathered,
    stem: Path,
    number: int,
    options: PrepareOptions,
    dtype: Any,
    fingerprint: str,
) -> list[dict[str, Any]]:
    """Write shard ``number``; its files, durable, with sizes and checksums.

    Raises CorpusError where they cannot be written; nothing is left of them then.
    """
    offsets = np.zeros(gathered.documents + 1, np.int64)
    np.cumsum(np.concatenate(gathered.lengths), out=offsets[1:])
    values: list[NDArray[Any]] = gathered.values
    patches = _joined(gathered.patches)
    if options.seed is not None and gathered.documents > 1:
        order = np.random.default_rng((options.seed, number)).permutation(gathered.documents)
        flat, offsets = reordered(np.concatenate(values), offsets, order)
        values = [flat]
        if patches is not None:
            patches = Ragged(*reordered(patches.values, patches.offsets, order))
    packed = None
    if options.pack:
        flat = values[0] if len(values) == 1 else np.concatenate(values)
        packed = pack(Ragged(flat, offsets), options.pack, options.fill)
        values, offsets = [packed.rows.values], packed.rows.offsets
    content = ShardContent(values, offsets, dtype, fingerprint, packed, patches)
    files: list[NewFile] = []

    def new(suffix: str) -> NewFile:
        files.append(NewFile(stem.with_name(stem.name + suffix)))
        return files[-1]

    with writing(stem):
        try:
            FORMATS[options.format].write(content, new)
            return [file.commit() for file in files]
        except BaseException:
            for file in files:
                file.discard()
            raise


def _joined(parts: list[Ragged]) -> Ragged | None:
    """The lengths of the patches of all documents; None where there are no patches."""
    if not parts:
        return None
    counts = np.concatenate([part.lengths for part in parts])
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
    return Ragged(np.concatenate([part.values for part in parts]), offsets)


def reordered(
    values: NDArray[Any], offsets: Offsets, order: Offsets
) -> tuple[NDArray[Any], Offsets]:
    """Rows in another order: row ``order[i]`` becomes row ``i``."""
    from tokenkit.corpus import _kernels

    out, out_offsets = np.empty_like(values), np.empty_like(offsets)
    _kernels.reorder_rows(values, offsets, order, out, out_offsets)
    return out, out_offsets
