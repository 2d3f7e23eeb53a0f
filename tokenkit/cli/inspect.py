"""``tokenkit inspect``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tokenkit.cli.arguments import Pattern, Special, TokenizerFile, load


def command(
    tokenizer: TokenizerFile,
    text: Annotated[str | None, typer.Argument(help="The text; standard input if none.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page instead.")] = None,
    ids: Annotated[bool, typer.Option(help="Show the ids too.")] = False,
    allow_special: Annotated[bool, typer.Option(help="Recognise special tokens.")] = False,
    pattern: Pattern = None,
    special: Special = None,
) -> None:
    """Show how a text is cut into tokens, in colour."""
    from tokenkit.cli.colours import as_html, as_terminal

    tok = load(tokenizer, pattern, special)
    content = sys.stdin.buffer.read() if text is None else text.encode("utf-8", "surrogateescape")
    row = tok.encode(content, allowed_special="all" if allow_special else ()).tolist()
    tokens = [(id_, tok.id_to_bytes(id_)) for id_ in row]
    shown = content.decode("utf-8", "replace")
    if html:
        html.write_text(as_html(shown, tokens), encoding="utf-8")
        print(f"{html}: {len(tokens)} tokens")
    else:
        as_terminal(shown, tokens, ids)
