"""The laws on every tokenizer of the data folder."""

import pytest

from tokenkit import Tokenizer
from tokenkit.testing import LAWS
from tokenkit.testing.checking import check_law

FILES = {
    "r50k_base.tiktoken.gz": "r50k",
    "cl100k_base.tiktoken.gz": "cl100k",
    "o200k_base.tiktoken.gz": "o200k",
    "r50k_base.tokenizer.json.gz": None,
    "kl3m-001-32k.tokenizer.json.gz": None,
    "kl3m-004-char-4k-cased.tokenizer.json.gz": None,
}


@pytest.mark.parametrize("name", FILES)
def test_laws(data_folder, name):
    special = {"<|endoftext|>": 300_000} if FILES[name] else None
    path = data_folder / "vocab" / name
    tok = Tokenizer.from_file(path, pattern=FILES[name], special_tokens=special)
    for law in LAWS:
        if law.name != "saved_equals_loaded":  # loading a big vocabulary anew is for test_saving
            check_law(law, tok, max_examples=25)


@pytest.mark.parametrize("name", FILES)
def test_saving(data_folder, name, tmp_path):
    tok = Tokenizer.from_file(data_folder / "vocab" / name, pattern=FILES[name])
    tok.save(tmp_path / "tok.json")
    again = Tokenizer.from_file(tmp_path / "tok.json")
    text = "It's 1,234.5 \u2581 ﬁ\n\n  čau 日本\x00 <|endoftext|>"
    assert again.encode(text).tolist() == tok.encode(text).tolist()
    assert again.decode(tok.encode(text)) == tok.decode(tok.encode(text))
