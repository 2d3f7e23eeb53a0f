"""From the bytes of an input to its records: where each begins and ends, not yet looked at."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from encoders.buffers import Bytes, Offsets
from tokenkit.corpus.inputs import KINDS, STDIN, InputStream, suffix_of
from tokenkit.errors import InputError

_MOST = 1 << 16  # records handed on at a time; bounds what rejecting all of them costs
_SIZE = 1 << 22  # bytes handed on at a time, about

LONGEST = 200 << 20
_LONGEST_FIELD = 64 << 20  # the csv module holds four bytes for each character
Kind = Literal["text", "jsonl", "csv", "tsv", "parquet"]


@dataclass(frozen=True)
class ReadOptions:
    """How inputs are read.

    ``separator``: between documents of plain text; None makes a file one document.
    ``text_field``: of jsonl, csv and parquet; dots lead into nested objects, ``\\.`` is a dot.
    ``longest``: bytes of the longest record that is taken, a line of JSON as it stands; None is
    200 MiB.
    ``invalid_utf8``: "quarantine", "replace" (by U+FFFD) or "keep".
    ``kind``: of all inputs; None tells it by name, or by content where the name says nothing.
    """

    separator: bytes | None = None
    text_field: str = "text"
    longest: int | None = None
    invalid_utf8: Literal["quarantine", "replace", "keep"] = "quarantine"
    kind: Kind | None = None

    @property
    def limit(self) -> int:
        """``longest``, or its default."""
        return LONGEST if self.longest is None else self.longest

    @property
    def path(self) -> list[str]:
        """``text_field`` as the names that lead to the text."""
        return [name.replace("\\.", ".") for name in re.split(r"(?<!\\)\.", self.text_field)]


@dataclass(frozen=True)
class Rejected:
    """A record that is no document.

    ``record``: its number in the input, from 1; ``line``: where it begins, from 1, of jsonl and
    csv; ``offset``: in the decompressed input, of text and jsonl.
    """

    file: str
    record: int
    line: int | None
    offset: int | None
    reason: str
    excerpt: str = ""


@dataclass(eq=False)
class Records:
    """Consecutive records of one input.

    Record ``i`` is ``text[starts[i]:stops[i]]``, number ``numbers[i]`` (from 0) of its input.
    ``offsets``: where each begins in the decompressed input; ``lines``: on which line.
    ``json``: each is a line of JSON, else each is a document. ``rejected`` lie among them.
    """

    text: Bytes
    starts: Offsets
    stops: Offsets
    numbers: Offsets
    offsets: Offsets | None = None
    lines: Offsets | None = None
    json: bool = False
    rejected: tuple[Rejected, ...] = ()

    def __len__(self) -> int:
        return len(self.starts)

    def release(self) -> None:
        """Let go of the text: who made these records may still hold them."""
        self.text = np.empty(0, np.uint8)

    def select(self, first: int, last: int) -> "Records":
        """Records ``first`` to ``last`` over the same text, without what is rejected."""
        return Records(
            self.text,
            self.starts[first:last],
            self.stops[first:last],
            self.numbers[first:last],
            None if self.offsets is None else self.offsets[first:last],
            None if self.lines is None else self.lines[first:last],
            self.json,
        )

    def reject(self, path: str, i: int, reason: str) -> Rejected:
        """Record ``i`` as rejected."""
        start, stop = int(self.starts[i]), int(self.stops[i])
        return Rejected(
            path,
            int(self.numbers[i]) + 1,
            None if self.lines is None else int(self.lines[i]),
            None if self.offsets is None else int(self.offsets[i]),
            reason,
            self.text[start : min(stop, start + 200)].tobytes().decode("utf-8", "replace"),
        )


def read_records(stream: InputStream, options: ReadOptions) -> Iterator[Records]:
    """All records of an input, in order, some megabytes at a time.

    Raises InputError for an input that is not of its kind at all.
    """
    kind = options.kind or KINDS.get(suffix_of(stream.path))
    if kind == "parquet":
        return _parquet(stream, options, stream.blocks())
    blocks = stream.blocks()
    if kind is None:
        first = next(blocks, b"")
        if first[:4] == b"PAR1":
            return _parquet(stream, options, blocks)
        kind = "jsonl" if first.lstrip()[:1] == b"{" and options.separator is None else "text"
        blocks = _again(first, blocks)
    if kind == "jsonl":
        return _separated(stream, blocks, b"\n", options, json=True)
    if kind in ("csv", "tsv"):
        return _csv(stream, blocks, options, "\t" if kind == "tsv" else ",")
    if options.separator is None:
        return _whole(stream, blocks, options)
    return _separated(stream, blocks, options.separator, options, json=False)


def _again(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _array(raw: bytes | bytearray) -> Bytes:
    return np.frombuffer(raw, np.uint8) if raw else np.empty(0, np.uint8)


def _only_rejected(*rejected: Rejected) -> Records:
    none = np.empty(0, np.int64)
    return Records(np.empty(0, np.uint8), none, none, none, rejected=rejected)


def too_long(size: int, longest: int) -> str:
    """The reason that a record is rejected."""
    return f"a record of {size} bytes is longer than the {longest} allowed"


_CUT_OFF = "cut off where the input breaks"


def _whole(stream: InputStream, blocks: Iterator[bytes], options: ReadOptions) -> Iterator[Records]:
    held, size = bytearray(), 0
    for block in blocks:
        size += len(block)
        if size <= options.limit:
            held += block
        else:
            held = bytearray()
    if size > options.limit:
        reason = too_long(size, options.limit)
        yield _only_rejected(Rejected(stream.path, 1, None, 0, reason))
    elif stream.broken:
        excerpt = held[:200].decode("utf-8", "replace")
        yield _only_rejected(Rejected(stream.path, 1, None, 0, _CUT_OFF, excerpt))
    else:
        yield _tail(held, 0, 0, json=False)


def _separated(
    stream: InputStream,
    blocks: Iterator[bytes],
    separator: bytes,
    options: ReadOptions,
    *,
    json: bool,
) -> Iterator[Records]:
    """Records between separators; what follows the last separator is one where it is not empty."""
    held, offset, number = bytearray(), 0, 0  # offset: of held[0] in the input
    dropped = 0  # bytes of a record that is too long to hold
    longest = options.limit

    def rejected(reason: str, excerpt: bytes = b"") -> Records:
        line = number + 1 if json else None
        told = excerpt.decode("utf-8", "replace")
        return _only_rejected(
            Rejected(stream.path, number + 1, line, offset - dropped, reason, told)
        )

    for block in blocks:
        searched = max(0, len(held) - len(separator) + 1)
        held += block
        records = _cut(held, searched, separator, number, offset, json)
        count = len(records)
        if count:
            first = 0
            if dropped:
                yield rejected(too_long(dropped + int(records.stops[0]), longest))
                dropped, first = 0, 1
            used = int(records.stops[-1]) + len(separator)
            del held[:used]
            offset += used
            number += count
            if first == 0 and count <= _MOST:
                yield records
            else:
                for i in range(first, count, _MOST):
                    yield records.select(i, min(i + _MOST, count))
        if len(held) > longest:
            used = len(held) - len(separator) + 1
            del held[:used]
            offset += used
            dropped += used
    if dropped:
        yield rejected(too_long(dropped + len(held), longest))
    elif stream.broken and held and not (json and held.rstrip().endswith(b"}")):
        yield rejected(_CUT_OFF, bytes(held[:200]))
    elif held:
        yield _tail(held, number, offset, json=json)


def _tail(held: bytearray, number: int, offset: int, *, json: bool) -> Records:
    """All of ``held`` as one record; its memory is taken over."""
    start, numbers = np.zeros(1, np.int64), np.full(1, number)
    size = np.full(1, len(held))
    text = _array(bytes(held) if len(held) < _SIZE else held[:])
    held.clear()
    return Records(text, start, size, numbers, start + offset, numbers + 1 if json else None, json)


def _cut(
    held: bytearray, searched: int, separator: bytes, number: int, offset: int, json: bool
) -> Records:
    """A copy of the records in ``held`` that a separator ends; the first is ``number``."""
    from tokenkit.corpus import _kernels

    view = _array(held)
    found = np.empty(max(0, len(held) - searched) // len(separator) + 1, np.int64)
    count = _kernels.find_separators(view, searched, _array(separator), found)
    stops = found[:count].copy()
    starts = np.zeros(count, np.int64)
    starts[1:] = stops[:-1] + len(separator)
    numbers = np.arange(number, number + count)
    text = view[: stops[-1] if count else 0].copy()
    return Records(
        text, starts, stops, numbers, starts + offset, numbers + 1 if json else None, json
    )


def _printable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class _Gathering:
    """Records that come one at a time."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._number = 0
        self.line = 0
        """The last line that was read."""
        self._clear()

    def _clear(self) -> None:
        self._parts: list[bytes] = []
        self._numbers: list[int] = []
        self._lines: list[int] = []
        self._rejected: list[Rejected] = []
        self._size = 0

    def add(self, text: bytes, line: int) -> None:
        self._parts.append(text)
        self._numbers.append(self._number)
        self._lines.append(line)
        self._size += len(text)
        self._number += 1

    def reject(self, reason: str, line: int, excerpt: str = "") -> None:
        self._number += 1
        self._rejected.append(
            Rejected(self._path, self._number, line, None, reason, _printable(excerpt[:200]))
        )

    @property
    def full(self) -> bool:
        return self._size >= _SIZE or len(self._parts) + len(self._rejected) >= _MOST

    def take(self) -> Records:
        stops = np.cumsum([len(part) for part in self._parts], dtype=np.int64)
        lengths = np.array([len(part) for part in self._parts], np.int64)
        records = Records(
            _array(b"".join(self._parts)),
            stops - lengths,
            stops,
            np.array(self._numbers, np.int64),
            lines=np.array(self._lines, np.int64),
            rejected=tuple(self._rejected),
        )
        self._clear()
        return records


