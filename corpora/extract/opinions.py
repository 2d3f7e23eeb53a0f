"""Court opinions from CourtListener's bulk table."""

import bz2
import csv
from collections.abc import Iterator
from pathlib import Path

from corpora.documents import Document
from corpora.extract.markup import html_text

_MARKED_UP = (
    "html_with_citations", "html_lawbox", "html_columbia", "html_anon_2020", "html", "xml_harvard",
)  # fmt: skip
_LONGEST_FIELD = 1 << 30


def opinions(path: Path) -> Iterator[Document]:
    """Rows of ``opinions-*.csv.bz2``, as PostgreSQL's COPY writes it with ESCAPE a backslash."""
    csv.field_size_limit(_LONGEST_FIELD)
    with bz2.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, doublequote=False, escapechar="\\", strict=True):
            text = row.get("plain_text") or ""
            if not text.strip():
                marked_up = next((row[name] for name in _MARKED_UP if row.get(name)), "")
                text = html_text(marked_up)
            yield Document(f"opinion/{row['id']}", text)
