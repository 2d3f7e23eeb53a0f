"""Books of Project Gutenberg."""

import re
from collections.abc import Iterator
from pathlib import Path

from corpora.documents import Document

_START = re.compile(r"^\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG.*$", re.MULTILINE)
_END = re.compile(
    r"^(?:\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG|End of (?:the )?Project Gutenberg).*$",
    re.MULTILINE | re.IGNORECASE,
)


def strip_gutenberg(text: str) -> str:
    """A book without the header and footer around it; all of the text where there are none."""
    text = text.replace("\r\n", "\n")
    start = _START.search(text)
    first = start.end() if start else 0
    end = _END.search(text, first)
    return text[first : end.start() if end else len(text)].strip("\n") + "\n"


def gutenberg(path: Path) -> Iterator[Document]:
    """One book."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    yield Document(path.stem, strip_gutenberg(text))
