"""How figures of a comparison are written."""

from collections.abc import Callable
from math import isnan

from tokenkit.domain.bootstrap import Estimate

NONE = "–"


def figure(value: float) -> str:
    """Four decimals below 1, three from there."""
    return NONE if isnan(value) else f"{value:.{4 if abs(value) < 1 else 3}f}"


def percent(share: float) -> str:
    """A share of more or less, with its sign."""
    return NONE if isnan(share) else f"{share:+.1%}".replace("-", "−")


def interval(estimate: Estimate, written: Callable[[float], str] = figure) -> str:
    """The bounds of an estimate, without its value."""
    if isnan(estimate.low):
        return NONE
    return f"{written(estimate.low)} – {written(estimate.high)}"
