"""The word-pooled model beside a subword and a byte model of equal size, on the same text.

``python examples/word_pooled.py`` trains the three, keeps examples/results/word-pooled.json and
draws docs/word-pooled-*.svg from it. ``--quick`` only shows that everything runs.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from pages import DOCS, markdown_table, put
from tiny_gpt import IGNORED, Gpt, GptConfig, parameters, train
from torch import Tensor, nn

from corpora.samples import SAMPLES
from tokenkit import Tokenizer
from tokenkit.report import bar_chart, line_chart
from tokenkit.words import Dense, Patcher, Word
from tokenkit.words.model import WordPooledConfig, WordPooledModel, word_tensors

RESULTS = Path(__file__).parent / "results" / "word-pooled.json"
WIDTH, HEADS, BLOCKS = 96, 4, 6
"""Of every model: six blocks, of which the word-pooled has one as encoder and one as decoder."""
LONGEST = 12
"""Bytes of the longest word of the word-pooled model; longer ones are cut."""
RATE = 0.01
SPACE = tuple(b" \t\n\v\f\r")
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


class Target(NamedTuple):
    """A word to predict: the bytes ``start`` to ``stop`` of a window, white space before it too."""

    start: int
    stop: int


class Contender(Protocol):
    """A language model over windows of text."""

    model: nn.Module

    def nats(self, windows: Sequence[bytes]) -> Tensor:
        """Minus the log-likelihood of each window; float[windows]."""
        ...

    def right(self, window: bytes, targets: Sequence[Target]) -> list[bool]:
        """Whether the model, given all before a word, greedily writes it and then ends it."""
        ...


class Subwords:
    """A plain GPT over tokens. ``pieces``: the bytes of each token; those of a byte model are
    single bytes. Windows are encoded by ``encode``."""

    def __init__(self, pieces: Sequence[bytes], encode: Callable[[bytes], Sequence[int]]) -> None:
        self._pieces, self._encode = pieces, encode
        self._begin = len(pieces)
        self.model = Gpt(GptConfig(len(pieces) + 1, WIDTH, BLOCKS, HEADS))

    def nats(self, windows: Sequence[bytes]) -> Tensor:
        """See `Contender`."""
        rows = [self._encode(window) for window in windows]
        length = max(map(len, rows))
        ids = torch.full((len(rows), length), self._begin)
        targets = torch.full((len(rows), length), IGNORED)
        for i, row in enumerate(rows):
            ids[i, 1 : len(row)] = torch.tensor(row[:-1])
            targets[i, : len(row)] = torch.tensor(row)
        found = self.model.losses(ids, targets)
        return found.new_zeros(targets.shape).masked_scatter(targets != IGNORED, found).sum(1)

    @torch.no_grad()
    def right(self, window: bytes, targets: Sequence[Target]) -> list[bool]:
        """See `Contender`."""
        ids = [self._begin, *self._encode(window)]
        ends = np.cumsum([0] + [len(self._pieces[i]) for i in ids[1:]]).tolist()
        place = {end: i for i, end in enumerate(ends)}
        likeliest = self.model(torch.tensor([ids]))[0].argmax(-1).tolist()
        return [self._writes(window, t, ids[: place[t.start] + 1], likeliest) for t in targets]

    def _writes(self, window: bytes, target: Target, ids: list[int], likeliest: list[int]) -> bool:
        """Follow what the model writes as long as it is the word.

        As long as these are the tokens of the text, ``likeliest`` knows what comes behind them.
        """
        known = [self._begin, *self._encode(window)]
        at = target.start
        while True:
            if ids == known[: len(ids)]:
                new = likeliest[len(ids) - 1]
            else:
                new = int(self.model(torch.tensor([ids]))[0, -1].argmax())
            piece = b"" if new == self._begin else self._pieces[new]
            if at == target.stop:
                return piece[:1] != b"" and piece[0] in SPACE
            if not piece or not window[at : target.stop].startswith(piece):
                return False
            ids = [*ids, new]
            at += len(piece)


class PooledWords:
    """The word-pooled model over words with the white space before them."""

    def __init__(self) -> None:
        self._patcher = Patcher(Word(), max_patch_length=LONGEST)
        self.model = WordPooledModel(
            WordPooledConfig(
                width=WIDTH,
                layers=BLOCKS - 2,
                heads=HEADS,
                word_layers=1,
                word_heads=HEADS,
                max_word_bytes=LONGEST,
            )
        )

    def _tensors(self, windows: Sequence[bytes]) -> tuple[Tensor, Tensor]:
        return word_tensors(Dense.of(self._patcher.patch_batch(windows), LONGEST))

    def nats(self, windows: Sequence[bytes]) -> Tensor:
        """See `Contender`."""
        return -self.model.log_probs(*self._tensors(windows)).sum(1)

    @torch.no_grad()
    def right(self, window: bytes, targets: Sequence[Target]) -> list[bool]:
        """See `Contender`. Words that are cut are right where all parts are."""
        words, sizes = self.model.draw(self.model.contexts(*self._tensors([window]))[0])
        drawn = zip(words.tolist(), sizes.tolist(), strict=True)
        written = [bytes(word[:size]) for word, size in drawn]
        starts = [*self._patcher.starts(window).tolist(), len(window)]
        place = {start: i for i, start in enumerate(starts)}
        found = []
        for target in targets:
            parts = range(place[target.start], place[target.stop])
            as_it_is = all(window[starts[i] : starts[i + 1]] == written[i] for i in parts)
            # A part as long as can be does not say whether the word ends; the next one does.
            ends = len(written[parts[-1]]) < LONGEST or written[parts.stop][0] in SPACE
            found.append(as_it_is and ends)
        return found


def windows_of(texts: Sequence[str], longest: int) -> list[bytes]:
    """The texts in pieces of whole words, as many as ``longest`` bytes hold."""
    patches = Patcher(Word(), max_patch_length=LONGEST).patch_batch(texts)
    windows = []
    for row in patches:
        ends, start = row.offsets, 0
        while start < len(row):
            stop = int(np.searchsorted(ends, ends[start] + longest, side="right")) - 1
            windows.append(row.values[ends[start] : ends[stop]].tobytes())
            start = stop
    return windows


def targets_of(window: bytes) -> list[Target]:
    """The words of a window's second half but the last, whose end is not in the window."""
    spans = pairwise([*Patcher(Word()).starts(window).tolist(), len(window)])
    return [
        Target(*span) for span in spans if span[0] >= len(window) // 2 and span[1] < len(window)
    ]


