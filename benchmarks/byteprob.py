"""Exact next-byte probabilities: sums by next byte, cost of a byte, start-up, and peers.

genlm-bytes pins what it needs: its row is measured by ``TOKENKIT_PEER_GENLM``, the Python of an
environment that has it, one after the other with ours; without it the row is left out.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.harness import save, versions
from benchmarks.material import VOCABULARIES, folder, text
from byteprob import ByteModel, FunctionModel
from byteprob.token_models import TokenModel
from encoders.byte_ranges import ByteRanges
from tokenkit import Tokenizer

PEER = Path(__file__).parent / "byteprob_genlm.py"
SUMMED, REPEATS = 128_256, 30
BYTES, WARM = 1500, 300
SMALL, TINY_BYTES = 8192, 150
TOLERANCES = (1e-6, 1e-4, 1e-2)


def _median_ms(run: Callable[[], Any]) -> float:
    run()
    found = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return 1e3 * statistics.median(found)


def sums() -> list[dict[str, Any]]:
    """The next byte's distribution from logits of 128,256 tokens; side by side, one thread."""
    import torch

    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    tok = Tokenizer.from_file(folder() / "vocab" / "o200k_base.tokenizer.json.gz")
    tokens = {i: tok.id_to_bytes(i) for i in range(SUMMED)}
    ranges, none = ByteRanges.of(tokens), np.empty(0, np.uint32)
    logits = random.normal(0, 4, SUMMED).astype(np.float32)
    first = np.array([tokens[i][0] for i in range(SUMMED)])
    deep = ranges.starting_with(b" a")
    weights, _, _ = ranges.weights(logits, none)
    on_torch, first_torch = torch.from_numpy(logits), torch.from_numpy(first)
    dense = torch.zeros(259, SUMMED)
    dense[first_torch, torch.arange(SUMMED)] = 1.0
    sparse = _trie_matrix(tokens)

    def ours() -> None:
        found, _, _ = ranges.weights(logits, none)
        ranges.add_next_bytes(ranges.whole, 0, found, np.zeros(256))

    def scatter() -> None:
        logs = torch.log_softmax(on_torch, 0)
        torch.full((256,), -torch.inf).scatter_reduce(0, first_torch, logs, "amax")
        torch.zeros(256).scatter_add(0, first_torch, logs.exp()).log()

    ways: dict[str, Callable[[], Any]] = {
        "byteprob, ranges, float64": ours,
        f"byteprob, deep head, {deep[1] - deep[0]:,} tokens": lambda: ranges.add_next_bytes(
            deep, 2, weights, np.zeros(256)
        ),
        "torch scatter, float32": scatter,
        "dense matrix, float32": lambda: dense @ torch.softmax(on_torch, 0),
        "sparse matrix of all prefixes, float32": lambda: sparse @ torch.softmax(on_torch, 0),
    }
    return [{"what": f"sums: {name}", "ms": _median_ms(run)} for name, run in ways.items()]


def _trie_matrix(tokens: dict[int, bytes]) -> Any:
    import torch

    node: dict[bytes, int] = {}
    rows, columns = [], []
    for id_, raw in tokens.items():
        for size in range(len(raw) + 1):
            rows.append(node.setdefault(raw[:size], len(node)))
            columns.append(id_)
    shape = len(node), len(tokens)
    return torch.sparse_coo_tensor([rows, columns], torch.ones(len(rows)), shape).to_sparse_csr()


def startup() -> list[dict[str, Any]]:
    """Seconds until a canonical model is ready, tokenizer given, the median of five."""
    rows = []
    for name in ("kl3m-001-32k", *VOCABULARIES):
        tok = Tokenizer.from_file(folder() / "vocab" / f"{name}.tokenizer.json.gz")
        model = FunctionModel(lambda contexts: np.zeros((len(contexts), 1), np.float32))
        try:
            found = _median_seconds(lambda t=tok, m=model: ByteModel(m, t, "canonical"))
        except Exception as error:
            rows.append({"what": f"start-up: {name}", "error": str(error)[:150]})
            continue
        rows.append({"what": f"start-up: {name}, {tok.vocab_size:,} ids", "ms": 1e3 * found})
    return rows


def _median_seconds(run: Callable[[], Any]) -> float:
    run()
    found = []
    for _ in range(5):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


class Counted:
    """A token model, and what it was asked for."""

    def __init__(self, model: TokenModel) -> None:
        self.model, self.start = model, model.start
        self.calls = self.contexts = 0
        self.seconds = 0.0

    def logits(self, contexts: Any, parents: Any) -> Any:
        self.calls, self.contexts = self.calls + 1, self.contexts + len(contexts)
        start = time.perf_counter()
        found = self.model.logits(contexts, parents)
        self.seconds += time.perf_counter() - start
        return found

    def state(self, context: Any) -> Any:
        return self.model.state(context)


