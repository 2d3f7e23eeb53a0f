"""From a batch of records to rows of tokens."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Ids, Offsets
from tokenkit.corpus.documents import concatenated, documents_of
from tokenkit.corpus.reading import Batch, InputEnd, Part, Position
from tokenkit.corpus.records import ReadOptions, Rejected
from tokenkit.numbers import NumericTokenizer
from tokenkit.text import Tokenizer
from tokenkit.tokens import Ragged
from tokenkit.words.encoding import PatchedBytes

Encoder: TypeAlias = Tokenizer | NumericTokenizer | PatchedBytes
"""What turns documents into ids."""

HUGE = 1 << 24
"""A batch of more bytes goes through the job alone, and its ids are never copied."""


@dataclass(frozen=True)
class Frame:
    """What is put before and after the ids of every document, and the dtype they are kept in."""

    bos: int | None
    eos: int | None
    dtype: Any

    def around(self, ids: Ids, bounds: Offsets) -> tuple[list[NDArray[Any]], Offsets]:
        """Rows in parts that follow one another, and their bounds."""
        if len(bounds) == 2 and len(ids) > HUGE:
            return self._around_one(ids)
        if self.bos is None and self.eos is None and self.dtype == ids.dtype:
            return [ids], bounds
        from tokenkit.corpus import _kernels

        extra = (self.bos is not None) + (self.eos is not None)
        out = np.empty(len(ids) + extra * (len(bounds) - 1), self.dtype)
        out_bounds = np.empty(len(bounds), np.int64)
        before = -1 if self.bos is None else self.bos
        after = -1 if self.eos is None else self.eos
        _kernels.frame_rows(ids, bounds, before, after, out, out_bounds)
        return [out], out_bounds

    def _around_one(self, row: Ids) -> tuple[list[NDArray[Any]], Offsets]:
        ids: NDArray[Any] = row
        if self.dtype == np.uint16:
            narrow = ids.view(np.uint16)
            for start in range(0, len(ids), HUGE):  # in place: a half never overtakes its whole
                part = ids[start : start + HUGE]
                narrow[start : start + len(part)] = part
            ids = narrow[: len(ids)]
        parts = [np.array([id_], self.dtype) for id_ in (self.bos,) if id_ is not None]
        parts.append(ids)
        parts += [np.array([id_], self.dtype) for id_ in (self.eos,) if id_ is not None]
        return parts, np.array([0, sum(map(len, parts))], np.int64)


@dataclass(frozen=True, eq=False)
class Encoded:
    """The documents of a batch as tokens.

    ``values``: ids in parts that follow one another; document ``i`` is ``offsets[i]`` to
    ``offsets[i + 1]`` of them all, of ``sizes[i]`` bytes, and record ``numbers[i]`` (from 0) of
    input ``inputs[i]``. ``patches``: uint32, the lengths of the patches of each, where there are
    any. ``rejected``: with their inputs, in order. ``reached``: what is done behind the last part.
    """

    values: list[NDArray[Any]]
    offsets: Offsets
    sizes: Offsets
    inputs: Offsets
    numbers: Offsets
    rejected: list[tuple[int, Rejected]]
    ends: list[InputEnd]
    reached: Position | None
    patches: Ragged | None = None


def encode_batch(batch: Batch, encoder: Encoder, options: ReadOptions, frame: Frame) -> Encoded:
    """Encode what of a batch is documents, on this thread."""
    parts = [item for item in batch.items if isinstance(item, Part)]
    ends = [item for item in batch.items if isinstance(item, InputEnd)]
    reached, inputs, numbers, found = None, [_NONE], [_NONE], []
    rejected: list[tuple[int, Rejected]] = []
    for part in parts:
        documents = documents_of(part.records, part.path, options)
        part.records.release()
        inputs.append(np.full(len(documents), part.input))
        numbers.append(documents.numbers)
        rejected += [(part.input, record) for record in documents.rejected]
        reached = Position(part.input, part.last, checkpoint=part.checkpoint)
        found.append(documents)
        del documents
    if not found:
        return Encoded([], np.zeros(1, np.int64), _NONE, _NONE, _NONE, [], ends, reached)
    text, bounds = concatenated(found)
    found.clear()
    values, offsets, patches = _encode(text, bounds, encoder, frame)
    del text
    return Encoded(
        values,
        offsets,
        np.diff(bounds),
        np.concatenate(inputs),
        np.concatenate(numbers),
        rejected,
        ends,
        reached,
        patches,
    )


def _encode(
    text: Bytes, bounds: Offsets, encoder: Encoder, frame: Frame
) -> tuple[list[NDArray[Any]], Offsets, Ragged | None]:
    """Framed ids in parts, their bounds, and the lengths of patches."""
    if isinstance(encoder, PatchedBytes):
        cut = encoder.patch_buffer(text, bounds, frame.bos, frame.eos)
        lengths = Ragged(np.diff(cut.offsets).astype(np.uint32), cut.rows)
        return [cut.values], cut.bounds, lengths
    ids = encoder.encode_buffer(text, bounds)
    return *frame.around(ids.values, ids.offsets), None


_NONE = np.empty(0, np.int64)
