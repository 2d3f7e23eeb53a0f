"""Decode MB/s of output bytes, and the copy that bounds it."""

import numpy as np

from benchmarks.encode import SIZE
from benchmarks.harness import Contender, Row, race, report, versions
from benchmarks.material import CORPORA, VOCABULARIES, text, unpacked
from benchmarks.peers import PATTERNS


def contenders(vocabulary: str, corpus: str) -> list[Contender]:
    import gigatoken as gt
    import tiktoken as tt
    import tokenizers as hf
    from tiktoken.load import load_tiktoken_bpe

    from tokenkit import Tokenizer

    path = unpacked(f"{vocabulary}.tokenizer.json")
    ours = Tokenizer.from_file(path)
    ids = ours.encode(text(corpus, SIZE))
    id_list = ids.tolist()
    ranks = load_tiktoken_bpe(str(unpacked(f"{vocabulary}.tiktoken")))
    theirs = tt.Encoding(
        vocabulary, pat_str=PATTERNS[vocabulary], mergeable_ranks=ranks, special_tokens={}
    )
    hugging = hf.Tokenizer.from_file(str(path))
    giga = gt.Tokenizer(hugging)
    raw = np.frombuffer(text(corpus, SIZE).encode(), np.uint8)
    return [
        Contender("tokenkit", lambda: ours, lambda tok: len(tok.decode_bytes(ids))),
        Contender("tokenkit, list in", lambda: ours, lambda tok: len(tok.decode_bytes(id_list))),
        Contender("gigatoken", lambda: giga, lambda tok: len(tok.decode(ids))),
        Contender("tiktoken", lambda: theirs, lambda tok: len(tok.decode_bytes(id_list))),
        Contender("tokenizers", lambda: hugging, lambda tok: len(tok.decode(id_list).encode())),
        Contender("memcpy", lambda: raw, lambda data: len(data.copy())),
    ]


def run() -> None:
    rows: list[Row] = []
    for vocabulary in VOCABULARIES:
        for corpus in CORPORA:
            size = len(text(corpus, SIZE).encode())
            rows += race(f"{vocabulary} {corpus}", contenders(vocabulary, corpus), size, 5)
    notes = {"size": SIZE, "versions": versions("gigatoken", "tiktoken", "tokenizers")}
    report("decode", "Decode, one thread, MB/s of text", rows, notes)


if __name__ == "__main__":
    run()