def _csv(
    stream: InputStream, blocks: Iterator[bytes], options: ReadOptions, delimiter: str
) -> Iterator[Records]:
    csv.field_size_limit(min(options.limit, _LONGEST_FIELD))
    gathering = _Gathering(stream.path)
    lines = _lines(stream, blocks, options, gathering)
    # What is not strict CSV would be changed silently, so it is an error.
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        header = next(rows, None)
    except csv.Error as error:
        raise InputError(f"{stream.path}: the header is not CSV: {error}") from None
    if header is None:
        return
    header[0] = header[0].removeprefix("\ufeff")
    if options.text_field not in header:
        raise InputError(f"{stream.path} has no column {options.text_field!r}, only {header}")
    column = header.index(options.text_field)
    while True:
        line = gathering.line + 1
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            gathering.reject(f"not CSV in lines {line} to {gathering.line}: {error}", line)
        else:
            if len(row) == len(header):
                gathering.add(row[column].encode("utf-8", "surrogateescape"), line)
            else:
                reason = f"{len(row)} fields where the header has {len(header)}"
                gathering.reject(reason if row else "empty line", line, delimiter.join(row))
        if gathering.full:
            yield gathering.take()
    yield gathering.take()


def _lines(
    stream: InputStream, blocks: Iterator[bytes], options: ReadOptions, gathering: _Gathering
) -> Iterator[str]:
    for records in _separated(stream, blocks, b"\n", options, json=True):
        for lost in records.rejected:
            gathering.line = lost.record
            gathering.reject(lost.reason, lost.record, lost.excerpt)
        for i, (start, stop) in enumerate(zip(records.starts, records.stops, strict=True)):
            gathering.line = int(records.numbers[i]) + 1
            line = records.text[start:stop].tobytes()
            yield line.decode("utf-8", "surrogateescape") + "\n"


