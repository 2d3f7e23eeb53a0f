"""Patchers, the dense layout and the n-gram entropy model: MB/s of text, one thread.

Every contender of a setting makes as many patches as the others, but `tiktoken`, which shows what
tokenizing the same text costs.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from benchmarks.harness import US, Contender, Row, race, report, save, versions
from benchmarks.material import documents, unpacked
from benchmarks.peers import PATTERNS
from encoders.buffers import Bytes, Offsets, joined
from encoders.patches.entropy import Contexts, entropies
from tokenkit import Tokenizer
from tokenkit.words import Dense, Entropy, NgramEntropy, Patcher, Patches, Rule, Space
from tokenkit.words.rules import Regex, Static, TokenEnds, Word

SIZE = 10_000_000
CORPORA = ("legal", "financial", "multilingual")
WIDTH = 16
Batch = tuple[Bytes, Offsets]


@cache
def batch(corpus: str) -> Batch:
    return joined([text.encode() for text in documents(corpus, SIZE)])


@cache
def cl100k() -> tuple[Tokenizer, Any]:
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe

    ranks = load_tiktoken_bpe(str(unpacked("cl100k_base.tiktoken")))
    theirs = tiktoken.Encoding(
        "cl100k_base", pat_str=PATTERNS["cl100k_base"], mergeable_ranks=ranks, special_tokens={}
    )
    return Tokenizer.from_file(unpacked("cl100k_base.tokenizer.json")), theirs


@cache
def model(order: int) -> NgramEntropy:
    return NgramEntropy.train(documents("legal", SIZE), order=order)


def ours(name: str, rule: Rule, corpus: str, **limits: Any) -> Contender:
    def run(patcher: Patcher) -> int:
        return len(patcher.patch_buffer(*batch(corpus)).offsets) - 1

    return Contender(name, lambda: Patcher(rule, **limits), run)


def theirs(name: str, count: Callable[[], int]) -> Contender:
    return Contender(name, lambda: None, lambda _: count())


# --- the peers


def numpy_spacelike(text: Bytes, bounds: Offsets) -> Offsets:
    """Offsets by the rule of SpaceByte, all documents at once."""
    text = text[: bounds[-1]]
    letter = (text | 0x20) - np.uint8(97) < 26
    spacelike = ~(letter & (text < 0x80) | (text - np.uint8(48) < 10) | (text & 0xC0 == 0x80))
    before = np.roll(spacelike, 1)
    before[bounds[:-1]] = True
    starts = np.append(spacelike & ~before, True)
    starts[1:] = starts[:-1]
    starts[bounds] = True
    return np.flatnonzero(starts)


def torch_spacelike(text: bytes) -> int:
    """As BLT: a row of int64 ids with offset 4 behind a bos, then lengths. Its rule, our code."""
    ids = torch.tensor(np.frombuffer(text, np.uint8).astype(np.int64)) + 4
    byte = torch.cat([torch.tensor([1]), ids])[None] - 4
    spacelike = (byte < 48) | ((byte > 57) & (byte < 65)) | ((byte > 90) & (byte < 97))
    spacelike |= ((byte > 122) & (byte < 128)) | (byte >= 192)
    ends = spacelike.clone()
    ends[:, 1:] &= ~spacelike[:, :-1]
    starts = torch.cat([torch.ones(1, 2, dtype=torch.bool), ends[:, 1:-1]], dim=1)
    places = torch.nonzero(starts[0]).flatten()
    lengths = torch.diff(places, append=torch.tensor([byte.shape[1]]))
    return len(lengths) - 1  # but the bos


def numpy_contexts(order: int, text: Bytes, bounds: Offsets) -> Any:
    """Rows of a table of counts, as `Contexts` has them, for one document after another."""
    text = text[: bounds[-1]].astype(np.uint64)
    place = np.arange(len(text)) - np.repeat(bounds[:-1], np.diff(bounds))
    context = np.zeros(len(text), np.uint64)
    for back in range(order):
        byte = np.where(place > back, np.roll(text, back + 1), np.uint64(0))
        context |= byte << np.uint64(8 * back)
    multiplier, shift, _ = Contexts(order)._hash
    return (context * multiplier & np.uint64(0xFFFFFFFF)) >> shift


def numpy_entropy(order: int, text: Bytes, bounds: Offsets) -> int:
    found = model(order).entropies[numpy_contexts(order, text, bounds)]
    starts = found > model(order).threshold * 8192
    starts[bounds[:-1]] = True
    return int(np.count_nonzero(starts))


# --- the settings


def space(corpus: str) -> list[Contender]:
    texts = [text.encode() for text in documents(corpus, SIZE)]
    return [
        ours(US, Space(), corpus),
        theirs("numpy", lambda: len(numpy_spacelike(*batch(corpus))) - 1),
        theirs("torch, BLT's rule", lambda: sum(map(torch_spacelike, texts))),
    ]


def word(corpus: str) -> list[Contender]:
    texts = documents(corpus, SIZE)
    split = re.compile(r"\s*\S+|\s+").findall
    tiktoken = cl100k()[1]
    return [
        ours(US, Word(), corpus),
        ours("tokenkit, at most 16, whole characters", Word(), corpus,
             max_patch_length=WIDTH, snap_utf8=True),
        theirs("re.findall", lambda: sum(len(split(text)) for text in texts)),
        theirs("tiktoken cl100k", lambda: sum(len(tiktoken.encode_ordinary(t)) for t in texts)),
    ]  # fmt: skip


def static(corpus: str) -> list[Contender]:
    def by_numpy() -> int:
        _, bounds = batch(corpus)
        rows = [np.arange(a, b, 4) for a, b in pairwise(bounds)]
        return len(np.concatenate(rows))

    return [ours(US, Static(4), corpus), theirs("numpy", by_numpy)]


def regex_(corpus: str) -> list[Contender]:
    import regex

    from tokenkit.text.formats.tiktoken import NAMED_PATTERNS

    texts = documents(corpus, SIZE)
    split = regex.compile(NAMED_PATTERNS["gpt2"]).findall
    return [
        ours(US, Regex("gpt2"), corpus),
        theirs("regex.findall", lambda: sum(len(split(text)) for text in texts)),
    ]


def tokens(corpus: str) -> list[Contender]:
    texts, (tok, tiktoken) = documents(corpus, SIZE), cl100k()
    return [
        ours(US, TokenEnds(tok), corpus),
        theirs("tiktoken cl100k", lambda: sum(len(tiktoken.encode_ordinary(t)) for t in texts)),
    ]


def entropy(order: int, corpus: str) -> list[Contender]:
    return [
        ours(US, Entropy(model(order)), corpus),
        theirs("numpy", lambda: numpy_entropy(order, *batch(corpus))),
    ]


def training(order: int, corpus: str) -> list[Contender]:
    text, bounds = batch(corpus)

    def count() -> int:
        counts = Contexts(order).counts()
        Contexts(order).add(text, bounds, counts)
        return int(np.count_nonzero(counts))

    def by_numpy() -> int:
        rows = numpy_contexts(order, text, bounds) * np.uint64(256) + text[: bounds[-1]]
        found = np.bincount(rows.astype(np.int64), minlength=Contexts(order).count * 256)
        return int(np.count_nonzero(found))

    return [theirs(US, count), theirs("numpy", by_numpy)]


def dense(corpus: str) -> list[Contender]:
    patches = Patcher(Word(), WIDTH).patch_buffer(*batch(corpus))
    flat = Patches(patches.values, patches.offsets, np.array([0, len(patches.offsets) - 1]))
    lengths = flat.lengths

    def by_torch() -> int:
        parts = torch.from_numpy(flat.values.astype(np.int16)).split(lengths.values.tolist())
        return len(torch.nn.utils.rnn.pad_sequence(parts, batch_first=True))

    return [
        theirs(US, lambda: len(Dense.of(patches, WIDTH, dtype=np.int16).ids)),
        theirs("tokenkit, int64", lambda: len(Dense.of(patches, WIDTH).ids)),
        theirs("numpy", lambda: len(_by_numpy(patches))),
        theirs("torch pad_sequence", by_torch),
    ]


def _by_numpy(patches: Patches) -> Any:
    lengths = np.diff(patches.offsets)
    inside = np.arange(WIDTH) < lengths[:, None]
    matrix = np.zeros((len(lengths), WIDTH), np.int16)
    matrix[inside] = patches.values
    return matrix


def settings(corpus: str) -> Iterator[tuple[str, list[Contender]]]:
    yield "space", space(corpus)
    yield "word", word(corpus)
    yield "static 4", static(corpus)
    yield "regex gpt2", regex_(corpus)
    yield "tokenizer ends", tokens(corpus)
    yield f"dense {WIDTH}, int16", dense(corpus)
    for order in (2, 3, 4):
        yield f"entropy {order}", entropy(order, corpus)
        yield f"entropy {order}, counting", training(order, corpus)


def run() -> None:
    rows: list[Row] = []
    for corpus in CORPORA:
        size = int(batch(corpus)[1][-1])
        for name, contenders in settings(corpus):
            rows += race(f"{name}, {corpus}", contenders, size, 5)
    notes = {"size": SIZE, "versions": versions("numpy", "torch", "tiktoken", "regex")}
    report("words", "Patches, one thread, MB/s of text", rows, notes)
    priors()


def priors() -> None:
    """Bits per held-out byte by the weight of the prior: what `entropy._PRIOR` rests on."""
    texts = [t.encode() for corpus in ("legal", "financial") for t in documents(corpus, SIZE)]
    kept, held = joined([t for i, t in enumerate(texts) if i % 16]), joined(texts[::16])
    share = np.bincount(kept[0][: kept[1][-1]], minlength=256) + 1.0
    share /= share.sum()
    rows = []
    for order in (2, 3, 4):
        counts = Contexts(order).counts()
        Contexts(order).add(*kept, counts)
        at, byte = numpy_contexts(order, *held), held[0][: held[1][-1]]
        total = counts.sum(axis=1, dtype=np.int64)[at]
        for weight in (0.5, 1.0, 2.0, 4.0, 8.0):
            p = (counts[at, byte] + weight * share[byte]) / (total + weight)
            nats = Contexts(order).look_up(*held, entropies(counts, weight * share)) / 8192
            rows.append(
                {
                    "order": order,
                    "prior": weight,
                    "bits per byte": float(-np.log2(p).mean()),
                    "mean entropy in bits": float(nats.mean() / np.log(2)),
                }
            )
    save("words-prior", "Bits per held-out byte of the n-gram model", rows, None)


if __name__ == "__main__":
    run()
