"""What a scanner is: an iterator over the pieces of a batch of documents."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets, padded
from encoders.scan.classes import SPACE, load_classes

CHUNK = 16_384
"""Pieces handed on at a time: their ends and about 70 kB of text stay in the L2 cache."""


SCRATCH = 64
"""Bytes of scratch memory of a kernel: the classes of a block."""


class Scanner(Protocol):
    """Splits documents into pieces."""

    @property
    def cuts_at_lines(self) -> bool:
        """Whether a piece always ends between a line feed and an ASCII letter."""
        ...

    def chunks(self, text: Bytes, bounds: Offsets) -> Iterator[Offsets]:
        """Yield the piece ends of the batch, in order, some thousands at a time.

        ``text``: uint8 with PADDING spare bytes; ``bounds``: int64[n + 1], document ``i`` is
        ``text[bounds[i]:bounds[i + 1]]``. A piece begins where the one before it ended, and
        never crosses a document bound. A negative end ``~e`` marks a piece up to ``e`` that the
        pre-tokenizer drops. An array is valid until the next one is asked for.
        """
        ...


@dataclass(frozen=True)
class KernelScanner:
    """A scanner that runs as a kernel: ``kernel`` names it in ``_kernels``."""

    kernel: str
    options: tuple[int, ...] = ()
    cuts_at_lines: bool = True

    def chunks(self, text: Bytes, bounds: Offsets) -> Iterator[Offsets]:
        """See `Scanner.chunks`."""
        from encoders.scan import _kernels

        table = (*load_classes(), np.empty(SCRATCH, np.uint8))
        yield from run(getattr(_kernels, self.kernel), text, bounds, *table, *self.options)


@dataclass(frozen=True)
class ClassScanner:
    """Looks at the classes of characters only (``encoders.scan.classes``).

    Runs of ``dropped`` are dropped, each character of ``isolated`` is a piece; the rest falls into
    runs of ``grouped`` and of others. No character may be in two of them.
    """

    dropped: int = 0
    isolated: int = 0
    grouped: int = 0

    @property
    def cuts_at_lines(self) -> bool:
        """See `Scanner`."""
        return self.dropped & SPACE != 0

    @cached_property
    def _table(self) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """As `load_classes`, the flags being which of the three a character is in."""
        index, blocks = load_classes()
        wanted = (self.dropped, self.isolated, self.grouped)
        roles = [((blocks & flags) != 0).astype(np.uint16) << k for k, flags in enumerate(wanted)]
        return index, roles[0] | roles[1] | roles[2]

    def chunks(self, text: Bytes, bounds: Offsets) -> Iterator[Offsets]:
        """See `Scanner.chunks`."""
        from encoders.scan import _kernels

        classes = self.dropped, self.isolated, self.grouped
        table = (*self._table, np.empty(64, np.uint8))
        yield from run(_kernels.scan_by_class, text, bounds, *table, *classes)


def run(
    kernel: Callable[..., tuple[int, int, int]], text: Bytes, bounds: Offsets, *arguments: Any
) -> Iterator[Offsets]:
    """Drive ``kernel(text, bounds, document, position, ends, …)`` over a batch.

    It fills ``ends`` as `Scanner.chunks` tells and returns (how many, document, position).
    """
    ends = np.empty(min(CHUNK, int(bounds[-1] - bounds[0])) + 128, np.int64)
    document, position, last = 0, int(bounds[0]), len(bounds) - 1
    while document < last:
        count, document, position = kernel(text, bounds, document, position, ends, *arguments)
        if count:
            yield ends[:count]


@dataclass(frozen=True)
class WholeScanner:
    """Every non-empty document is one piece."""

    cuts_at_lines: bool = False

    def chunks(self, text: Bytes, bounds: Offsets) -> Iterator[Offsets]:
        """See `Scanner.chunks`."""
        del text
        ends = bounds[1:][np.diff(bounds) > 0]
        if len(ends):
            yield ends


class Behaviour(Enum):
    """What becomes of a delimiter, as in `tokenizers`."""

    REMOVED = "Removed"
    ISOLATED = "Isolated"
    MERGED_WITH_PREVIOUS = "MergedWithPrevious"
    MERGED_WITH_NEXT = "MergedWithNext"
    CONTIGUOUS = "Contiguous"


@dataclass(frozen=True)
class RegexScanner:
    """Any pattern of the `regex` library; with ``invert`` the gaps are the delimiters."""

    pattern: str
    behaviour: Behaviour = Behaviour.ISOLATED
    invert: bool = False
    cuts_at_lines: bool = False

    def chunks(self, text: Bytes, bounds: Offsets) -> Iterator[Offsets]:
        """See `Scanner.chunks`."""
        import regex

        compiled = regex.compile(self.pattern)
        for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            if start == stop:
                continue
            raw = text[start:stop].tobytes()
            # A byte outside UTF-8 becomes one character, as everywhere in the scanners.
            escaped = raw.decode("utf-8", "surrogateescape")
            readable = regex.sub("[\udc80-\udcff]", "\ufffd", escaped)
            spans = [match.span() for match in compiled.finditer(readable)]
            segments = _segments(spans, len(readable), self.invert)
            merged = _apply(self.behaviour, segments)
            ends = np.array([end for end, _ in merged], np.int64)
            kept = np.array([keep for _, keep in merged])
            ends = start + _byte_offsets(escaped, len(raw))[ends]
            yield np.where(kept, ends, ~ends)


def _segments(spans: list[tuple[int, int]], length: int, invert: bool) -> list[tuple[int, bool]]:
    """(end, is delimiter) of consecutive segments that cover the text; empty ones left out."""
    found, at = [], 0
    for start, stop in spans:
        if start > at:
            found.append((start, invert))
        if stop > start:
            found.append((stop, not invert))
        at = max(at, stop)
    if at < length:
        found.append((length, invert))
    return found


def _apply(behaviour: Behaviour, segments: list[tuple[int, bool]]) -> list[tuple[int, bool]]:
    """(end, is kept) of the pieces."""
    if behaviour is Behaviour.REMOVED:
        return [(end, not delimiter) for end, delimiter in segments]
    if behaviour is Behaviour.ISOLATED:
        return [(end, True) for end, _ in segments]
    merged: list[tuple[int, bool]] = []
    for i, (end, delimiter) in enumerate(segments):
        before = i > 0 and segments[i - 1][1]
        if behaviour is Behaviour.CONTIGUOUS:
            joins = i > 0 and before == delimiter
        elif behaviour is Behaviour.MERGED_WITH_PREVIOUS:
            joins = i > 0 and delimiter and not before
        else:
            joins = before and not delimiter
        if joins:
            merged[-1] = (end, True)
        else:
            merged.append((end, True))
    return merged


def _byte_offsets(text: str, size: int) -> Offsets:
    """int64[len(text) + 1]: where each character of a surrogate-escaped text begins in bytes."""
    if size == len(text):
        return np.arange(size + 1, dtype=np.int64)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    escaped = (codes >= 0xDC80) & (codes <= 0xDCFF)
    widths = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
    widths[escaped] = 1
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(widths)))


@dataclass(frozen=True)
class SequenceScanner:
    """Each scanner splits the pieces of the one before it."""

    scanners: tuple[Scanner, ...]

    @property
    def cuts_at_lines(self) -> bool:
        """A later split only adds ends to those of the first."""
        return self.scanners[0].cuts_at_lines

    def chunks(self, text: Bytes, bounds: Offsets) -> Iterator[Offsets]:
        """See `Scanner.chunks`."""
        first, *others = self.scanners
        if not others:
            yield from first.chunks(text, bounds)
            return
        rest = SequenceScanner(tuple(others))
        start = int(bounds[0])
        for ends in first.chunks(text, bounds):
            yield from _split_again(rest, text, start, ends)
            last = int(ends[-1])
            start = last if last >= 0 else ~last


def _split_again(rest: Scanner, text: Bytes, start: int, ends: Offsets) -> Iterator[Offsets]:
    """Split the kept pieces further; the dropped ones pass through in their places."""
    stops = np.where(ends < 0, ~ends, ends)
    starts = np.concatenate((np.array([start]), stops[:-1]))
    dropped = np.flatnonzero(ends < 0)
    begin = 0
    for stop in (*dropped.tolist(), len(ends)):
        if stop > begin:
            yield from rest.chunks(text, np.append(starts[begin:stop], stops[stop - 1]))
        if stop < len(ends):
            yield ends[stop : stop + 1]
        begin = stop + 1


def pieces(scanner: Scanner, text: bytes) -> list[bytes]:
    """The kept pieces of one document, as bytes."""
    buffer, bounds = padded(text), np.array([0, len(text)], np.int64)
    found, start = [], 0
    for ends in scanner.chunks(buffer, bounds):
        for end in ends.tolist():
            if end >= 0:
                found.append(text[start:end])
            start = end if end >= 0 else ~end
    return found