def tokenizer_for(texts: Sequence[str], vocab_size: int) -> Tokenizer:
    """Byte-level BPE, trained on the text that the models are trained on."""
    return Tokenizer.train(texts, vocab_size=vocab_size, pattern="gpt2", threads=1)


def contenders(texts: Sequence[str], budget: Budget) -> Iterator[tuple[str, Contender]]:
    """The models, each made when its turn comes, from the same seed."""
    torch.manual_seed(budget.seed)
    yield "word-pooled", PooledWords()
    tok = tokenizer_for(texts, budget.vocab_size)
    pieces = [tok.id_to_bytes(i) for i in range(tok.vocab_size)]
    torch.manual_seed(budget.seed)
    yield "subwords (BPE)", Subwords(pieces, lambda window: tok.encode(window).tolist())
    torch.manual_seed(budget.seed)
    yield "bytes", Subwords([bytes([i]) for i in range(256)], list)


@dataclass(frozen=True)
class Split:
    """Windows to train on and to test on, and how often each word occurs in the former."""

    train: list[bytes]
    test: list[bytes]
    counts: Counter[bytes]

    @staticmethod
    def of(texts: Sequence[str], budget: Budget) -> "Split":
        """Whole documents are held out."""
        held = texts[:: budget.held_out]
        kept = [text for i, text in enumerate(texts) if i % budget.held_out]
        counts = Counter(word for text in kept for word in text.encode().split())
        return Split(windows_of(kept, budget.window), windows_of(held, budget.window), counts)


