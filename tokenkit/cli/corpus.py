"""``tokenkit corpus``: sample corpora, and recipes for large public ones."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Sample corpora, and recipes for large public ones.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """The corpora that can be built here or fetched."""
    from corpora import RECIPES, SAMPLES

    for sample in SAMPLES:
        print(f"build  {sample.name:<18} {sample.what}")
    for recipe in RECIPES:
        print(f"fetch  {recipe.name:<18} {recipe.what}")


@app.command()
def build(
    folder: Annotated[Path, typer.Argument(help="Where the jsonl files go.")],
    names: Annotated[list[str] | None, typer.Option("--only", help="Only these.")] = None,
) -> None:
    """Build the sample corpora from what this machine has."""
    from corpora import build as build_samples

    for entry in build_samples(folder, names):
        print(f"{entry.file:<20} {entry.documents:>6} documents {entry.bytes / 1e6:8.1f} MB")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A recipe; see `tokenkit corpus list`.")],
    folder: Annotated[Path, typer.Option("--out", "-o", help="Where the files go.")],
    contact: Annotated[
        str | None, typer.Option(help="Your name and e-mail address, which EDGAR requires.")
    ] = None,
    mirror: Annotated[str | None, typer.Option(help="Scheme and host of a mirror.")] = None,
    accept_changed: Annotated[
        bool, typer.Option(help="Take files that differ from those of the first fetch.")
    ] = False,
) -> None:
    """Download a public corpus, resumably, and extract it to jsonl."""
    from corpora import fetch as fetch_recipe

    entry = fetch_recipe(
        name,
        folder,
        base_url=mirror,
        contact=contact,
        accept_changed=accept_changed,
        progress=_progress if sys.stderr.isatty() else None,
    )
    print(f"{folder / entry.file}: {entry.documents:,} documents")


def _progress(what: str, done: int, total: int | None) -> None:
    share = f" of {total / 1e6:,.1f}" if total else ""
    print(f"\r\x1b[K{what}: {done / 1e6:,.1f}{share} MB", end="", file=sys.stderr, flush=True)
