"""Tiny transformers learn to add and compare numbers, written in the tokens of each scheme.

``python examples/numbers_arithmetic.py`` trains all of them, keeps examples/results/numbers.json
and draws docs/numbers-*.svg from it. ``--quick`` only shows that everything runs.
"""

import json
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from pages import DOCS, markdown_table, parser, put, put_pictures
from tiny_gpt import IGNORED, Gpt, GptConfig, greedy, parameters, train

from tokenkit.numbers import L2R, R2L, TST, Digits, Scheme
from tokenkit.report import line_chart

RESULTS = Path(__file__).parent / "results" / "numbers.json"
SCHEMES: dict[str, Scheme] = {
    "TST A": TST(option="A"),
    "TST B": TST(option="B"),
    "right to left": R2L(),
    "left to right": L2R(),
    "digits": Digits(),
    "TST A, groups of 1": TST(option="A", group=1),
    "TST B, groups of 1": TST(option="B", group=1),
}
TASKS = ("addition", "comparison")
LONGEST = 6
"""Digits of the longest number: TST in groups of one digit has no longer ones."""
SIGNS = ("+", "?", "=", "<", ">", "<end>", "<fill>")
MODEL = {"width": 64, "layers": 2, "heads": 4}
RATE = 0.02


@dataclass(frozen=True)
class Budget:
    """What every scheme gets: ``steps`` of ``batch`` problems, numbers of 1 to ``trained`` digits;
    then ``tested`` problems of each task and length. ``seeds``: runs of each."""

    steps: int = 2500
    batch: int = 64
    trained: int = 5
    tested: int = 300
    seeds: int = 3


QUICK = Budget(steps=4, batch=8, trained=2, tested=4, seeds=1)


@dataclass(frozen=True)
class Problem:
    """``a sign b = answer``; the answer is a number or one of ``< = >``."""

    a: int
    sign: str
    b: int
    answer: str


def problem(rng: np.random.Generator, task: str, digits: int) -> Problem:
    """Draw two numbers of ``digits`` digits; two to compare may begin alike, or be the same."""
    least, end = (0 if digits == 1 else 10 ** (digits - 1)), 10**digits
    while True:
        a, b = rng.integers(least, end, 2).tolist()
        if task == "comparison":
            unit = 10 ** int(rng.integers(0, digits + 1))
            b = a - a % unit + b % unit
            return Problem(a, "?", b, "<" if a < b else ">" if a > b else "=")
        if a + b < 10**LONGEST:
            return Problem(a, "+", b, str(a + b))


class Vocabulary:
    """The ids of a model: tokens of a scheme that whole numbers here can have, then the signs."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        rng = np.random.default_rng(0)
        lengths = range(1, LONGEST + 1)
        numbers = [n for d in lengths for n in rng.integers(10 ** (d - 1), 10**d, 30_000).tolist()]
        used = np.unique(
            np.concatenate(self._tokens([*map(str, range(10_000)), *map(str, numbers)]))
        )
        self._id = np.full(len(scheme.vocab), -1)
        self._id[used] = np.arange(len(used))
        self._sign = {sign: len(used) + i for i, sign in enumerate(SIGNS)}
        self.fill = self._sign["<fill>"]
        self.number_tokens = len(used)
        self.size = len(used) + len(SIGNS)

    def _tokens(self, numbers: Sequence[str]) -> list[np.ndarray[Any, Any]]:
        """Of many numbers at once: those of one text, parted where the numbers are."""
        found = self._scheme.encode(" ".join(numbers))
        starts = np.cumsum([0] + [len(number) + 1 for number in numbers[:-1]])
        return np.split(found.ids, np.searchsorted(found.byte_spans[:, 0], starts[1:]))

    def encode(self, problems: Sequence[Problem]) -> list[tuple[list[int], list[int]]]:
        """Prompt and answer, with its end, of each."""
        texts = [text for p in problems for text in (str(p.a), str(p.b), p.answer)]
        numbers = [text for text in texts if text.isdigit()]
        tokens = iter([self._id[ids].tolist() for ids in self._tokens(numbers)])
        rows = []
        for p in problems:
            prompt = [*next(tokens), self._sign[p.sign], *next(tokens), self._sign["="]]
            answer = next(tokens) if p.answer.isdigit() else [self._sign[p.answer]]
            rows.append((prompt, [*answer, self._sign["<end>"]]))
        return rows

    def batch(self, problems: Sequence[Problem]) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and targets, int64[problems, length]; only answers are learned from."""
        rows = self.encode(problems)
        length = max(len(prompt) + len(answer) for prompt, answer in rows) - 1
        ids = np.full((len(rows), length), self.fill)
        targets = np.full((len(rows), length), IGNORED)
        for i, (prompt, answer) in enumerate(rows):
            end = len(prompt) + len(answer) - 1
            ids[i, :end] = [*prompt, *answer[:-1]]
            targets[i, len(prompt) - 1 : end] = answer
        return torch.from_numpy(ids), torch.from_numpy(targets)


