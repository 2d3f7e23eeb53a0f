"""Encode MB/s: cold and warm, whole text and 2 kB documents, byte-level BPE vocabularies."""

from typing import Any

from benchmarks import peers
from benchmarks.harness import Contender, Row, race, report, versions
from benchmarks.material import CORPORA, VOCABULARIES, documents, text, unpacked

SIZE = 8_000_000


def contenders(vocabulary: str) -> list[peers.Library]:
    import tokenizers as hf

    path = unpacked(f"{vocabulary}.tokenizer.json")
    found = [
        peers.ours(path),
        peers.gigatoken(hf.Tokenizer.from_file(str(path))),
        peers.splintr(path),
        peers.tiktoken(vocabulary),
        peers.tokenizers(path),
        peers.fastokens(path),
        peers.kitoken(path),
    ]
    return [*found, peers.rs_bpe(vocabulary)] if vocabulary != "r50k_base" else found


def whole(library: peers.Library, corpus: str) -> Contender:
    raw = text(corpus, SIZE).encode()

    def new() -> tuple[Any, str]:
        # A text never seen: CPython keeps the UTF-8 that a library once asked a str for.
        return library.load(), raw.decode()

    return Contender(library.name, new, lambda made: library.encode(*made))


def batch(library: peers.Library, corpus: str) -> Contender:
    raws = [document.encode() for document in documents(corpus, SIZE)]

    def new() -> tuple[Any, list[str]]:
        return library.load(), [raw.decode() for raw in raws]

    return Contender(library.name, new, lambda made: library.encode_batch(*made))


def run() -> None:
    rows: list[Row] = []
    # What a second thread brings, one vocabulary tells.
    vocabularies = VOCABULARIES if peers.threads() == 1 else VOCABULARIES[1:2]
    for vocabulary in vocabularies:
        libraries = contenders(vocabulary)
        peers.load_code(libraries)
        for corpus in CORPORA:
            size = len(text(corpus, SIZE).encode())
            for shape, make in (("whole", whole), ("2 kB", batch)):
                setting = f"{vocabulary} {corpus} {shape}"
                rows += race(setting, [make(lib, corpus) for lib in libraries], size, repeats=3)
    count = peers.threads()
    report(
        f"encode-{count}",
        f"Encode, {count} thread(s), MB/s",
        rows,
        {"size": SIZE, "versions": versions(*peers.PEERS)},
    )


if __name__ == "__main__":
    run()
