"""Corpus preparation end to end, MB/s of text: jsonl and plain text in, token files out."""

import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.harness import save, versions
from benchmarks.material import CORPORA, text, unpacked

SIZE = 8_000_000
TIMES = 10
"""How often the large input repeats the other one: there start-up is little beside the work."""
LENGTH = 4_000
WORKERS = 2


def make_inputs(folder: Path) -> tuple[Path, Path, int]:
    """The same documents as jsonl and as one text file with a separator; and their bytes."""
    jsonl, plain = folder / "docs" / "docs.jsonl", folder / "docs.txt"
    jsonl.parent.mkdir()
    size = 0
    with jsonl.open("w") as lines, plain.open("w", newline="") as whole:
        for corpus in CORPORA:
            content = text(corpus, SIZE)
            for i in range(0, len(content), LENGTH):
                document = content[i : i + LENGTH]
                size += len(document.encode())
                lines.write(json.dumps({"text": document}, ensure_ascii=False) + "\n")
                whole.write(document + "\0")
    return jsonl, plain, size


def tokenkit_command(source: Path, tokenizer: Path, out: Path, *options: str) -> int:
    command = [sys.executable, "-m", "tokenkit", "prepare", str(source)]
    command += ["--tokenizer", str(tokenizer), "--out", str(out), "--workers", str(WORKERS)]
    run = subprocess.run([*command, "--json", *options], check=True, capture_output=True, text=True)
    return int(json.loads(run.stdout.strip().splitlines()[-1])["tokens"])


_megatron_tokenizer = None


def _megatron_start(path: str) -> None:
    global _megatron_tokenizer  # noqa: PLW0603 - this is how Megatron's own script shares it
    import tokenizers

    _megatron_tokenizer = tokenizers.Tokenizer.from_file(path)


def _megatron_encode(line: str) -> list[int]:
    assert _megatron_tokenizer is not None
    ids: list[int] = _megatron_tokenizer.encode(json.loads(line)["text"]).ids
    return ids


def megatron_way(source: Path, tokenizer: Path, out: Path) -> int:
    """The design of Megatron-LM's tools/preprocess_data.py: a pool of processes, imap by lines."""
    out.mkdir()
    total = 0
    with (
        multiprocessing.Pool(WORKERS, _megatron_start, (str(tokenizer),)) as pool,
        source.open() as lines,
        (out / "tokens.bin").open("wb") as binary,
    ):
        for ids in pool.imap(_megatron_encode, lines, 32):
            binary.write(np.asarray(ids, np.uint32).tobytes())
            total += len(ids)
    return total


def datasets_map(source: Path, tokenizer: Path, out: Path) -> int:
    """Hugging Face ``datasets.map`` in batches with two processes, saved to disk."""
    import datasets
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(tokenizer_file=str(tokenizer))
    dataset = datasets.load_dataset(
        "json", data_files=str(source), split="train", cache_dir=str(out / "cache")
    )
    mapped = dataset.map(
        lambda batch: {"ids": fast(batch["text"])["input_ids"]},
        batched=True,
        num_proc=WORKERS,
        remove_columns=["text"],
    )
    mapped.save_to_disk(str(out / "saved"))
    return sum(map(len, mapped["ids"]))


def datatrove(source: Path, tokenizer: Path, out: Path) -> int:
    """datatrove's JsonlReader and DocumentTokenizer. One input file is one task there."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.tokens import DocumentTokenizer

    LocalPipelineExecutor(
        pipeline=[
            JsonlReader(str(source.parent)),
            DocumentTokenizer(str(out / "tokens"), str(tokenizer), shuffle_documents=False),
        ],
        tasks=1,
        workers=1,
        logging_dir=str(out / "logs"),
    ).run()
    binary = next((out / "tokens").glob("*.ds"))
    return binary.stat().st_size // 4


def repeated(plain: Path) -> Path:
    """The input `TIMES` times over."""
    large = plain.with_name("large.txt")
    content = plain.read_bytes()
    with large.open("wb") as whole:
        for _ in range(TIMES):
            whole.write(content)
    return large


def raw_encode(plain: Path, tokenizer: Path, seconds: list[float]) -> int:
    """The ceiling of `prepare`: the same documents encoded from memory on the same threads, whose
    time alone is kept in ``seconds``."""
    from tokenkit import Tokenizer

    documents = plain.read_bytes().decode().split("\0")[:-1]
    tok = Tokenizer.from_file(tokenizer)
    start = time.perf_counter()
    count = len(tok.encode_batch(documents, threads=WORKERS).values)
    seconds.append(time.perf_counter() - start)
    return count


def run(repeats: int = 3) -> None:
    os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    work = Path(tempfile.mkdtemp(prefix="tokenkit-bench-"))
    jsonl, plain, size = make_inputs(work)
    large = repeated(plain)
    from_memory, large_from_memory = (
        "tokenkit, encode_batch from memory",
        f"the same, {TIMES} times",
    )
    encode_seconds: dict[str, list[float]] = {from_memory: [], large_from_memory: []}
    tokenizer = unpacked("cl100k_base.tokenizer.json")
    separator = ("--separator", "\\0")
    ways: dict[str, Callable[[Path], int]] = {
        "tokenkit, text": lambda out: tokenkit_command(plain, tokenizer, out, *separator),
        "tokenkit, jsonl": lambda out: tokenkit_command(jsonl, tokenizer, out),
        "Megatron's way, jsonl": lambda out: megatron_way(jsonl, tokenizer, out),
        "datatrove, jsonl": lambda out: datatrove(jsonl, tokenizer, out),
        "datasets.map, jsonl": lambda out: datasets_map(jsonl, tokenizer, out),
        from_memory: lambda _: raw_encode(plain, tokenizer, encode_seconds[from_memory]),
        f"tokenkit, text, {TIMES} times": lambda out: tokenkit_command(
            large, tokenizer, out, *separator
        ),
        large_from_memory: lambda _: raw_encode(
            large, tokenizer, encode_seconds[large_from_memory]
        ),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    counts: dict[str, int] = {}
    for repeat in range(repeats):
        for name, way in ways.items():
            out = work / f"{repeat}-{len(seconds[name])}-{name.split(',')[0].split()[0]}"
            shutil.rmtree(out, ignore_errors=True)
            start = time.perf_counter()
            counts[name] = way(out)
            seconds[name].append(time.perf_counter() - start)
            shutil.rmtree(out, ignore_errors=True)
    seconds |= encode_seconds
    sizes = {name: size * (TIMES if name.endswith(f"{TIMES} times") else 1) for name in ways}
    rows = [
        {
            "way": name,
            "seconds": statistics.median(taken),
            "MB/s": sizes[name] / 1e6 / statistics.median(taken),
            "tokens": counts[name],
        }
        for name, taken in seconds.items()
    ]
    table = Table(title=f"prepare, whole process, {size / 1e6:.0f} MB, {WORKERS} workers, cl100k")
    for heading in rows[0]:
        table.add_column(heading)
    for row in rows:
        table.add_row(*(f"{v:.2f}" if isinstance(v, float) else str(v) for v in row.values()))
    Console(width=120).print(table)
    save("prepare", "prepare end to end", rows, {"versions": versions("datatrove", "datasets")})
    shutil.rmtree(work)


if __name__ == "__main__":
    run()
