"""Documents and the jsonl files they are kept in."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

Progress = Callable[[str, int, int | None], None]
"""Called as ``progress(what, bytes done, bytes in all or None)``."""

_STEP = 1 << 20


@dataclass(frozen=True)
class Document:
    """One text. ``id`` is unique in its corpus and says where the text is from."""

    id: str
    text: str


@dataclass(frozen=True)
class Written:
    """What a jsonl file holds: number of documents, bytes of their text, sha256 of the file."""

    documents: int
    text_bytes: int
    sha256: str


def write_jsonl(
    documents: Iterable[Document],
    path: Path,
    max_bytes: int | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write ``{"id", "text"}`` lines in UTF-8; the file appears whole or not at all.

    Documents without text are left out. Nothing is taken after ``max_bytes`` of text; the
    document that passes it is the last one. Lone surrogates become U+FFFD.
    """
    digest, count, size, told = sha256(), 0, 0, 0
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        for document in documents:
            if not document.text.strip():
                continue
            raw = document.text.encode("utf-8", "replace")
            record = {"id": document.id, "text": raw.decode()}
            line = json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
            file.write(line)
            digest.update(line)
            count += 1
            size += len(raw)
            if progress and size - told >= _STEP:
                told = size
                progress(path.stem, size, max_bytes)
            if max_bytes is not None and size >= max_bytes:
                break
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    if progress:
        progress(path.stem, size, max_bytes)
    return Written(count, size, digest.hexdigest())


def sha256_of(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        digest = sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
