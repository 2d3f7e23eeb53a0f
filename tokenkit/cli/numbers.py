"""``tokenkit numbers``."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokenkit.cli.schemes import NAMES, scheme_of

if TYPE_CHECKING:
    from tokenkit.numbers import NumberEncoding, Scheme

_COLOURS = ("on #264653", "on #6d3b47", "on #2f5d3a", "on #5b4a1e", "on #433878")


def command(
    text: Annotated[str | None, typer.Argument(help="The text; standard input if none.")] = None,
    scheme: Annotated[str, typer.Option(help=", ".join(NAMES) + ".")] = "tst",
    mode: Annotated[
        str | None, typer.Option(help="Zeros under TST: mark (default), width or pad.")
    ] = None,
    group: Annotated[
        int | None, typer.Option(min=1, max=4, help="Digits in a token. [default: 3]")
    ] = None,
    locale: Annotated[
        str, typer.Option(help="How numbers are written: en, de, fr, in, none.")
    ] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show which numbers a text has, their tokens and their magnitudes."""
    chosen = scheme_of(scheme, mode, group, locale)
    assert chosen is not None  # it is for options that name no scheme
    if text is None:
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    numbers = _numbers(text, chosen)
    if as_json:
        print(json.dumps(numbers))
    else:
        _show(text, numbers)


def _numbers(text: str, scheme: "Scheme") -> list[dict[str, Any]]:
    """The numbers of a text, each with its tokens."""
    found = []
    for start, stop in scheme.numbers(text):
        encoding = scheme.encode(text[start:stop])
        found.append(
            {
                "number": text[start:stop],
                "start": start,
                "stop": stop,
                "value": float(encoding.value[0]),
                "readable": scheme.readable(text[start:stop]),
                "tokens": _tokens(encoding, scheme, start),
            }
        )
    return found


def _tokens(encoding: "NumberEncoding", scheme: "Scheme", start: int) -> list[dict[str, Any]]:
    columns = (encoding.ids, encoding.char_spans + start, encoding.power, encoding.digit_position)
    return [
        {
            "id": id_,
            "token": scheme.vocab[id_],
            "span": span,
            "power": power,
            "digit_position": position,
        }
        for id_, span, power, position in zip(*(c.tolist() for c in columns), strict=True)
    ]


def _show(text: str, numbers: list[dict[str, Any]]) -> None:
    """The text with its numbers in colour, and a line for each of them."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    line, table = Text(text), Table("number", "tokens", "powers of ten", "value", box=None)
    for i, number in enumerate(numbers):
        colour = f"white {_COLOURS[i % len(_COLOURS)]}"
        line.stylize(colour, number["start"], number["stop"])
        powers = " ".join(str(t["power"]) for t in number["tokens"] if t["digit_position"] >= 0)
        cells = (number["readable"], powers, repr(number["value"]))
        table.add_row(Text(number["number"], colour), *map(Text, cells))
    console.print(line, soft_wrap=True)
    if numbers:
        console.print(table)
    console.print(f"{len(numbers)} numbers, {sum(len(n['tokens']) for n in numbers)} tokens")
