"""Statutes and regulations: USLM (U.S. Code), eCFR bulk XML, EUR-Lex XHTML and Formex."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, iterparse

from corpora.documents import Document
from corpora.extract.markup import html_text, local, xml_text

_USLM_SILENT = frozenset({"notes", "note", "sourceCredit", "toc", "meta", "footnote"})
_USLM_BLOCKS = frozenset({
    "section", "heading", "subsection", "paragraph", "subparagraph", "clause", "subclause",
    "item", "subitem", "content", "chapeau", "continuation", "p",
})  # fmt: skip
_ECFR_SILENT = frozenset({"AUTH", "SOURCE", "CITA", "EDNOTE", "EAR", "FTNT"})
_ECFR_BLOCKS = frozenset({
    "HEAD", "P", "FP", "FP-1", "FP-2", "FP1-2", "HD1", "HD2", "HD3", "NOTE", "EXTRACT", "TR",
    "LI", "MATH",
})  # fmt: skip
_FORMEX_SILENT = frozenset({"BIB.INSTANCE", "BIB.DATA"})
_FORMEX_BLOCKS = frozenset({
    "P", "TI", "STI", "NP", "ALINEA", "TITLE", "ITEM", "ROW", "VISA", "CONSID", "NO.P",
    "TI.ART", "STI.ART",
})  # fmt: skip


def _sections(file: IO[bytes], wanted: str) -> Iterator[Element]:
    """Outermost elements called ``wanted``, each dropped from memory after use."""
    depth = 0
    path: list[Element] = []
    for event, element in iterparse(file, events=("start", "end")):
        if event == "start":
            depth += local(element) == wanted
            path.append(element)
            continue
        path.pop()
        if local(element) == wanted:
            depth -= 1
            if depth == 0:
                yield element
        if depth == 0 and path:
            tail = element.tail
            path[-1].remove(element)
            if tail:  # keep the order of what remains simple: text between sections is not wanted
                element.tail = None


def us_code(path: Path) -> Iterator[Document]:
    """Sections of the U.S. Code from a zip of USLM files (schema USLM 1.0 and later)."""
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if not name.lower().endswith(".xml"):
                continue
            with archive.open(name) as file:
                for section in _sections(file, "section"):
                    place = section.get("identifier")
                    if place:
                        yield Document(place, xml_text(section, _USLM_SILENT, _USLM_BLOCKS) + "\n")


def ecfr(path: Path) -> Iterator[Document]:
    """Sections (``DIV8 TYPE="SECTION"``) of one title of the eCFR bulk XML."""
    title = path.stem.rpartition("title")[2]
    with open(path, "rb") as file:
        for section in _sections(file, "DIV8"):
            number = section.get("N", "").strip().removeprefix("§").strip()
            text = xml_text(section, _ECFR_SILENT, _ECFR_BLOCKS)
            yield Document(f"{title} CFR {number}", text + "\n")


def eur_lex(path: Path) -> Iterator[Document]:
    """One act, from XHTML, HTML or Formex 4, told apart by content."""
    raw = path.read_bytes()
    if b"formex" in raw[:2000].lower() or b"<BIB.INSTANCE" in raw[:20_000]:
        with open(path, "rb") as file:
            (root,) = [
                element for _, element in iterparse(file) if element.tag in ("ACT", "TREATY")
            ]
        yield Document(path.name, xml_text(root, _FORMEX_SILENT, _FORMEX_BLOCKS) + "\n")
    else:
        yield Document(path.name, html_text(raw.decode("utf-8", "replace")))
