"""What a preparation has safely finished, so that it can go on after any interruption."""

import json
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tokenkit.errors import CorpusError, ManifestMismatchError

NAME = "journal.jsonl"


def write_durably(path: Path, parts: list[bytes]) -> dict[str, Any]:
    """Write a file so that it is there whole or not at all; its name, size and sha256."""
    digest, size = sha256(), 0
    temporary = path.with_name(path.name + ".tmp")
    try:
        with open(temporary, "wb") as file:
            for part in parts:
                file.write(part)
                digest.update(part)
                size += len(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise CorpusError(
            f"cannot write {path}: {error.strerror}. What was finished before is kept: free the "
            "way and run the same command again"
        ) from None
    return {"name": path.name, "bytes": size, "sha256": digest.hexdigest()}


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass
class Journal:
    """A line for the job, then a line for each shard, each durable before the next begins."""

    folder: Path
    entries: list[dict[str, Any]]

    @staticmethod
    def open(folder: Path, job: dict[str, Any]) -> "Journal":
        """Begin a journal, or take up the one of the same job.

        Raises ManifestMismatchError, naming what differs, where another job left it.
        """
        path = folder / NAME
        content = path.read_bytes() if path.exists() else b""
        lines = content.split(b"\n")[:-1]
        if not lines:
            journal = Journal(folder, [])
            path.write_bytes(_line(job))
            sync_folder(folder)
            return journal
        check_same(folder, json.loads(lines[0]), job)
        # A line without its line feed was being written when the job was killed.
        os.truncate(path, content.rfind(b"\n") + 1)
        return Journal(folder, [json.loads(line) for line in lines[1:]])

    def append(self, entry: dict[str, Any]) -> None:
        """Add a finished shard."""
        try:
            with open(self.folder / NAME, "ab") as file:
                file.write(_line(entry))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise CorpusError(f"cannot write {self.folder / NAME}: {error.strerror}") from None
        self.entries.append(entry)

    def remove(self) -> None:
        """The job is done and its manifest written."""
        (self.folder / NAME).unlink(missing_ok=True)
        sync_folder(self.folder)


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True).encode() + b"\n"


def check_same(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise ManifestMismatchError where a directory was begun by another job."""
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) == now.get(name):
            continue
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            name = next(key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key))
            old, new = old.get(name), new.get(name)
        raise ManifestMismatchError(
            f"{folder} was begun with {name} = {old!r}, and now it is {new!r}: "
            "give another --out, or remove the directory"
        )
