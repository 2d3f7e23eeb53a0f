"""What a second thread brings, beside what it brings to work that shares nothing.

Two virtual processors may be one core. What that leaves for a second thread is measured too: by
two tokenizers, each with a half of the documents, and by two loops that touch no memory.
"""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit
from rich.console import Console
from rich.table import Table

from benchmarks.harness import save
from benchmarks.material import CORPORA, documents, unpacked
from encoders.buffers import joined
from tokenkit import Tokenizer

SIZE = 8_000_000
REPEATS = 7
_WARM = 3

Run = Callable[[], object]


@njit(nogil=True)
def _registers_only(rounds: int) -> Any:
    """Six chains of instructions that do not wait for each other."""
    a, b, c = np.uint64(1), np.uint64(2), np.uint64(3)
    d, e, f, k = np.uint64(4), np.uint64(5), np.uint64(6), np.uint64(7)
    for _ in range(rounds):
        a, b, c = (a ^ (a << k)) + k, (b ^ (b << k)) + k, (c ^ (c << k)) + k
        d, e, f = (d ^ (d << k)) + k, (e ^ (e << k)) + k, (f ^ (f << k)) + k
    return a ^ b ^ c ^ d ^ e ^ f


def _seconds(run: Run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _ratio(one: Run, two: Run) -> float:
    """How much sooner ``two`` is done, as the median over turns."""
    return statistics.median(_seconds(one) / _seconds(two) for _ in range(REPEATS))


def _together(*runs: Run) -> Run:
    pool = ThreadPoolExecutor(len(runs))
    return lambda: list(pool.map(lambda run: run(), runs))


def of_corpus(corpus: str) -> dict[str, float | str]:
    """Seconds on one thread over seconds on two, for the ways to encode one corpus."""
    path = unpacked("cl100k_base.tokenizer.json")
    texts = list(documents(corpus, SIZE))
    text, bounds = joined([document.encode() for document in texts])
    half = len(bounds) // 2

    def new() -> Tokenizer:
        tok = Tokenizer.from_file(path)
        tok.encode("The kernels are loaded by now.")
        return tok

    def cold(threads: int) -> float:
        tok = new()
        return _seconds(lambda: tok.encode_batch(texts, threads=threads))

    first, second = new(), new()
    for tok in (first, second) * _WARM:
        tok.encode_batch(texts, threads=2)
        tok.encode_buffer(text, bounds)
    return {
        "corpus": corpus,
        "str, cold": statistics.median(cold(1) / cold(2) for _ in range(REPEATS)),
        "str, warm": _ratio(
            lambda: first.encode_batch(texts, threads=1),
            lambda: first.encode_batch(texts, threads=2),
        ),
        "buffer, warm": _ratio(
            lambda: first.encode_buffer(text, bounds),
            lambda: first.encode_buffer(text, bounds, threads=2),
        ),
        "two tokenizers, warm": _ratio(
            lambda: first.encode_buffer(text, bounds),
            _together(
                lambda: first.encode_buffer(text, bounds[: half + 1]),
                lambda: second.encode_buffer(text, bounds[half:]),
            ),
        ),
        "registers only": _ratio(
            lambda: _registers_only(20_000_000),
            _together(*[lambda: _registers_only(10_000_000)] * 2),
        ),
    }


def run() -> None:
    _registers_only(1)
    rows = [of_corpus(corpus) for corpus in CORPORA]
    table = Table(title="Two threads: times as fast as one, cl100k_base, documents of 2 kB")
    for heading in rows[0]:
        table.add_column(heading)
    for row in rows:
        table.add_row(*(f"{v:.2f}" if isinstance(v, float) else v for v in row.values()))
    Console(width=120).print(table)
    save("threads", "Two threads, times as fast as one", rows, {"size": SIZE})


if __name__ == "__main__":
    run()
