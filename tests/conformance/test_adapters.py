"""Adapters beside what they stand in for, with the vocabularies and texts of the data folder."""

import base64
import gzip

import pytest
import tiktoken
from tokenizers import Tokenizer as LibraryTokenizer
from transformers import PreTrainedTokenizerFast

from encoders.scan.patterns import CL100K_PATTERN, GPT2_PATTERN, O200K_PATTERN
from tokenkit import Tokenizer
from tokenkit.adapters.hf import KernelTokenizerFast
from tokenkit.adapters.tiktoken import Encoding

SIZE = 100_000
CORPORA = ("english", "code", "multilingual", "legal", "financial")
SPECIAL = "<|endoftext|>"
RANKS = {
    "r50k_base": ("r50k", GPT2_PATTERN, 50256),
    "cl100k_base": ("cl100k", CL100K_PATTERN, 100257),
    "o200k_base": ("o200k", O200K_PATTERN, 199999),
}
JSONS = ("r50k_base", "cl100k_base", "o200k_base", "kl3m-001-32k", "kl3m-004-char-4k-cased")


def _texts(folder):
    for name in CORPORA:
        with gzip.open(folder / "text" / f"{name}.txt.gz") as file:
            text = file.read(SIZE).decode("utf-8", "ignore")
        yield from (text[:2000] + SPECIAL + " end", text, "")


@pytest.mark.parametrize("name", RANKS)
def test_tiktoken(data_folder, name):
    pattern, expression, special_id = RANKS[name]
    path = data_folder / "vocab" / f"{name}.tiktoken.gz"
    ranks = {
        base64.b64decode(token): int(rank)
        for token, rank in map(bytes.split, gzip.decompress(path.read_bytes()).splitlines())
    }
    special = {SPECIAL: special_id}
    theirs = tiktoken.Encoding(
        name, pat_str=expression, mergeable_ranks=ranks, special_tokens=special
    )
    ours = Encoding(name, Tokenizer.from_file(path, pattern=pattern, special_tokens=special))
    texts = list(_texts(data_folder))
    batch = ours.encode_batch(texts, allowed_special="all")
    assert batch == theirs.encode_batch(texts, allowed_special="all")
    assert ours.decode_batch(batch) == texts
    assert ours.token_byte_values() == theirs.token_byte_values()
    assert ours.eot_token == theirs.eot_token
    assert ours.n_vocab == theirs.n_vocab
    for text, row in zip(texts, batch, strict=True):
        assert ours.encode_ordinary(text) == theirs.encode_ordinary(text)
        assert ours.decode_with_offsets(row[:500]) == theirs.decode_with_offsets(row[:500])


@pytest.mark.parametrize("name", JSONS)
def test_transformers(data_folder, name):
    path = data_folder / "vocab" / f"{name}.tokenizer.json.gz"
    content = gzip.decompress(path.read_bytes())
    plain = PreTrainedTokenizerFast(tokenizer_object=LibraryTokenizer.from_str(content.decode()))
    ours = KernelTokenizerFast.wrap(Tokenizer.from_bytes(content))
    texts = list(_texts(data_folder))
    for options in ({}, {"add_special_tokens": False}, {"truncation": True, "max_length": 100}):
        left, right = ours(texts, **options), plain(texts, **options)
        assert left.keys() == right.keys()
        assert all(left[key] == right[key] for key in right)
    decoded = ours.batch_decode(right["input_ids"], skip_special_tokens=True)
    assert decoded == plain.batch_decode(right["input_ids"], skip_special_tokens=True)
