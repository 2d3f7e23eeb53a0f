"""The main job: documents in, token shards and a manifest out, resumable at any moment."""

import json
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from encoders.threads import cores
from tokenkit.corpus.encoding import HUGE, Encoded, Encoder, Frame, encode_batch
from tokenkit.corpus.formats import FORMATS
from tokenkit.corpus.inputs import STDIN, expand
from tokenkit.corpus.journal import NAME as JOURNAL
from tokenkit.corpus.journal import Journal, check_same, described, locked, write_durably
from tokenkit.corpus.ledger import Ledger
from tokenkit.corpus.options import PrepareOptions
from tokenkit.corpus.reading import BATCH, Batch, Position, ReadAhead, read_batches
from tokenkit.corpus.records import LONGEST, ReadOptions
from tokenkit.corpus.shards import MANIFEST, read_manifest
from tokenkit.corpus.writing import Gathered, write_gathered
from tokenkit.errors import CorpusError
from tokenkit.words.encoding import PatchedBytes
from tokenkit.words.patches import BOS

VERSION = 1
_BUDGET = 16 * BATCH
_LONGEST_COPIED = 32 << 20
_LONGEST_ELSEWHERE = 8 << 20


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
    patches: int = 0

    @property
    def clean(self) -> bool:
        """Whether every record of every input is in the output."""
        return not self.quarantined and not self.broken_inputs


Progress = Callable[[int, int], None]
"""Called with the bytes of inputs and of text done so far."""


