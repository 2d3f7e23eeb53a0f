"""The main job: documents in, token shards and a manifest out, resumable at any moment."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import joined
from tokenkit.corpus.documents import Block, ReadOptions, Rejected, read_documents
from tokenkit.corpus.formats import FORMATS
from tokenkit.corpus.inputs import STDIN, InputStream, expand
from tokenkit.corpus.journal import Journal, check_same, write_durably
from tokenkit.corpus.packing import pack
from tokenkit.errors import CorpusError, InputError
from tokenkit.text import Tokenizer
from tokenkit.text.templates import Template
from tokenkit.tokens import Ragged

MANIFEST, QUARANTINE, TOKENIZER = "manifest.json", "quarantine.jsonl", "tokenizer.json"


@dataclass(frozen=True)
class PrepareOptions:
    """What decides the output, byte for byte, beside the inputs and the tokenizer.

    ``bos``, ``eos``: ids put before and after every document, or None. ``seed``: shuffles the
    order of inputs, and documents within each shard; None keeps their order. ``pack``: cut into
    sequences of that many tokens, the last of a shard filled up with ``fill``. ``shard_tokens``:
    a shard ends with the first document that takes it there.
    """

    format: str = "shards"
    bos: int | None = None
    eos: int | None = None
    seed: int | None = None
    pack: int | None = None
    fill: int = 0
    shard_tokens: int = 1 << 25
    read: ReadOptions = field(default_factory=ReadOptions)

    def to_json(self) -> dict[str, Any]:
        """For the manifest."""
        fields = asdict(self)
        read = fields.pop("read")
        if read["separator"] is not None:
            read["separator"] = read["separator"].decode("latin-1")
        return {**fields, **read}


@dataclass(frozen=True)
class Summary:
    """What a finished preparation holds."""

    folder: Path
    documents: int
    tokens: int
    text_bytes: int
    shards: int
    quarantined: int
    broken_inputs: int
    resumed: bool
    already_done: bool = False

    @property
    def clean(self) -> bool:
        """Whether every record of every input is in the output."""
        return not self.quarantined and not self.broken_inputs


Progress = Callable[[int, int], None]
"""Called with the bytes of inputs and of text done so far."""


def prepare(
    inputs: Sequence[str],
    tokenizer: Tokenizer,
    out: str | Path,
    options: PrepareOptions | None = None,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> Summary:
    """Encode all documents of ``inputs`` into ``out``.

    ``inputs``: files, directories, globs, or "-" for standard input. Run again after any
    interruption it goes on behind the last finished shard, and the result is the same to the
    byte. Records that are no documents are written to ``quarantine.jsonl``, counted in
    ``manifest.json`` and in the summary.

    Raises CorpusError where there is nothing to read or the output cannot be written, and
    ManifestMismatchError where ``out`` was begun with something else.
    """
    options = options or PrepareOptions()
    if options.format not in FORMATS:
        raise CorpusError(f"no format {options.format!r}; there are {', '.join(FORMATS)}")
    paths = _in_order(expand(inputs), options.seed)
    out = Path(out)
    job = {
        "tokenizer": tokenizer.fingerprint,
        "options": options.to_json(),
        "inputs": [[path, _size(path)] for path in paths],
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CorpusError(f"cannot make {out}: {error.strerror}") from None
    if (out / MANIFEST).exists():
        return _already_done(out, job)
    journal = Journal.open(out, job)
    _remove_unfinished(out, journal)
    run = _Run(tokenizer, options, journal, workers, progress)
    return run.over(paths)


def _in_order(paths: list[str], seed: int | None) -> list[str]:
    if seed is None:
        return paths
    return [paths[i] for i in np.random.default_rng(seed).permutation(len(paths))]


def _size(path: str) -> int | None:
    return None if path == STDIN else Path(path).stat().st_size


def _already_done(out: Path, job: dict[str, Any]) -> Summary:
    manifest = json.loads((out / MANIFEST).read_text())
    check_same(out, manifest["job"], job)
    Journal(out, []).remove()
    return _summary(out, manifest, resumed=True, already_done=True)


def _summary(out: Path, manifest: dict[str, Any], resumed: bool, already_done: bool) -> Summary:
    totals = manifest["totals"]
    return Summary(
        out,
        totals["documents"],
        totals["tokens"],
        totals["text_bytes"],
        len(manifest["shards"]),
        totals["quarantined"],
        totals["broken_inputs"],
        resumed,
        already_done,
    )


def _remove_unfinished(out: Path, journal: Journal) -> None:
    """Files that were being written when the job was killed; the journal does not know them."""
    finished = {file["name"] for entry in journal.entries for file in entry["shard"]["files"]}
    for path in {*out.glob("shard-*"), *out.glob("*.tmp")}:
        if path.name not in finished:
            path.unlink()


class _Run:
    """One run of a job: reads ahead on a thread, encodes, writes shards on another thread."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        options: PrepareOptions,
        journal: Journal,
        workers: int,
        progress: Progress | None,
    ) -> None:
        self._tokenizer = tokenizer
        self._options = options
        self._journal = journal
        self._workers = workers
        self._progress = progress or (lambda _read, _text: None)
        around = [part for part in (options.bos, "A", options.eos) if part is not None]
        self._template = Template(tuple(around), ("A", "B"), (0,) * len(around))
        self._dtype = np.uint16 if tokenizer.vocab_size <= 1 << 16 else np.uint32
        self._rows: list[Ragged] = []  # of the shard being gathered
        self._entry = _empty_entry()
        self._writer = ThreadPoolExecutor(1)
        self._written: Future[None] | None = None
        self._read_bytes = self._text_bytes = 0

    def over(self, paths: list[str]) -> Summary:
        entries = self._journal.entries
        resumed = bool(entries)
        start, skip = entries[-1]["position"] if entries else (0, 0)
        self._text_bytes = sum(entry["text_bytes"] for entry in entries)
        self._next_shard = len(entries)
        with self._writer:
            for index, path in enumerate(paths):
                if index >= start:
                    self._input(index, path, skip if index == start else 0)
                self._read_bytes += _size(path) or 0
            self._commit()
            self._wait()
        return self._finish(resumed)

    def _input(self, index: int, path: str, skip: int) -> None:
        records = documents = 0
        error = ""
        stream = None
        try:
            stream = InputStream(path)
            for block in _ahead(read_documents(stream, self._options.read)):
                records = block.first + block.records
                rest = block.skip(skip) if block.first < skip else block
                documents += len(block.texts)
                if records > skip:
                    self._block(index, rest)
                self._progress(self._read_bytes + stream.size, self._text_bytes)
        except InputError as failure:
            error = str(failure)
        broken = stream.broken if stream else None
        self._entry["inputs"].append(
            {
                "path": path,
                "bytes": stream.size if stream else 0,
                "sha256": stream.digest if stream else "",
                "records": records,
                "documents": documents,
                "broken": f"at byte {broken.offset}: {broken.reason}" if broken else error,
            }
        )
        self._entry["position"] = [index + 1, 0]

    def _block(self, index: int, block: Block) -> None:
        """Encode a block and give its documents to shards."""
        rejected = block.rejected
        if block.texts:
            text, bounds = joined(block.texts)
            ids = self._tokenizer.encode_buffer(text, bounds, threads=self._workers)
            rows = self._template.apply_batch(ids)
            rows = Ragged(rows.values.astype(self._dtype), rows.offsets)
            first = 0
            while first < len(rows):
                # The first document that fills the shard is its last.
                room = self._options.shard_tokens - self._entry["tokens"]
                target = rows.offsets[first] + room
                last = int(np.searchsorted(rows.offsets, target, side="left"))
                last = min(max(last, first + 1), len(rows))
                full = rows.offsets[last] >= target
                self._take(rows, first, last, int(bounds[last] - bounds[first]))
                number = block.numbers[last - 1] + 1
                self._entry["rejected"] += [asdict(r) for r in rejected if r.record <= number]
                rejected = [r for r in rejected if r.record > number]
                self._entry["position"] = [index, number]
                if full:
                    self._commit()
                first = last
        self._entry["rejected"] += [asdict(r) for r in rejected]
        self._entry["position"] = [index, block.first + block.records]

    def _take(self, rows: Ragged, first: int, last: int, text_bytes: int) -> None:
        start, stop = rows.offsets[first], rows.offsets[last]
        part = Ragged(rows.values[start:stop], rows.offsets[first : last + 1] - start)
        self._rows.append(part)
        self._entry["tokens"] += int(stop - start)
        self._entry["documents"] += last - first
        self._entry["text_bytes"] += text_bytes
        self._text_bytes += text_bytes

    def _commit(self) -> None:
        """Hand the gathered shard to the writer, once the one before it is durable."""
        self._wait()
        rows, entry, number = self._rows, self._entry, self._next_shard
        self._rows, self._entry = [], _empty_entry()
        if not rows and not entry["inputs"] and not entry["rejected"]:
            return
        self._next_shard += 1
        self._written = self._writer.submit(self._write, rows, entry, number)

    def _wait(self) -> None:
        if self._written is not None:
            self._written.result()
            self._written = None

    def _write(self, rows: list[Ragged], entry: dict[str, Any], number: int) -> None:
        options = self._options
        documents = _concatenate(rows, self._dtype)
        if options.seed is not None:
            documents = _shuffled(documents, np.random.default_rng((options.seed, number)))
        if options.pack:
            documents = pack(documents, options.pack, options.fill)
        shard: dict[str, Any] = {"tokens": entry.pop("tokens"), "documents": entry.pop("documents")}
        files = {}
        if rows:
            write = FORMATS[options.format]
            stem = f"shard-{number:05d}"
            files = write(stem, documents, self._tokenizer.fingerprint, options.pack)
        folder = self._journal.folder
        shard["files"] = [write_durably(folder / name, parts) for name, parts in files.items()]
        if options.pack:
            shard["sequences"] = len(documents.values) // options.pack
        self._journal.append({**entry, "shard": shard})

    def _finish(self, resumed: bool) -> Summary:
        folder, entries = self._journal.folder, self._journal.entries
        rejected = [record for entry in entries for record in entry["rejected"]]
        read = [record for entry in entries for record in entry["inputs"]]
        shards = [entry["shard"] for entry in entries if entry["shard"]["files"]]
        content = self._tokenizer.to_bytes()
        name = "tokenizer.model" if self._tokenizer.engine == "sentencepiece" else TOKENIZER
        write_durably(folder / name, [content])
        if rejected:
            lines = [json.dumps(r, sort_keys=True).encode() + b"\n" for r in rejected]
            write_durably(folder / QUARANTINE, lines)
        reasons = Counter(record["reason"].split(":")[0] for record in rejected)
        manifest = {
            "job": json.loads((folder / "journal.jsonl").read_text().split("\n", 1)[0]),
            "options": self._options.to_json(),
            "tokenizer": {
                "file": name,
                "fingerprint": self._tokenizer.fingerprint,
                "vocab_size": self._tokenizer.vocab_size,
            },
            "dtype": np.dtype(self._dtype).name,
            "inputs": read,
            "shards": shards,
            "totals": {
                "documents": sum(shard["documents"] for shard in shards),
                "tokens": sum(shard["tokens"] for shard in shards),
                "text_bytes": sum(entry["text_bytes"] for entry in entries),
                "quarantined": len(rejected),
                "broken_inputs": sum(bool(record["broken"]) for record in read),
            },
            "quarantine": dict(sorted(reasons.items())),
        }
        write_durably(folder / MANIFEST, [_readable(manifest)])
        self._journal.remove()
        return _summary(folder, manifest, resumed, already_done=False)


