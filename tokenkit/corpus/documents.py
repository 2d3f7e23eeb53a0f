"""From records to documents: the text of JSON lines, and the checks that every document passes."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import PADDING, Bytes, Offsets, joined
from encoders.utf8 import first_invalid
from tokenkit.corpus.inputs import InputStream
from tokenkit.corpus.records import ReadOptions, Records, Rejected, read_records, too_long

_NESTED = 500
_SLOW = 1 << 24  # bytes of the longest line that Python's own JSON parser is tried on
LONGEST_WORD = 32 << 20
"""Bytes of the longest run of white space, or of none, that is taken: to merge a single piece
takes about twenty bytes of memory for each of its own."""


@dataclass(frozen=True)
class Documents:
    """Documents of one input, ready to encode.

    ``text``: uint8 with PADDING spare bytes; document ``i`` is ``text[bounds[i]:bounds[i + 1]]``
    and record ``numbers[i]`` (from 0) of the input. ``rejected``: the records among them that are
    no documents.
    """

    text: Bytes
    bounds: Offsets
    numbers: Offsets
    rejected: tuple[Rejected, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[bytes]:
        raw = self.text.data
        for start, stop in zip(self.bounds[:-1].tolist(), self.bounds[1:].tolist(), strict=True):
            yield bytes(raw[start:stop])


def read_documents(stream: InputStream, options: ReadOptions) -> Iterator[Documents]:
    """All documents of an input, some megabytes at a time; see `read_records`."""
    for records in read_records(stream, options):
        yield documents_of(records, stream.path, options)


def documents_of(records: Records, path: str, options: ReadOptions) -> Documents:
    """The documents among records of the input ``path``; empty ones are rejected."""
    from tokenkit.corpus import _kernels

    lengths = records.stops - records.starts
    where = first_invalid(records.text, records.starts, records.stops)
    fits = lengths <= options.limit
    quick = (where < 0) & (lengths > 0) & fits
    special: dict[int, bytes | str] = {}
    for i in np.flatnonzero(~quick).tolist():
        if not fits[i]:
            special[i] = too_long(int(lengths[i]), options.limit)
        elif records.json:
            special[i] = _slow_text(records, i, int(where[i]), options)
        else:
            special[i] = _mended(_raw(records, i), int(where[i]), options)
    kept = np.flatnonzero(quick)
    starts, stops = records.starts[kept], records.stops[kept]
    out = np.empty(int((stops - starts).sum()) + PADDING, np.uint8)
    bounds = np.empty(len(kept) + 1, np.int64)
    if records.json:
        plain = np.empty(len(kept), np.bool_)
        path_bytes, path_bounds = joined([name.encode() for name in options.path])
        stack = np.zeros(_NESTED, np.uint8)
        _kernels.json_texts(
            records.text, starts, stops, path_bytes, path_bounds, stack, out, bounds, plain
        )
        found = plain & (np.diff(bounds) > 0)
        for i in kept[~found].tolist():
            special[i] = _slow_text(records, i, -1, options)
        if not found.all():
            bounds = np.append(bounds[:-1][found], bounds[-1])
            kept = kept[found]
    else:
        _kernels.gather(records.text, starts, stops, out, bounds)
    out[bounds[-1] : bounds[-1] + PADDING] = 0
    documents = Documents(out, bounds, records.numbers[kept], ())
    return _without_long_words(_with_special(records, path, documents, special), records, path)


def _with_special(
    records: Records, path: str, documents: Documents, special: dict[int, bytes | str]
) -> Documents:
    """Put in the documents that took the slow road, and what was rejected, in order."""
    rejected = list(records.rejected)
    late: dict[int, bytes] = {}
    for i, found in special.items():
        if isinstance(found, bytes) and found:
            late[int(records.numbers[i])] = found
        else:
            reason = found if isinstance(found, str) else "empty document"
            rejected.append(records.reject(path, i, reason))
    rejected.sort(key=lambda record: record.record)
    text, bounds, numbers = documents.text, documents.bounds, documents.numbers
    if late:
        texts = dict(zip(numbers.tolist(), documents, strict=True)) | late
        order = sorted(texts)
        text, bounds = joined([texts[number] for number in order])
        numbers = np.array(order, np.int64)
    return Documents(text, bounds, numbers, tuple(rejected))


def _without_long_words(documents: Documents, records: Records, path: str) -> Documents:
    """Reject documents with a word that would take too much memory to merge."""
    from tokenkit.corpus import _kernels

    text, bounds = documents.text, documents.bounds
    rejected, kept = list(documents.rejected), np.ones(len(documents), np.bool_)
    for i in np.flatnonzero(np.diff(bounds) > LONGEST_WORD).tolist():
        run = _kernels.longest_run(text, bounds[i], bounds[i + 1])
        if run > LONGEST_WORD:
            kept[i] = False
            record = int(np.searchsorted(records.numbers, documents.numbers[i]))
            reason = f"a word of {run} bytes is longer than the {LONGEST_WORD} allowed"
            rejected.append(records.reject(path, record, reason))
    if kept.all():
        return documents
    rejected.sort(key=lambda record: record.record)
    text, bounds = joined([raw for raw, keep in zip(documents, kept, strict=True) if keep])
    return Documents(text, bounds, documents.numbers[kept], tuple(rejected))


def _raw(records: Records, i: int) -> bytes:
    return records.text[records.starts[i] : records.stops[i]].tobytes()


def _mended(raw: bytes, invalid: int, options: ReadOptions) -> bytes | str:
    """A document that is not UTF-8 (``invalid`` is where), or why it is none."""
    if invalid < 0 or options.invalid_utf8 == "keep":
        return raw
    if options.invalid_utf8 == "replace":
        return raw.decode("utf-8", "replace").encode()
    return f"invalid UTF-8 at byte {invalid} of the document"


_NAMES: dict[type, str] = {
    bool: "true or false",
    float: "a number",
    type(None): "null",
    dict: "an object",
    list: "a list",
}


def _slow_text(records: Records, i: int, invalid: int, options: ReadOptions) -> bytes | str:
    """The text of a line of JSON by Python's parser, or why it has none."""
    raw = _raw(records, i)
    if records.numbers[i] == 0:
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    if invalid >= 0 and options.invalid_utf8 == "quarantine":
        return f"invalid UTF-8 at byte {invalid} of the line"
    if not raw.strip():
        return "empty line"
    if len(raw) > _SLOW:
        return f"not JSON, or no text in field {options.text_field!r}"
    errors = "replace" if options.invalid_utf8 == "replace" else "surrogateescape"
    try:
        value: Any = json.loads(raw.decode("utf-8", errors), parse_int=float)
    except ValueError as error:
        return f"not JSON: {error}"
    except RecursionError:
        return "not JSON: nested too deeply"
    path = options.path
    for step, name in enumerate(path):
        if not isinstance(value, dict) or name not in value:
            return f"no field {'.'.join(path[: step + 1])!r}"
        value = value[name]
    if not isinstance(value, str):
        return f"field {options.text_field!r} is {_NAMES[type(value)]}, not text"
    return _without_surrogates(value, options)