def prepare(
    inputs: Sequence[str],
    tokenizer: Encoder,
    out: str | Path,
    options: PrepareOptions | None = None,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Encode all documents of ``inputs`` into ``out``.

    ``inputs``: files, directories, globs, or "-" for standard input. ``tokenizer``: or
    `tokenkit.words.PatchedBytes`, which writes bytes and where their patches begin. ``workers``:
    encoding threads, as many as there are cores unless given. Run again after any interruption it
    goes on behind the last finished shard, and the result is the same to the byte. Records that
    are no documents are written to ``quarantine.jsonl``, counted in ``manifest.json`` and in the
    summary.

    Raises CorpusError where there is nothing to read or the output cannot be written, and
    ManifestMismatchError where ``out`` was begun with something else.
    """
    options = options or PrepareOptions()
    options.check()
    if isinstance(tokenizer, PatchedBytes):
        _check_for_patches(options)
    options = replace(options, read=_bounded(options, tokenizer))
    out = Path(out)
    paths, sizes = inputs_of(inputs, out, options)
    job = {
        "version": VERSION,
        "tokenizer": tokenizer.fingerprint,
        "options": options.to_json(),
        "inputs": [list(pair) for pair in zip(paths, sizes, strict=True)],
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CorpusError(f"cannot make {out}: {error.strerror}") from None
    with locked(out):
        if (out / MANIFEST).exists():
            return _already_done(out, job)
        _refuse_foreign(out)
        journal = Journal.open(out, job)
        _remove_unfinished(out, journal)
        with _Run(tokenizer, options, journal, workers or cores(), progress) as run:
            run.over(paths, sizes)
            return run.finish()


def inputs_of(
    inputs: Sequence[str], out: Path, options: PrepareOptions
) -> tuple[list[str], list[int | None]]:
    """The files in the order they are read, with their sizes; None for standard input.

    Raises CorpusError where an input names no file.
    """
    paths = expand(inputs, without=out)
    if options.seed is not None:
        order = np.random.default_rng(options.seed).permutation(len(paths))
        paths = [paths[i] for i in order]
    return paths, [None if path == STDIN else Path(path).stat().st_size for path in paths]


def _check_for_patches(options: PrepareOptions) -> None:
    """Raise CorpusError for what patches cannot be written with."""
    if options.format != "shards":
        raise CorpusError(f"{options.format} cannot tell patches: choose the format shards")
    if options.pack is not None:
        raise CorpusError("packing would cut patches: leave it away, loaders pack whole patches")
    for id_ in (options.bos, options.eos):
        if id_ is not None and not BOS <= id_ < 1 << 16:
            raise CorpusError(f"id {id_} beside bytes: give bos and eos ids from {BOS} to 65535")


def _bounded(options: PrepareOptions, tokenizer: Encoder) -> ReadOptions:
    """The longest record that the memory bound allows, where none is given."""
    if options.read.longest is not None:
        return options.read
    longest = LONGEST
    if tokenizer.engine != "kernels":
        longest = _LONGEST_ELSEWHERE
    elif (
        isinstance(tokenizer, PatchedBytes)
        or tokenizer.contract != "lossless"
        or options.pack
        or not FORMATS[options.format].streams
    ):
        longest = _LONGEST_COPIED
    return replace(options.read, longest=longest)


def _already_done(out: Path, job: dict[str, Any]) -> Summary:
    manifest = read_manifest(out)
    done = {
        "version": manifest["version"],
        "tokenizer": manifest["tokenizer"]["fingerprint"],
        "options": manifest["options"],
        "inputs": [[read["path"], read["size"]] for read in manifest["inputs"]],
    }
    check_same(out, done, job)
    (out / JOURNAL).unlink(missing_ok=True)
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
        totals.get("patches", 0),
    )


def _refuse_foreign(out: Path) -> None:
    """A directory that is not ours is left as it is."""
    names = {path.name for path in out.iterdir()}
    if names and JOURNAL not in names and names != {JOURNAL + ".tmp"}:
        raise CorpusError(
            f"{out} is not empty and not a directory of `prepare`: it holds {min(names)}. "
            "Give another --out"
        )


def _remove_unfinished(out: Path, journal: Journal) -> None:
    """Files that were being written when the job was killed; the journal does not know them."""
    finished = {file["name"] for entry in journal.entries for file in entry["files"]}
    for path in {*out.glob("shard-*"), *out.glob("*.tmp")}:
        if path.name not in finished:
            path.unlink()


def _dtype_of(tokenizer: Encoder, options: PrepareOptions) -> np.dtype[Any]:
    """The narrowest dtype of the ids that a preparation writes."""
    if isinstance(tokenizer, PatchedBytes):
        return np.dtype(np.uint8 if options.bos is options.eos is None else np.uint16)
    narrow = tokenizer.vocab_size <= FORMATS[options.format].narrow
    return np.dtype(np.uint16 if narrow else np.uint32)


def _files_of(tokenizer: Encoder) -> dict[str, bytes]:
    """Name to content of what is kept of the tokenizer."""
    if isinstance(tokenizer, PatchedBytes):
        return tokenizer.files()
    return {tokenizer.file_name: tokenizer.to_bytes()}


class _Run:
    """One run of a job: reads ahead on a thread, encodes on others, writes on one more."""

    def __init__(
        self,
        tokenizer: Encoder,
        options: PrepareOptions,
        journal: Journal,
        workers: int,
        progress: Progress | None,
    ) -> None:
        self._tokenizer = tokenizer
        self._options = options
        self._journal = journal
        # `tokenizers` starts threads by itself.
        self._workers = 1 if tokenizer.engine == "tokenizers" else workers
        self._progress = progress or (lambda _read, _text: None)
        self._dtype = _dtype_of(tokenizer, options)
        self._frame = Frame(options.bos, options.eos, self._dtype)
        self._ledger = Ledger(journal)
        self._resumed = bool(journal.entries)
        self._shards = sum(bool(entry["files"]) for entry in journal.entries)
        self._text_bytes = sum(entry["text_bytes"] for entry in journal.entries)
        self._gathered = Gathered()
        self._writer = ThreadPoolExecutor(1)
        self._written: Future[None] | None = None

    def __enter__(self) -> "_Run":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.shutdown(cancel_futures=True)
        self._ledger.quarantine.close()

    def over(self, paths: list[str], sizes: list[int | None]) -> None:
        """Read, encode and write everything behind where the journal is."""
        self._before = np.concatenate(([0], np.cumsum([size or 0 for size in sizes])))
        batches = read_batches(paths, sizes, self._options.read, self._ledger.position)
        ahead = ReadAhead(batches, _BUDGET)
        pending: deque[tuple[Future[Encoded], int]] = deque()

        def take() -> None:
            future, size = pending.popleft()
            encoded = future.result()
            del future
            self._take(encoded)
            ahead.release(size)

        with ThreadPoolExecutor(self._workers) as pool:
            try:
                for batch in ahead:
                    size = batch.size
                    while pending and (len(pending) > self._workers or size > HUGE):
                        take()
                    pending.append((pool.submit(self._encode, batch), size))
                    del batch
                    if size > HUGE:
                        take()
                        self._wait()
                while pending:
                    take()
            finally:
                ahead.stop()
                pool.shutdown(cancel_futures=True)
        self._commit()
        self._wait()

    def _encode(self, batch: Batch) -> Encoded:
        return encode_batch(batch, self._tokenizer, self._options.read, self._frame)

    def _take(self, encoded: Encoded) -> None:
        """Give the documents of a batch to shards, in order."""
        full = self._options.shard_tokens
        offsets, count = encoded.offsets, len(encoded.numbers)
        alone = np.append(np.flatnonzero(np.diff(offsets) >= full), count)
        first = 0
        while first < count:
            next_alone = int(alone[np.searchsorted(alone, first)])
            if next_alone == first:
                if self._gathered.documents:
                    self._commit()
                last = first + 1
            else:
                target = offsets[first] + full - self._gathered.tokens
                last = int(np.searchsorted(offsets[: next_alone + 1], target))
                last = min(max(last, first + 1), next_alone)
            self._gathered.add(encoded, first, last)
            self._ledger.documents(encoded, first, last)
            self._text_bytes += int(encoded.sizes[first:last].sum())
            if self._gathered.tokens >= full:
                self._commit()
            first = last
        self._ledger.rest(encoded)
        if encoded.reached is not None:
            self._progress(self._bytes_read(encoded.reached), self._text_bytes)

    def _bytes_read(self, reached: Position) -> int:
        read = reached.checkpoint.size if reached.checkpoint else 0
        return int(self._before[reached.input]) + read

    def _commit(self) -> None:
        """Hand the gathered shard to the writer, once the one before it is durable."""
        self._wait()
        gathered, self._gathered = self._gathered, Gathered()
        entry = self._ledger.take()
        if not gathered.documents and not entry["inputs"] and not entry["reasons"]:
            return
        self._written = self._writer.submit(self._write, gathered, entry, self._shards)
        self._shards += bool(gathered.documents)

    def _wait(self) -> None:
        if self._written is not None:
            self._written.result()
            self._written = None

    def _write(self, gathered: Gathered, entry: dict[str, Any], number: int) -> None:
        """On the writer's thread: everything of a shard, then the line that says it is there."""
        self._ledger.quarantine.sync()
        entry |= gathered.counts(self._options)
        entry["files"] = []
        if gathered.documents:
            stem = self._journal.folder / f"shard-{number:05d}"
            fingerprint = self._tokenizer.fingerprint
            entry["files"] = write_gathered(
                gathered, stem, number, self._options, self._dtype, fingerprint
            )
        self._journal.append(entry)

    def _patches(self) -> dict[str, int]:
        if not isinstance(self._tokenizer, PatchedBytes):
            return {}
        return {"patches": sum(entry.get("patches", 0) for entry in self._journal.entries)}

    def finish(self) -> Summary:
        """Write what describes the whole, the manifest last."""
        folder, entries = self._journal.folder, self._journal.entries
        contents = _files_of(self._tokenizer)
        files = [write_durably(folder / name, content) for name, content in contents.items()]
        quarantine = self._ledger.quarantine.finish()
        if quarantine is not None:
            files.append(described(quarantine))
        read = [record for entry in entries for record in entry["inputs"]]
        names = ("files", "tokens", "documents", "sequences", "patches")
        reasons = Counter[str]()
        for entry in entries:
            reasons.update(entry["reasons"])
        manifest = {
            "version": VERSION,
            "options": self._options.to_json(),
            "tokenizer": {
                "file": self._tokenizer.file_name,
                "fingerprint": self._tokenizer.fingerprint,
                "vocab_size": self._tokenizer.vocab_size,
            },
            "dtype": self._dtype.name,
            "inputs": read,
            "shards": [{k: e[k] for k in names if k in e} for e in entries if e["files"]],
            "files": files,
            "totals": {
                **self._patches(),
                "documents": sum(entry["documents"] for entry in entries),
                "tokens": sum(entry["tokens"] for entry in entries),
                "text_bytes": sum(entry["text_bytes"] for entry in entries),
                "quarantined": reasons.total(),
                "broken_inputs": sum(bool(record["broken"]) for record in read),
            },
            "quarantine": dict(reasons),
        }
        # Sorted, because what comes back from the journal has lost the order it was made in.
        content = json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n"
        write_durably(folder / MANIFEST, content)
        self._journal.remove()
        return _summary(folder, manifest, self._resumed, already_done=False)