def run(name: str, seed: int, budget: Budget) -> dict[str, Any]:
    """Train one model and test it; the same problems for every scheme of a seed."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    vocabulary = Vocabulary(SCHEMES[name])
    model = Gpt(GptConfig(vocabulary.size, **MODEL))
    tokens = 0

    def losses() -> Iterator[torch.Tensor]:
        nonlocal tokens
        while True:
            tasks = rng.choice(TASKS, budget.batch)
            lengths = rng.integers(1, budget.trained + 1, budget.batch).tolist()
            drawn = [problem(rng, *pair) for pair in zip(tasks, lengths, strict=True)]
            ids, targets = vocabulary.batch(drawn)
            tokens += int((ids != vocabulary.fill).sum()) + len(ids)  # the last of each is no input
            yield model.losses(ids, targets).mean()

    start = time.process_time()
    curve = list(train(model, losses(), budget.steps, RATE))
    seconds = time.process_time() - start
    embedded, other = parameters(model)
    return {
        "scheme": name,
        "seed": seed,
        "number_tokens": vocabulary.number_tokens,
        "embedding_parameters": embedded,
        "other_parameters": other,
        "tokens_seen": tokens,
        "cpu_seconds": seconds,
        "last_loss": fmean(curve[-50:]),
        "accuracy": {
            task: {n: accuracy(model, vocabulary, task, n, budget) for n in range(1, LONGEST + 1)}
            for task in TASKS
        },
    }


def accuracy(model: Gpt, vocabulary: Vocabulary, task: str, digits: int, budget: Budget) -> float:
    """Share of problems, the same for all, whose whole answer the model gives by itself."""
    rng = np.random.default_rng(1_000_000 + digits)
    rows = vocabulary.encode([problem(rng, task, digits) for _ in range(budget.tested)])
    alike = defaultdict(list)
    for prompt, answer in rows:
        alike[len(prompt)].append((prompt, answer))
    right = 0
    for group in alike.values():
        longest = max(len(answer) for _, answer in group)
        given = greedy(model, torch.tensor([prompt for prompt, _ in group]), longest).tolist()
        right += sum(
            ids[: len(answer)] == answer for ids, (_, answer) in zip(given, group, strict=True)
        )
    return right / len(rows)


def measure(budget: Budget, jobs: int, out: Path) -> dict[str, Any]:
    """Run every scheme with every seed; what is done so far is always in ``out``."""
    plan = [(name, seed, budget) for seed in range(budget.seeds) for name in SCHEMES]
    result: dict[str, Any] = {"budget": asdict(budget), "model": MODEL, "runs": []}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
        for done in as_completed([pool.submit(run, *task) for task in plan]):
            result["runs"].append(done.result())
            result["runs"].sort(key=lambda r: (list(SCHEMES).index(r["scheme"]), r["seed"]))
            out.write_text(json.dumps(result, indent=1) + "\n")
            last = done.result()
            print(last["scheme"], last["seed"], f"{last['cpu_seconds']:.0f} s", flush=True)
    # Keys of JSON are strings; so are those of what is read back.
    return dict(json.loads(out.read_text()))


def charts(result: dict[str, Any]) -> dict[str, str]:
    """A picture for each task: accuracy by digits, the mean of the seeds and their range."""
    found = {}
    for task in TASKS:
        lines, bands = {}, {}
        for name, runs in by_scheme(result).items():
            spread = [[r["accuracy"][task][str(n)] for r in runs] for n in range(1, LONGEST + 1)]
            lines[name] = [(n + 1.0, fmean(values)) for n, values in enumerate(spread)]
            bands[name] = [(min(values), max(values)) for values in spread]
        found[task] = line_chart(
            lines,
            title=f"{task.capitalize()} after {result['budget']['steps']:,} steps",
            x_label=f"digits of both numbers (trained up to {result['budget']['trained']})",
            y_label="share of answers wholly right",
            bands=bands,
        )
    return found


def by_scheme(result: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Runs of each scheme that has any."""
    found = defaultdict(list)
    for one in result["runs"]:
        found[one["scheme"]].append(one)
    return found


def table(result: dict[str, Any]) -> str:
    """What each scheme gave and what it took, means over seeds."""
    budget = result["budget"]
    problems = budget["steps"] * budget["batch"]
    inside = range(1, budget["trained"] + 1)
    rows = []
    for name, runs in by_scheme(result).items():
        cells = [name, len(runs), f"`{SCHEMES[name].readable('12345')}`", runs[0]["number_tokens"]]
        cells.append(f"{runs[0]['embedding_parameters'] + runs[0]['other_parameters']:,}")
        cells.append(f"{fmean(r['tokens_seen'] for r in runs) / problems:.1f}")
        cells.append(f"{fmean(r['cpu_seconds'] for r in runs):.0f}")
        for task in TASKS:
            for lengths in (inside, range(budget["trained"] + 1, LONGEST + 1)):
                means = [fmean(r["accuracy"][task][str(n)] for n in lengths) for r in runs]
                cells.append(f"{fmean(means):.2f} ({min(means):.2f}–{max(means):.2f})")
        rows.append(cells)
    header = ["scheme", "runs", "12345", "number tokens", "parameters", "tokens a problem"]
    header += ["CPU seconds", "addition", "addition, longer", "comparison", "comparison, longer"]
    return markdown_table(header, rows)


def publish(result: dict[str, Any]) -> None:
    """Write the pictures and the table of the tutorial."""
    put_pictures("numbers", charts(result))
    put(DOCS / "tutorials" / "numbers-arithmetic.md", "results", table(result))


def main() -> None:
    """Measure, print, and publish what was measured in full."""
    arguments = parser(__doc__, Budget.steps, RESULTS)
    arguments.add_argument("--seeds", type=int, default=Budget.seeds)
    options = arguments.parse_args()
    if options.draw:
        result = json.loads(options.out.read_text())
    else:
        full = Budget(steps=options.steps, seeds=options.seeds)
        result = measure(QUICK if options.quick else full, options.jobs, options.out)
    print(table(result))
    if not options.quick:
        publish(result)


if __name__ == "__main__":
    main()
