"""The same as a plain PreTrainedTokenizerFast, by other means."""

import copy
import pickle
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as LibraryTokenizer
from tokenizers import processors
from torch.utils.data import DataLoader
from transformers import (
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    DataCollatorWithPadding,
    PreTrainedTokenizerFast,
)

from tests.samples import texts as sample_texts
from tests.samples import trained
from tokenkit import Tokenizer
from tokenkit.adapters.hf import KernelTokenizerFast
from tokenkit.adapters.torch_data import WholeDocuments
from tokenkit.errors import FormatError
from tokenkit.testing.laws import as_utf8

SPECIAL = {"eos_token": "<|endoftext|>", "pad_token": "<|pad|>"}
texts = sample_texts.map(as_utf8)  # the library takes no lone surrogates


@cache
def _json(template: bool) -> str:
    library = LibraryTokenizer.from_str(trained().to_bytes().decode())
    if template:
        library.post_processor = processors.TemplateProcessing(
            single="<|endoftext|> $A <|pad|>",
            pair="<|endoftext|> $A <|pad|> $B:1 <|pad|>:1",
            special_tokens=[("<|endoftext|>", 0), ("<|pad|>", 1)],
        )
    return library.to_str()


@cache
def pair(template: bool = False, **options) -> tuple[KernelTokenizerFast, PreTrainedTokenizerFast]:
    content = _json(template)
    plain = PreTrainedTokenizerFast(
        tokenizer_object=LibraryTokenizer.from_str(content), **SPECIAL, **options
    )
    ours = KernelTokenizerFast.wrap(Tokenizer.from_bytes(content.encode()), **SPECIAL, **options)
    assert ours.kernels.engine == "kernels"
    return ours, plain


def same(ours, plain):
    assert ours.keys() == plain.keys()
    for name in plain:
        left, right = ours[name], plain[name]
        assert type(left) is type(right)
        if isinstance(right, np.ndarray):  # of objects, where rows differ in length
            left, right = [row.tolist() for row in left], [row.tolist() for row in right]
        assert torch.equal(left, right) if isinstance(right, torch.Tensor) else left == right, name


calls = st.fixed_dictionaries(
    {},
    optional={
        "add_special_tokens": st.booleans(),
        "truncation": st.booleans(),
        "max_length": st.integers(2, 12),
        "padding": st.sampled_from([True, False, "max_length"]),
        "pad_to_multiple_of": st.integers(1, 8),
        "padding_side": st.sampled_from(["left", "right"]),
        "return_token_type_ids": st.booleans(),
        "return_attention_mask": st.booleans(),
        "return_special_tokens_mask": st.booleans(),
        "return_length": st.booleans(),
        "return_tensors": st.sampled_from([None, "pt", "np"]),
        "split_special_tokens": st.booleans(),
    },
)


def outcome(tokenizer, text, options):
    try:
        return tokenizer(text, **options)
    except ValueError as error:  # options that do not go together
        return {"error": str(error)}


@given(st.lists(texts, min_size=1, max_size=4), calls, st.booleans())
def test_batches_are_the_same(batch, options, template):
    ours, plain = pair(template)
    same(outcome(ours, batch, options), outcome(plain, batch, options))


@given(texts, calls, st.booleans())
def test_single_texts_are_the_same(text, options, template):
    ours, plain = pair(template)
    same(outcome(ours, text, options), outcome(plain, text, options))


@given(texts, st.integers(2, 9))
def test_sides_are_the_same(text, length):
    ours, plain = pair(True, truncation_side="left", padding_side="left")
    options = {"truncation": True, "padding": "max_length", "max_length": length}
    same(ours(text, **options), plain(text, **options))


@given(texts, texts)
def test_what_the_library_does_is_the_same(first, second):
    ours, plain = pair(True)
    same(ours(first, second), plain(first, second))
    same(ours(first, return_offsets_mapping=True), plain(first, return_offsets_mapping=True))
    same(
        ours([first.split()], is_split_into_words=True),
        plain([first.split()], is_split_into_words=True),
    )
    options = {"truncation": True, "max_length": 5, "return_overflowing_tokens": True}
    same(ours([first], **options), plain([first], **options))


@given(st.lists(st.integers(0, 1999), max_size=20), st.booleans())
def test_decoding_is_the_same(ids, skip):
    ours, plain = pair()
    assert ours.decode(ids, skip_special_tokens=skip) == plain.decode(ids, skip_special_tokens=skip)
    assert ours.batch_decode([ids, []]) == plain.batch_decode([ids, []])
    assert ours.decode(torch.tensor(ids, dtype=torch.int64)) == plain.decode(ids)


