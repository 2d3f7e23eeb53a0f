"""``python -m benchmarks.domain_page``: put the kept figures into the tables of docs/domain.md."""

import json
import re
from collections.abc import Callable
from typing import Any

from benchmarks.domain import RIVAL
from benchmarks.harness import RESULTS
from benchmarks.held_out import DOMAINS
from benchmarks.page import DOCS, table

PAGE = DOCS / "domain.md"


def _compressed(row: dict[str, Any], first: str) -> dict[str, str]:
    cells = {"tokenizer": row["tokenizer"], "tokens": f"{row['tokens']:,}"}
    for domain in DOMAINS:
        cells[domain] = f"{row[domain]:.4f} ({row[f'{domain} against {first}']:+.1%})"
    return cells | {"trained in": f"{row['seconds']:.0f} s" if row["seconds"] else "—"}


def _option(row: dict[str, Any], first: str) -> dict[str, str]:
    cells = {"recipe": row["tokenizer"]}
    return cells | {d: f"{row[d]:.4f} ({row[f'{d} against {first}']:+.1%})" for d in DOMAINS}


def _short(row: dict[str, Any], _: str) -> dict[str, str]:
    cells = {"tokenizer": row["tokenizer"], "tokens": f"{row['tokens']:,}"}
    named = ("boundary F1", "inflation", "F1, letters at random", "inflation, letters at random")
    return cells | {
        **{name: f"{row[name]:.4f}" for name in named},
        "characters per token": f"{row['characters per token']:.2f}",
    }


def _fold(row: dict[str, Any], _: str) -> dict[str, str]:
    cells = {"fold": str(row["fold"]), "tokenizer": row["tokenizer"]}
    return cells | {d: f"{row[d]:.4f} ({row[f'{d} against {RIVAL}']:+.1%})" for d in DOMAINS}


ROWS: dict[str, Callable[[dict[str, Any], str], dict[str, str]]] = {
    "domain": _compressed,
    "domain-folds": _fold,
    "domain-options": _option,
    "domain-characters": _short,
}


def main() -> None:
    page = PAGE.read_text()
    for name, cells in ROWS.items():
        rows = json.loads((RESULTS / f"{name}.json").read_text())["rows"]
        shown = [row for row in rows if name != "domain-folds" or row["tokenizer"] != RIVAL]
        made = table([cells(row, rows[0]["tokenizer"]) for row in shown])
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page = place.sub(
            lambda found, made=made: found[1] + "\n".join(made) + "\n" + found[2], page
        )
    PAGE.write_text(page)
    print(f"{PAGE} written")


if __name__ == "__main__":
    main()
