"""Models that the peers train on real text here, with their options varied, give the same ids."""

import io
from functools import cache

import numpy as np
import pytest
import sentencepiece
import tokenizers
from tokenizers import normalizers, pre_tokenizers, trainers

from tests.conformance import fuzz
from tests.conformance.test_tokenizers import CORPORA, small_documents, text_of
from tokenkit import Tokenizer

LENGTH = 100_000  # characters of each corpus that are compared
TRAINED_ON = 60_000
AS_LLAMA = {
    "normalization_rule_name": "identity",
    "remove_extra_whitespaces": False,
    "byte_fallback": True,
    "split_digits": True,
    "allow_whitespace_only_pieces": True,
}
SENTENCEPIECE = {
    "bpe, as Llama 2": {"model_type": "bpe", **AS_LLAMA},
    "bpe, defaults": {"model_type": "bpe"},
    "bpe, case folded": {"model_type": "bpe", "normalization_rule_name": "nmt_nfkc_cf"},
    "bpe, across blanks": {"model_type": "bpe", "split_by_whitespace": False},
    "unigram, as T5": {"model_type": "unigram"},
    "unigram, byte fallback": {"model_type": "unigram", **AS_LLAMA},
    "unigram, user symbols": {"model_type": "unigram", "user_defined_symbols": [" the", "日"]},
    "unigram, suffixes": {"model_type": "unigram", "treat_whitespace_as_suffix": True},
    "char": {"model_type": "char"},
}
WORDPIECE = {
    "bert, uncased": {"lowercase": True},
    "bert, cased": {"lowercase": False, "strip_accents": False},
    "bert, no ideographs": {"handle_chinese_chars": False, "clean_text": False},
}


@cache
def lines(folder):
    text = "".join(text_of(folder, corpus)[:TRAINED_ON] for corpus in CORPORA)
    return [line for line in text.splitlines() if line.strip()]


@cache
def sentencepiece_pair(folder, name):
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines(folder)),
        model_writer=out,
        vocab_size=3000,
        character_coverage=0.999,
        hard_vocab_limit=False,
        minloglevel=2,
        **SENTENCEPIECE[name],
    )
    library = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
    return Tokenizer.from_bytes(out.getvalue()), library


@pytest.mark.parametrize("name", SENTENCEPIECE)
def test_sentencepiece(data_folder, name):
    ours, theirs = sentencepiece_pair(data_folder, name)
    assert ours.engine == "kernels"
    for corpus in CORPORA:
        text = text_of(data_folder, corpus)[:LENGTH]
        assert np.array_equal(ours.encode(text), theirs.encode(text))
        documents = small_documents(text)
        batch = ours.encode_batch(documents, threads=2)
        assert batch.to_lists() == theirs.encode(documents)
        assert ours.decode_batch(batch) == theirs.decode(batch.to_lists())


@pytest.mark.parametrize("name", SENTENCEPIECE)
def test_sentencepiece_on_a_million_wild_bytes(data_folder, name):
    ours, theirs = sentencepiece_pair(data_folder, name)
    documents = list(fuzz.documents())
    assert ours.encode_batch(documents).to_lists() == theirs.encode(documents)


@cache
def wordpiece_pair(folder, name):
    theirs = tokenizers.BertWordPieceTokenizer(**WORDPIECE[name])
    theirs.train_from_iterator(lines(folder), vocab_size=3000, show_progress=False)
    return Tokenizer.from_bytes(theirs.to_str().encode()), theirs


@pytest.mark.parametrize("name", WORDPIECE)
def test_wordpiece(data_folder, name):
    ours, theirs = wordpiece_pair(data_folder, name)
    assert ours.engine == "kernels"
    for corpus in CORPORA:
        text = text_of(data_folder, corpus)[:LENGTH]
        documents = [text, *small_documents(text)]
        _equal(ours, theirs, documents)
    _equal(ours, theirs, list(fuzz.documents()))


@cache
def unigram_pair(folder):
    theirs = tokenizers.Tokenizer(tokenizers.models.Unigram())
    theirs.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    theirs.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=3000, unk_token="<unk>", special_tokens=["<unk>"])
    theirs.train_from_iterator(lines(folder), trainer)
    return Tokenizer.from_bytes(theirs.to_str().encode()), theirs


def test_unigram_of_tokenizers(data_folder):
    ours, theirs = unigram_pair(data_folder)
    assert ours.engine == "kernels"
    for corpus in CORPORA:
        text = text_of(data_folder, corpus)[:LENGTH]
        _equal(ours, theirs, [text[:20_000], *small_documents(text)])
    _equal(ours, theirs, list(fuzz.documents()))


def _equal(ours, theirs, documents):
    found = ours.encode_batch(documents, allowed_special="all").to_lists()
    assert found == [e.ids for e in theirs.encode_batch(documents, add_special_tokens=False)]
