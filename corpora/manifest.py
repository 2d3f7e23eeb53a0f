"""The manifest of a folder of corpora: what, where from, licence, checksum."""

import json
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from corpora.documents import Written, sha256_of
from tokenkit.errors import CorpusError

FILE = "corpora.manifest"
"""JSON under a name that no reader of a folder takes for documents."""


@dataclass(frozen=True)
class Download:
    """A file that a corpus was extracted from."""

    url: str
    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """One corpus in a folder.

    ``file`` is jsonl, relative to the folder; ``bytes`` counts those of its texts in UTF-8.
    """

    name: str
    what: str
    source: str
    licence: str
    file: str
    documents: int
    bytes: int
    sha256: str
    downloads: tuple[Download, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """All corpora of a folder, kept as ``corpora.manifest`` in it.

    ``python`` and ``system`` say on what they were built: most samples differ between machines.
    """

    folder: Path
    entries: tuple[Entry, ...] = ()
    python: str = ""
    system: str = ""

    @staticmethod
    def read(folder: str | Path) -> "Manifest":
        """The manifest of a folder; an empty one where there is none.

        Raises CorpusError where the file is there and not a manifest.
        """
        folder = Path(folder)
        try:
            found = json.loads((folder / FILE).read_text())
            entries = tuple(
                Entry(**{**entry, "downloads": tuple(Download(**d) for d in entry["downloads"])})
                for entry in found["corpora"]
            )
            return Manifest(folder, entries, found["python"], found["system"])
        except FileNotFoundError:
            return Manifest(folder)
        except (ValueError, KeyError, TypeError) as error:
            raise CorpusError(f"{folder / FILE} is not a manifest of corpora: {error}") from None

    def __getitem__(self, name: str) -> Entry:
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise KeyError(name)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: object) -> bool:
        return any(entry.name == name for entry in self.entries)

    def path(self, name: str) -> Path:
        """The jsonl file of a corpus. Raises KeyError for one that is not here."""
        return self.folder / self[name].file

    def here(self) -> "Manifest":
        """The same, as of the running Python and system."""
        return replace(self, python=platform.python_version(), system=platform.system())

    def with_entry(self, entry: Entry) -> "Manifest":
        """The same with ``entry`` added, or put in the place of the one of its name."""
        kept = {e.name: e for e in self.entries} | {entry.name: entry}
        return replace(self, entries=tuple(kept[name] for name in sorted(kept)))

    def save(self) -> None:
        """Write it to its folder, atomically."""
        content = {
            "python": self.python,
            "system": self.system,
            "corpora": [asdict(entry) for entry in self.entries],
        }
        part = self.folder / (FILE + ".part")
        part.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        os.replace(part, self.folder / FILE)

    def verify(self) -> None:
        """Raise CorpusError, naming the file, where a corpus is missing or not as written."""
        for entry in self.entries:
            path = self.folder / entry.file
            if not path.is_file():
                raise CorpusError(f"{path} is missing: build or fetch {entry.name!r} again")
            if sha256_of(path) != entry.sha256:
                raise CorpusError(f"{path} is not what the manifest says: build or fetch it again")


def entry_of(
    name: str,
    what: str,
    source: str,
    licence: str,
    written: Written,
    downloads: tuple[Download, ...] = (),
) -> Entry:
    """The entry for a file just written to ``<name>.jsonl``."""
    return Entry(
        name,
        what,
        source,
        licence,
        f"{name}.jsonl",
        written.documents,
        written.text_bytes,
        written.sha256,
        downloads,
    )
