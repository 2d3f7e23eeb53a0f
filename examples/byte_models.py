"""Two small language models with different vocabularies, read byte by byte.

``python examples/byte_models.py`` trains them as Llama folders, keeps
examples/results/byte-models.json and draws docs/byte-models-*.svg from it. ``--quick`` only shows
that everything runs.
"""

import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pages import DOCS, markdown_table, parser, put, put_pictures

from byteprob import (
    ByteModel,
    ByteSource,
    TransformersModel,
    bits_per_byte,
    fitted_mean,
    fitted_mixture,
    fitted_product,
    infill,
    score,
)
from byteprob.infill import Method, Sentinels
from corpora.samples import SAMPLES
from tokenkit import Tokenizer
from tokenkit.report import bar_chart

RESULTS = Path(__file__).parent / "results" / "byte-models.json"
RATE = 0.003
SENTINELS = Sentinels("<|prefix|>", "<|suffix|>", "<|middle|>")
SPECIAL = ["<|end|>", *asdict(SENTINELS).values()]
METHODS: tuple[Method, ...] = ("naive", "healing", "exact")


@dataclass(frozen=True)
class Kind:
    """A model: its vocabulary and the split pattern of its tokenizer."""

    vocab_size: int
    pattern: str


KINDS = {"512 tokens": Kind(512, "gpt2"), "2,048 tokens": Kind(2048, "llama3")}


@dataclass(frozen=True)
class Budget:
    """``steps`` of ``batch`` windows of ``window`` bytes; every ``held_out``-th document is for
    testing. ``prompts``, ``gaps``: places to go on from and to fill in; ``scored``: windows on
    which ensembles are tested, and as many to fit their weights to. ``middle``: bytes to fill in,
    at most."""

    steps: int = 1200
    batch: int = 16
    window: int = 320
    held_out: int = 10
    prompts: int = 600
    gaps: int = 300
    scored: int = 16
    middle: int = 12
    width: int = 128
    layers: int = 4
    seed: int = 0


QUICK = Budget(
    steps=3, batch=2, window=80, held_out=30, prompts=6, gaps=2, scored=1, width=16, layers=1
)


@dataclass(frozen=True)
class Texts:
    """Windows of whole documents held out, and of the others."""

    train: list[str]
    test: list[str]

    @staticmethod
    def of(budget: Budget) -> "Texts":
        """Of the bundled reference texts."""
        sample = next(sample for sample in SAMPLES if sample.name == "reference")
        texts = [document.text for document in sample.documents()]
        held = texts[:: budget.held_out]
        kept = [text for i, text in enumerate(texts) if i % budget.held_out]
        train = windows(kept, budget.window)
        seen = set(train)
        return Texts(train, [part for part in windows(held, budget.window) if part not in seen])


def windows(texts: Sequence[str], size: int) -> list[str]:
    """Consecutive parts of texts, without the short ones at their ends."""
    parts = [text[i : i + size] for text in texts for i in range(0, len(text), size)]
    return [part for part in parts if len(part) == size]


# --- training


def rows(tok: Tokenizer, texts: Sequence[str], rng: np.random.Generator) -> list[list[int]]:
    """Ids of windows, every other one as prefix, suffix and middle, cut between any characters.

    Suffix first; prefix and middle are one text (Code Llama, arXiv 2308.12950, section 2.3).
    """
    end = tok.special_tokens["<|end|>"]
    pre, suf, mid = (tok.special_tokens[name] for name in asdict(SENTINELS).values())
    found = []
    for text in texts:
        if rng.random() < 0.5:
            found.append([end, *tok.encode(text).tolist()])
            continue
        start, stop = np.sort(rng.integers(0, len(text) + 1, 2)).tolist()
        stop = min(stop, start + int(rng.integers(1, 40)))
        suffix, whole = (tok.encode(part).tolist() for part in (text[stop:], text[:stop]))
        found.append([end, pre, suf, *suffix, mid, *whole, end])
    return found


