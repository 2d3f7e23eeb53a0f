"""Options that name a scheme for numbers."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokenkit.cli.arguments import one_of

if TYPE_CHECKING:
    from tokenkit.numbers import Scheme

NAMES = ("tst", "tst-a", "r2l", "l2r", "digits")
SchemeName = Annotated[
    str | None,
    typer.Option(
        "--numbers", help="Give numbers tokens of their own: tst, tst-a, r2l, l2r, digits."
    ),
]
ModeName = Annotated[
    str | None, typer.Option("--number-mode", help="Zeros under TST: mark (default), width or pad.")
]
Group = Annotated[
    int | None,
    typer.Option("--number-group", min=1, max=4, help="Digits in a token. [default: 3]"),
]
LocaleName = Annotated[
    str | None,
    typer.Option(
        "--number-locale", help="How numbers are written: en (default), de, fr, in, none."
    ),
]


def scheme_of(
    name: str | None, mode: str | None, group: int | None, locale: str | None
) -> "Scheme | None":
    """The scheme that the options name; None where they name none."""
    from tokenkit.numbers import L2R, R2L, TST, Digits
    from tokenkit.numbers.locales import STYLES

    if one_of(name, NAMES, "--numbers") is None:
        if mode or group or locale:
            raise typer.BadParameter("--number-mode, -group and -locale go with --numbers")
        return None
    options: dict[str, Any] = {"locale": one_of(locale, tuple(STYLES), "--number-locale") or "en"}
    if name == "digits":
        if group not in (None, 1):
            raise typer.BadParameter("digits has groups of one", param_hint="--number-group")
    else:
        options["group"] = group or 3
    if name in ("tst", "tst-a"):
        options["mode"] = one_of(mode, ("mark", "width", "pad"), "--number-mode") or "mark"
        return TST(option="B" if name == "tst" else "A", **options)
    if mode:
        raise typer.BadParameter(f"{name} keeps all zeros", param_hint="--number-mode")
    if name == "digits":
        return Digits(**options)
    return R2L(**options) if name == "r2l" else L2R(**options)
