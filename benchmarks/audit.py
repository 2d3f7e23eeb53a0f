"""Audits: whole ones, and what a plain loop over a library does of them, in thousand tokens/s."""

import gzip
from functools import cache, partial
from typing import Any

from benchmarks import peers
from benchmarks.harness import US, Contender, Row, race, report, versions
from benchmarks.material import VOCABULARIES, folder, unpacked
from tokenkit import Tokenizer
from tokenkit.audit import Category, Vocabulary, audit, categories

AUDITED = (*VOCABULARIES, "kl3m-001-32k", "kl3m-004-char-4k-cased")
REACHED = (Category.OK, Category.OK_SPECIAL)


def load(vocabulary: str) -> Tokenizer:
    path = folder() / "vocab" / f"{vocabulary}.tokenizer.json.gz"
    return Tokenizer.from_bytes(gzip.decompress(path.read_bytes()))


# --- tokens that their own text becomes: how many


def ours(tokenizer: Tokenizer) -> int:
    return sum(category in REACHED for category in categories(Vocabulary.of(tokenizer)))


def hf_loop(library: Any) -> int:
    """Magikarp's method: decode a token, encode the text."""
    reached = 0
    for id_ in range(library.get_vocab_size()):
        text = library.decode([id_], skip_special_tokens=False)
        reached += library.encode(text, add_special_tokens=False).ids == [id_]
    return reached


def hf_batch(library: Any) -> int:
    ids = range(library.get_vocab_size())
    texts = library.decode_batch([[id_] for id_ in ids], skip_special_tokens=False)
    rows = library.encode_batch_fast(texts, add_special_tokens=False)
    return sum(row.ids == [id_] for id_, row in enumerate(rows))


def tiktoken_loop(encoding: Any) -> int:
    return sum(
        encoding.encode(encoding.decode([id_]), disallowed_special=()) == [id_]
        for id_ in range(encoding.max_token_value + 1)
    )


def tiktoken_batch(encoding: Any) -> int:
    texts = [encoding.decode([id_]) for id_ in range(encoding.max_token_value + 1)]
    rows = encoding.encode_ordinary_batch(texts, num_threads=peers.threads())
    return sum(row == [id_] for id_, row in enumerate(rows))


def standalone(vocabulary: str) -> list[Contender]:
    import tokenizers as hf

    path = unpacked(f"{vocabulary}.tokenizer.json")

    def library() -> Any:
        made = hf.Tokenizer.from_file(str(path))
        made.no_padding()  # as some files ask for, which would make all rows of a batch alike long
        return made

    found = [
        Contender(US, partial(load, vocabulary), ours),
        Contender("tokenizers, Magikarp's loop", library, hf_loop),
        Contender("tokenizers, batches", library, hf_batch),
    ]
    if vocabulary in VOCABULARIES:
        peer = peers.tiktoken(vocabulary)  # without the special token that the json has
        found += [
            Contender("tiktoken, loop", peer.load, tiktoken_loop),
            Contender("tiktoken, batches", peer.load, tiktoken_batch),
        ]
    return found


# --- encodings of all tokens: the number of tokens that have several


@cache
def vocabulary_of(name: str) -> Vocabulary:
    return Vocabulary.of(load(name))


def with_kernels(vocabulary: Vocabulary) -> int:
    return int((vocabulary.segmenter.counts(*vocabulary.flat) > 1).sum())


def plain(tokens: tuple[bytes, ...]) -> int:
    """The same dynamic programming as one writes it in Python."""
    known, longest = set(tokens) - {b""}, max(map(len, tokens))
    several = 0
    for token in tokens:
        ways = [1]
        for stop in range(1, len(token) + 1):
            starts = range(max(0, stop - longest), stop)
            ways.append(sum(ways[start] for start in starts if token[start:stop] in known))
        several += ways[-1] > 1
    return several


def encodings(name: str) -> list[Contender]:
    tokens = vocabulary_of(name).tokens

    def fresh() -> Vocabulary:
        return Vocabulary(vocabulary_of(name).tokenizer, tokens)

    return [Contender(US, fresh, with_kernels), Contender("Python", lambda: tokens, plain)]


def whole(tokenizer: Tokenizer) -> int:
    return sum(finding.severity != "ok" for finding in audit(tokenizer).findings)


def run() -> None:
    rows: list[Row] = []
    audit(load("kl3m-004-char-4k-cased"))  # kernels load before the clock starts
    for name in AUDITED:
        size = load(name).vocab_size
        contender = Contender(US, partial(load, name), whole)
        rows += race(f"{name} all checks", [contender], size, 3, unit=1e3)
        rows += race(f"{name} reached alone", standalone(name), size, 3, unit=1e3)
    for name in VOCABULARIES:
        size = load(name).vocab_size
        rows += race(f"{name} encodings", encodings(name), size, 3, unit=1e3)
    notes = {
        "counts": "findings; tokens that their own text becomes; tokens with several encodings",
        "versions": versions("tokenizers", "tiktoken"),
    }
    report("audit", "Audit, one thread, thousand tokens/s", rows, notes)


if __name__ == "__main__":
    run()
