"""`Tokenizer.train` makes the vocabulary, the merges and the ids of `tokenizers`."""

import json

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers, trainers

from tests.samples import documents
from tokenkit import Tokenizer
from tokenkit.text import byte_map

TEXT = "日本語 καλημέρα λόγος 12345 x1y22 ٣٤٥ naïve été aβжβa" * 3


def theirs(texts, initial_alphabet, special_tokens=(), **options):
    alphabet = range(256) if initial_alphabet is None else initial_alphabet
    tok = tokenizers.Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        initial_alphabet=[byte_map.CHARACTER_OF[byte] for byte in alphabet],
        special_tokens=list(special_tokens),
        show_progress=False,
        **options,
    )
    tok.train_from_iterator(texts, trainer)
    return json.loads(tok.to_str())["model"]


def check(texts, initial_alphabet, **options):
    tok = Tokenizer.train(texts, initial_alphabet=initial_alphabet, **options)
    ours = json.loads(tok.to_bytes())["model"]
    raw = initial_alphabet.encode() if isinstance(initial_alphabet, str) else initial_alphabet
    expected = theirs(texts, raw, **options)
    assert ours["vocab"] == expected["vocab"]
    assert ours["merges"] == expected["merges"]
    return tok


def same_ids(tok, text):
    peer = tokenizers.Tokenizer.from_str(tok.to_bytes().decode())
    found = tok.encode(text, allowed_special="all").tolist()
    assert found == peer.encode(text, add_special_tokens=False).ids
    return found


@given(
    st.lists(st.text("abc dé日\n'", max_size=40), max_size=12),
    st.one_of(st.none(), st.text("ab dzñ\n\x00", max_size=6), st.binary(max_size=8)),
    st.integers(0, 60),
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(2, 6)),
    st.lists(st.sampled_from(["<s>", "<a b>", "ab", "a", "Ġ", "é"])),
)
@settings(max_examples=150, deadline=None)
def test_equals_tokenizers(texts, alphabet, more, min_frequency, max_token_length, special_tokens):
    tok = check(
        texts,
        alphabet,
        vocab_size=256 + len(special_tokens) + more,
        min_frequency=min_frequency,
        max_token_length=max_token_length,
        special_tokens=special_tokens,
    )
    same_ids(tok, "ab é日z <s>\n")


@pytest.mark.parametrize("alphabet", [None, "", "the <|\n", {0, 255}])
def test_equals_tokenizers_on_real_text(alphabet):
    special_tokens = ["<|endoftext|>", "the", "<|endoftext|>"]
    texts = [*documents(), TEXT]
    options = {"vocab_size": 1500, "min_frequency": 2, "special_tokens": special_tokens}
    tok = check(texts, alphabet, **options)
    assert same_ids(tok, "".join(texts[:20]))
    assert set(tok.special_tokens) == set(special_tokens)


def test_without_all_bytes_nothing_is_promised():
    tok = Tokenizer.train(["abab"], vocab_size=10, initial_alphabet=" ", min_frequency=1)
    assert dict(tok.vocab) == {"a": 0, "b": 1, "Ġ": 2, "ab": 3, "abab": 4}
    assert tok.contract == "lossy"
    assert same_ids(tok, "ab xé ab") == [3, 2, 2, 3]
    assert tok.decode(tok.encode("ab xé ab")) == "ab  ab"
    every = Tokenizer.train(["abab"], vocab_size=300, initial_alphabet=range(256))
    assert every == Tokenizer.train(["abab"], vocab_size=300)
    assert every.contract == "lossless"


@pytest.mark.parametrize(
    "limit",
    [
        {"max_token_length": 4},
        {"max_token_characters": 2},
        {"max_digits": 1},
        {"within_scripts": True},
    ],
)
@pytest.mark.parametrize("pattern", ["gpt2", "o200k", r"\S+|\s+"])
def test_limits(limit, pattern):
    texts = [*documents()[:3], TEXT * 9]
    options = {"vocab_size": 900, "min_frequency": 1, "pattern": pattern}
    tok = Tokenizer.train(texts, **options, **limit)
    assert tok != Tokenizer.train(texts, **options)
    assert tok.contract == "lossless"
    for text in texts:
        assert tok.decode(same_ids(tok, text)) == text


def test_digits_and_scripts_are_kept_apart():
    tok = Tokenizer.train(
        [TEXT], vocab_size=400, min_frequency=1, max_digits=2, within_scripts=True, pattern=r"\S+"
    )
    tokens = {tok.id_to_bytes(id_).decode("utf-8", "ignore") for id_ in range(tok.vocab_size)}
    assert {"12", "34", "λόγος", "日本語"} <= tokens
    assert not any(sum(map(str.isdigit, token)) > 2 for token in tokens)


def test_errors_name_the_value():
    with pytest.raises(ValueError, match="vocab_size 256 is less than 257"):
        Tokenizer.train([], vocab_size=256, special_tokens=["<s>"])
    with pytest.raises(ValueError, match="vocab_size 2 is less than 3: 3 bytes"):
        Tokenizer.train(["abc"], vocab_size=2, initial_alphabet="")
    with pytest.raises(ValueError, match="max_digits 0"):
        Tokenizer.train([], vocab_size=300, max_digits=0)
