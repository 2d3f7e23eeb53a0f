"""What exact next-byte probabilities cost beyond the model: by vocabulary, at the start, and with a
tolerance.
"""

import gzip
import json
import os
import statistics
import tempfile
import time
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np

from benchmarks.byteprob import tiny
from benchmarks.harness import save, show, versions
from benchmarks.material import folder, text
from benchmarks.startup import measure
from byteprob import ByteModel, Counted, FunctionModel, LookAhead, default_model
from byteprob.token_models import TokenModel
from tokenkit import Tokenizer

BYTES, REPEATS = 1000, 3
TOLERANCES = (0.0, 1e-6, 1e-4, 1e-2)
GUESSES = (0.8, 0.5, 0.2)
PATTERNS = {"GPT-2": "r50k_base", "Llama 3": "cl100k_base", "o200k": "o200k_base"}
"""The tokenizer.json files that have these split patterns."""
VOCABULARIES = (
    ("r50k_base", 50_256, "GPT-2"),
    ("cl100k_base", 100_256, "Llama 3"),
    ("o200k_base", 128_000, "GPT-2"),
    ("o200k_base", 128_000, "Llama 3"),
    ("o200k_base", 199_998, "o200k"),
)
STARTED = (
    ("cl100k_base", 8192, "Llama 3"),
    ("cl100k_base", 32_768, "Llama 3"),
    ("o200k_base", 128_000, "Llama 3"),
    ("o200k_base", 199_998, "o200k"),
)


@cache
def vocabulary(name: str, size: int, pattern: str) -> Path:
    """The first ranks of a vocabulary with the split pattern of another, as a tokenizer.json."""
    model = _read(name)
    vocab = {token: id_ for token, id_ in model["model"]["vocab"].items() if id_ < size}
    merges = [pair for pair in model["model"]["merges"] if "".join(pair) in vocab]
    model["model"] |= {"vocab": vocab, "merges": merges, "ignore_merges": pattern == "Llama 3"}
    model |= {"added_tokens": [], "pre_tokenizer": _read(PATTERNS[pattern])["pre_tokenizer"]}
    path = Path(tempfile.mkdtemp(prefix="tokenkit-bench-")) / "tokenizer.json"
    path.write_text(json.dumps(model))
    return path


def _read(name: str) -> dict[str, Any]:
    packed = folder() / "vocab" / f"{name}.tokenizer.json.gz"
    found: dict[str, Any] = json.loads(gzip.decompress(packed.read_bytes()))
    return found


def named(name: str, size: int, pattern: str) -> str:
    """What the rows call a vocabulary."""
    return f"first {size:,} ranks of {name}, pattern of {pattern}"


class Timed:
    """A token model, what it was asked for, and the time that took."""

    def __init__(self, model: TokenModel) -> None:
        self.model, self.start = model, model.start
        self.contexts, self.seconds = 0, 0.0

    def logits(self, contexts: Any, parents: Any) -> Any:
        start = time.perf_counter()
        found = self.model.logits(contexts, parents)
        self.contexts += len(contexts)
        self.seconds += time.perf_counter() - start
        return found

    def state(self, context: Any) -> Any:
        return self.model.state(context)


def passed(model: ByteModel, timed: Timed, raw: bytes) -> list[float]:
    """Milliseconds of each byte beyond the model's own: pushed, and the next one asked for."""
    cursor, found = model.at(), []
    for byte in raw:
        before, start = timed.seconds, time.perf_counter()
        cursor.push(byte)
        cursor.next_byte()
        found.append(1e3 * (time.perf_counter() - start - timed.seconds + before))
    return found


def row(what: str, token_model: TokenModel, tok: Tokenizer, raw: bytes, **options: Any) -> Any:
    """Medians over repeats; cold is the first pass of a new model, warm the next."""
    cold, warm, timed = [], [], Timed(token_model)
    for _ in range(REPEATS):
        model = ByteModel(timed, tok, "canonical", **options)
        cold.append(passed(model, timed, raw))
        timed.contexts, timed.seconds = 0, 0.0
        warm.append(passed(model, timed, raw))
    return {
        "what": what,
        "cold, mean": statistics.median(map(statistics.mean, cold)),
        "warm, mean": statistics.median(map(statistics.mean, warm)),
        "warm, median": statistics.median(map(statistics.median, warm)),
        "model, mean": 1e3 * timed.seconds / len(raw),
        "evaluations a byte": timed.contexts / len(raw),
    }


