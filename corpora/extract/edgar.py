"""EDGAR submissions: the SGML around filed documents, and the documents' own markup."""

import io
import re
import tarfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path

from corpora.documents import Document
from corpora.extract.markup import html_text

KEPT = ("10-K", "10-Q", "8-K", "20-F", "EX-")
"""Beginnings of the document types that are kept."""
_DOCUMENT = re.compile(r"<DOCUMENT>\s(.*?)</DOCUMENT>", re.DOTALL)
_TYPE = re.compile(r"^<TYPE>(\S+)", re.MULTILINE)
_NAME = re.compile(r"^<(?:FILENAME|SEQUENCE)>(\S+)", re.MULTILINE)
_TEXT = re.compile(r"<TEXT>\s?(.*?)</TEXT>", re.DOTALL)
_NOT_TEXT = re.compile(r"^\s*<(?:PDF|XML|XBRL|JSON|ZIP|EXCEL)>|^begin \d{3} ", re.MULTILINE)
_PAGE_TAGS = re.compile(r"</?(?:PAGE|TABLE|CAPTION|S|C|FN|F\d+)>", re.IGNORECASE)
_HTML = re.compile(r"<(?:html|body|div|p|font|table)\b", re.IGNORECASE)


def submission(text: str, name: str) -> Iterator[Document]:
    """The documents of one full submission text file, of the types of `KEPT`."""
    for number, found in enumerate(_DOCUMENT.finditer(text), 1):
        head, body = found[1], _TEXT.search(found[1])
        kind = _TYPE.search(head)
        if not kind or not body or not kind[1].startswith(KEPT) or _NOT_TEXT.search(body[1][:200]):
            continue
        file = _NAME.search(head)
        place = f"{name}/{kind[1]}/{file[1] if file else number}"
        yield Document(place, plain(body[1]))


def plain(body: str) -> str:
    """Text of a filed document, HTML or the older ASCII with page and table tags."""
    if _HTML.search(body) and not re.search(r"<PAGE>", body):
        return html_text(body)
    lines = (line.rstrip() for line in unescape(_PAGE_TAGS.sub("", body)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def filings(path: Path) -> Iterator[Document]:
    """A daily feed (``.nc.tar.gz``), or a single submission (``.txt``)."""
    if path.suffix == ".txt":
        yield from submission(path.read_text("latin-1"), path.stem)
        return
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                raw = io.BytesIO(file.read()).getvalue()
                yield from submission(_decoded(raw), Path(member.name).stem)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
