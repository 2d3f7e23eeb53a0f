"""Boundary F1 and inflation of published vocabularies under the OCR-noise channel, a table.

955 sentences of 40 to 400 characters each of legal, financial and government text, about four
errors a sentence. The right columns are those of another channel of the same description, on
sentences that were not kept: what is left between both says how far such figures can be trusted.
"""

import random
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness import save
from benchmarks.material import folder, text
from tokenkit import Tokenizer
from tokenkit.domain.compare import Options, compare
from tokenkit.domain.measures import BOUNDARY_F1, INFLATION, TOKENS_PER_CHARACTER
from tokenkit.domain.noise import OcrNoise, sentences
from tokenkit.report import bar_chart

PICTURE = Path(__file__).parents[1] / "docs" / "stability.svg"
EACH, SEED, ERRORS = 955, 7, 4.0
EARLIER = {
    "kl3m-004-char-4k-cased": (0.961, 1.013),
    "kl3m-001-32k": (0.948, 1.073),
    "o200k_base": (0.925, 1.142),
    "cl100k_base": (0.922, 1.150),
    "r50k_base": (0.917, 1.164),
}
"""Boundary F1 and inflation on the earlier channel."""


def material() -> list[str]:
    found = []
    for domain in ("legal", "financial", "government"):
        whole = text(domain, 1 << 30)
        fitting = [s for s in sentences(whole) if 40 <= len(s) <= 400 and "\n" not in s]
        found += random.Random(SEED).sample(fitting, EACH)
    return found


def run() -> None:
    lines = material()
    noise = OcrNoise().per_sentence(ERRORS, lines)
    vocabularies = {
        name: Tokenizer.from_file(folder() / "vocab" / f"{name}.tokenizer.json.gz")
        for name in EARLIER
    }
    options = Options(noise=noise, noise_characters=1 << 40, seed=SEED)
    found = compare(vocabularies, {"sentences": lines}, options)
    rows, bars, ends = [], {}, {}
    for name, (earlier_f1, earlier_inflation) in EARLIER.items():
        f1, inflation, size = (
            found.estimate(measure, "sentences", name)
            for measure in (BOUNDARY_F1, INFLATION, TOKENS_PER_CHARACTER)
        )
        rows.append(
            {
                "vocabulary": name,
                "boundary F1": f1.value,
                "from": f1.low,
                "to": f1.high,
                "earlier F1": earlier_f1,
                "inflation": inflation.value,
                "inflation from": inflation.low,
                "inflation to": inflation.high,
                "earlier inflation": earlier_inflation,
                "tokens per character": size.value,
            }
        )
        bars[name] = {"boundaries lost": 1 - f1.value, "tokens added": inflation.value - 1}
        ends[name] = {
            "boundaries lost": (1 - f1.high, 1 - f1.low),
            "tokens added": (inflation.low - 1, inflation.high - 1),
        }
    table = Table(title="Token boundaries under OCR noise")
    for heading in rows[0]:
        table.add_column(heading)
    for row in rows:
        table.add_row(*(f"{v:.4f}" if isinstance(v, float) else str(v) for v in row.values()))
    Console(width=140).print(table)
    notes = {"sentences": len(lines), "errors per character": noise.rate, "seed": SEED}
    save("stability", "Token boundaries under OCR noise", rows, notes)
    drawn = bar_chart(
        bars,
        title="About four OCR errors a sentence",
        y_label="1 − boundary F1, and token inflation − 1 (less is better)",
        errors=ends,
        digits=3,
    )
    PICTURE.write_text(drawn)


if __name__ == "__main__":
    run()
