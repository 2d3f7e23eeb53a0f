"""The main job from end to end, on text that this machine has: ``make demo``.

Builds the sample corpora, trains a tokenizer of 8,000 tokens on them, prepares training shards,
verifies them, loads a batch, audits the tokenizer, and says what came of it.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

import corpora
from tokenkit import Tokenizer
from tokenkit.audit import audit
from tokenkit.cli.colours import as_terminal
from tokenkit.corpus import PrepareOptions, open_shards, prepare
from tokenkit.corpus.verify import verify
from tokenkit.numbers import TST

SENTENCE = "The Licensee shall pay $1,250,000 by 30 June 2025; see section 4(b), or import this."
console = Console(highlight=False, width=100 if not sys.stdout.isatty() else None)


def texts(path: Path) -> Iterator[str]:
    """The documents of a jsonl corpus."""
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]


def step(title: str) -> None:
    """Say what comes next."""
    console.print(f"[bold]{title}[/]")


def main(folder: Path) -> None:
    """Run all steps under ``folder``."""
    start = time.perf_counter()
    step("1. Build the sample corpora")
    corpora.build(folder / "corpora")
    files = sorted((folder / "corpora").glob("*.jsonl"))
    for file in files:
        console.print(f"   {file.name:<22}{file.stat().st_size / 1e6:6.1f} MB")

    step("2. Train a tokenizer of 8,000 tokens on them")
    tok = Tokenizer.train(
        (text for file in files for text in texts(file)),
        vocab_size=8000,
        special_tokens=["<|endoftext|>"],
    )
    tok.save(folder / "tokenizer.json")
    console.print(f"   {tok}")

    step("3. Prepare training shards")
    options = PrepareOptions(eos=tok.special_tokens["<|endoftext|>"], seed=0)
    began = time.perf_counter()
    summary = prepare([str(f) for f in files], tok, folder / "shards", options, workers=2)
    seconds = time.perf_counter() - began
    console.print(
        f"   {summary.documents:,} documents, {summary.tokens:,} tokens in {summary.shards} shard, "
        f"{summary.text_bytes / 1e6:.0f} MB of text in {seconds:.1f} s (the first time with the "
        "compilation of kernels)"
    )

    step("4. Verify them")
    _, problems = verify(folder / "shards")
    console.print(f"   {problems or 'all checksums match'}")

    step("5. Load a training batch")
    load_batch(folder / "shards", tok)

    step("6. Compression: bytes a token, more is better")
    compression(tok, files)

    step("7. One sentence in tokens")
    row = tok.encode(SENTENCE).tolist()
    as_terminal(SENTENCE, [(id_, tok.id_to_bytes(id_)) for id_ in row], ids=False)
    numbers = [SENTENCE[start:stop] for start, stop in TST().numbers(SENTENCE)]
    console.print(f"   as number tokens: {'; '.join(map(TST().readable, numbers))}")

    step("8. What is wrong with it")
    found = audit(tok).findings
    for finding in found:
        if finding.severity in ("error", "warning"):
            console.print(f"   {finding.severity}: {finding.title}")
    nothing = sum(finding.severity == "ok" for finding in found)
    console.print(f"   {nothing} of {len(found)} checks found nothing")
    console.print(
        f"[dim]everything is under {folder}; {time.perf_counter() - start:.0f} s in all[/]"
    )


def load_batch(shards: Path, tok: Tokenizer) -> None:
    """Take one batch as a training loop would."""
    from tokenkit.adapters.torch_data import Loader, PackedSequences, Packing, ShuffledSequences

    sequences = PackedSequences(open_shards(shards), Packing(512))
    batch = next(iter(Loader(ShuffledSequences(sequences, seed=0), batch_size=8)))
    shape = tuple(batch["input_ids"].shape)
    console.print(f"   input_ids {shape}, {len(batch['cu_seqlens']) - 1} document pieces in it")
    opening = tok.decode(batch["input_ids"][0][:24].tolist())
    console.print(f"   it begins: {opening!r}", soft_wrap=True)


def compression(tok: Tokenizer, files: list[Path]) -> None:
    """Bytes a token of the new tokenizer, and of r50k where its file is at hand."""
    tokenizers = {"trained here, 8k": tok}
    r50k = Path(os.environ.get("TOKENKIT_DATA", ""), "vocab", "r50k_base.tokenizer.json.gz")
    if r50k.is_file():
        tokenizers["r50k (GPT-2), 50k"] = Tokenizer.from_file(r50k)
    table = Table()
    table.add_column("corpus")
    for name in tokenizers:
        table.add_column(name, justify="right")
    for file in files:
        content = list(texts(file))
        size = sum(len(text.encode()) for text in content)
        ratios = [size / len(each.encode_batch(content).values) for each in tokenizers.values()]
        table.add_row(file.stem, *(f"{ratio:.2f}" for ratio in ratios))
    console.print(table)
    console.print("   [dim]the new one was trained on this very text; r50k was not[/]")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ".demo"))