def run(contender: Contender, split: Split, budget: Budget) -> dict[str, Any]:
    """Train on windows in an order that is the same for all models, then test."""
    rng = np.random.default_rng(budget.seed)

    def losses() -> Iterator[Tensor]:
        """Nats a byte: the one unit that all have."""
        while True:
            order = rng.permutation(len(split.train))
            for chosen in np.split(order, range(budget.batch, len(order), budget.batch)):
                windows = [split.train[i] for i in chosen]
                yield contender.nats(windows).sum() / sum(map(len, windows))

    curve, spent, start = [], 0.0, time.process_time()
    for step, _ in enumerate(train(contender.model, losses(), budget.steps, RATE), 1):
        if step % max(1, budget.steps // 8) == 0 or step == budget.steps:
            spent += time.process_time() - start
            curve.append((spent, float(bits(contender, split.test[::4]).mean())))
            print(f"  step {step}: {curve[-1][1]:.3f} bits a byte, {spent:.0f} s", flush=True)
            start = time.process_time()
    embedded, other = parameters(contender.model)
    return {
        "embedding_parameters": embedded,
        "other_parameters": other,
        "cpu_seconds": spent,
        "curve": curve,
        **scores(contender, split),
    }


@torch.no_grad()
def bits(contender: Contender, windows: Sequence[bytes]) -> NDArray[np.float64]:
    """Bits a byte of each window, weighted so that their mean is that of all bytes."""
    shares = [windows[i : i + 16] for i in range(0, len(windows), 16)]
    nats = torch.cat([contender.nats(share) for share in shares]).double().numpy()
    return nats / np.log(2) / np.mean([len(window) for window in windows])


def scores(contender: Contender, split: Split) -> dict[str, Any]:
    """Each measure with its 95% interval over windows drawn anew."""
    kinds = ("all words", "rare words", "unseen words")
    right = np.zeros((len(split.test), len(kinds)))
    total = np.zeros_like(right)
    for i, window in enumerate(split.test):
        targets = targets_of(window)
        for target, good in zip(targets, contender.right(window, targets), strict=True):
            seen = split.counts[window[target.start : target.stop].strip()]
            member = np.array([True, seen < RARE, seen == 0])
            right[i] += member * good
            total[i] += member
    found = {"bits a byte": interval(bits(contender, split.test), np.ones(len(split.test)))}
    for kind, good, count in zip(kinds, right.T, total.T, strict=True):
        found[kind] = {**interval(good, count), "words": int(count.sum())}
    return found


def interval(part: NDArray[np.float64], whole: NDArray[np.float64]) -> dict[str, float]:
    """The ratio of two sums over windows, and where it lies in 95% of draws of windows."""
    draws = np.random.default_rng(0).integers(0, len(part), (1000, len(part)))
    ratios = part[draws].sum(1) / np.maximum(whole[draws].sum(1), 1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return {"value": part.sum() / max(whole.sum(), 1), "low": float(low), "high": float(high)}


def measure(texts: Sequence[str], budget: Budget, out: Path) -> dict[str, Any]:
    """Train and test all; what is done so far is always in ``out``."""
    split = Split.of(texts, budget)
    result: dict[str, Any] = {
        "budget": asdict(budget),
        "train_bytes": sum(map(len, split.train)),
        "test_bytes": sum(map(len, split.test)),
        "models": {},
    }
    kept = [text for i, text in enumerate(texts) if i % budget.held_out]
    for name, contender in contenders(kept, budget):
        print(name, flush=True)
        result["models"][name] = run(contender, split, budget)
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
    return markdown_table([*header, "parameters", "in embeddings", "CPU seconds"], rows)


def publish(result: dict[str, Any]) -> None:
    """Write the pictures and the table of the tutorial."""
    for name, drawn in charts(result).items():
        (DOCS / f"word-pooled-{name}.svg").write_text(drawn)
    put(DOCS / "tutorials" / "word-pooled.md", "results", table(result))


def main() -> None:
    """Measure, print, and publish what was measured in full."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seconds, for tests; not published")
    parser.add_argument("--out", type=Path, default=RESULTS, help="JSON to write")
    parser.add_argument("--draw", action="store_true", help="only publish what --out holds")
    options = parser.parse_args()
    if options.draw:
        result = json.loads(options.out.read_text())
    else:
        sample = next(sample for sample in SAMPLES if sample.name == "reference")
        texts = [document.text for document in sample.documents()]
        texts = texts[:40] if options.quick else texts
        result = measure(texts, QUICK if options.quick else Budget(), options.out)
    print(table(result))
    if not options.quick:
        publish(result)


if __name__ == "__main__":
    main()
