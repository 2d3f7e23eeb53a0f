"""Arguments that the commands of ``tokenkit byteprob`` share, and the models they name."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokenkit.cli.arguments import one_of

if TYPE_CHECKING:
    from byteprob import ByteDist, ByteModel, TokenModel
    from tokenkit.text import Tokenizer

TARGETS = ("canonical", "marginal", "canonical-renorm")

Prompt = Annotated[str | None, typer.Argument(help="The prompt; standard input if none.")]
Top = Annotated[int, typer.Option(min=1, help="Symbols, and covers, to show.")]


def _nucleus(share: float) -> float:
    if not 0.0 < share <= 1.0:
        raise typer.BadParameter(f"{share}: it is above 0 and at most 1")
    return share


def _below_one(distance: float) -> float:
    if not 0.0 <= distance < 1.0:
        raise typer.BadParameter(f"{distance}: it is at least 0 and below 1")
    return distance


Hex = Annotated[bool, typer.Option("--hex", help="The text is bytes in hexadecimal digits.")]
Hf = Annotated[
    Path | None,
    typer.Option(
        "--hf",
        metavar="DIR",
        help="A local model of transformers: config.json, tokenizer.json and weights. "
        "An n-gram model that comes with byteprob unless given.",
    ),
]
TargetName = Annotated[str, typer.Option("--target", metavar="NAME", help=", ".join(TARGETS) + ".")]
Beam = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Strings of tokens that 'marginal' keeps at each byte. All unless given, which is "
        "for the n-gram model and short texts.",
    ),
]
Tolerance = Annotated[
    float,
    typer.Option(
        callback=_below_one, help="Total variation distance to the exact distribution, at most."
    ),
]
Temperature = Annotated[float, typer.Option(min=0.0, help="0 takes the likeliest.")]
TopP = Annotated[float, typer.Option(callback=_nucleus, help="Share of the nucleus.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Of what is drawn; a new one unless given.")]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON.")]


@dataclass(frozen=True)
class Loaded:
    """A model of tokens and its tokenizer. ``name``: what to call them."""

    name: str
    model: "TokenModel"
    tokenizer: "Tokenizer"

    def read(self, target: str, beam: int | None = None, tolerance: float = 0.0) -> "ByteModel":
        """It as a distribution over bytes; wrong usage where the options do not go together."""
        from byteprob import ByteModel

        chosen = one_of(target, TARGETS, "--target")
        if beam is not None and (chosen != "marginal" or tolerance):
            raise typer.BadParameter(
                "it goes with the target 'marginal', and no tolerance", param_hint="--beam"
            )
        return ByteModel(self.model, self.tokenizer, chosen, beam=beam, tolerance=tolerance)

    def naive(self, ids: tuple[int, ...]) -> "ByteDist":
        """The next byte when ordinary tokens follow ``ids``, whatever bytes these spell."""
        from byteprob.covers import beginning

        # Nothing is put before what follows: the ids begin with that already.
        reading = replace(self.read("marginal").behind(ids).reading, front=b"")
        return beginning(reading).next_byte(reading)


def loaded(folder: Path | None) -> Loaded:
    """The model of a folder, or the one that comes with byteprob."""
    from byteprob import TransformersModel, default_model

    if folder is None:
        return Loaded("n-gram", *default_model())
    _quiet()
    return Loaded(folder.resolve().name, *TransformersModel.from_directory(folder))


def text_of(given: str | None, as_hex: bool) -> bytes:
    """The bytes of an argument; standard input if there is none."""
    if given is None:
        content = sys.stdin.buffer.read()
        return _from_hex(content.decode("ascii", "replace")) if as_hex else content
    return _from_hex(given) if as_hex else given.encode("utf-8", "surrogateescape")


def read_file(path: Path) -> bytes:
    """The bytes of a file. Raises InputError."""
    from tokenkit.errors import InputError

    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def _from_hex(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise typer.BadParameter(f"{digits[:40]!r}: {error}", param_hint="--hex") from None


def _quiet() -> None:
    """Progress bars show on a terminal only."""
    if sys.stderr.isatty():
        return
    try:
        from transformers.utils.logging import disable_progress_bar
    except ImportError:
        return  # whoever loads the model says what is missing
    disable_progress_bar()  # type: ignore[no-untyped-call]
