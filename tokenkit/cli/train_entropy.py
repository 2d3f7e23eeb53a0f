"""``tokenkit train-entropy``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tokenkit.cli.arguments import Kind, TextField, kind, unescaped
from tokenkit.cli.texts import Texts


def command(
    inputs: Annotated[list[str], typer.Argument(help="Files, directories, globs, or -.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The model to write, an .npz.")],
    order: Annotated[
        int, typer.Option(min=2, max=4, help="Bytes of context. Memory: 32, 128 or 512 MiB.")
    ] = 3,
    mean_patch_length: Annotated[
        float,
        typer.Option(help="Bytes a patch shall have in the mean, on texts that are held out."),
    ] = 4.5,
    separator: Annotated[
        str | None, typer.Option(help=r"Between documents of plain text, such as '\n\n'.")
    ] = None,
    text_field: TextField = "text",
    input_format: Kind = None,
) -> None:
    """Train an n-gram model for entropy patches (`--patcher entropy:FILE`) on a corpus.

    Inputs are read as by `prepare`; records that are no documents are left out, told, and the
    exit code is then 3.
    """
    from tokenkit.corpus.records import ReadOptions
    from tokenkit.errors import PatchError
    from tokenkit.words import NgramEntropy

    cut = None if separator is None else unescaped(separator)
    texts = Texts(inputs, ReadOptions(cut, text_field, kind=kind(input_format)))
    try:
        model = NgramEntropy.train(texts, order=order, mean_patch_length=mean_patch_length)
    except PatchError as error:
        raise typer.BadParameter(str(error)) from None
    model.save(out)
    print(
        f"{out}: order {order}, {model.trained_bytes:,} bytes counted, "
        f"threshold {model.threshold:.4f} nats, fingerprint {model.fingerprint[:16]}"
    )
    if texts.problems:
        print(f"tokenkit: {texts.problems} records or inputs were left out", file=sys.stderr)
        raise typer.Exit(3)
