"""``tokenkit verify``."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(help="A prepared directory.", exists=True)],
) -> None:
    """Check every shard of a prepared directory against its manifest."""
    from tokenkit.corpus.verify import verify

    totals, problems = verify(folder)
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} problems")
        raise typer.Exit(1)
    print(f"all well: {totals['documents']:,} documents, {totals['tokens']:,} tokens")
