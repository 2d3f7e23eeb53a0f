"""``tokenkit train``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from tokenkit.cli.arguments import unescaped


def command(
    inputs: Annotated[list[str], typer.Argument(help="Files, directories, globs, or -.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The tokenizer.json to write.")],
    vocab_size: Annotated[int, typer.Option(help="Tokens, special ones included.")] = 32_000,
    pattern: Annotated[str, typer.Option(help="gpt2, cl100k, o200k, … or a regex.")] = "gpt2",
    min_frequency: Annotated[int, typer.Option(help="Of a pair that is merged.")] = 2,
    special: Annotated[
        list[str] | None, typer.Option("--special", help="Special token; repeatable.")
    ] = None,
    max_token_length: Annotated[int | None, typer.Option(help="In bytes.")] = None,
    separator: Annotated[str | None, typer.Option(help="Between documents of plain text.")] = None,
    text_field: Annotated[str, typer.Option(help="Field of jsonl, csv and parquet.")] = "text",
) -> None:
    """Train byte-level BPE on a corpus."""
    from tokenkit.corpus.documents import read_documents
    from tokenkit.corpus.inputs import InputStream, expand
    from tokenkit.corpus.records import ReadOptions
    from tokenkit.text import Tokenizer

    options = ReadOptions(None if separator is None else unescaped(separator), text_field)

    def texts() -> Iterator[str]:
        for path in expand(inputs):
            for block in read_documents(InputStream(path), options):
                yield from (text.decode("utf-8", "replace") for text in block)

    specials = ["<|endoftext|>"] if special is None else special
    tok = Tokenizer.train(
        texts(),
        vocab_size=vocab_size,
        pattern=pattern,
        min_frequency=min_frequency,
        special_tokens=specials,
        max_token_length=max_token_length,
    )
    tok.save(out)
    print(f"{out}: {tok.vocab_size:,} tokens, fingerprint {tok.fingerprint[:16]}")
