"""Exact next-byte probabilities: sums by next byte, and bytes of a tiny GPT-2; with the peers.

genlm-bytes and ByteSampler pin what they need: each runs in a process of its own, by the Python of
``TOKENKIT_PEER_GENLM`` and ``TOKENKIT_PEER_BYTESAMPLER``, and is timed without its start.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import US, Contender, Row, race, report, versions
from benchmarks.material import folder, text
from byteprob import ByteModel
from encoders.byte_ranges import ByteRanges
from tokenkit import Tokenizer

SUMMED, SUMS = 128_256, 20
SMALL, TINY_BYTES = 8192, 150
REPEATS = 5


def sums() -> list[Row]:
    """The next byte's distribution from logits of 128,256 tokens, on one thread."""
    import torch

    torch.set_num_threads(1)
    tok = Tokenizer.from_file(folder() / "vocab" / "o200k_base.tokenizer.json.gz")
    tokens = {i: tok.id_to_bytes(i) for i in range(SUMMED)}
    ranges, none = ByteRanges.of(tokens), np.empty(0, np.uint32)
    logits = np.random.default_rng(0).normal(0, 4, SUMMED).astype(np.float32)
    on_torch = torch.from_numpy(logits)
    first = torch.from_numpy(np.array([tokens[i][0] for i in range(SUMMED)]))
    dense = torch.zeros(259, SUMMED)
    dense[first, torch.arange(SUMMED)] = 1.0
    sparse = _matrix_of_prefixes(tokens)

    def ours() -> None:
        found = ranges.weigh(logits, ranges.every, none)
        _ = found.sums / found.total

    def scatter() -> None:
        logs = torch.log_softmax(on_torch, 0)
        torch.full((256,), -torch.inf).scatter_reduce(0, first, logs, "amax")
        torch.zeros(256).scatter_add(0, first, logs.exp()).log()

    ways: dict[str, Callable[[], Any]] = {
        US: ours,
        "torch scatter, float32": scatter,
        "sparse matrix of all prefixes, float32": lambda: sparse @ torch.softmax(on_torch, 0),
        "dense matrix, float32": lambda: dense @ torch.softmax(on_torch, 0),
    }
    for way in ways.values():  # kernels are loaded before anything is timed
        way()
    return race(
        f"all logits of {SUMMED:,} ids",
        [Contender(name, lambda: None, _many(way)) for name, way in ways.items()],
        SUMS,
        REPEATS,
        unit=1,
    )


def _many(way: Callable[[], Any]) -> Callable[[Any], int]:
    def run(_: None) -> int:
        for _ in range(SUMS):
            way()
        return SUMS

    return run


def _matrix_of_prefixes(tokens: dict[int, bytes]) -> Any:
    import torch

    node: dict[bytes, int] = {}
    rows, columns = [], []
    for id_, raw in tokens.items():
        for size in range(len(raw) + 1):
            rows.append(node.setdefault(raw[:size], len(node)))
            columns.append(id_)
    shape = len(node), len(tokens)
    return torch.sparse_coo_tensor([rows, columns], torch.ones(len(rows)), shape).to_sparse_csr()


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


def ours(**options: Any) -> Contender:
    """Every byte of the text pushed, and the distribution behind it asked for."""
    from byteprob.models.hf import TransformersModel

    place, raw = tiny()

    def run(model: ByteModel) -> int:
        cursor = model.at()
        for byte in raw:
            cursor.push(byte)
            cursor.next_byte()
        return len(raw)

    return Contender(
        US, lambda: ByteModel(*TransformersModel.from_directory(place), **options), run
    )


@dataclass(frozen=True)
class Peer:
    """A program that says when it is ready; then for each line it is sent it does all bytes of
    the text and says how many."""

    process: Any

    @staticmethod
    def started(variable: str, program: str, *arguments: str) -> "Peer":
        python = os.environ.get(variable)
        if not python:
            raise LookupError(f"{variable} names no Python")
        place, raw = tiny()
        path = str(Path(__file__).parent / f"{program}.py")
        process = subprocess.Popen(
            [python, "-P", path, str(place), raw.hex(), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        found = Peer(process)
        found.said()  # that it is ready
        return found

    def said(self) -> str:
        """The next line; raises RuntimeError where the program has ended."""
        if not (line := self.process.stdout.readline()):
            raise RuntimeError(f"{Path(self.process.args[2]).stem} ended by itself")
        return line.strip()

    def run(self) -> int:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.said())


def bytes_of_tiny() -> list[Row]:
    """A byte of the tiny GPT-2, the model's own time included."""
    import torch

    torch.set_num_threads(1)

    def sampler(name: str, how: str) -> Contender:
        arguments = "TOKENKIT_PEER_BYTESAMPLER", "byteprob_bytesampler", how
        return Contender(name, lambda: Peer.started(*arguments), Peer.run)

    def beam(size: int) -> Contender:
        arguments = "TOKENKIT_PEER_GENLM", "byteprob_genlm", str(size)
        return Contender(f"genlm-bytes, beam {size}", lambda: Peer.started(*arguments), Peer.run)

    exact = [ours(target="canonical"), sampler("ByteSampler, exact", "exact")]
    exact += [sampler("ByteSampler, as it comes", "default"), beam(5)]
    rows = race("tiny GPT-2, canonical", exact, TINY_BYTES, REPEATS, unit=1)
    for size in (5, 8):
        pair = [ours(target="marginal", beam=size), beam(size)]
        rows += race(f"tiny GPT-2, marginal, beam {size}", pair, TINY_BYTES, 3, unit=1)
    return rows


def main() -> None:
    load = os.getloadavg()
    rows = [*sums(), *bytes_of_tiny()]
    notes = {
        "versions": versions("torch", "transformers"),
        "load at start and end": [*load, *os.getloadavg()],
    }
    title = "Next-byte probabilities: distributions a second, one thread"
    report("byteprob", title, rows, notes)


if __name__ == "__main__":
    main()
