"""Bars as SVG, for pages."""

from html import escape

_WIDTH, _LABEL, _ROW, _GAP = 760, 200, 17, 16
_OURS, _OTHERS = "#00897b", "#b0bec5"


def bars(title: str, groups: dict[str, dict[str, float]], ours: str) -> str:
    """Horizontal bars, a group for each setting, longest first; ``ours`` stands out."""
    largest = max(value for found in groups.values() for value in found.values())
    rows: list[str] = []
    y = 44
    for setting, found in groups.items():
        rows.append(_text(12, y + 13, setting, "600 13px"))
        y += _ROW + 4
        for name, value in sorted(found.items(), key=lambda item: -item[1]):
            width = max(1.0, (_WIDTH - _LABEL - 80) * value / largest)
            colour = _OURS if name == ours else _OTHERS
            rows.append(_text(_LABEL - 8, y + 12, name, "12px", anchor="end"))
            rows.append(
                f'<rect x="{_LABEL}" y="{y}" width="{width:.1f}" height="{_ROW - 3}" '
                f'rx="2" fill="{colour}"/>'
            )
            rows.append(_text(_LABEL + width + 6, y + 12, f"{value:.0f}", "12px"))
            y += _ROW
        y += _GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" role="img" '
        f'aria-label="{escape(title)}"><rect width="{_WIDTH}" height="{y}" fill="#fff"/>'
    )
    return "\n".join([head, _text(12, 24, title, "700 15px"), *rows, "</svg>"]) + "\n"


def _text(x: float, y: float, text: str, font: str, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#263238" '
        f'style="font:{font} system-ui,sans-serif">{escape(text)}</text>'
    )
