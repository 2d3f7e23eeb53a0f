"""``tokenkit verify``."""

import json
from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(help="A prepared directory.", exists=True)],
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Check every file of a prepared directory against its manifest."""
    from tokenkit.corpus.verify import verify

    totals, problems = verify(folder)
    if as_json:
        print(json.dumps({"totals": totals, "problems": problems}))
    else:
        for problem in problems:
            print(problem)
        count = f"{totals['documents']:,} documents, {totals['tokens']:,} tokens"
        print(f"{len(problems)} problems" if problems else f"all well: {count}")
    if problems:
        raise typer.Exit(1)