def test_ids_that_are_no_tokens_are_left_out_as_there():
    ours, plain = pair()
    assert ours.decode([70, 999_999, 71]) == plain.decode([70, 999_999, 71])
    assert ours.decode(70) == plain.decode(70)


def test_the_kernels_do_the_work(monkeypatch):
    ours, _ = pair(True)

    def fail(self, *args, **options):
        raise AssertionError("the library was asked")

    monkeypatch.setattr(PreTrainedTokenizerFast, "_encode_plus", fail)
    monkeypatch.setattr(PreTrainedTokenizerFast, "_decode", fail)
    batch = ours(["one text", "another"], padding=True, truncation=True, max_length=9)
    assert ours.batch_decode(batch["input_ids"], skip_special_tokens=True) == [
        "one text", "another",
    ]  # fmt: skip


def test_encodings_are_there_for_those_who_ask():
    ours, plain = pair()
    left, right = ours("two words"), plain("two words")
    assert left.is_fast
    assert left.word_ids() == right.word_ids()
    assert left.char_to_token(5) == right.char_to_token(5)
    assert left.tokens() == right.tokens()
    assert pickle.loads(pickle.dumps(left))["input_ids"] == right["input_ids"]


def test_tokens_added_later_are_found():
    ours, plain = map(copy.deepcopy, pair())
    for tokenizer in (ours, plain):
        tokenizer("before")
        tokenizer.add_special_tokens({"additional_special_tokens": ["<tool>"]})
        tokenizer.add_tokens(["zyzzyva"])
    text = "a <tool> of zyzzyva"
    same(ours(text), plain(text))
    assert ours.decode(ours(text)["input_ids"]) == text
    assert len(ours) == len(plain) == 2002


def test_saved_for_plain_transformers_and_for_us(tmp_path):
    ours, plain = pair(True)
    ours("some text", truncation=True, max_length=4)
    ours.save_pretrained(tmp_path)
    text = "It's saved <|endoftext|>"
    auto = AutoTokenizer.from_pretrained(tmp_path)
    assert not isinstance(auto, KernelTokenizerFast)
    for loaded in (
        auto,
        PreTrainedTokenizerFast.from_pretrained(tmp_path),
        KernelTokenizerFast.from_pretrained(tmp_path),
    ):
        same(loaded(text), plain(text))
        assert loaded.pad_token == "<|pad|>"


def test_copies_work():
    ours, plain = pair()
    for again in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        same(again("a copy"), plain("a copy"))


def test_chat_templates_work():
    ours, plain = pair()
    chat = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]
    template = "{% for m in messages %}{{ m.role }}: {{ m.content }}<|endoftext|>{% endfor %}"
    left = ours.apply_chat_template(chat, chat_template=template)
    right = plain.apply_chat_template(chat, chat_template=template)
    assert left["input_ids"] == right["input_ids"]


def test_collators_work():
    ours, plain = pair()
    rows = ["a first text", "a longer second text, with more in it", "3"]
    padded = DataCollatorWithPadding(ours)([ours(row) for row in rows])
    assert padded["input_ids"].shape == padded["attention_mask"].shape
    causal = [
        DataCollatorForLanguageModeling(tokenizer, mlm=False)([tokenizer(row) for row in rows])
        for tokenizer in (ours, plain)
    ]
    assert torch.equal(causal[0]["labels"], causal[1]["labels"])
    assert (causal[0]["labels"] == -100).any()
    ours = copy.deepcopy(ours)
    ours.add_special_tokens({"mask_token": "<mask>"})
    masked = DataCollatorForLanguageModeling(ours, mlm=True, mlm_probability=0.5, seed=1)(
        [ours(row, return_special_tokens_mask=True) for row in rows]
    )
    assert (masked["input_ids"] == ours.mask_token_id).any()


def test_collators_work_on_shards():
    from tests.tokenkit.adapters.test_torch_data import numbered

    ours, _ = pair()
    collator = DataCollatorForLanguageModeling(ours, mlm=False)
    batches = DataLoader(WholeDocuments(numbered([[3, 5]])), batch_size=2, collate_fn=collator)
    (batch,) = batches
    assert batch["input_ids"].tolist() == [[0, 1, 2, 1, 1], [3, 4, 5, 6, 7]]
    assert batch["labels"][1].tolist() == [3, 4, 5, 6, 7]


def test_a_sentencepiece_model_is_refused():
    class Model(Tokenizer):
        def __init__(self):
            pass

        def to_bytes(self):
            return b"\x0a"

        def __repr__(self):
            return "Model"

    with pytest.raises(FormatError, match="Model has no"):
        KernelTokenizerFast.wrap(Model())
