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
    from collections.abc import Callable

    from encoders.buffers import Ids
    from tokenkit.cli.arguments import AnyTokenizer


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


def _lines(tok: "AnyTokenizer") -> None:
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


def _binary(tok: "AnyTokenizer") -> None:
    import numpy as np

    from tokenkit.errors import DecodeError

    decode, finish = _bytes_of_parts(tok)
    out, held = sys.stdout.buffer, b""
    for block in arriving():
        held += block
        whole = len(held) // 4 * 4
        ids = np.frombuffer(held[:whole], "<u4")
        held = held[whole:]
        out.write(decode(ids))
        out.flush()
    out.write(finish())
    out.flush()
    if held:
        raise DecodeError("the input ends inside an id: its size is no multiple of 4")


def _bytes_of_parts(
    tok: "AnyTokenizer",
) -> "tuple[Callable[[Ids], bytes], Callable[[], bytes]]":
    """What gives the bytes of some ids, and what gives those that are left at the end."""
    from tokenkit.numbers import NumericTokenizer

    if isinstance(tok, NumericTokenizer):
        numeric = tok.decode_stream()
        return numeric.push_bytes, numeric.finish_bytes
    if tok.contract == "lossless":
        # The bytes simply follow one another, whatever they mean as text.
        return tok.decode_bytes, bytes
    stream = tok.decode_stream()
    return lambda ids: stream.push(ids.tolist()).encode(), lambda: stream.finish().encode()
