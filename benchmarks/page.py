"""``python -m benchmarks.page``: write docs/benchmarks.md from the kept results."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, US
from tokenkit.report import bar_chart

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "benchmarks.md"
CHARTS = {"encode-1": "cl100k_base", "models-1": "SentencePiece BPE"}
"""Tables that get a picture, of the settings that begin so."""
_HEAD = """# Benchmarks

`make bench` measures everything here; this page is written from the JSON files it keeps under
`benchmarks/results/`. All contenders of a row ran in turn in one process; figures are medians.
"Cold" is a new tokenizer object on text it has never seen, "warm" the same object once more.
Each runs three to five times; one that takes more than a second runs once.
Ratios are ours over theirs, taken repeat by repeat: above 1 we are faster, below 1 slower.
"""


def table(rows: list[dict[str, Any]]) -> list[str]:
    """A Markdown table of rows that share their keys."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    for row in rows:
        cells = (f"{v:,.2f}" if isinstance(v, float) else str(v) for v in row.values())
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def race_tables(rows: list[dict[str, Any]]) -> list[str]:
    """One line a setting: our speed, then for each peer its cold speed and our two ratios."""
    settings: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in rows:
        settings[row["setting"]][row["name"]] = row
    families: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for setting, found in settings.items():
        ours = found[US]
        line: dict[str, Any] = {"setting": setting, "cold": f"{ours['cold']:.0f}"}
        line["warm"] = f"{ours['warm']:.0f}"
        for name, row in found.items():
            if name != US:
                line[f"over {name}, cold / warm"] = _ratios(row)
        families[tuple(line)].append(line)
    return [text for lines in families.values() for text in ["", *table(lines)]]


def _ratios(row: dict[str, Any]) -> str:
    if row["error"]:
        return row["error"].split(":")[0]
    return f"{row['cold_ratio']:.2f} / {row['warm_ratio']:.2f}"


def chart(name: str, result: dict[str, Any]) -> list[str]:
    """Draw the cold speeds on whole texts of a table; Markdown that shows the picture."""
    groups: dict[str, dict[str, float]] = defaultdict(dict)
    for row in result["rows"]:
        begins, ends = row["setting"].startswith(CHARTS[name]), row["setting"].endswith("whole")
        if begins and ends and not row["error"]:
            text = row["setting"].removeprefix(CHARTS[name]).removesuffix("whole").strip()
            groups[text][row["name"]] = row["cold"]
    title = f"{CHARTS[name]}: cold MB/s, one thread"
    drawn = bar_chart(groups, title=title, y_label="MB/s", digits=0)
    (DOCS / f"{name}.svg").write_text(drawn)
    return ["", f"![{title}]({name}.svg)"]


def main() -> None:
    lines = [_HEAD]
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text())
        machine = result["machine"]
        lines += [f"\n## {result['title']}\n"]
        lines += [f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}."]
        if path.stem in CHARTS:
            lines += chart(path.stem, result)
        rows = result["rows"]
        lines += race_tables(rows) if "cold" in rows[0] else ["", *table(rows)]
        if versions := result["notes"].get("versions"):
            named = ", ".join(f"{name} {version}" for name, version in versions.items())
            lines += ["", f"Versions: {named}."]
    PAGE.write_text("\n".join(lines) + "\n")
    print(f"{PAGE} written")


if __name__ == "__main__":
    main()
