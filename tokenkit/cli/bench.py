"""``tokenkit bench``."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from tokenkit.cli.arguments import Pattern, Special, load


def command(
    file: Annotated[
        Path | None, typer.Argument(help="Text to encode.", exists=True, dir_okay=False)
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option("--tokenizer", "-t", exists=True, dir_okay=False)
    ] = None,
    table: Annotated[
        list[str] | None, typer.Option(help="Only these tables of the checkout's benchmarks.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Encoding threads.")] = 1,
    repeats: Annotated[int, typer.Option(help="Warm passes after the cold one.")] = 3,
    pattern: Pattern = None,
    special: Special = None,
) -> None:
    """Time a tokenizer on a file of yours; without a file, run the checkout's comparison tables."""
    if file is None:
        raise typer.Exit(_tables(table or []))
    if tokenizer is None:
        raise typer.BadParameter("a file needs --tokenizer too")
    _time(file, tokenizer, threads, repeats, pattern, special)


def _tables(names: list[str]) -> int:
    """Run `benchmarks`, which only a checkout has."""
    import importlib.util
    import sys

    sys.path.insert(0, os.getcwd())
    if importlib.util.find_spec("benchmarks") is None:
        raise typer.BadParameter(
            "the comparison tables are in a checkout of tokenkit: run this there, or give a file"
        )
    from benchmarks.__main__ import main

    return main(names)


def _time(
    file: Path,
    tokenizer: Path,
    threads: int,
    repeats: int,
    pattern: str | None,
    special: list[str] | None,
) -> None:
    import numpy as np

    from encoders.buffers import padded

    content = file.read_bytes()
    text, bounds = padded(content), np.array([0, len(content)], np.int64)
    # Another object of the same kind loads and compiles, so that the first pass is cold only in
    # what it remembers of the text.
    load(tokenizer, pattern, special).encode("The encoder loads its code before the clock starts.")
    tok = load(tokenizer, pattern, special)
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        ids = tok.encode_buffer(text, bounds, threads=threads)
        seconds.append(time.perf_counter() - start)
    start = time.perf_counter()
    tok.decode_bytes(ids.values)
    decoding = time.perf_counter() - start
    size = len(content) / 1e6
    print(f"encode, first pass   {size / seconds[0]:8.1f} MB/s")
    print(f"encode, best of {repeats:<4} {size / min(seconds[1:] or seconds):8.1f} MB/s")
    print(f"decode               {size / decoding:8.1f} MB/s")
    print(f"{len(ids.values):,} tokens, {len(content) / max(len(ids.values), 1):.2f} bytes a token")
