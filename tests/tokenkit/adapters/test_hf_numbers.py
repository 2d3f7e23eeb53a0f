"""Numbers in transformers: the same ids, saved and loaded, and a model that grows."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from tokenizers import Tokenizer as LibraryTokenizer

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tests.samples import trained  # noqa: E402
from tokenkit.adapters.hf_numbers import (  # noqa: E402
    NumericPreTrainedTokenizer,
    extend_vocab,
)
from tokenkit.errors import FormatError  # noqa: E402
from tokenkit.numbers import TST, NumericTokenizer  # noqa: E402
from tokenkit.testing.numbers import texts  # noqa: E402

NUMERIC = NumericTokenizer(trained("cl100k"), TST())
WRAPPED = NumericPreTrainedTokenizer.wrap(NUMERIC, eos_token="<|endoftext|>", pad_token="<|pad|>")
TEXT = "Sold 1,234.50 of 007 (up 9.9%) on 2024-01-15.\n"


def model(tied=True):
    config = transformers.GPT2Config(
        vocab_size=2000, n_positions=64, n_embd=16, n_layer=1, n_head=2, tie_word_embeddings=tied
    )
    torch.manual_seed(0)
    return transformers.GPT2LMHeadModel(config)


def fast():
    library = LibraryTokenizer.from_str(trained("cl100k").to_bytes().decode())
    return transformers.PreTrainedTokenizerFast(tokenizer_object=library, eos_token="<|endoftext|>")


@settings(max_examples=50)
@given(text=texts().filter(lambda text: text.isprintable() or "\n" in text))
def test_ids_and_texts_are_the_same(text):
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    ids = WRAPPED(text, add_special_tokens=False)["input_ids"]
    assert ids == NUMERIC.encode(text, allowed_special="all").tolist()
    assert WRAPPED.decode(ids) == text


def test_what_transformers_does_around():
    batch = WRAPPED([TEXT, "5<|endoftext|>"], padding=True, return_tensors="pt")
    assert batch["input_ids"].shape == batch["attention_mask"].shape
    assert WRAPPED.decode(batch["input_ids"][1], skip_special_tokens=True) == "5"
    assert WRAPPED.tokenize("12,345") == ["<num:12k>", ",", "<num:345>"]
    assert WRAPPED.convert_tokens_to_string(["<num:12k>", "<num:5>"]) == "12005"
    assert len(WRAPPED) == NUMERIC.vocab_size


def test_saved_and_loaded(tmp_path):
    WRAPPED.save_pretrained(tmp_path)
    again = NumericPreTrainedTokenizer.from_pretrained(tmp_path)
    assert again(TEXT)["input_ids"] == WRAPPED(TEXT)["input_ids"]
    assert again.eos_token_id == WRAPPED.eos_token_id
    assert NumericTokenizer.from_file(tmp_path / "tokenizer.numbers.json") == NUMERIC


def test_tokens_added_later():
    tok = NumericPreTrainedTokenizer.wrap(NUMERIC)
    tok.add_tokens(["<call>"])
    ids = tok("9.9<call>9.11", add_special_tokens=False)["input_ids"]
    assert NUMERIC.vocab_size in ids
    assert tok.decode(ids) == "9.9<call>9.11"


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("init", ["mean", "digit+magnitude"])
def test_a_model_grows(tied, init):
    grown = model(tied)
    before = grown.get_input_embeddings().weight.detach().clone()
    tok = extend_vocab(fast(), grown, TST(), init)
    after = grown.get_input_embeddings().weight.detach()
    first = tok.numeric.first
    assert after.shape[0] == tok.vocab_size == first + 11_004
    assert torch.equal(after[:first], before[:first])
    marker = after[first + 11_000]
    torch.testing.assert_close(marker, before[:first].mean(0))
    assert torch.isfinite(after).all()
    outputs = grown.get_output_embeddings().weight
    assert (outputs is grown.get_input_embeddings().weight) is tied
    ids = tok(TEXT, return_tensors="pt")["input_ids"]
    assert int(ids.max()) >= first
    loss = grown(ids, labels=ids).loss
    loss.backward()
    assert torch.isfinite(loss)


def test_digits_and_magnitudes():
    grown = model()
    old = grown.get_input_embeddings().weight.detach().clone()
    tok = extend_vocab(fast(), grown, TST(), "digit+magnitude").numeric
    rows = grown.get_input_embeddings().weight.detach()

    def mean(text):
        return old[tok.base.encode(text).astype(np.int64)].mean(0)

    step = mean("1000") - mean("1")
    for name, digits, threes in (("12k", "12", 1), ("345", "345", 0), ("900pp", "900", -2)):
        wanted = mean(digits) + threes * step
        torch.testing.assert_close(rows[tok.token_to_id(f"<num:{name}>")], wanted)


def test_spare_rows_stay():
    grown = model()
    grown.resize_token_embeddings(20_000, mean_resizing=False)
    extend_vocab(fast(), grown, TST())
    assert grown.get_input_embeddings().num_embeddings == 20_000


def test_wrong_use():
    with pytest.raises(ValueError, match="neither"):
        extend_vocab(fast(), model(), TST(), "zero")
    spec = json.loads(trained("gpt2").to_bytes())
    spec["pre_tokenizer"]["add_prefix_space"] = True
    library = LibraryTokenizer.from_str(json.dumps(spec))
    odd = transformers.PreTrainedTokenizerFast(tokenizer_object=library)
    with pytest.raises(FormatError):
        extend_vocab(odd, model(), TST())
