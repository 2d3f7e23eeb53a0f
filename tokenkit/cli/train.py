"""``tokenkit train``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tokenkit.cli.arguments import Kind, TextField, kind, unescaped
from tokenkit.cli.texts import Texts


def command(
    inputs: Annotated[
        list[str],
        typer.Argument(help="Files, directories, globs, or -; with --recipe also PATH:RATE."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The tokenizer.json to write.")],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="legal, financial, government, domain, kl3m, char-4k, char-8k, char-16k."
        ),
    ] = None,
    form: Annotated[
        str | None, typer.Option(help="Of a recipe: lossless, nfkc or nfkc-lowercase.")
    ] = None,
    superwords: Annotated[
        str | None, typer.Option(help="Of a recipe: none, phrases or lines.")
    ] = None,
    vocab_size: Annotated[
        int | None,
        typer.Option(help="All tokens. [default: 32000, or the recipe's]", show_default=False),
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="gpt2, cl100k, o200k, … or a regex. [default: gpt2]")
    ] = None,
    min_frequency: Annotated[
        int | None, typer.Option(help="Of a pair that is merged. [default: 2]")
    ] = None,
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
        str | None,
        typer.Option(
            help=r"Text whose bytes get ids, such as 'abc\n', beside those that occur; or all. "
            "With fewer than all, encoding drops what has no id. [default: all]"
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="All cores by default; the result is the same.")
    ] = None,
    separator: Annotated[
        str | None, typer.Option(help=r"Between documents of plain text, such as '\n\n'.")
    ] = None,
    text_field: TextField = "text",
    input_format: Kind = None,
) -> None:
    """Train byte-level BPE on a corpus, or by a recipe for a domain.

    Inputs are read as by `prepare`; records that are no documents are left out, told, and the
    exit code is then 3. A recipe counts each input as a source, and of PATH:RATE that share of
    the documents.
    """
    from tokenkit.cli.recipes import recipe_named, sources_named
    from tokenkit.corpus.records import ReadOptions
    from tokenkit.errors import RecipeError
    from tokenkit.text import Tokenizer

    cut = None if separator is None else unescaped(separator)
    options = ReadOptions(cut, text_field, kind=kind(input_format))
    limits: dict[str, object] = {
        "max_token_length": max_token_length,
        "max_digits": max_digits,
        "within_scripts": within_scripts or None,
        "initial_alphabet": initial_alphabet,
    }
    for_recipes: dict[str, object] = {"form": form, "superwords": superwords}
    _refuse(for_recipes if recipe is None else {"pattern": pattern, **limits}, recipe)
    try:
        if recipe is not None:
            sources = sources_named(inputs, options)
            texts = [text for _, text in sources]
            tok = recipe_named(
                recipe,
                form,
                superwords,
                vocab_size=vocab_size,
                min_frequency=min_frequency,
                special_tokens=None if special is None else tuple(special),
                max_token_characters=max_token_characters,
            ).train(*(source for source, _ in sources), threads=threads)
        else:
            texts = [Texts(inputs, options)]
            alphabet = None if initial_alphabet in (None, "all") else unescaped(initial_alphabet)
            tok = Tokenizer.train(
                texts[0],
                vocab_size=32_000 if vocab_size is None else vocab_size,
                pattern="gpt2" if pattern is None else pattern,
                min_frequency=2 if min_frequency is None else min_frequency,
                special_tokens=["<|endoftext|>"] if special is None else special,
                max_token_length=max_token_length,
                max_token_characters=max_token_characters,
                max_digits=max_digits,
                within_scripts=within_scripts,
                initial_alphabet=alphabet,
                threads=threads,
            )
    except (ValueError, RecipeError) as error:
        raise typer.BadParameter(str(error)) from None
    tok.save(out)
    print(f"{out}: {tok.vocab_size:,} tokens, fingerprint {tok.fingerprint[:16]}")
    if problems := sum(text.problems for text in texts):
        print(f"tokenkit: {problems} records or inputs were left out", file=sys.stderr)
        raise typer.Exit(3)


def _refuse(given: dict[str, object], recipe: str | None) -> None:
    """Wrong usage where an option is given that means nothing here."""
    for name, value in given.items():
        if value is not None:
            option = f"--{name.replace('_', '-')}"
            needed = "only with --recipe" if recipe is None else f"what --recipe {recipe} says"
            raise typer.BadParameter(f"{option} is {needed}", param_hint=option)
