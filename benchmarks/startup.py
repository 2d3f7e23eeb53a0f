"""Import time, time from process start to the first encoded text, and memory, per library."""

import json
import statistics
import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

from benchmarks.harness import save, versions
from benchmarks.material import unpacked
from benchmarks.peers import PATTERNS

IMPORTS = ("tokenkit", "gigatoken", "tiktoken", "tokenizers", "sentencepiece", "transformers")
SENTENCE = "The quick brown fox jumps over 13 lazy dogs."


def first_encode_programs() -> dict[str, str]:
    """For each library: load o200k and encode one short text."""
    path = str(unpacked("o200k_base.tokenizer.json"))
    ranks = str(unpacked("o200k_base.tiktoken"))
    ours = (
        f"from tokenkit import Tokenizer; t = Tokenizer.from_file({path!r}); "
        f"n = len(t.encode({SENTENCE!r}))"
    )
    # Numba imports every package that extends it; here that is awkward, which gigatoken brings.
    alone = "import numba.core.entrypoints as e; e._already_initialized = True; "
    return {
        "tokenkit": ours,
        "tokenkit, where no package extends Numba": alone + ours,
        "gigatoken": f"import gigatoken as g; t = g.Tokenizer({path!r}); "
        f"n = len(t.encode({SENTENCE!r}))",
        "tokenizers": f"import tokenizers as h; t = h.Tokenizer.from_file({path!r}); "
        f"n = len(t.encode({SENTENCE!r}))",
        "tiktoken": "import tiktoken as k; from tiktoken.load import load_tiktoken_bpe as l; "
        f"t = k.Encoding('o', pat_str={PATTERNS['o200k_base']!r}, mergeable_ranks=l({ranks!r}), "
        f"special_tokens={{}}); n = len(t.encode({SENTENCE!r}))",
    }


# Not ru_maxrss: that of a child begins with what its parent used.
_TAIL = "; print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"


def measure(program: str, repeats: int = 5) -> dict[str, float]:
    """Median seconds of whole processes (less nothing: start to end) and peak MB."""
    seconds, peaks = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        run = subprocess.run(
            [sys.executable, "-c", program + _TAIL], capture_output=True, text=True, check=True
        )
        seconds.append(time.perf_counter() - start)
        peaks.append(int(run.stdout.split()[-1]) / 1024)
    return {"seconds": statistics.median(seconds), "peak MB": statistics.median(peaks)}


def run() -> None:
    rows = [{"what": "bare python", **measure("pass")}]
    rows += [{"what": f"import {name}", **measure(f"import {name}")} for name in IMPORTS]
    for name, program in first_encode_programs().items():
        measure(program, repeats=1)  # caches on disk are filled once, as in use
        rows.append({"what": f"first encode, o200k: {name}", **measure(program)})
    table = Table(title="Whole process, start to end")
    for heading in rows[0]:
        table.add_column(heading)
    for row in rows:
        table.add_row(*(f"{v:.2f}" if isinstance(v, float) else str(v) for v in row.values()))
    Console(width=120).print(table)
    save(
        "startup",
        "Start-up, whole process",
        json.loads(json.dumps(rows)),
        {"versions": versions(*IMPORTS)},
    )


if __name__ == "__main__":
    run()
