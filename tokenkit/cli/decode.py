"""``tokenkit decode``."""

import sys
from typing import Annotated

import numpy as np
import typer

from tokenkit.cli.arguments import Pattern, Special, TokenizerFile, load
from tokenkit.errors import DecodeError


def command(
    tokenizer: TokenizerFile,
    binary: Annotated[bool, typer.Option(help="Little-endian uint32 instead of text.")] = False,
    pattern: Pattern = None,
    special: Special = None,
) -> None:
    """Ids on standard input to text on standard output, the inverse of `encode`."""
    tok = load(tokenizer, pattern, special)
    out = sys.stdout.buffer
    if binary:
        while raw := sys.stdin.buffer.read(1 << 22):
            if len(raw) % 4:
                raise DecodeError("the input ends inside an id: its size is no multiple of 4")
            out.write(tok.decode_bytes(np.frombuffer(raw, "<u4")))
        return
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            ids = [int(word) for word in line.split()]
        except ValueError:
            raise DecodeError(f"line {number} is not ids: {line[:60]!r}") from None
        out.write(tok.decode_bytes(ids))
        out.flush()