def batches(
    tok: Tokenizer, texts: Sequence[str], budget: Budget
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Ids, and the same with -100 where there are none: int64[batch, longest]."""
    rng = np.random.default_rng(budget.seed)
    while True:
        chosen = rng.choice(len(texts), budget.batch)
        made = [torch.tensor(row) for row in rows(tok, [texts[i] for i in chosen], rng)]
        ids = torch.nn.utils.rnn.pad_sequence(made, batch_first=True)
        labels = torch.nn.utils.rnn.pad_sequence(made, batch_first=True, padding_value=-100)
        yield ids, labels


def train(kind: Kind, texts: Sequence[str], budget: Budget, folder: Path) -> dict[str, Any]:
    """Write a model and its tokenizer; returns what that took."""
    from transformers import LlamaConfig, LlamaForCausalLM

    start = time.process_time()
    tok = Tokenizer.train(
        texts, vocab_size=kind.vocab_size, pattern=kind.pattern, special_tokens=SPECIAL
    )
    config = LlamaConfig(
        vocab_size=tok.vocab_size,
        hidden_size=budget.width,
        intermediate_size=3 * budget.width,
        num_hidden_layers=budget.layers,
        num_attention_heads=4,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=tok.special_tokens["<|end|>"],
        eos_token_id=tok.special_tokens["<|end|>"],
    )
    model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=budget.steps, pct_start=0.1
    )
    made = batches(tok, texts, budget)
    for step, (ids, labels) in zip(range(1, budget.steps + 1), made, strict=False):
        optimizer.zero_grad()
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % max(1, budget.steps // 6) == 0:
            print(f"{tok.vocab_size} tokens, step {step}: {loss:.3f} nats a token", flush=True)
    model.save_pretrained(folder)
    tok.save(folder / "tokenizer.json")
    return {"cpu_seconds": time.process_time() - start, "parameters": model.num_parameters()}


# --- measuring


def run(name: str, budget: Budget, folder: Path) -> dict[str, Any]:
    """Train one model and measure what concerns it alone."""
    torch.set_num_threads(1)
    torch.manual_seed(budget.seed)
    texts = Texts.of(budget)
    spent = train(KINDS[name], texts.train, budget, folder)
    model, tok = TransformersModel.from_directory(folder)
    rng = np.random.default_rng(budget.seed)
    return {
        **spent,
        "bits": bits_per_byte(model, tok, texts.test[: 4 * budget.scored]).open,
        "prompts": prompts(model, tok, texts.test, budget, rng),
        "gaps": gaps(model, tok, texts.test, budget, rng),
    }


def prompts(
    model: TransformersModel,
    tok: Tokenizer,
    texts: Sequence[str],
    budget: Budget,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """The byte behind a prompt that ends inside a token of the text, by each method."""
    exact, plain = ByteModel(model, tok, "canonical"), ByteModel(model, tok, "marginal")
    cases = []
    while len(cases) < budget.prompts:
        text = texts[rng.integers(len(texts))].encode()
        at = int(rng.integers(1, min(len(text), 120)))
        if at not in token_ends(tok, text):
            cases.append((text[:at], text[at]))
    laws: dict[str, list[NDArray[np.float64]]] = {method: [] for method in METHODS}
    laws["exact"] = [found.probs for found in exact.next_bytes([prompt for prompt, _ in cases])]
    for prompt, _ in cases:
        ids = tok.encode(prompt).tolist()
        naive = plain.behind(tuple(ids)).next_byte().probs
        laws["naive"].append(naive)
        laws["healing"].append(healed(plain, ids, naive))
    symbols = [symbol for _, symbol in cases]
    return {
        method: {
            "right": float(np.mean([p.argmax() == s for p, s in zip(found, symbols, strict=True)])),
            "bits": float(np.mean([-np.log2(p[s]) for p, s in zip(found, symbols, strict=True)])),
            "impossible": float(np.mean([p[s] == 0 for p, s in zip(found, symbols, strict=True)])),
            "distance": float(
                np.mean([abs(p - q).sum() / 2 for p, q in zip(found, laws["exact"], strict=True)])
            ),
        }
        for method, found in laws.items()
    }


def token_ends(tok: Tokenizer, text: bytes) -> set[int]:
    """Where the tokens of a text end, in bytes."""
    sizes = [len(tok.id_to_bytes(id_)) for id_ in tok.encode(text).tolist()]
    return set(np.cumsum(sizes).tolist())


def healed(
    model: ByteModel, ids: Sequence[int], behind: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The next byte when the last token is taken back and drawn anew; ``behind``: if it comes
    again."""
    vocabulary = model.reading.vocabulary
    ranges, tail = vocabulary.ranges, vocabulary.token(ids[-1])
    context = (*model.reading.model.start, *ids[:-1])
    weights, _, _ = ranges.weights(
        model.reading.model.logits([context], [None]).logits[0], vocabulary.ends
    )
    sums = np.zeros(256)
    again = ranges.add_next_bytes(ranges.starting_with(tail), len(tail), weights, sums)
    found: NDArray[np.float64] = (np.append(sums, 0.0) + again * behind) / (sums.sum() + again)
    return found


def gaps(
    model: TransformersModel,
    tok: Tokenizer,
    texts: Sequence[str],
    budget: Budget,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Middles between random bytes that are filled in exactly, the likeliest tokens each time."""
    reader = ByteModel(model, tok, "canonical")
    right: dict[str, list[bool]] = {method: [] for method in METHODS}
    ended: dict[str, list[bool]] = {method: [] for method in METHODS}
    inside = []
    for _ in range(budget.gaps):
        text = texts[rng.integers(len(texts))].encode()
        start = int(rng.integers(20, 60))
        stop = start + int(rng.integers(1, budget.middle + 1))
        inside.append(start not in token_ends(tok, text[:stop]))
        for method in METHODS:
            found = infill(
                reader,
                tok,
                text[:start],
                text[stop:],
                sentinels=SENTINELS,
                format="spm",
                method=method,
                size=budget.middle + 8,
                temperature=0.0,
            )
            right[method].append(found.startswith(text[start:stop]))
            ended[method].append(found == text[start:stop])
    cut = np.array(inside)
    return {
        method: {
            "all": float(np.mean(found)),
            "inside": float(np.array(found)[cut].mean()) if cut.any() else 0.0,
            "ended": float(np.mean(ended[method])),
            "cases": len(found),
            "cases inside": int(cut.sum()),
        }
        for method, found in right.items()
    }


def ensembles(folders: Sequence[Path], budget: Budget) -> dict[str, Any]:
    """Bits a byte of each model and of both together, on windows that no weight was fitted to."""
    texts = [text.encode() for text in Texts.of(budget).test]
    test, fit = texts[: budget.scored], texts[budget.scored : 2 * budget.scored]
    members = [
        ByteModel(*TransformersModel.from_directory(folder), target="canonical")
        for folder in folders
    ]
    sources: dict[str, ByteSource] = dict(zip(KINDS, members, strict=True))
    sources["mean"] = fitted_mean(members, fit)
    sources["mixture"] = fitted_mixture(members, fit)
    sources["product"] = fitted_product(members, fit)
    found = {}
    for name, source in sources.items():
        scores = [score(source, text) for text in test]
        size = sum(one.size for one in scores) * np.log(2)
        found[name] = {
            "bits": -sum(one.chained for one in scores) / size,
            "with leak": -sum(one.log_prob for one in scores) / size,
            "weights": [float(weight) for weight in getattr(source, "weights", ())],
        }
    return found


def measure(budget: Budget, jobs: int, out: Path) -> dict[str, Any]:
    """Train both, then measure."""
    torch.set_num_threads(1)
    spawn = multiprocessing.get_context("spawn")
    with TemporaryDirectory() as place, ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
        folders = [Path(place) / str(number) for number in range(len(KINDS))]
        tasks = [
            pool.submit(run, name, budget, folder)
            for name, folder in zip(KINDS, folders, strict=True)
        ]
        models = {name: task.result() for name, task in zip(KINDS, tasks, strict=True)}
        result = {
            "budget": asdict(budget),
            "models": models,
            "ensembles": ensembles(folders, budget),
        }
    out.write_text(json.dumps(result, indent=1) + "\n")
    return result


# --- publishing


def charts(result: dict[str, Any]) -> dict[str, str]:
    """What the end of a prompt does, gaps filled in, and bits of models and ensembles."""
    found = {}
    for part, measure, title in (
        ("prompts", "right", "Likeliest next byte right, behind prompts that end inside a token"),
        ("gaps", "all", "Middles between random bytes filled in, all bytes right"),
    ):
        bars: dict[str, dict[str, float]] = {}
        errors: dict[str, dict[str, tuple[float, float]]] = {}
        for method in METHODS:
            shares = {
                name: model[part][method][measure] for name, model in result["models"].items()
            }
            bars[method] = {name: 100 * share for name, share in shares.items()}
            errors[method] = {
                name: interval(share, result["budget"][part]) for name, share in shares.items()
            }
        found[part] = bar_chart(bars, title=title, y_label="%", errors=errors)
    bits = {name: one["bits"] for name, one in result["ensembles"].items()}
    title = "Bits a byte of each model and of both together"
    found["bits"] = bar_chart({"bits a byte": bits}, title=title, y_label="bits a byte")
    return found


def interval(share: float, count: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share of so many cases, in percent."""
    square = 1.96**2 / count
    middle, half = (
        share + square / 2,
        1.96 * np.sqrt(share * (1 - share) / count + square / count / 4),
    )
    return 100 * (middle - half) / (1 + square), 100 * (middle + half) / (1 + square)


def tables(result: dict[str, Any]) -> dict[str, str]:
    """The same as tables, by their names in the page."""
    rows_of: dict[str, list[list[object]]] = {"prompts": [], "gaps": [], "bits": []}
    for name, model in result["models"].items():
        for method in METHODS:
            one, gap = model["prompts"][method], model["gaps"][method]
            values = [f"{100 * one['right']:.1f}", f"{one['bits']:.2f}", f"{one['distance']:.3f}"]
            rows_of["prompts"].append([name, method, *values])
            rows_of["gaps"].append(
                [name, method, *(f"{100 * gap[key]:.1f}" for key in ("all", "inside", "ended"))]
            )
    for name, one in result["ensembles"].items():
        weights = " : ".join(f"{weight:.2f}" for weight in one["weights"])
        rows_of["bits"].append([name, weights, f"{one['bits']:.4f}", f"{one['with leak']:.4f}"])
    headers = {
        "prompts": ["model", "method", "next byte right, %", "bits", "distance to exact"],
        "gaps": ["model", "method", "filled in, %", "inside a token, %", "and ended there, %"],
        "bits": ["model", "weights", "bits a byte", "with the leak"],
    }
    return {name: markdown_table(headers[name], found) for name, found in rows_of.items()}


def publish(result: dict[str, Any]) -> None:
    """Write the pictures and tables of the tutorial."""
    put_pictures("byte-models", charts(result))
    for name, found in tables(result).items():
        put(DOCS / "tutorials" / "byte-models.md", name, found)


def main() -> None:
    """Measure, print, and publish what was measured in full."""
    options = parser(__doc__, Budget.steps, RESULTS).parse_args()
    if options.draw:
        result = json.loads(options.out.read_text())
    else:
        budget = QUICK if options.quick else Budget(steps=options.steps)
        result = measure(budget, options.jobs, options.out)
    for found in tables(result).values():
        print(found, end="\n\n")
    if not options.quick:
        publish(result)


if __name__ == "__main__":
    main()
