"""``tokenkit bench``."""

import time
from pathlib import Path
from typing import Annotated

import typer

from tokenkit.cli.arguments import Pattern, Special, TokenizerFile, load


def command(
    tokenizer: TokenizerFile,
    file: Annotated[Path, typer.Argument(help="Text to encode.", exists=True, dir_okay=False)],
    threads: Annotated[int, typer.Option(help="Encoding threads.")] = 1,
    repeats: Annotated[int, typer.Option(help="Warm passes after the cold one.")] = 3,
    pattern: Pattern = None,
    special: Special = None,
) -> None:
    """Time a tokenizer on a file of yours. `make bench` in a checkout sets peers beside it."""
    import numpy as np

    from encoders.buffers import padded
    from tokenkit.text.warmup import compile_kernels

    compile_kernels()
    content = file.read_bytes()
    text, bounds = padded(content), np.array([0, len(content)], np.int64)
    tok = load(tokenizer, pattern, special)
    tok.encode("The encoder loads its code before the clock starts.")
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
