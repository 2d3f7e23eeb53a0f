"""All inputs of a job as batches of records, read ahead of what works on them."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Condition, Thread

import numpy as np

from tokenkit.corpus.inputs import Checkpoint, InputStream
from tokenkit.corpus.records import ReadOptions, Records, read_records
from tokenkit.errors import InputError

BATCH = 1 << 22
"""About how many bytes go through the job at a time."""
_RECORDS = 1 << 16


@dataclass(frozen=True)
class Position:
    """How far a job is: ``record`` records of input ``input`` are done, and all inputs before.

    ``documents`` and ``rejected`` are those among them; ``checkpoint``: what was read of the
    input when it was there.
    """

    input: int = 0
    record: int = 0
    documents: int = 0
    rejected: int = 0
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True)
class Part:
    """Consecutive records of an input, and what was read of the input for them."""

    input: int
    path: str
    records: Records
    checkpoint: Checkpoint

    @property
    def size(self) -> int:
        """Bytes of text, at least."""
        if not len(self.records):
            return 0
        return int(self.records.stops[-1] - self.records.starts[0])

    @property
    def last(self) -> int:
        """How many records of the input are done after these."""
        numbers, rejected = self.records.numbers, self.records.rejected
        last = int(numbers[-1]) + 1 if len(numbers) else 0
        return max(last, rejected[-1].record if rejected else 0)


@dataclass(frozen=True)
class InputEnd:
    """An input is read to its end, or to where it broke (``broken`` says where and why).

    ``size``: of the file when the job was begun; None for standard input.
    """

    input: int
    path: str
    size: int | None
    records: int
    read: Checkpoint
    broken: str


@dataclass(frozen=True)
class Batch:
    """Parts and ends of inputs, in order. ``size``: bytes of text."""

    items: list[Part | InputEnd]
    size: int


def read_batches(
    paths: Sequence[str], sizes: Sequence[int | None], options: ReadOptions, start: Position
) -> Iterator[Batch]:
    """All records behind ``start``, in order; an input that cannot be read only ends early."""
    items: list[Part | InputEnd] = []
    size = count = 0
    for index in range(start.input, len(paths)):
        here = start if index == start.input else Position(index)
        for item in _read_input(index, paths[index], sizes[index], options, here):
            more = item.size if isinstance(item, Part) else 0
            if items and (size + more > BATCH or count >= _RECORDS):
                yield Batch(items, size)
                items, size, count = [], 0, 0
            items.append(item)
            size += more
            count += len(item.records) if isinstance(item, Part) else 1
    if items:
        yield Batch(items, size)


def _read_input(
    index: int, path: str, size: int | None, options: ReadOptions, start: Position
) -> Iterator[Part | InputEnd]:
    records = start.record
    read, broken = Checkpoint(0, ""), ""
    try:
        stream = InputStream(path, start.checkpoint)
        try:
            for found in read_records(stream, options):
                rest = _behind(found, start.record)
                if len(rest) or rest.rejected:
                    part = Part(index, path, rest, stream.checkpoint())
                    records = part.last
                    yield part
        finally:
            read = stream.checkpoint()
            broken = str(stream.broken or "")
    except InputError as error:
        broken = str(error)
    yield InputEnd(index, path, size, records, read, broken)


def _behind(records: Records, done: int) -> Records:
    """The records whose number is not among the first ``done``."""
    if not done:
        return records
    rest = records.select(int(np.searchsorted(records.numbers, done)), len(records))
    rest.rejected = tuple(record for record in records.rejected if record.record > done)
    records.release()
    return rest


class ReadAhead:
    """Batches read on another thread, ``depth`` ahead and never more than ``budget`` bytes.

    What is handed out counts until it is released; a batch larger than the budget stops the
    reading until then.
    """

    def __init__(self, batches: Iterator[Batch], budget: int, depth: int = 2) -> None:
        self._batches = batches
        self._budget, self._depth = budget, depth
        self._queue: deque[Batch] = deque()
        self._held = 0
        self._done = self._stopped = False
        self._error: BaseException | None = None
        self._change = Condition()
        Thread(target=self._read, daemon=True, name="read-ahead").start()

    def _read(self) -> None:
        try:
            for batch in self._batches:
                with self._change:
                    self._queue.append(batch)
                    self._held += batch.size
                    self._change.notify_all()
                    self._change.wait_for(self._has_room)
                    if self._stopped:
                        return
                del batch
        except BaseException as error:  # raised again on the caller's thread
            self._error = error
        finally:
            with self._change:
                self._done = True
                self._change.notify_all()

    def _has_room(self) -> bool:
        return self._stopped or (len(self._queue) < self._depth and self._held <= self._budget)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            with self._change:
                self._change.wait_for(lambda: bool(self._queue) or self._done)
                if not self._queue:
                    break
                batch = self._queue.popleft()
                self._change.notify_all()
            yield batch
        if self._error is not None:
            raise self._error

    def release(self, size: int) -> None:
        """A batch of that size is no longer held."""
        with self._change:
            self._held -= size
            self._change.notify_all()

    def stop(self) -> None:
        """Read no more."""
        with self._change:
            self._stopped = True
            self._change.notify_all()
