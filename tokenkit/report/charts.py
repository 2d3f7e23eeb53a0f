"""Bars and lines as SVG text, drawn by matplotlib in one style.

The same data give the same bytes, so that a chart kept in a repository changes only when its
figures do. Text stays text: a browser sets it and can search it.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any

import numpy as np

from tokenkit.errors import MissingExtraError

COLOURS = ("#00897b", "#5c6bc0", "#f9a825", "#d81b60", "#8d6e63", "#78909c", "#43a047", "#ab47bc")
"""In the order of the series: those of a colour-blind reader's first choice stand first."""
_MARKS = "osD^vPX*"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tokenkit",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e0e0e0",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "figure.facecolor": "white",
}

Bars = Mapping[str, Mapping[str, float]]
"""Group to series to value."""
Intervals = Mapping[str, Mapping[str, tuple[float, float]]]
"""Group to series to the lower and the upper end, in the unit of the values."""
Points = Mapping[str, Sequence[tuple[float, float]]]
"""Series to its points, x and y."""


def bar_chart(
    groups: Bars, *, title: str, y_label: str, errors: Intervals | None = None, digits: int = 2
) -> str:
    """Horizontal bars, a group after another, a colour for each series; SVG text.

    A series that a group lacks leaves its place empty. ``errors`` draws an interval over a bar;
    ``digits`` after the point are written at its end.
    Raises MissingExtraError without matplotlib, ValueError without any group.
    """
    if not groups:
        raise ValueError("a bar chart of no groups: give at least one")
    series = list(dict.fromkeys(name for found in groups.values() for name in found))
    pitch = len(series) + 1.2
    with _figure(7.6, 1.2 + 0.24 * pitch * len(groups)) as (figure, axes):
        for rank, name in enumerate(series):
            held = [(i, group) for i, group in enumerate(groups) if name in groups[group]]
            places = np.array([i * pitch + rank for i, _ in held])
            values = np.array([groups[group][name] for _, group in held])
            axes.barh(places, values, 0.86, color=COLOURS[rank % len(COLOURS)], label=name)
            ends = values
            if errors is not None:
                low, high = np.array([errors[group][name] for _, group in held]).T
                reach = np.clip([values - low, high - values], 0, None)
                axes.errorbar(values, places, xerr=reach, fmt="none", ecolor="#263238", capsize=2)
                ends = np.maximum(values, high)
            for place, value, end in zip(places, values, ends, strict=True):
                axes.annotate(
                    f"{value:.{digits}f}",
                    (max(end, 0.0), place),
                    (4, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=8,
                )
        middles = [i * pitch + (len(series) - 1) / 2 for i in range(len(groups))]
        axes.set_yticks(middles, list(groups))
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.invert_yaxis()
        axes.margins(x=0.1, y=0.02)
        axes.set_xlabel(y_label)
        axes.set_title(title)
        if len(series) > 1:
            _legend(figure, axes)
        return _svg(figure)


def line_chart(
    series: Points,
    *,
    title: str,
    x_label: str,
    y_label: str,
    bands: Mapping[str, Sequence[tuple[float, float]]] | None = None,
    log_x: bool = False,
) -> str:
    """A line with marks for each series; SVG text.

    ``bands``: the lower and the upper end at each point of a series, drawn as a shade.
    Raises MissingExtraError without matplotlib, ValueError without any series.
    """
    if not series:
        raise ValueError("a line chart of no series: give at least one")
    with _figure(7.6, 4.2) as (figure, axes):
        for rank, (name, points) in enumerate(series.items()):
            colour = COLOURS[rank % len(COLOURS)]
            x, y = np.array(points, np.float64).reshape(-1, 2).T
            axes.plot(x, y, marker=_MARKS[rank % len(_MARKS)], ms=4, color=colour, label=name)
            if bands is not None and name in bands:
                low, high = np.array(bands[name], np.float64).reshape(-1, 2).T
                axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        if log_x:
            axes.set_xscale("log", base=2)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.set_title(title)
        if len(series) > 1:
            _legend(figure, axes)
        return _svg(figure)


@contextmanager
def _figure(width: float, height: float) -> Iterator[tuple[Any, Any]]:
    """A figure of inches and its axes, without pyplot: no window, no state, safe in threads."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("charts need matplotlib", "report") from None
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots()


def _legend(figure: Any, axes: Any) -> None:
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 4), fontsize=9)


def _svg(figure: Any) -> str:
    out = StringIO()
    with warnings.catch_warnings():
        # The browser has the glyphs that the font here lacks: it sets the text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    drawn = out.getvalue()
    before, after = drawn.index("<metadata>"), drawn.index("</metadata>") + len("</metadata>")
    return drawn[drawn.index("<svg") : before] + drawn[after:].lstrip()
