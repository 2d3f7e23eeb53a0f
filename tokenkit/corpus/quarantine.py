"""The records that are no documents, on disk: never more of them in memory than of one batch."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from tokenkit.corpus.journal import sync_folder, writing
from tokenkit.corpus.records import Rejected

NAME = "quarantine.jsonl"
_ENCODE = json.JSONEncoder(sort_keys=True).encode


class Quarantine:
    """``quarantine.jsonl.part`` while the job runs, renamed when it is done."""

    def __init__(self, folder: Path, size: int) -> None:
        """Go on behind the first ``size`` bytes, which the journal knows."""
        self._path, self._part = folder / NAME, folder / (NAME + ".part")
        if not self._part.exists() and self._path.exists():
            os.replace(self._path, self._part)
        with writing(self._part):
            self._file = open(self._part, "ab")  # noqa: SIM115 - open as long as the job runs
            self._file.truncate(size)
        self.size = size

    def add(self, records: Iterable[Rejected]) -> None:
        """Append records."""
        lines = b"".join(_ENCODE(vars(record)).encode() + b"\n" for record in records)
        if lines:
            with writing(self._part):
                self._file.write(lines)
                self._file.flush()
            self.size += len(lines)

    def sync(self) -> None:
        """Make what was added durable."""
        with writing(self._part):
            os.fsync(self._file.fileno())

    def finish(self) -> Path | None:
        """Give the file its name; None where nothing was rejected."""
        self.sync()
        self._file.close()
        if not self.size:
            self._part.unlink()
            return None
        os.replace(self._part, self._path)
        sync_folder(self._path.parent)
        return self._path

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
