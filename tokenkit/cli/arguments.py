"""Arguments that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tokenkit.text import Tokenizer

TokenizerFile = Annotated[
    Path,
    typer.Option(
        "--tokenizer",
        "-t",
        help="tokenizer.json, tiktoken ranks or SentencePiece .model; gzip allowed.",
        exists=True,
        dir_okay=False,
    ),
]
Pattern = Annotated[
    str | None,
    typer.Option(help="Split pattern of a rank file: gpt2, cl100k, o200k, … or a regex."),
]
Special = Annotated[
    list[str] | None,
    typer.Option("--special", help="Special token of a rank file, as TEXT=ID; repeatable."),
]


def load(path: Path, pattern: str | None, special: list[str] | None) -> "Tokenizer":
    """The tokenizer that the shared arguments name."""
    from tokenkit.text import Tokenizer

    pairs = [entry.rpartition("=") for entry in special or ()]
    for text, _, id_ in pairs:
        if not text or not id_.isdigit():
            raise typer.BadParameter("--special takes TEXT=ID, such as '<|endoftext|>=50256'")
    tokens = {text: int(id_) for text, _, id_ in pairs}
    return Tokenizer.from_file(path, pattern=pattern, special_tokens=tokens)


def unescaped(text: str) -> bytes:
    r"""An argument with ``\n``, ``\t``, ``\0``, ``\xNN`` and ``\\`` meant as in Python."""
    return text.encode().decode("unicode_escape").encode("latin-1")
