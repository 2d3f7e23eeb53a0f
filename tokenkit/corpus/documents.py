"""From the bytes of an input to its documents, in blocks; what is no document is told apart."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenkit.corpus.inputs import InputStream
from tokenkit.errors import InputError

BLOCK = 1 << 23
"""About how many bytes of documents go through the job at a time."""


@dataclass(frozen=True)
class ReadOptions:
    """How inputs are read.

    ``separator``: between documents of plain text; None makes a file one document.
    ``text_field``: of jsonl, csv and parquet; dots lead into nested objects.
    ``longest``: bytes of the longest document that is taken.
    ``invalid_utf8``: "quarantine", "replace" (by U+FFFD) or "keep".
    """

    separator: bytes | None = None
    text_field: str = "text"
    longest: int = 1 << 28
    invalid_utf8: str = "quarantine"


@dataclass(frozen=True)
class Rejected:
    """A record that is no document: its input, number (from 1), and why."""

    file: str
    record: int
    reason: str
    excerpt: str = ""


@dataclass
class Block:
    """Consecutive records of one input: ``first`` is the number of the first (from 0).

    ``texts`` and ``numbers`` are those that are documents.
    """

    first: int
    texts: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    records: int = 0
    size: int = 0

    def skip(self, records: int) -> "Block":
        """What is left when the first ``records`` of the input are done already."""
        kept = [i for i, number in enumerate(self.numbers) if number >= records]
        return Block(
            self.first,
            [self.texts[i] for i in kept],
            [self.numbers[i] for i in kept],
            [r for r in self.rejected if r.record > records],
            self.records,
            self.size,
        )


def read_documents(stream: InputStream, options: ReadOptions) -> Iterator[Block]:
    """All records of an input, in blocks of about BLOCK bytes.

    The kind is told by the file's name; standard input and unknown names are jsonl when they
    begin with an object, else text. Raises InputError for what is not of its kind at all.
    """
    kind = _kind(stream.path)
    if kind == "parquet":
        records = _parquet(stream, options)
    else:
        blocks = stream.blocks()
        if kind == "unknown":
            first = next(blocks, b"")
            kind = "jsonl" if first.lstrip()[:1] == b"{" and options.separator is None else "txt"
            blocks = _again(first, blocks)
        if kind == "jsonl":
            records = _jsonl(stream, blocks, options)
        elif kind == "csv":
            records = _csv(stream, blocks, options)
        else:
            records = _plain(stream, blocks, options)
    yield from _checked(stream, records, options)


Record = bytes | Rejected


def _kind(path: str) -> str:
    suffixes = [s for s in Path(path).suffixes if s not in (".gz", ".zst")]
    suffix = suffixes[-1] if suffixes else ""
    known = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "csv"}
    known |= {".parquet": "parquet", ".txt": "txt", ".md": "txt"}
    return known.get(suffix, "unknown")


def _again(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _split(
    stream: InputStream, blocks: Iterator[bytes], separator: bytes, longest: int
) -> Iterator[tuple[list[Record], bool]]:
    """Lists of parts between separators; True with the last part, which no separator ends.

    A part beyond ``longest`` is rejected without being held.
    """
    held: list[bytes] = []  # of the part that no separator has ended yet
    size, dropped, number = 0, 0, 0
    for block in blocks:
        edge = held[-1][1 - len(separator) :] if held and len(separator) > 1 else b""
        if separator in edge + block:
            pieces = b"".join([*held, block]).split(separator)
            parts: list[Record] = list(pieces)
            last = pieces.pop()
            parts.pop()
            if dropped:
                parts[0] = _too_long(stream, number, dropped + len(pieces[0]), longest)
                dropped = 0
            for i, piece in enumerate(pieces):
                if len(piece) > longest:
                    parts[i] = _too_long(stream, number + i, len(piece), longest)
            number += len(parts)
            held, size = [last], len(last)
            yield parts, False
        else:
            held.append(block)
            size += len(block)
        if size > longest:
            whole = b"".join(held)
            kept = whole[len(whole) - len(separator) + 1 :]
            dropped += len(whole) - len(kept)
            held, size = [kept], len(kept)
    tail = b"".join(held)
    yield [_too_long(stream, number, dropped + len(tail), longest) if dropped else tail], True


def _too_long(stream: InputStream, number: int, size: int, longest: int) -> Rejected:
    reason = f"document of {size} bytes is longer than the {longest} allowed"
    return Rejected(stream.path, number + 1, reason)


def _plain(
    stream: InputStream, blocks: Iterator[bytes], options: ReadOptions
) -> Iterator[list[Record]]:
    if options.separator is None:
        parts: list[bytes] = []
        size = 0
        for block in blocks:
            size += len(block)
            if size <= options.longest:
                parts.append(block)
            else:
                parts.clear()
        if size > options.longest:
            yield [_too_long(stream, 0, size, options.longest)]
        elif stream.broken:
            yield [Rejected(stream.path, 1, "document cut off by the broken file")]
        else:
            yield [b"".join(parts)]
        return
    number = 0
    for records, last in _split(stream, blocks, options.separator, options.longest):
        if last:
            if stream.broken and records[0]:
                yield [Rejected(stream.path, number + 1, "document cut off by the broken file")]
            elif records[0]:
                yield records
        else:
            number += len(records)
            yield records


def _jsonl(
    stream: InputStream, blocks: Iterator[bytes], options: ReadOptions
) -> Iterator[list[Record]]:
    path = options.text_field.split(".")
    number = 0
    for lines, last in _split(stream, blocks, b"\n", 8 * options.longest):
        if last and not lines[0]:
            return
        yield [
            line if isinstance(line, Rejected) else _text_of(stream, number + i, line, path)
            for i, line in enumerate(lines)
        ]
        number += len(lines)


def _text_of(stream: InputStream, number: int, line: bytes, path: list[str]) -> Record:
    try:
        value: Any = json.loads(line)
    except UnicodeDecodeError as error:
        return _reject(stream, number, f"invalid UTF-8 at byte {error.start} of the line", line)
    except ValueError as error:
        if not line.strip():
            return _reject(stream, number, "empty line", line)
        return _reject(stream, number, f"not JSON: {error}", line)
    except RecursionError:
        return _reject(stream, number, "not JSON: nested too deeply", line)
    for step, name in enumerate(path):
        if not isinstance(value, dict) or name not in value:
            missing = ".".join(path[: step + 1])
            return _reject(stream, number, f"no field {missing!r}", line)
        value = value[name]
    if not isinstance(value, str):
        kind = type(value).__name__
        return _reject(stream, number, f"field {'.'.join(path)!r} is {kind}, not text", line)
    try:
        return value.encode()
    except UnicodeEncodeError:
        return _reject(stream, number, "lone surrogate in the text", line)


def _reject(stream: InputStream, number: int, reason: str, raw: bytes) -> Rejected:
    return Rejected(stream.path, number + 1, reason, raw[:200].decode("utf-8", "replace"))


def _csv(
    stream: InputStream, blocks: Iterator[bytes], options: ReadOptions
) -> Iterator[list[Record]]:
    csv.field_size_limit(min(options.longest, 2**31 - 1))
    delimiter = "\t" if ".tsv" in Path(stream.path).suffixes else ","
    lines = (
        line.decode("utf-8", "surrogateescape")
        for parts, last in _split(stream, blocks, b"\n", 8 * options.longest)
        for line in (part + b"\n" if not last else part for part in parts if isinstance(part, bytes))
        if line
    )
    rows = csv.reader(lines, delimiter=delimiter)
    header = next(rows, None)
    if header is None:
        return
    header[0] = header[0].removeprefix("\ufeff")
    if options.text_field not in header:
        raise InputError(f"{stream.path} has no column {options.text_field!r}, only {header}")
    column, number = header.index(options.text_field), 0
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield [Rejected(stream.path, number + 1, f"not CSV: {error}")]
        else:
            if len(row) != len(header):
                reason = f"{len(row)} fields where the header has {len(header)}"
                yield [Rejected(stream.path, number + 1, reason)]
            else:
                yield [row[column].encode("utf-8", "surrogateescape")]
        number += 1


def _parquet(stream: InputStream, options: ReadOptions) -> Iterator[list[Record]]:
    import pyarrow
    import pyarrow.parquet

    for _ in stream.blocks():  # for its hash
        pass
    try:
        table = pyarrow.parquet.ParquetFile(stream.path)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{stream.path} is not Parquet: {error}") from None
    name, *rest = options.text_field.split(".")
    if name not in table.schema_arrow.names:
        names = table.schema_arrow.names
        raise InputError(f"{stream.path} has no column {name!r}, only {names}")
    number = 0
    for batch in table.iter_batches(batch_size=1024, columns=[name]):
        records: list[Record] = []
        for value in batch.column(0).to_pylist():
            for step in rest:
                value = value.get(step) if isinstance(value, dict) else None
            if isinstance(value, str):
                records.append(value.encode())
            else:
                reason = f"field {options.text_field!r} is {type(value).__name__}, not text"
                records.append(Rejected(stream.path, number + len(records) + 1, reason))
        number += len(records)
        yield records


def _checked(
    stream: InputStream, records: Iterator[list[Record]], options: ReadOptions
) -> Iterator[Block]:
    """Gather records into blocks and reject what is empty or not UTF-8."""
    block = Block(0)
    for part in records:
        texts = [record for record in part if isinstance(record, bytes)]
        valid = options.invalid_utf8 == "keep" or _is_utf8(b"\n".join(texts))
        for record in part:
            number = block.first + block.records
            block.records += 1
            if isinstance(record, Rejected):
                block.rejected.append(record)
                continue
            checked = record if valid else _utf8(stream, number, record, options)
            if isinstance(checked, bytes) and not checked:
                checked = Rejected(stream.path, number + 1, "empty document")
            elif isinstance(checked, bytes) and len(checked) > options.longest:
                checked = _too_long(stream, number, len(checked), options.longest)
            if isinstance(checked, Rejected):
                block.rejected.append(checked)
                continue
            block.texts.append(checked)
            block.numbers.append(number)
            block.size += len(checked)
            if block.size >= BLOCK:
                yield block
                block = Block(block.first + block.records)
    if block.records:
        yield block


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _utf8(stream: InputStream, number: int, raw: bytes, options: ReadOptions) -> Record:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        if options.invalid_utf8 == "replace":
            return raw.decode("utf-8", "replace").encode()
        return _reject(stream, number, f"invalid UTF-8 at byte {error.start}", raw)
    return raw
