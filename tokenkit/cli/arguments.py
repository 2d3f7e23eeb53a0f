"""Arguments that several commands share, and standard input as they read it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

if TYPE_CHECKING:
    from tokenkit.numbers import NumericTokenizer
    from tokenkit.text import Tokenizer

    AnyTokenizer: TypeAlias = Tokenizer | NumericTokenizer

_TOKENIZER: Any = typer.Option(
    "--tokenizer",
    "-t",
    help="tokenizer.json, tiktoken ranks, SentencePiece .model or one with numbers; gzip allowed.",
    exists=True,
    dir_okay=False,
)
TokenizerFile = Annotated[Path, _TOKENIZER]
OptionalTokenizerFile = Annotated[Path | None, _TOKENIZER]
Pattern = Annotated[
    str | None,
    typer.Option(help="Split pattern of a rank file: gpt2, cl100k, o200k, … or a regex."),
]
Special = Annotated[
    list[str] | None,
    typer.Option("--special", help="Special token of a rank file, as TEXT=ID; repeatable."),
]
Kind = Annotated[
    str | None,
    typer.Option(
        "--input-format",
        help="text, jsonl, csv, tsv or parquet; else told by name, and by content without one.",
    ),
]
Separator = Annotated[
    str | None,
    typer.Option(help=r"Between documents of plain text, such as '\n\n'; else one a file."),
]
TextField = Annotated[
    str, typer.Option(help="Field of jsonl, csv and parquet; dots lead into objects.")
]
LONGEST_LINE = 200 << 20
_READ = 1 << 20


def load(path: Path, pattern: str | None, special: list[str] | None) -> "AnyTokenizer":
    """The tokenizer that the shared arguments name."""
    from tokenkit.numbers import NumericTokenizer
    from tokenkit.text import Tokenizer

    if NumericTokenizer.looks_like(_first_bytes(path)):
        if pattern or special:
            raise typer.BadParameter("--pattern and --special belong to rank files")
        return NumericTokenizer.from_file(path)

    pairs = [entry.rpartition("=") for entry in special or ()]
    for text, _, id_ in pairs:
        if not text or not id_.isdigit():
            raise typer.BadParameter("--special takes TEXT=ID, such as '<|endoftext|>=50256'")
    tokens = {text: int(id_) for text, _, id_ in pairs}
    return Tokenizer.from_file(path, pattern=pattern, special_tokens=tokens)


def without_numbers(tok: "AnyTokenizer") -> "Tokenizer":
    """The tokenizer, where it has no tokens for numbers; else wrong usage."""
    from tokenkit.text import Tokenizer

    if not isinstance(tok, Tokenizer):
        raise typer.BadParameter("give the base tokenizer, without numbers", param_hint="-t")
    return tok


def _first_bytes(path: Path) -> bytes:
    """Of what is in a file, gzip or not."""
    import gzip

    with path.open("rb") as plain:
        if plain.read(2) != b"\x1f\x8b":
            plain.seek(0)
            return plain.read(64)
    try:
        with gzip.open(path) as packed:
            return packed.read(64)
    except (OSError, EOFError):
        return b""  # whoever loads it says what is wrong


def one_of(given: str | None, choices: tuple[str, ...], option: str) -> Any:
    """``given`` if it is one of ``choices`` or None; else wrong usage."""
    if given is not None and given not in choices:
        raise typer.BadParameter(f"{given!r}: it is {', '.join(choices)}", param_hint=option)
    return given


def kind(given: str | None) -> Any:
    """What ``--input-format`` says."""
    return one_of(given, ("text", "jsonl", "csv", "tsv", "parquet"), "--input-format")


def arriving() -> Iterator[bytes]:
    """Standard input in blocks, each as soon as it is there."""
    stream: Any = sys.stdin.buffer
    return iter(lambda: stream.read1(_READ), b"")


def lines_arriving() -> Iterator[list[bytes]]:
    """Whole lines of standard input with their line feeds, as soon as they are there.

    Raises InputError for a line that is too long to hold.
    """
    from tokenkit.errors import InputError

    held: list[bytes] = []
    size = 0
    for block in arriving():
        cut = block.rfind(b"\n") + 1
        held.append(block[:cut] if cut else block)
        if cut:
            lines = b"".join(held).split(b"\n")
            yield [line + b"\n" for line in lines[:-1]]
            held, size = [block[cut:]], 0
        size += len(held[-1])
        if size > LONGEST_LINE:
            raise InputError(f"a line of standard input is longer than {LONGEST_LINE} bytes")
    if last := b"".join(held):
        yield [last]


def unescaped(text: str) -> bytes:
    r"""An argument with ``\n``, ``\t``, ``\0``, ``\xNN`` and ``\\`` meant as in Python.

    What is not ASCII stands for its UTF-8.
    """
    import codecs

    try:
        return codecs.escape_decode(text.encode())[0]
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: {error}") from None