def bytes_beyond() -> list[dict[str, Any]]:
    """With a model that takes no time."""
    rows = []
    for given in VOCABULARIES:
        tok = Tokenizer.from_file(vocabulary(*given))
        logits = np.random.default_rng(0).normal(0, 2, (64, tok.vocab_size)).astype(np.float32)
        model = FunctionModel(lambda contexts, of=logits: of[: len(contexts)])
        for corpus in ("english", "code"):
            raw = text(corpus, 1 << 16).encode()[:BYTES]
            rows.append(row(f"{named(*given)}, {corpus}", model, tok, raw))
    return rows


def lazily() -> list[dict[str, Any]]:
    """With the tiny GPT-2 and a bound of the total variation distance."""
    import torch

    from byteprob.models.hf import TransformersModel

    torch.set_num_threads(1)
    place, raw = tiny()
    model, tok = TransformersModel.from_directory(place)
    return [
        row(f"tiny GPT-2, tolerance {bound:g}", model, tok, raw, tolerance=bound)
        for bound in TOLERANCES
    ]


def ahead() -> list[dict[str, Any]]:
    """How often the default model is asked, byte by byte and by what it thinks will come."""
    network, tok = default_model()
    texts = {"pages like its own": topics["assert"].encode()}
    texts |= {corpus: text(corpus, 1 << 12).encode() for corpus in ("english", "code")}
    rows = []
    for name, raw in texts.items():
        for least in (None, *GUESSES):
            counted = Counted(network)
            asked = LookAhead(counted, tok, least=least) if least else counted
            score = ByteModel(asked, tok, "canonical").score(raw[:BYTES])
            rows.append(
                {
                    "what": f"{name}, " + (f"guesses of {least:g}" if least else "byte by byte"),
                    "bits a byte": score.bits_per_byte,
                    "calls a byte": counted.calls / len(raw[:BYTES]),
                    "evaluations a byte": counted.evaluations / len(raw[:BYTES]),
                }
            )
    return rows


def starts() -> list[dict[str, Any]]:
    """Seconds until a canonical model is ready, tokenizer given; and of a whole process that loads
    it and says what comes first."""
    rows = []
    for given in STARTED:
        path = vocabulary(*given)
        tok = Tokenizer.from_file(path)
        model = FunctionModel(lambda contexts, n=tok.vocab_size: np.zeros((len(contexts), n)))
        seconds = []
        for _ in range(REPEATS + 1):
            start = time.perf_counter()
            ByteModel(model, tok, "canonical")
            seconds.append(time.perf_counter() - start)
        program = (
            "import numpy as np; from tokenkit import Tokenizer; from byteprob import *; "
            f"tok = Tokenizer.from_file({str(path)!r}); "
            "model = FunctionModel(lambda some: np.zeros((len(some), tok.vocab_size))); "
            "ByteModel(model, tok, 'canonical').next_byte(b'a')"
        )
        whole = measure(program, REPEATS)
        rows.append(
            {
                "what": named(*given),
                "ready, first": seconds[0],
                "ready, again": statistics.median(seconds[1:]),
                "whole process": whole["seconds"],
                "peak MB": whole["peak MB"],
            }
        )
    return rows


def _kept(name: str, title: str, rows: list[dict[str, Any]], load: tuple[float, ...]) -> None:
    show(title, rows, 3)
    notes = {
        "versions": versions("torch", "transformers"),
        "load at start and end": [*load, *os.getloadavg()],
    }
    save(name, title, rows, notes)


def main() -> None:
    load = os.getloadavg()
    _kept("byteprob-start", "Next-byte probabilities: start-up, seconds", starts(), load)
    _kept("byteprob-ahead", "Next-byte probabilities: calls of a model", ahead(), load)
    rows = [*bytes_beyond(), *lazily()]
    _kept(
        "byteprob-costs",
        "Next-byte probabilities: milliseconds a byte beyond the model",
        rows,
        load,
    )


if __name__ == "__main__":
    main()
