"""What a preparation has safely finished, so that it can go on after any interruption."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tokenkit.errors import CorpusError, ManifestMismatchError

NAME = "journal.jsonl"
_CHUNK = 1 << 22


class NewFile:
    """A file that is there whole or not at all: written beside its place, then moved there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = path.with_name(path.name + ".tmp")
        self._digest = sha256()
        self._size = 0
        self._file = open(self._temporary, "wb")  # noqa: SIM115 - closed by commit or discard

    def write(self, content: Any) -> int:
        """Append bytes or an array's memory."""
        view = memoryview(content).cast("B") if memoryview(content).nbytes else memoryview(b"")
        for start in range(0, len(view), _CHUNK):
            part = view[start : start + _CHUNK]
            self._file.write(part)
            self._digest.update(part)
        self._size += len(view)
        return len(view)

    def checksum(self) -> bytes:
        """sha256 of what is written so far."""
        return self._digest.digest()

    def commit(self) -> dict[str, Any]:
        """Make the file durable under its name; its name, size and sha256."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._temporary, self.path)
        sync_folder(self.path.parent)
        return {"name": self.path.name, "bytes": self._size, "sha256": self._digest.hexdigest()}

    def discard(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):  # what was not yet written has no room; it is not wanted either
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def described(path: Path) -> dict[str, Any]:
    """Name, size and sha256 of a file."""
    digest, size = sha256(), 0
    with open(path, "rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
            size += len(block)
    return {"name": path.name, "bytes": size, "sha256": digest.hexdigest()}


def write_durably(path: Path, content: bytes) -> dict[str, Any]:
    """Write a small file that is there whole or not at all; as `described`.

    Raises CorpusError where it cannot be written.
    """
    with writing(path):
        file = NewFile(path)
        try:
            file.write(content)
            return file.commit()
        except BaseException:
            file.discard()
            raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """An error of the system while ``path`` is written becomes one that says what to do."""
    try:
        yield
    except OSError as error:
        raise CorpusError(
            f"cannot write {path}: {error.strerror}. Nothing that was finished is lost: make "
            "room and run the same command again"
        ) from None


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone; the lock ends with the process, however it ends.

    Raises CorpusError where another process holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CorpusError(f"another process is preparing {folder} now") from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)


@dataclass
class Journal:
    """A line for the job, then a line for each shard, each durable before the next begins."""

    folder: Path
    job: dict[str, Any]
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
            write_durably(path, _line(job))
            return Journal(folder, job, [])
        check_same(folder, json.loads(lines[0]), job)
        # A line without its line feed was being written when the job was killed.
        os.truncate(path, content.rfind(b"\n") + 1)
        return Journal(folder, job, [json.loads(line) for line in lines[1:]])

    def append(self, entry: dict[str, Any]) -> None:
        """Add a finished shard."""
        path = self.folder / NAME
        with writing(path), open(path, "ab") as file:
            file.write(_line(entry))
            file.flush()
            os.fsync(file.fileno())
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
        if name == "inputs":
            difference = _of_inputs(before["inputs"], now["inputs"])
        else:
            difference = _of_values(name, before.get(name), now.get(name))
        raise ManifestMismatchError(
            f"{folder} was begun with {difference}: give another --out, or remove the directory"
        )


def _of_values(name: str, old: Any, new: Any) -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        name = next(key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key))
        old, new = old.get(name), new.get(name)
    return f"{name} = {json.dumps(old)}, and now it is {json.dumps(new)}"


def _of_inputs(old: list[list[Any]], new: list[list[Any]]) -> str:
    for (old_path, old_size), (new_path, new_size) in zip(old, new, strict=False):
        if old_path != new_path:
            return f"{old_path} where the inputs now have {new_path}"
        if old_size != new_size:
            return f"{old_path} of {old_size} bytes, and now it has {new_size}"
    return f"{len(old)} inputs, and now there are {len(new)}"