def _parquet(
    stream: InputStream, options: ReadOptions, blocks: Iterator[bytes]
) -> Iterator[Records]:
    import pyarrow
    import pyarrow.parquet

    if stream.path == STDIN:
        raise InputError("Parquet cannot be read from standard input: it is read from its end")
    for _ in blocks:  # for its hash
        pass
    try:
        file = pyarrow.parquet.ParquetFile(stream.path, pre_buffer=False, buffer_size=1 << 20)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{stream.path} is not Parquet: {error}") from None
    name, *inner = options.path
    if name not in file.schema_arrow.names:
        raise InputError(f"{stream.path} has no column {name!r}, only {file.schema_arrow.names}")
    number = 0
    for group in range(file.num_row_groups):
        rows = _rows_at_a_time(file.metadata.row_group(group))
        try:
            for batch in file.iter_batches(rows, row_groups=[group], columns=[name]):
                yield _of_column(batch.column(0), inner, number, stream.path, options)
                number += batch.num_rows
        except (pyarrow.ArrowException, OSError) as error:
            raise InputError(f"{stream.path} breaks in record {number + 1}: {error}") from None


def _rows_at_a_time(group: Any) -> int:
    size: int = max(1, group.total_byte_size // max(1, group.num_rows))
    return max(1, min(8192, _SIZE // size))


def _of_column(
    column: Any, inner: list[str], number: int, path: str, options: ReadOptions
) -> Records:
    import pyarrow

    for name in inner:
        if not pyarrow.types.is_struct(column.type) or column.type.get_field_index(name) < 0:
            raise InputError(f"{path} has no column {options.text_field!r}")
        column = column.flatten()[column.type.get_field_index(name)]
    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    known = pyarrow.types.is_string(column.type) or pyarrow.types.is_large_string(column.type)
    if not known and not pyarrow.types.is_null(column.type):
        raise InputError(f"{path}: column {options.text_field!r} is {column.type}, not text")
    column = column.cast(pyarrow.large_string())
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    there = ~np.asarray(column.is_null())
    reason = f"field {options.text_field!r} is null, not text"
    return Records(
        np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8),
        bounds[:-1][there],
        bounds[1:][there],
        np.arange(number, number + len(column))[there],
        rejected=tuple(
            Rejected(path, number + int(i) + 1, None, None, reason) for i in np.flatnonzero(~there)
        ),
    )
