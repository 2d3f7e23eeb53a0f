"""The arguments that name a patcher, and the patcher that they name."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tokenkit.text import Tokenizer
    from tokenkit.words import Patcher, Rule

PatcherName = Annotated[
    str | None,
    typer.Option(
        "--patcher",
        help="space, word, word:previous, word:own, static:N, regex:PATTERN (or a name such as "
        "regex:gpt2), tokenizer (that of --tokenizer), or entropy:FILE.",
    ),
]
MaxPatchLength = Annotated[
    int | None, typer.Option(min=1, help="Cut patches that have more bytes.")
]
SnapUtf8 = Annotated[
    bool, typer.Option("--snap-utf8", help="Begin no patch inside a UTF-8 character.")
]
Threshold = Annotated[
    float | None,
    typer.Option(help="Nats above which an entropy patch begins; that of the model if none."),
]
Rise = Annotated[
    float | None,
    typer.Option(help="Nats that entropy must also have risen by since the byte before."),
]


def patcher_of(
    name: str,
    tokenizer: "Tokenizer | None",
    max_patch_length: int | None,
    snap_utf8: bool,
    threshold: float | None,
    rise: float | None,
) -> "Patcher":
    """The patcher that the arguments name; wrong usage where they name none."""
    from tokenkit.errors import PatchError
    from tokenkit.words import Patcher

    kind, _, argument = name.partition(":")
    if (threshold is not None or rise is not None) and kind != "entropy":
        raise typer.BadParameter("--threshold and --rise belong to --patcher entropy:FILE")
    try:
        rule = _rule(kind, argument, tokenizer, threshold, rise)
        return Patcher(rule, max_patch_length, snap_utf8)
    except PatchError as error:
        raise typer.BadParameter(str(error), param_hint="--patcher") from None


def _rule(
    kind: str,
    argument: str,
    tokenizer: "Tokenizer | None",
    threshold: float | None,
    rise: float | None,
) -> "Rule":
    from tokenkit.errors import PatchError
    from tokenkit.words import (
        Entropy,
        NgramEntropy,
        Regex,
        Space,
        Static,
        TokenEnds,
        Whitespace,
        Word,
    )

    match kind, argument:
        case "space", "":
            return Space()
        case "word", "" | "next" | "previous" | "own":
            return Word(Whitespace(argument or "next"))
        case "static", number if number.isascii() and number.isdigit():
            return Static(int(number))
        case "regex", pattern if pattern:
            return Regex(pattern)
        case "entropy", file if Path(file).is_file():
            return Entropy(NgramEntropy.from_file(file), threshold, rise)
        case "entropy", _:
            raise PatchError(f"there is no file {argument!r}: make one by tokenkit train-entropy")
        case "tokenizer", "":
            if tokenizer is None:
                raise PatchError("the tokenizer is missing: give --tokenizer too")
            return TokenEnds(tokenizer)
    raise PatchError(f"{kind}:{argument} is none: see --help")
