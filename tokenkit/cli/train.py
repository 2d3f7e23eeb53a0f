"""``tokenkit train``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tokenkit.cli.arguments import Kind, kind, unescaped
from tokenkit.cli.texts import Texts


def command(
    inputs: Annotated[list[str], typer.Argument(help="Files, directories, globs, or -.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The tokenizer.json to write.")],
    vocab_size: Annotated[int, typer.Option(help="Tokens, special ones included.")] = 32_000,
    pattern: Annotated[str, typer.Option(help="gpt2, cl100k, o200k, … or a regex.")] = "gpt2",
    min_frequency: Annotated[int, typer.Option(help="Of a pair that is merged.")] = 2,
    special: Annotated[
        list[str] | None, typer.Option("--special", help="Special token; repeatable.")
    ] = None,
    max_token_length: Annotated[
        int | None, typer.Option(help="In bytes; tokens are shorter, as in `tokenizers`.")
    ] = None,
    max_token_characters: Annotated[
        int | None, typer.Option(help="In characters; no token has more.")
    ] = None,
    max_digits: Annotated[
        int | None, typer.Option(help="Of a token: 1 for single digits, 3 for groups of three.")
    ] = None,
    within_scripts: Annotated[
        bool, typer.Option("--within-scripts", help="No token has characters of two scripts.")
    ] = False,
    initial_alphabet: Annotated[
        str,
        typer.Option(
            help=r"Text whose bytes get ids, such as 'abc\n', beside those that occur; or all. "
            "With fewer than all, encoding drops what has no id."
        ),
    ] = "all",
    threads: Annotated[
        int | None, typer.Option(min=1, help="All cores by default; the result is the same.")
    ] = None,
    separator: Annotated[
        str | None, typer.Option(help=r"Between documents of plain text, such as '\n\n'.")
    ] = None,
    text_field: Annotated[
        str, typer.Option(help="Field of jsonl, csv and parquet; dots lead into objects.")
    ] = "text",
    input_format: Kind = None,
) -> None:
    """Train byte-level BPE on a corpus.

    Inputs are read as by `prepare`; records that are no documents are left out, told, and the
    exit code is then 3.
    """
    from tokenkit.corpus.records import ReadOptions
    from tokenkit.text import Tokenizer

    cut = None if separator is None else unescaped(separator)
    texts = Texts(inputs, ReadOptions(cut, text_field, kind=kind(input_format)))
    try:
        tok = Tokenizer.train(
            texts,
            vocab_size=vocab_size,
            pattern=pattern,
            min_frequency=min_frequency,
            special_tokens=["<|endoftext|>"] if special is None else special,
            max_token_length=max_token_length,
            max_token_characters=max_token_characters,
            max_digits=max_digits,
            within_scripts=within_scripts,
            initial_alphabet=None if initial_alphabet == "all" else unescaped(initial_alphabet),
            threads=threads,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    tok.save(out)
    print(f"{out}: {tok.vocab_size:,} tokens, fingerprint {tok.fingerprint[:16]}")
    if texts.problems:
        print(f"tokenkit: {texts.problems} records or inputs were left out", file=sys.stderr)
        raise typer.Exit(3)
