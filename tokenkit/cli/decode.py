"""``tokenkit decode``."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tokenkit.cli.arguments import (
    Pattern,
    Special,
    TokenizerFile,
    arriving,
    lines_arriving,
    load,
)

if TYPE_CHECKING:
    from tokenkit.text import Tokenizer


def command(
    tokenizer: TokenizerFile,
    binary: Annotated[bool, typer.Option(help="Little-endian uint32 instead of text.")] = False,
    pattern: Pattern = None,
    special: Special = None,
) -> None:
    """Ids on standard input to text on standard output, the inverse of `encode`.

    A line of ids is a text of its own, and nothing is put between texts; with --binary all ids
    are one text.
    """
    tok = load(tokenizer, pattern, special)
    if binary:
        _binary(tok)
    else:
        _lines(tok)


def _lines(tok: "Tokenizer") -> None:
    from tokenkit.errors import DecodeError

    number = 0
    for lines in lines_arriving():
        for line in lines:
            number += 1
            try:
                ids = [int(word) for word in line.split()]
            except ValueError:
                raise DecodeError(f"line {number} is not ids: {line[:60]!r}") from None
            sys.stdout.buffer.write(tok.decode_bytes(ids))
        sys.stdout.buffer.flush()


def _binary(tok: "Tokenizer") -> None:
    import numpy as np

    from tokenkit.errors import DecodeError

    # Bytes of a lossless tokenizer simply follow one another, whatever they mean as text.
    stream = None if tok.contract == "lossless" else tok.decode_stream()
    out, held = sys.stdout.buffer, b""
    for block in arriving():
        held += block
        whole = len(held) // 4 * 4
        ids = np.frombuffer(held[:whole], "<u4")
        held = held[whole:]
        out.write(stream.push(ids.tolist()).encode() if stream else tok.decode_bytes(ids))
        out.flush()
    if stream:
        out.write(stream.finish().encode())
        out.flush()
    if held:
        raise DecodeError("the input ends inside an id: its size is no multiple of 4")
