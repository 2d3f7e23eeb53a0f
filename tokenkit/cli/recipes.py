"""Recipes and their sources as ``tokenkit train`` is told them."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tokenkit.cli.arguments import one_of
from tokenkit.cli.texts import Texts

if TYPE_CHECKING:
    from tokenkit.corpus.records import ReadOptions
    from tokenkit.domain.recipe import DomainRecipe, Source

_FORMS = {"lossless": "lossless", "nfkc": "NFKC", "nfkc-lowercase": "NFKC+Lowercase"}


def recipe_named(
    name: str, form: str | None, superwords: str | None, **changes: Any
) -> "DomainRecipe":
    """The named recipe with what the command line says otherwise; None says nothing.

    Raises BadParameter for what is no recipe, and RecipeError for what makes none.
    """
    from tokenkit.domain.recipe import LINES, RECIPES, Superwords

    found = {recipe.name: recipe for recipe in RECIPES}
    one_of(name, tuple(found), "--recipe")
    one_of(form, tuple(_FORMS), "--form")
    one_of(superwords, ("none", "phrases", "lines"), "--superwords")
    if form:
        changes["form"] = _FORMS[form]
    if superwords:
        kinds = {"none": None, "phrases": Superwords(), "lines": LINES}
        changes["superwords"] = kinds[superwords]
    given = {key: value for key, value in changes.items() if value is not None}
    if superwords == "none":
        given["superwords"] = None
    size = given.get("vocab_size", found[name].vocab_size)
    return replace(found[name], **given, pad_to_power_of_two=not size & (size - 1))


def sources_named(inputs: Iterable[str], options: "ReadOptions") -> "list[tuple[Source, Texts]]":
    """A source for each input; ``PATH:RATE`` uses that share of its documents."""
    from tokenkit.domain.recipe import Source

    found = []
    for given in inputs:
        path, rate = _with_rate(given)
        texts = Texts([path], options)
        found.append((Source(texts, rate), texts))
    return found


def _with_rate(given: str) -> tuple[str, float]:
    path, colon, rate = given.rpartition(":")
    if not colon or Path(given).exists():
        return given, 1.0
    try:
        return path, float(rate)
    except ValueError:
        raise typer.BadParameter(
            f"{given!r}: behind the colon stands a rate, as in a.txt:0.5"
        ) from None
