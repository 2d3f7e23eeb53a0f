"""The word-pooled model beside a subword and a byte model of equal size, on the same text.

``python examples/word_pooled.py`` trains the three, keeps examples/results/word-pooled.json and
draws docs/word-pooled-*.svg from it. ``--quick`` only shows that everything runs.
"""

import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pages import DOCS, markdown_table, parser, put, put_pictures
from tiny_gpt import parameters, train
from torch import Tensor
from word_models import NAMES, Contender, contender, targets_of, windows_of

from corpora.samples import SAMPLES
from tokenkit.report import bar_chart, line_chart

RESULTS = Path(__file__).parent / "results" / "word-pooled.json"
RATE = 0.006
RARE = 10
"""A word is rare that occurs in the training text fewer times."""


@dataclass(frozen=True)
class Budget:
    """``steps`` of ``batch`` windows of at most ``window`` bytes, the same for every model;
    ``vocab_size``: of the subword model; ``held_out``: every so many-th document is for testing."""

    steps: int = 500
    batch: int = 16
    window: int = 256
    vocab_size: int = 2048
    held_out: int = 10
    seed: int = 0


QUICK = Budget(steps=3, batch=2, window=64, vocab_size=300, held_out=30)


@dataclass(frozen=True)
class Split:
    """Documents to train on and their windows, windows to test on, how often words are in the
    former."""

    kept: list[str]
    train: list[bytes]
    test: list[bytes]
    counts: Counter[bytes]

    @staticmethod
    def of(texts: Sequence[str], budget: Budget) -> "Split":
        """Whole documents are held out."""
        held = texts[:: budget.held_out]
        kept = [text for i, text in enumerate(texts) if i % budget.held_out]
        counts = Counter(word for text in kept for word in text.encode().split())
        return Split(kept, windows_of(kept, budget.window), windows_of(held, budget.window), counts)


