"""``tokenkit encode``."""

import sys
from typing import Annotated

import typer

from tokenkit.cli.arguments import Pattern, Special, TokenizerFile, lines_arriving, load


def command(
    tokenizer: TokenizerFile,
    binary: Annotated[bool, typer.Option(help="Little-endian uint32 instead of text.")] = False,
    allow_special: Annotated[bool, typer.Option(help="Recognise special tokens.")] = False,
    pattern: Pattern = None,
    special: Special = None,
) -> None:
    """Standard input to ids on standard output, a line of ids for each line of text.

    The line feed belongs to its line. With --binary the ids follow one another. Lines are
    encoded as they arrive.
    """
    tok = load(tokenizer, pattern, special)
    allowed = "all" if allow_special else ()
    out = sys.stdout.buffer
    for lines in lines_arriving():
        batch = tok.encode_batch(lines, allowed_special=allowed)
        if binary:
            out.write(batch.values.astype("<u4").tobytes())
        else:
            out.writelines(" ".join(map(str, row.tolist())).encode() + b"\n" for row in batch)
        out.flush()