def _without_surrogates(value: str, options: ReadOptions) -> bytes | str:
    """UTF-8 of a string; lone surrogates as ``invalid_utf8`` says."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        if options.invalid_utf8 == "quarantine":
            return "lone surrogate in the text"
    if options.invalid_utf8 == "keep":
        return value.encode("utf-8", "surrogateescape" if _escaped(value) else "surrogatepass")
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _escaped(value: str) -> bool:
    """Whether all lone surrogates stand for bytes that were not UTF-8."""
    return all("\udc80" <= c <= "\udcff" for c in value if "\ud800" <= c <= "\udfff")


def concatenated(parts: Sequence[Documents]) -> tuple[Bytes, Offsets]:
    """One padded buffer and its bounds of several batches."""
    if len(parts) == 1:
        return parts[0].text, parts[0].bounds
    sizes: NDArray[np.int64] = np.array([part.bounds[-1] for part in parts], np.int64)
    ends = np.cumsum(sizes)
    text = np.zeros(int(ends[-1]) + PADDING, np.uint8)
    bounds = [np.zeros(1, np.int64)]
    for part, size, end in zip(parts, sizes, ends, strict=True):
        text[end - size : end] = part.text[:size]
        bounds.append(part.bounds[1:] + (end - size))
    return text, np.concatenate(bounds)
