"""Ids on real text equal those of the libraries that define each tokenizer of the data folder."""

import gzip
from functools import cache

import numpy as np
import pytest
import tiktoken
import tokenizers

from encoders.scan.patterns import CL100K_PATTERN, O200K_PATTERN, R50K_PATTERN
from tests.conformance import fuzz
from tokenkit import Tokenizer
from tokenkit.text.formats.tiktoken import read_ranks

CORPORA = ("english", "code", "multilingual", "legal", "financial", "government")
RANKS = {"r50k": R50K_PATTERN, "cl100k": CL100K_PATTERN, "o200k": O200K_PATTERN}
JSON = ("r50k_base", "cl100k_base", "o200k_base", "kl3m-001-32k", "kl3m-004-char-4k-cased")
WHOLE = 300_000  # characters
SMALL = 700


@cache
def text_of(folder, corpus):
    """From the middle of a corpus, where headers and licences are behind."""
    text = gzip.decompress((folder / "text" / f"{corpus}.txt.gz").read_bytes()).decode()
    return text[len(text) // 2 :][:WHOLE]


def small_documents(text):
    """Cut at any character, also inside words; with what is not in the corpora but in the world."""
    documents = [text[at : at + SMALL] for at in range(0, len(text), SMALL)]
    return [
        *documents,
        "",
        " ",
        "\n",
        "<|endoftext|>",
        "a <|start|> b<|end|>",
        "  x  \r\n\t y",
        "e\u0301ﬁ½",
    ]


@cache
def json_pair(folder, name):
    path = folder / "vocab" / f"{name}.tokenizer.json.gz"
    theirs = tokenizers.Tokenizer.from_str(gzip.decompress(path.read_bytes()).decode())
    theirs.no_padding()
    return Tokenizer.from_file(path), theirs


@cache
def rank_pair(folder, name):
    path = folder / "vocab" / f"{name}_base.tiktoken.gz"
    tokens = read_ranks(gzip.decompress(path.read_bytes()))
    special = {"<|endoftext|>": len(tokens) + 5, "<|fim|>": len(tokens) + 6}
    theirs = tiktoken.Encoding(
        name,
        pat_str=RANKS[name],
        mergeable_ranks={token: rank for rank, token in enumerate(tokens) if token},
        special_tokens=special,
    )
    return Tokenizer.from_file(path, pattern=name, special_tokens=special), theirs


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("name", JSON)
def test_equal_to_tokenizers(data_folder, name, corpus):
    ours, theirs = json_pair(data_folder, name)
    assert ours.engine == "kernels"
    text = text_of(data_folder, corpus)
    whole = ours.encode(text, allowed_special="all")
    assert np.array_equal(whole, theirs.encode(text, add_special_tokens=False).ids)
    documents = small_documents(text)
    batch = ours.encode_batch(documents, allowed_special="all", threads=2)
    expected = [e.ids for e in theirs.encode_batch(documents, add_special_tokens=False)]
    assert batch.to_lists() == expected
    theirs.encode_special_tokens = True
    expected = [e.ids for e in theirs.encode_batch(documents[-10:], add_special_tokens=False)]
    theirs.encode_special_tokens = False
    assert ours.encode_batch(documents[-10:]).to_lists() == expected
    if ours.contract == "lossless":
        assert ours.decode(whole) == text
        assert ours.decode_batch(batch) == documents
    assert ours.decode(whole) == theirs.decode(whole.tolist(), skip_special_tokens=False)


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("name", RANKS)
def test_equal_to_tiktoken(data_folder, name, corpus):
    ours, theirs = rank_pair(data_folder, name)
    text = text_of(data_folder, corpus)
    assert np.array_equal(ours.encode(text), theirs.encode_to_numpy(text, disallowed_special=()))
    documents = small_documents(text)
    batch = ours.encode_batch(documents, allowed_special="all", threads=2)
    assert batch.to_lists() == theirs.encode_batch(documents, allowed_special="all")
    assert ours.decode_batch(batch) == documents == theirs.decode_batch(batch.to_lists())
    assert ours.encode_batch(documents[-10:]).to_lists() == theirs.encode_ordinary_batch(
        documents[-10:]
    )


@pytest.mark.parametrize("name", RANKS)
def test_random_bytes_come_back(data_folder, name):
    """A million bytes, most of them no UTF-8; tiktoken agrees on the pieces that are."""
    ours, theirs = rank_pair(data_folder, name)
    raw = np.random.default_rng(len(name)).integers(0, 256, 1_000_000, np.uint8).tobytes()
    assert ours.decode_bytes(ours.encode(raw)) == raw
    text = raw[:200_000].decode("utf-8", "ignore")
    assert ours.encode(text).tolist() == theirs.encode_ordinary(text)
    wild = "".join(map(chr, np.random.default_rng(1).integers(0, 0xD800, 100_000).tolist()))
    assert ours.encode(wild).tolist() == theirs.encode_ordinary(wild)


@pytest.mark.parametrize("name", JSON)
def test_a_million_wild_bytes(data_folder, name):
    ours, theirs = json_pair(data_folder, name)
    documents = list(fuzz.documents())
    expected = [e.ids for e in theirs.encode_batch(documents, add_special_tokens=False)]
    batch = ours.encode_batch(documents, allowed_special="all")
    assert batch.to_lists() == expected
    if ours.contract == "lossless":
        assert ours.decode_batch(batch) == documents


def test_a_rank_file_and_its_json_agree(data_folder):
    for name in RANKS:
        ranks, _ = rank_pair(data_folder, name)
        described, _ = json_pair(data_folder, f"{name}_base")
        text = text_of(data_folder, "code")
        # cl100k as JSON splits the white space at the very end of a text otherwise.
        assert np.array_equal(ranks.encode(text.rstrip()), described.encode(text.rstrip()))
        assert described.to_bytes(as_ranks=True) == ranks.to_bytes(as_ranks=True)
