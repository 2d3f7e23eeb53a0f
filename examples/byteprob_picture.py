"""Draw what comes next behind three prompts, naive and exact: ``byteprob_picture.py FILE``."""

import sys
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from byteprob import END, ByteModel, default_model

PROMPTS = ("import ", "Return the numb", "http:")
_ROWS, _PITCH, _PANEL = 6, 34, 300
_TOP, _BAR, _LABEL = 78, 190, 44
_NAIVE, _EXACT, _INK = "#d98880", "#2a7f9e", ("#cfe8ef", "#f6d3d8", "#d5ecd4", "#f5e6bd")

Probs = NDArray[np.float64]


def drawing() -> str:
    """The SVG: a panel for each prompt, with its tokens and the likeliest next bytes."""
    network, tok = default_model()
    exact, plain = ByteModel(network, tok, "canonical"), ByteModel(network, tok)
    parts = []
    for number, prompt in enumerate(PROMPTS):
        ids = tok.encode(prompt).tolist()
        naive = plain.behind(tuple(ids)).next_byte().probs
        tokens = [tok.id_to_bytes(id_).decode() for id_ in ids]
        parts.append(
            f'<g transform="translate({16 + number * _PANEL} 0)">'
            f"{_prompt(tokens)}{_bars(naive, exact.next_byte(prompt.encode()).probs)}</g>"
        )
    width, height = 16 + len(PROMPTS) * _PANEL, _TOP + _ROWS * _PITCH + 40
    style = "text{font:15px ui-monospace,monospace;fill:#222}.small{font-size:12px;fill:#555}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        "<title>The next byte behind three prompts, naive and exact</title>"
        f'<style>{style}</style><rect width="{width}" height="{height}" rx="6" fill="#fff"/>'
        f"{''.join(parts)}{_key(height - 16)}</svg>\n"
    )


def _prompt(tokens: list[str]) -> str:
    parts, x = ['<text y="26" class="small">tokens of the prompt</text>'], 0.0
    for i, token in enumerate(tokens):
        width = len(token) * 9.2 + 8
        parts.append(
            f'<rect x="{x:.1f}" y="36" width="{width:.1f}" height="26" rx="4" '
            f'fill="{_INK[i % len(_INK)]}"/><text x="{x + 4:.1f}" y="54" xml:space="preserve">'
            f"{escape(token.replace(' ', '␣'))}</text>"
        )
        x += width + 3
    return "".join(parts)


def _bars(naive: Probs, exact: Probs) -> str:
    """The symbols that either finds likeliest: half of them of each, the exact ones first."""
    chosen: list[int] = []
    for probs, wanted in ((exact, _ROWS // 2), (naive, _ROWS)):
        for symbol in np.argsort(-probs).tolist():
            if len(chosen) < wanted and symbol not in chosen:
                chosen.append(symbol)
    parts = []
    for row, symbol in enumerate(chosen):
        y = _TOP + row * _PITCH
        name = "END" if symbol == END else chr(symbol).replace(" ", "␣").replace("\n", "⏎")
        parts.append(
            f'<text x="{_LABEL - 10}" y="{y + 21}" text-anchor="end">{escape(name)}</text>'
        )
        for prob, top, colour in ((exact[symbol], y + 3, _EXACT), (naive[symbol], y + 16, _NAIVE)):
            width = max(prob * _BAR, 1.0)
            parts.append(
                f'<rect x="{_LABEL}" y="{top}" width="{width:.1f}" height="11" fill="{colour}"/>'
                f'<text x="{_LABEL + width + 5:.1f}" y="{top + 10}" class="small">{prob:.3f}</text>'
            )
    return "".join(parts)


def _key(y: int) -> str:
    parts, x = [], 16.0 + _LABEL
    for colour, meaning in ((_EXACT, "exact"), (_NAIVE, "naive: behind these tokens")):
        parts.append(
            f'<rect x="{x:.0f}" y="{y - 10}" width="12" height="12" fill="{colour}"/>'
            f'<text x="{x + 18:.0f}" y="{y}" class="small">{meaning}</text>'
        )
        x += 100
    return "".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(drawing(), encoding="utf-8")