def run(name: str, texts: Sequence[str], budget: Budget) -> dict[str, Any]:
    """Train on windows in an order that is the same for all models, then test."""
    torch.set_num_threads(1)
    torch.manual_seed(budget.seed)
    rng = np.random.default_rng(budget.seed)
    split = Split.of(texts, budget)
    model = contender(name, split.kept, budget.vocab_size)

    def losses() -> Iterator[Tensor]:
        """Nats a byte: the one unit that all have."""
        while True:
            order = rng.permutation(len(split.train))
            for chosen in np.split(order, range(budget.batch, len(order), budget.batch)):
                windows = [split.train[i] for i in chosen]
                yield model.nats(windows).sum() / sum(map(len, windows))

    curve, spent, start = [], 0.0, time.process_time()
    for step, _ in enumerate(train(model.model, losses(), budget.steps, RATE), 1):
        if step % max(1, budget.steps // 8) == 0 or step == budget.steps:
            spent += time.process_time() - start
            curve.append((spent, float(bits(model, split.test[::4]).mean())))
            print(f"{name}, step {step}: {curve[-1][1]:.3f} bits a byte", flush=True)
            start = time.process_time()
    embedded, other = parameters(model.model)
    return {
        "embedding_parameters": embedded,
        "other_parameters": other,
        "cpu_seconds": spent,
        "curve": curve,
        **scores(model, split),
    }


@torch.no_grad()
def bits(model: Contender, windows: Sequence[bytes]) -> NDArray[np.float64]:
    """Bits a byte of each window, weighted so that their mean is that of all bytes."""
    shares = [windows[i : i + 16] for i in range(0, len(windows), 16)]
    nats = torch.cat([model.nats(share) for share in shares]).numpy().astype(np.float64)
    return np.asarray(nats / np.log(2) / np.mean([len(window) for window in windows]))


def scores(model: Contender, split: Split) -> dict[str, Any]:
    """Each measure with its 95% interval over windows drawn anew."""
    kinds = ("all words", "rare words", "unseen words")
    right = np.zeros((len(split.test), len(kinds)))
    total = np.zeros_like(right)
    for i, window in enumerate(split.test):
        targets = targets_of(window)
        for target, good in zip(targets, model.right(window, targets), strict=True):
            seen = split.counts[window[target.start : target.stop].strip()]
            member = np.array([True, seen < RARE, seen == 0], np.float64)
            right[i] += member * good
            total[i] += member
    found = {"bits a byte": interval(bits(model, split.test), np.ones(len(split.test)))}
    for kind, hits, words in zip(kinds, right.T, total.T, strict=True):
        found[kind] = {**interval(hits, words), "words": int(words.sum())}
    return found


def interval(part: NDArray[np.float64], whole: NDArray[np.float64]) -> dict[str, float]:
    """The ratio of two sums over windows, and where it lies in 95% of draws of windows."""
    draws = np.random.default_rng(0).integers(0, len(part), (1000, len(part)))
    ratios = part[draws].sum(1) / np.maximum(whole[draws].sum(1), 1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return {"value": part.sum() / max(whole.sum(), 1), "low": float(low), "high": float(high)}


def measure(texts: Sequence[str], budget: Budget, jobs: int, out: Path) -> dict[str, Any]:
    """Train and test all; what is done so far is always in ``out``."""
    split = Split.of(texts, budget)
    result: dict[str, Any] = {
        "budget": asdict(budget),
        "train_bytes": sum(map(len, split.train)),
        "test_bytes": sum(map(len, split.test)),
        "models": {},
    }
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
        tasks = {pool.submit(run, name, texts, budget): name for name in NAMES}
        for done in as_completed(tasks):
            found = {**result["models"], tasks[done]: done.result()}
            result["models"] = {name: found[name] for name in NAMES if name in found}
            out.write_text(json.dumps(result, indent=1) + "\n")
    return result


MEASURES = {
    "all words": "next word right, %",
    "rare words": "rare word right, %",
    "unseen words": "unseen word right, %",
}


def charts(result: dict[str, Any]) -> dict[str, str]:
    """Accuracy as bars, and bits a byte as they fall while training."""
    bars, errors = {}, {}
    for kind, title in MEASURES.items():
        found = {name: model[kind] for name, model in result["models"].items()}
        bars[title] = {name: 100 * one["value"] for name, one in found.items()}
        errors[title] = {name: (100 * one["low"], 100 * one["high"]) for name, one in found.items()}
    curves = {name: model["curve"] for name, model in result["models"].items()}
    return {
        "accuracy": bar_chart(
            bars, title="The next word, written in full", y_label="%", errors=errors
        ),
        "bits": line_chart(
            curves,
            title="Bits a byte of held-out text",
            x_label="CPU seconds of training",
            y_label="bits a byte",
        ),
    }


def table(result: dict[str, Any]) -> str:
    """What each model gave and what it took."""
    rows = []
    for name, model in result["models"].items():
        one = model["bits a byte"]
        cells = [name, f"{one['value']:.3f} ({one['low']:.3f}–{one['high']:.3f})"]
        for kind in MEASURES:
            one = model[kind]
            spread = f"{100 * one['low']:.1f}–{100 * one['high']:.1f}"
            cells.append(f"{100 * one['value']:.1f} ({spread})")
        cells += [f"{model['other_parameters']:,}", f"{model['embedding_parameters']:,}"]
        rows.append([*cells, f"{model['cpu_seconds']:.0f}"])
    counts = [next(iter(result["models"].values()))[kind]["words"] for kind in MEASURES]
    header = ["model", "bits a byte"]
    header += [f"{title} of {n:,}" for title, n in zip(MEASURES.values(), counts, strict=True)]
    return markdown_table(
        [*header, "parameters outside embeddings", "in embeddings", "CPU seconds"], rows
    )


def publish(result: dict[str, Any]) -> None:
    """Write the pictures and the table of the tutorial."""
    put_pictures("word-pooled", charts(result))
    put(DOCS / "tutorials" / "word-pooled.md", "results", table(result))


def main() -> None:
    """Measure, print, and publish what was measured in full."""
    options = parser(__doc__, Budget.steps, RESULTS).parse_args()
    if options.draw:
        result = json.loads(options.out.read_text())
    else:
        sample = next(sample for sample in SAMPLES if sample.name == "reference")
        texts = [document.text for document in sample.documents()]
        texts = texts[:40] if options.quick else texts
        budget = QUICK if options.quick else Budget(steps=options.steps)
        result = measure(texts, budget, options.jobs, options.out)
    print(table(result))
    if not options.quick:
        publish(result)


if __name__ == "__main__":
    main()
