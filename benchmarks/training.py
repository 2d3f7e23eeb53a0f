"""Seconds and peak memory to train 32k byte-level BPE on 50 MB, each trainer in its own process."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness import save, versions
from benchmarks.material import text

SIZE = 10_000_000
CORPORA = ("english", "legal", "financial", "government", "code")
VOCABULARY = 32_000
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"

TRAINERS = {
    "tokenkit": """
from tokenkit import Tokenizer
Tokenizer.train(["Warm-up: kernels load before the clock starts."] * 4, vocab_size=300)
start = time.perf_counter()
options = {"vocab_size": VOCABULARY, "min_frequency": 0, "threads": THREADS}
size = Tokenizer.train(documents(), **options).vocab_size
""",
    "tokenizers": """
import tokenizers as hf
from tokenizers import models, pre_tokenizers, trainers
tok = hf.Tokenizer(models.BPE())
tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
alphabet = pre_tokenizers.ByteLevel.alphabet()
start = time.perf_counter()
tok.train_from_iterator(documents(), trainers.BpeTrainer(
    vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False))
size = tok.get_vocab_size()
""",
    "gigatoken": """
import gigatoken as gt
start = time.perf_counter()
trained = gt.train_bpe(open(PATH, "rb").read(), VOCABULARY, [])
size = VOCABULARY
""",
    "rustbpe": """
import rustbpe
tok = rustbpe.Tokenizer()
start = time.perf_counter()
tok.train_from_iterator(documents(), VOCABULARY, pattern=GPT2)
size = tok.vocab_size
""",
    "bpeasy": """
import bpeasy
start = time.perf_counter()
size = len(bpeasy.train_bpe(documents(), GPT2, 128, VOCABULARY))
""",
}

_PROLOGUE = """
import json, re, sys, time
PATH, VOCABULARY, THREADS, GPT2 = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
def documents():
    with open(PATH, encoding="utf-8", newline="") as lines:
        while block := lines.read(100_000):
            yield block
"""
_EPILOGUE = """
seconds = time.perf_counter() - start
# Not ru_maxrss: that of a child begins with what its parent used.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps({"seconds": seconds, "peak_mb": peak, "size": size}))
"""


def run(repeats: int = 3) -> None:
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus.txt")
        corpus.write_text("".join(text(name, SIZE) for name in CORPORA), newline="")
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in TRAINERS}
        for _ in range(repeats):
            for name, body in TRAINERS.items():
                runs[name].append(_train(body, corpus))
    rows = [_median(name, results) for name, results in runs.items()]
    table = Table(title="Training 32k byte-level BPE on 50 MB, two threads")
    for heading in rows[0]:
        table.add_column(heading)
    for row in rows:
        table.add_row(*(f"{v:.1f}" if isinstance(v, float) else str(v) for v in row.values()))
    Console(width=120).print(table)
    save("training", "Training 32k on 50 MB", rows, {"versions": versions(*TRAINERS)})


def _train(body: str, corpus: Path) -> dict[str, float]:
    arguments = [str(corpus), str(VOCABULARY), "2", GPT2]
    code = _PROLOGUE + body + _EPILOGUE
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    if run.returncode:
        return {"error": run.stderr.strip().splitlines()[-1]}  # type: ignore[dict-item]
    result: dict[str, float] = json.loads(run.stdout.strip().splitlines()[-1])
    return result


def _median(name: str, results: list[dict[str, float]]) -> dict[str, object]:
    if any("error" in result for result in results):
        error = next(result["error"] for result in results if "error" in result)
        return {"trainer": name, "seconds": 0.0, "peak MB": 0.0, "vocabulary": str(error)[:60]}
    middle = sorted(results, key=lambda result: result["seconds"])[len(results) // 2]
    return {
        "trainer": name,
        "seconds": middle["seconds"],
        "peak MB": middle["peak_mb"],
        "vocabulary": int(middle["size"]),
    }


if __name__ == "__main__":
    run()
