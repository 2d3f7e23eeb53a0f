"""Put what an example measured into the page that tells of it."""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """All columns but the first are set to the right."""
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [header, rule, *rows])


def put(page: Path, name: str, text: str) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- end of name -->``.

    Raises ValueError where the page has no such place.
    """
    pattern = f"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
    filled, count = re.subn(
        pattern, lambda m: f"{m[1]}{text}\n{m[2]}", page.read_text(), flags=re.DOTALL
    )
    if not count:
        raise ValueError(f"{page} has no place called {name!r}")
    page.write_text(filled)


def put_pictures(prefix: str, drawn: Mapping[str, str]) -> None:
    """Write SVGs by name as ``docs/prefix-name.svg``."""
    for name, picture in drawn.items():
        (DOCS / f"{prefix}-{name}.svg").write_text(picture)


def parser(description: str | None, steps: int, out: Path) -> argparse.ArgumentParser:
    """The options of every example that trains, measures and publishes."""
    found = argparse.ArgumentParser(description=description)
    found.add_argument("--quick", action="store_true", help="seconds, for tests; not published")
    found.add_argument("--steps", type=int, default=steps)
    found.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    found.add_argument("--out", type=Path, default=out, help="JSON to write")
    found.add_argument("--draw", action="store_true", help="only publish what --out holds")
    return found
