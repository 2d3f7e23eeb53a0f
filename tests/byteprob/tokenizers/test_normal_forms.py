"""Prefixes are what the tokenizer makes of them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob.tokenizers.normal_forms import normal_form_of
from byteprob.tokenizers.spelling import vocabulary_of
from tests.byteprob.tokenizers.pieces import sentencepiece_model, trained
from tests.samples import documents
from tokenkit import Tokenizer


def form_of(tok):
    return normal_form_of(tok, vocabulary_of(tok))


def test_plain_bytes_are_their_own():
    form = form_of(Tokenizer.train(documents()[:5], vocab_size=300))
    assert form.change is None
    assert form.of(b"e\xcc\x81 \xff") == b"e\xcc\x81 \xff"


def test_normalizers_of_bytes():
    spec = json.loads(Tokenizer.train(documents()[:5], vocab_size=300).to_bytes())
    spec["normalizer"] = {"type": "NFC"}
    form = form_of(Tokenizer.from_bytes(json.dumps(spec).encode()))
    assert form.of("e\u0301".encode()) == "é".encode()
    assert form.of("e\u0301\u65e5".encode()[:-1]) == "é\u65e5".encode()[:-1]
    assert form.of(b"e\xff\xcc\x81") == b"e\xff\xcc\x81"  # from what is not UTF-8 on, as it is


@pytest.mark.parametrize("kind", ["llama", "bpe-fallback", "unigram", "hf-bpe", "hf-unigram-whole"])
def test_the_front_is_taken_away_and_a_mark_is_a_blank(kind):
    form = form_of(trained(kind))
    assert form.front == b" "
    assert form.of(b"") == b""
    assert form.of(b"a b") == b"a b"
    assert form.of("a\u2581b".encode()) == b"a b"
    doubled = b"" if kind.startswith("hf") else b" "  # Metaspace puts none before a blank
    assert form.of(b" a") == doubled + b"a"


def test_sentencepiece_normalizes_as_it_does():
    options = {"normalization_rule_name": "nmt_nfkc", "remove_extra_whitespaces": True}
    form = form_of(sentencepiece_model(model_type="unigram", byte_fallback=True, **options))
    assert form.of("  \ufb01  a ".encode()) == b"fi a"


@settings(max_examples=50)
@given(st.text("abcé ▁", max_size=8), st.sampled_from(["llama", "bpe", "unigram-fallback"]))
def test_it_is_what_the_tokens_spell(text, kind):
    tok = trained(kind)
    vocabulary = vocabulary_of(tok)
    form = normal_form_of(tok, vocabulary)
    spelled = b"".join(vocabulary.token(id_) for id_ in tok.encode(text).tolist())
    assert spelled == (form.front + form.of(text.encode()) if text else b"")
