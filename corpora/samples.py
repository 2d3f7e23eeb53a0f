"""Corpora that need no network: taken from the Python installation, the system, and generators."""

import ast
import importlib.metadata
import re
import sys
import sysconfig
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from corpora import generated
from corpora.documents import Document, Progress, write_jsonl
from corpora.extract.messages import translations
from corpora.manifest import Manifest, entry_of
from tokenkit.errors import CorpusError

_LICENCE_FILE = re.compile(r"licen[cs]e|copying|notice", re.IGNORECASE)
_LICENCE_SUFFIXES = {"", ".txt", ".md", ".rst", ".apache", ".bsd", ".mit"}
_SKIPPED_FOLDERS = {"site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__"}
_CATALOGUES = ("/usr/share/locale", "/usr/local/share/locale", "/usr/share/vim")
_SHORTEST_DOCSTRING = 500


@dataclass(frozen=True)
class Sample:
    """A corpus that `build` can make anywhere.

    ``fixed``: its bytes are the same on every machine. ``on_request``: not every machine has some
    of it, so it is built only when named.
    """

    name: str
    what: str
    source: str
    licence: str
    documents: Callable[[], Iterator[Document]]
    fixed: bool = False
    on_request: bool = False


def _standard_library() -> Iterator[tuple[str, str]]:
    """Path in the library and source of its modules, without tests and what is not readable."""
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root)
        if _SKIPPED_FOLDERS.intersection(place.parts):
            continue
        try:
            with tokenize.open(path) as file:
                yield place.as_posix(), file.read()
        except (SyntaxError, UnicodeDecodeError, OSError):
            continue


def _code() -> Iterator[Document]:
    for place, source in _standard_library():
        if not place.startswith("pydoc_data/"):
            yield Document(place, source)


def _reference() -> Iterator[Document]:
    from pydoc_data.topics import topics

    for topic, text in sorted(topics.items()):
        yield Document(f"topics/{topic}", text)
    for place, source in _standard_library():
        try:
            text = ast.get_docstring(ast.parse(source)) or ""
        except (SyntaxError, ValueError):
            continue
        if len(text) >= _SHORTEST_DOCSTRING:
            yield Document(f"modules/{place}", text)


def _licence_paths() -> Iterator[tuple[str, Path]]:
    yield "python/LICENSE.txt", Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    for path in sorted(Path("/usr/share/common-licenses").glob("*")):
        yield f"system/{path.name}", path
    installed = sorted(
        importlib.metadata.distributions(), key=lambda found: str(found.metadata["Name"]).lower()
    )
    for distribution in installed:
        for file in sorted(distribution.files or (), key=str):
            if _LICENCE_FILE.search(file.name) and file.suffix.lower() in _LICENCE_SUFFIXES:
                name = f"{distribution.metadata['Name']}-{distribution.version}/{file.as_posix()}"
                yield name, Path(str(distribution.locate_file(file)))


def _licences() -> Iterator[Document]:
    seen = set()
    for name, path in _licence_paths():
        try:
            raw = path.read_bytes()
            text = raw.decode()
        except (OSError, UnicodeDecodeError):
            continue
        if (digest := sha256(raw).digest()) not in seen:
            seen.add(digest)
            yield Document(name, text)


def _messages() -> Iterator[Document]:
    roots = [Path(place) for place in (*_CATALOGUES, sys.prefix)]
    paths = {path.resolve() for root in roots if root.is_dir() for path in root.rglob("*.mo")}
    for path in sorted(paths):
        try:
            yield Document(path.as_posix(), "\n".join(translations(path)))
        except (OSError, ValueError):
            continue


SAMPLES: tuple[Sample, ...] = (
    Sample(
        "code",
        "Python source: the modules of the standard library, without its tests",
        "the running Python installation",
        "PSF-2.0",
        _code,
    ),
    Sample(
        "reference",
        "technical English: the topics of Python's help() and long module docstrings",
        "pydoc_data.topics and the standard library of the running Python",
        "PSF-2.0",
        _reference,
    ),
    Sample(
        "licences",
        "legal English: licence texts, each once",
        "/usr/share/common-licenses where present; licence files of installed distributions",
        "each text's own; licences may be copied verbatim",
        _licences,
    ),
    Sample(
        "ledgers",
        "made-up double-entry journals, invoices and financial statements",
        "corpora.generated with seed 1",
        "Apache-2.0",
        generated.ledgers,
        fixed=True,
    ),
    Sample(
        "tables",
        "made-up tables of numbers: csv, markdown, aligned columns, scientific notation",
        "corpora.generated with seed 2",
        "Apache-2.0",
        generated.tables,
        fixed=True,
    ),
    Sample(
        "calendar",
        "made-up appointments in 16 languages and 10 scripts; formulaic, for coverage of scripts",
        "corpora.generated with seed 3",
        "Apache-2.0",
        generated.calendar,
        fixed=True,
    ),
    Sample(
        "messages",
        "multilingual: the interface texts of installed programs, by their translators",
        "gettext catalogues under /usr/share/locale, /usr/share/vim and the Python installation",
        "that of each program, mostly GPL and LGPL: for study here, not for passing on",
        _messages,
        on_request=True,
    ),
)


def build(
    folder: str | Path,
    names: Iterable[str] | None = None,
    *,
    max_bytes: int | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Write samples to ``folder`` as ``<name>.jsonl`` and add them to its manifest.

    ``names``: which of `SAMPLES`; all but those on request by default. ``max_bytes``: stop each
    after so much text.

    Raises CorpusError for an unknown name, and where this machine has nothing of a sample.
    """
    known = {sample.name: sample for sample in SAMPLES}
    wanted = [s.name for s in SAMPLES if not s.on_request] if names is None else list(names)
    for name in wanted:
        if name not in known:
            raise CorpusError(f"no sample is called {name!r}: there are {', '.join(known)}")
    manifest = Manifest.read(folder).here()
    for sample in (known[name] for name in wanted):
        path = manifest.folder / f"{sample.name}.jsonl"
        written = write_jsonl(sample.documents(), path, max_bytes, progress)
        if not written.documents:
            path.unlink()
            raise CorpusError(f"this machine has nothing for {sample.name!r}: {sample.source}")
        manifest = manifest.with_entry(
            entry_of(sample.name, sample.what, sample.source, sample.licence, written)
        )
        manifest.save()
    return manifest
