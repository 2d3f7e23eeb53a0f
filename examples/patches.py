"""How patchers cut: a picture of one sentence, and a table of patch lengths on sample corpora.

    tokenkit corpus build sample
    python examples/patches.py sample --svg docs/patches.svg

The entropy model and the tokenizer are trained on the samples themselves, every 20th document
left out; the table speaks of those.
"""

import argparse
import html
import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np

from tokenkit import Tokenizer
from tokenkit.words import (
    Entropy,
    NgramEntropy,
    Patcher,
    Regex,
    Space,
    Static,
    TokenEnds,
    Whitespace,
    Word,
)

SENTENCE = "The naïve café in 東京 opened on 3 May 1998."
_CELL, _ROW, _LABEL = 15, 40, 190
_INK = ("#cfe8ef", "#f6d3d8", "#d5ecd4", "#f5e6bd")


def texts(path: Path) -> list[str]:
    """The documents of a jsonl file."""
    return [json.loads(line)["text"] for line in path.read_text().splitlines()]


def patchers(training: list[str]) -> dict[str, Patcher]:
    """Name to patcher; the last two are trained on ``training``."""
    model = NgramEntropy.train(training, order=3)
    return {
        "Static(4)": Patcher(Static(4)),
        "Space()": Patcher(Space()),
        "Space(), snap_utf8": Patcher(Space(), snap_utf8=True),
        "Word()": Patcher(Word()),
        "Word(), at most 16": Patcher(Word(), max_patch_length=16),
        "Word(PREVIOUS)": Patcher(Word(Whitespace.PREVIOUS)),
        "Word(OWN)": Patcher(Word(Whitespace.OWN)),
        'Regex("gpt2")': Patcher(Regex("gpt2")),
        "TokenEnds(8k BPE)": Patcher(TokenEnds(Tokenizer.train(training, vocab_size=8000))),
        "Entropy(order 3)": Patcher(Entropy(model)),
    }


def picture(sentence: str, named: dict[str, Patcher]) -> str:
    """An SVG with a row for each patcher; every byte is as wide as every other."""
    size = len(sentence.encode())
    parts = []
    for row, (name, patcher) in enumerate(named.items()):
        top = 10 + row * _ROW
        parts.append(f'<text x="8" y="{top + 20}" class="name">{html.escape(name)}</text>')
        offsets = [*patcher.starts(sentence).tolist(), size]
        for i, (start, stop) in enumerate(pairwise(offsets)):
            at, width = _LABEL + start * _CELL + 1, (stop - start) * _CELL - 2
            parts.append(
                f'<rect x="{at}" y="{top}" width="{width}" height="28" rx="4" '
                f'fill="{_INK[i % len(_INK)]}"/>'
            )
        at = 0
        for character in sentence:
            width = len(character.encode())
            middle = _LABEL + (at + width / 2) * _CELL
            shown = "␣" if character == " " else html.escape(character)
            parts.append(f'<text x="{middle:g}" y="{top + 19}">{shown}</text>')
            at += width
    width, height = _LABEL + size * _CELL + 8, 10 + len(named) * _ROW
    style = (
        "text{font:15px ui-monospace,monospace;text-anchor:middle;fill:#222}"
        ".name{text-anchor:start;font-size:13px}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        f"<title>One sentence cut by each patcher</title><style>{style}</style>"
        f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def lengths(patcher: Patcher, documents: Iterable[str]) -> str:
    """Mean, 99th percentile and longest of the patches of documents, in bytes."""
    found = patcher.patch_batch(list(documents)).lengths.values
    p99 = np.quantile(found, 0.99, method="higher")
    return f"{found.mean():.2f} / {p99} / {found.max()}"


def main() -> None:
    """Print the table; draw the picture where asked."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("samples", type=Path, help="folder of jsonl files")
    arguments.add_argument("--svg", type=Path, help="where the picture goes")
    given = arguments.parse_args()
    corpora = {path.stem: texts(path) for path in sorted(given.samples.glob("*.jsonl"))}
    named = patchers([t for all_ in corpora.values() for i, t in enumerate(all_) if i % 20])
    print("| patcher |", " | ".join(corpora), "|")
    print("|---|" + "---|" * len(corpora))
    for name, patcher in named.items():
        cells = [lengths(patcher, all_[::20]) for all_ in corpora.values()]
        print(f"| `{name}` |", " | ".join(cells), "|")
    if given.svg:
        given.svg.write_text(picture(SENTENCE, named), encoding="utf-8")


if __name__ == "__main__":
    main()
