"""Draw what schemes make of the numbers of a sentence: ``number_tokens.py FILE``."""

import sys
from html import escape
from pathlib import Path

from tokenkit.numbers import L2R, R2L, TST, Digits, Scheme

TEXT = "Sales of $1,234,567.89 beat 9.9% of 2024-01-15."
SCHEMES: dict[str, Scheme] = {
    "TST, option B": TST(),
    "TST, option A": TST(option="A"),
    "TST, by width": TST(mode="width"),
    "right to left": R2L(),
    "left to right": L2R(),
    "digits": Digits(),
}
_COLOURS = {6: "#433878", 3: "#2a5d84", 0: "#2f6f4e", -3: "#8a5a1e"}
_WIDTH, _HEIGHT, _LETTER, _LEFT = 900, 46, 8.4, 130


def drawing() -> str:
    """The SVG: the text with its numbers marked, and a row of tokens for each scheme."""
    numbers = SCHEMES["TST, option B"].numbers(TEXT)
    parts = [_text(_LEFT, 30, TEXT, "#888", 16)]
    for start, stop in numbers:
        x = _LEFT + start * 9.6
        width = (stop - start) * 9.6
        parts.append(f'<rect x="{x - 1:.1f}" y="13" width="{width + 2:.1f}" height="23" rx="3" '
                     'fill="none" stroke="#2a5d84"/>')  # fmt: skip
    for row, (name, scheme) in enumerate(SCHEMES.items(), 1):
        y = 30 + row * _HEIGHT
        parts.append(_text(4, y, name, "#888", 14))
        x = float(_LEFT)
        for start, stop in numbers:
            x = _number(parts, x, y, scheme, TEXT[start:stop]) + 24
    height = 24 + (len(SCHEMES) + 1) * _HEIGHT
    key = "   ".join(f"10^{power}" for power in _COLOURS)
    parts.append(_text(_LEFT, height - 8, f"colours: power of ten of a token's last digit: {key}",
                       "#888", 12))  # fmt: skip
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
        f"<title>Numbers of a sentence as tokens of six schemes</title>{''.join(parts)}</svg>\n"
    )


def _number(parts: list[str], x: float, y: float, scheme: Scheme, number: str) -> float:
    """Draw the tokens of a number from ``x`` on; returns where they end."""
    found = scheme.encode(number)
    powers = iter(zip(found.power.tolist(), found.digit_position.tolist(), strict=True))
    for item in scheme.readable(number).split(" "):
        width = len(item) * _LETTER + 8
        if item in scheme.separators:
            parts.append(_text(x + 4, y, item, "#888", 14))
            x += width
            continue
        power, position = next(powers)
        colour = _COLOURS.get(power, "#555") if position >= 0 else "#777"
        parts.append(f'<rect x="{x:.1f}" y="{y - 16}" width="{width:.1f}" height="22" rx="4" '
                     f'fill="{colour}"/>')  # fmt: skip
        parts.append(_text(x + 4, y, item, "#fff", 14))
        x += width + 3
    return x


def _text(x: float, y: float, text: str, colour: str, size: int) -> str:
    return (
        f'<text x="{x:.1f}" y="{y}" fill="{colour}" font-size="{size}" '
        f'font-family="ui-monospace,monospace" xml:space="preserve">{escape(text)}</text>'
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(drawing())