def stepped(what: str, model: TokenModel, tok: Tokenizer, raw: bytes, **options: Any) -> Any:
    """Every byte of a text pushed, and the distribution behind it asked for."""
    counted = Counted(model)
    cursor, spent, own = ByteModel(counted, tok, **options).at(), [], []
    for byte in raw:
        before, start = counted.seconds, time.perf_counter()
        cursor.push(byte)
        cursor.next_byte()
        spent.append(1e3 * (time.perf_counter() - start))
        own.append(spent[-1] - 1e3 * (counted.seconds - before))
    own = own[WARM:] if len(own) > 2 * WARM else own
    return {
        "what": what,
        "ms": statistics.median(spent),
        "mean ms": statistics.mean(spent),
        "own mean ms": statistics.mean(own),
        "own median ms": statistics.median(own),
        "own p95 ms": float(np.percentile(own, 95)),
        "evaluations a byte": counted.contexts / len(raw),
    }


def latency() -> list[dict[str, Any]]:
    """Time of a byte with a model that takes none, behind the first `WARM` bytes."""
    rows = []
    for name in VOCABULARIES:
        tok = Tokenizer.from_file(folder() / "vocab" / f"{name}.tokenizer.json.gz")
        logits = np.random.default_rng(0).normal(0, 2, (64, tok.vocab_size)).astype(np.float32)
        model = FunctionModel(lambda contexts, row=logits: row[: len(contexts)])
        for corpus in ("english", "code"):
            raw = text(corpus, 1 << 16).encode()[:BYTES]
            what = f"a byte, no model: {name}, {corpus}"
            rows.append(stepped(what, model, tok, raw, target="canonical"))
    return rows


@cache
def tiny() -> tuple[Path, bytes]:
    """A random GPT-2 of 1.7M parameters over 8,192 tokens, as a folder; and a text."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    code = text("code", 2_000_000)
    place = Path(tempfile.mkdtemp(prefix="tokenkit-bench-"))
    tok = Tokenizer.train([code], vocab_size=SMALL, special_tokens=["<|endoftext|>"])
    tok.save(place / "tokenizer.json")
    PreTrainedTokenizerFast(
        tokenizer_file=str(place / "tokenizer.json"),
        eos_token="<|endoftext|>",
        bos_token="<|endoftext|>",
    ).save_pretrained(place)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=SMALL, n_embd=128, n_layer=3, n_head=4, n_positions=512,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(place)
    return place, code.encode()[5000 : 5000 + TINY_BYTES]


def tiny_rows() -> list[dict[str, Any]]:
    """A byte of a tiny GPT-2, model time included: ours, lazy, beams, and genlm-bytes."""
    import torch

    from byteprob.models.hf import TransformersModel

    torch.set_num_threads(1)
    place, raw = tiny()
    settings: list[tuple[str, dict[str, Any]]] = [("canonical", {"target": "canonical"})]
    settings += [
        (f"canonical, tolerance {eps:g}", {"target": "canonical", "tolerance": eps})
        for eps in TOLERANCES
    ]
    settings += [
        (f"marginal, beam {beam}", {"target": "marginal", "beam": beam}) for beam in (5, 8, 32)
    ]
    rows = []
    for name, options in settings:
        model, tok = TransformersModel.from_directory(place)
        rows.append(stepped(f"tiny GPT-2: byteprob, {name}", model, tok, raw, **options))
    python = os.environ.get("TOKENKIT_PEER_GENLM", "")
    for beam in (5, 8, 32) if python else ():
        command = [python, "-P", str(PEER), str(place), str(beam)]
        run = subprocess.run(command, input=raw, capture_output=True, check=False)
        what = f"tiny GPT-2: genlm-bytes, marginal, beam {beam}"
        if run.returncode:
            rows.append({"what": what, "error": run.stderr.decode()[-200:]})
            continue
        rows.append({"what": what, **json.loads(run.stdout.splitlines()[-1])})
    return rows


def run() -> None:
    load = os.getloadavg()
    rows = [*sums(), *startup(), *latency(), *tiny_rows()]
    table = Table(title="Next-byte probabilities")
    headings = list(dict.fromkeys(key for row in rows for key in row))
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        cells = [row.get(heading, "") for heading in headings]
        table.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in cells))
    Console(width=180).print(table)
    notes = {
        "versions": versions("torch", "transformers"),
        "load at start and end": [*load, *os.getloadavg()],
    }
    save("byteprob", "Next-byte probabilities, milliseconds", rows, notes)


if __name__ == "__main__":
    run()
