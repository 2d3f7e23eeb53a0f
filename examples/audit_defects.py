"""Defects of known vocabularies side by side: the table and the picture of docs/audit.md.

    TOKENKIT_DATA=… python examples/audit_defects.py --svg docs/audit.svg --html audit.html

Other tokenizers of yours: give their files.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tokenkit import Tokenizer
from tokenkit.audit import Audit, audit
from tokenkit.audit.report import as_html, defects_chart

KNOWN = ("r50k_base", "cl100k_base", "o200k_base", "kl3m-001-32k", "kl3m-004-char-4k-cased")
COUNTED = (
    "missing_bytes",
    "lost_characters",
    "shadowed",
    "unreachable",
    "duplicates",
    "whitespace",
    "undecodable",
    "twins",
)
DRAWN = ("unreachable", "whitespace", "undecodable", "twins")


def known_files() -> list[Path]:
    """The vocabularies of the data folder."""
    place = os.environ.get("TOKENKIT_DATA")
    if not place:
        sys.exit("set TOKENKIT_DATA to the folder with vocab/, or give files of tokenizers")
    return [Path(place, "vocab", f"{name}.tokenizer.json.gz") for name in KNOWN]


def table(audits: Sequence[Audit]) -> str:
    """Counts by check and tokenizer, as Markdown."""
    rows = [["", *(found.name for found in audits)], ["---"] * (1 + len(audits))]
    rows += [["tokens", *(f"{found.vocab_size:,}" for found in audits)]]
    rows += [[f"`{check}`", *(f"{found[check].count:,}" for found in audits)] for check in COUNTED]
    spelled = [found["alternatives"].facts["share of vocabulary"] for found in audits]
    rows += [["words that two tokens spell too", *(f"{float(share):.1%}" for share in spelled)]]
    alone = [found["unreachable"].facts["not by themselves"] for found in audits]
    rows += [["not reached by themselves", *(f"{int(n):,}" for n in alone)]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Audit, print the table, write the picture and the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--html", type=Path)
    options = parser.parse_args()
    audits = [
        audit(Tokenizer.from_file(file), name=file.name.partition(".tokenizer")[0])
        for file in options.files or known_files()
    ]
    print(table(audits))
    if options.svg:
        title = "Share of the vocabulary that is wrong, or ambiguous"
        options.svg.write_text(defects_chart(audits, DRAWN, title=title))
    if options.html:
        options.html.write_text(as_html(audits))


if __name__ == "__main__":
    main()
