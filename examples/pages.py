"""Put what an example measured into the page that tells of it."""

import re
from collections.abc import Sequence
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
