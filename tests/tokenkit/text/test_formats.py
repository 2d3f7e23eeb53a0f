"""What is loaded can be saved, in its own form and, where they say the same, in another."""

import json
import mmap
import pickle

import pytest
import tokenizers
from tokenizers import AddedToken

from tests.samples import documents, trained
from tests.tokenkit.text.test_sentencepiece import content
from tokenkit import Tokenizer
from tokenkit.errors import EncodeError, FormatError
from tokenkit.text.formats.tiktoken import write_ranks


def ranked():
    tok = trained()
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [tok.id_to_bytes(i) for i in range(258, tok.vocab_size)]
    return Tokenizer.from_bytes(write_ranks(tokens), pattern="gpt2", special_tokens={"<e>": 3000})


def test_ranks_and_json_are_the_same_tokenizer(tmp_path):
    tok = ranked()
    tok.save(tmp_path / "tokenizer.json")
    tok.save(tmp_path / "x.tiktoken", as_ranks=True)
    described = Tokenizer.from_file(tmp_path / "tokenizer.json")
    again = Tokenizer.from_file(
        tmp_path / "x.tiktoken", pattern="gpt2", special_tokens={"<e>": 3000}
    )
    assert described == again == tok
    assert described.to_bytes(as_ranks=True) == tok.to_bytes(as_ranks=True)
    text = documents()[7]
    assert described.encode(text).tolist() == tok.encode(text).tolist()
    assert tok.id_to_token(3000) == "<e>"
    assert tok.vocab_size == 3001


def test_special_tokens_are_no_ranks():
    tok = trained()
    special = {"<|endoftext|>": 0, "<|pad|>": 1}
    again = Tokenizer.from_bytes(
        tok.to_bytes(as_ranks=True), pattern="gpt2", special_tokens=special
    )
    text = "<|pad|>" + documents()[3]
    for allowed in ("all", ()):
        ids = again.encode(text, allowed_special=allowed).tolist()
        assert ids == tok.encode(text, allowed_special=allowed).tolist()


def test_ranks_are_refused_where_they_say_something_else():
    spec = json.loads(trained().to_bytes())
    spec["model"]["merges"][10:12] = spec["model"]["merges"][11:9:-1]
    with pytest.raises(FormatError, match="ids do not follow"):
        Tokenizer.from_bytes(json.dumps(spec).encode()).to_bytes(as_ranks=True)
    with pytest.raises(FormatError, match="no byte-level BPE"):
        Tokenizer.from_bytes(content("unigram, plain")).to_bytes(as_ranks=True)


def test_options_of_rank_files_are_refused_elsewhere():
    with pytest.raises(FormatError, match="belong to rank files"):
        Tokenizer.from_bytes(trained().to_bytes(), pattern="gpt2")


@pytest.mark.parametrize("name", ["bpe, plain", "unigram, defaults"])
def test_sentencepiece_files(tmp_path, monkeypatch, name):
    monkeypatch.setenv("TOKENKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("tokenkit.text.cache._WORTH_KEEPING", 0)
    path = tmp_path / "tokenizer.model"
    path.write_bytes(content(name))
    tok, again = Tokenizer.from_file(path), Tokenizer.from_file(path)
    assert len(list((tmp_path / "cache").glob("*.plan"))) == 1
    frozen = pickle.dumps(tok)
    assert len(frozen) < 1000
    assert pickle.loads(frozen) == again == tok
    text = documents()[5]
    assert again.encode(text).tolist() == tok.encode(text).tolist()
    assert tok.file_name == "tokenizer.model"
    assert tok.decode(tok.encode("the parser")) == "the parser"
    assert "".join(tok.decode_stream().pull(tok.encode(text))) == tok.decode(tok.encode(text))


def test_memory_maps(tmp_path):
    (tmp_path / "text").write_text(documents()[5])
    with (
        (tmp_path / "text").open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        assert trained().encode(mapped).tolist() == trained().encode(documents()[5]).tolist()


def test_the_library_allows_some_specials_too():
    peer = tokenizers.Tokenizer.from_str(trained().to_bytes().decode())
    peer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [
            tokenizers.pre_tokenizers.Split(tokenizers.Regex("[aeiou]+"), "merged_with_next"),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    peer.add_tokens([AddedToken("parser", normalized=False)])
    tok = Tokenizer.from_bytes(peer.to_str().encode())
    assert tok.engine == "tokenizers"
    text = "a<|pad|>b<|endoftext|> the parser"
    everything = peer.encode(text, add_special_tokens=False).ids
    assert tok.encode(text, allowed_special="all").tolist() == everything
    some = tok.encode(text, allowed_special={"<|pad|>"}).tolist()
    assert tok.special_tokens["<|pad|>"] in some
    assert tok.special_tokens["<|endoftext|>"] not in some
    assert some[: some.index(1) + 1] == everything[: everything.index(1) + 1]
    assert tok.token_to_id("parser") in tok.encode(text)
    assert not {0, 1} & set(tok.encode(text).tolist())
    assert tok.contract == "lossless"
    assert tok.decode(some) == text
    with pytest.raises(EncodeError, match="needs the kernels"):
        tok.encode(text, dropout=0.5)
    assert pickle.loads(pickle.dumps(tok)) == tok


def test_training_is_the_same_on_any_number_of_threads():
    made = {
        Tokenizer.train(documents()[:12], vocab_size=600, threads=threads) for threads in (1, 2, 3)
    }
    assert len(made) == 1
    given = Tokenizer.train([text.encode() for text in documents()[:12]], vocab_size=600)
    assert made == {given}
