"""Encode MB/s: cold and warm, whole text and 2 kB documents, byte-level BPE vocabularies."""

from benchmarks import peers
from benchmarks.harness import Contender, Row, race, report, versions
from benchmarks.material import CORPORA, VOCABULARIES, documents, text, unpacked

SIZE = 8_000_000


def contenders(vocabulary: str) -> list[peers.Library]:
    import tokenizers as hf

    path = unpacked(f"{vocabulary}.tokenizer.json")
    return [
        peers.ours(path),
        peers.gigatoken(hf.Tokenizer.from_file(str(path))),
        peers.tiktoken(vocabulary),
        peers.tokenizers(path),
        peers.fastokens(path),
        peers.kitoken(path),
    ]


def whole(library: peers.Library, corpus: str) -> Contender:
    content = text(corpus, SIZE)
    return Contender(library.name, library.load, lambda tok: library.encode(tok, content))


def batch(library: peers.Library, corpus: str) -> Contender:
    docs = documents(corpus, SIZE)
    return Contender(library.name, library.load, lambda tok: library.encode_batch(tok, docs))


def run() -> None:
    rows: list[Row] = []
    for vocabulary in VOCABULARIES:
        libraries = contenders(vocabulary)
        for library in libraries:  # code is loaded or compiled before anything is timed
            library.encode_batch(library.load(), ["Warm-up text, 123."] * 3)
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
