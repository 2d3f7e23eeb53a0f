"""Encode MB/s for SentencePiece BPE, Unigram and WordPiece models trained here by the peers."""

import tempfile
from functools import cache
from pathlib import Path

from benchmarks import peers
from benchmarks.encode import SIZE, batch, whole
from benchmarks.harness import Row, race, report, versions
from benchmarks.material import CORPORA, text

VOCABULARY = 16_000


@cache
def sentencepiece_model(kind: str) -> Path:
    """A ``bpe`` or ``unigram`` model trained by sentencepiece on all corpora."""
    import sentencepiece as spm

    folder = Path(tempfile.mkdtemp(prefix="tokenkit-bench-"))
    spm.SentencePieceTrainer.train(
        sentence_iterator=(line for c in CORPORA for line in text(c, 2_000_000).splitlines()),
        model_prefix=str(folder / kind),
        model_type=kind,
        vocab_size=VOCABULARY,
        byte_fallback=True,
        character_coverage=0.9995,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        num_threads=2,
        minloglevel=2,
    )
    return folder / f"{kind}.model"


@cache
def sentencepiece_as_tokenizer_json(kind: str) -> Path:
    """The same model in the form that `tokenizers` and its followers read."""
    import tokenizers as hf
    from tokenizers import decoders, pre_tokenizers

    from tokenkit.text.formats.sentencepiece import read_model

    model = read_model(sentencepiece_model(kind).read_bytes())
    scores = {piece.text: piece.score for piece in model.pieces}
    if kind == "unigram":
        made = hf.models.Unigram(list(scores.items()), unk_id=0, byte_fallback=True)
    else:
        ids = {text: id_ for id_, text in enumerate(scores)}
        made = hf.models.BPE(
            ids, _merges(scores), unk_token="<unk>", fuse_unk=True, byte_fallback=True
        )
    tokenizer = hf.Tokenizer(made)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Metaspace()
    path = sentencepiece_model(kind).with_suffix(".tokenizer.json")
    tokenizer.save(str(path))
    return path


def _merges(scores: dict[str, float]) -> list[tuple[str, str]]:
    """All ways to make a piece from two, best first, as `transformers` converts such models."""
    found = [
        (-scores[text], text[:cut], text[cut:])
        for text in scores
        for cut in range(1, len(text))
        if text[:cut] in scores and text[cut:] in scores
    ]
    return [(left, right) for _, left, right in sorted(found, key=lambda row: row[0])]


@cache
def wordpiece() -> Path:
    """A BERT-like WordPiece trained by `tokenizers`."""
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(lowercase=True)
    lines = (line for c in CORPORA for line in text(c, 2_000_000).splitlines())
    tokenizer.train_from_iterator(lines, vocab_size=VOCABULARY, show_progress=False)
    path = Path(tempfile.mkdtemp(prefix="tokenkit-bench-")) / "wordpiece.json"
    tokenizer.save(str(path))
    return path


def families() -> dict[str, list[peers.Library]]:
    found = {}
    for family, kind in (("SentencePiece BPE", "bpe"), ("Unigram", "unigram")):
        model, converted = sentencepiece_model(kind), sentencepiece_as_tokenizer_json(kind)
        found[family] = [
            peers.ours(model),
            peers.sentencepiece(model),
            peers.gigatoken(str(model)),
            peers.tokenizers(converted),
            peers.splintr(converted),
            peers.kitoken(model),
        ]
    bert = wordpiece()
    found["WordPiece"] = [
        peers.ours(bert),
        peers.tokenizers(bert),
        peers.gigatoken(str(bert)),
        peers.splintr(bert),
        # Not kitoken: it took more than seven minutes for 8 MB of multilingual text.
    ]
    return found


def run() -> None:
    rows: list[Row] = []
    for family, libraries in families().items():
        peers.load_code(libraries)
        for corpus in CORPORA if peers.threads() == 1 else CORPORA[:1]:
            size = len(text(corpus, SIZE).encode())
            rows += race(f"{family} {corpus} whole", [whole(x, corpus) for x in libraries], size, 3)
            docs = [batch(x, corpus) for x in libraries]
            rows += race(f"{family} {corpus} 2 kB", docs, size, 3)
    count = peers.threads()
    notes = {"size": SIZE, "vocabulary": VOCABULARY, "versions": versions(*peers.PEERS)}
    report(f"models-{count}", f"Other models, {count} thread(s), MB/s", rows, notes)


if __name__ == "__main__":
    run()