def _readable(manifest: dict[str, Any]) -> bytes:
    # Sorted, because what comes back from the journal has lost the order it was made in.
    return json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n"


def _empty_entry() -> dict[str, Any]:
    """A shard being gathered: what its journal line will say."""
    counts = {"tokens": 0, "documents": 0, "text_bytes": 0}
    return {**counts, "inputs": [], "rejected": [], "position": [0, 0]}


def _concatenate(rows: list[Ragged], dtype: Any) -> Ragged:
    if not rows:
        return Ragged(np.empty(0, dtype), np.zeros(1, np.int64))
    starts = np.cumsum([0, *(len(part.values) for part in rows[:-1])])
    offsets: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]
    offsets += [part.offsets[1:] + start for part, start in zip(rows, starts, strict=True)]
    return Ragged(np.concatenate([part.values for part in rows]), np.concatenate(offsets))


def _shuffled(documents: Ragged, random: np.random.Generator) -> Ragged:
    order = random.permutation(len(documents))
    return Ragged.from_rows([documents[int(i)] for i in order], documents.values.dtype)


_END = object()


def _ahead(blocks: Iterator[Block], depth: int = 2) -> Iterator[Block]:
    """The same blocks, read on another thread while the caller works on the one before."""
    queue: Queue[Any] = Queue(depth)
    stop = Event()

    def read() -> None:
        try:
            for block in blocks:
                queue.put(block)
                if stop.is_set():
                    return
            queue.put(_END)
        except BaseException as error:  # handed over to the caller's thread
            queue.put(error)

    thread = Thread(target=read, daemon=True)
    thread.start()
    try:
        while (item := queue.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        while not queue.empty():
            queue.get_nowait()


__all__ = ["PrepareOptions", "Progress", "Rejected", "Summary", "prepare"]
