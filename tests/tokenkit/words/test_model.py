"""The word-pooled model: a proper distribution, causal, blind to filling, able to learn."""

import subprocess
import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenkit.errors import PatchError
from tokenkit.words import Dense, Patcher, Patches, Word
from tokenkit.words.blocks import Block, rotated
from tokenkit.words.model import WordPooledConfig, WordPooledModel, word_tensors

SMALL = WordPooledConfig(
    width=16,
    layers=2,
    heads=2,
    word_layers=1,
    word_heads=2,
    prefixes=2,
    max_word_bytes=5,
)
TOY = replace(SMALL, alphabet=2, max_word_bytes=3)


def made(config: WordPooledConfig, seed: int = 0, dtype: torch.dtype = torch.float64):
    """A model whose weights are large enough to tell things apart."""
    torch.manual_seed(seed)
    model = WordPooledModel(config).to(dtype)
    for weight in model.parameters():
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, std=0.5)
    return model


def tensors(rows: list[list[bytes]], width: int = SMALL.max_word_bytes):
    return word_tensors(Dense.of(Patches.of(rows), width))


def spelling(words: torch.Tensor, lengths: torch.Tensor) -> list[bytes]:
    sized = zip(words.tolist(), lengths.tolist(), strict=True)
    return [bytes(word[:length]) for word, length in sized]


def all_words(config: WordPooledConfig) -> list[bytes]:
    symbols = range(config.alphabet)
    return [
        bytes(word)
        for length in range(1, config.max_word_bytes + 1)
        for word in product(symbols, repeat=length)
    ]


@pytest.mark.parametrize("before", [[], [b"\0"], [b"\1\0\1", b"\0\1"]])
def test_probabilities_of_all_words_sum_to_one(before):
    model = made(TOY)
    words = all_words(TOY)
    assert len(words) == 2 + 4 + 8
    log_probs = model.log_probs(*tensors([[*before, word] for word in words], 3))
    assert log_probs[:, -1].exp().sum().item() == pytest.approx(1, abs=1e-12)


def test_probabilities_of_all_pairs_of_words_sum_to_one():
    pairs = [list(pair) for pair in product(all_words(TOY), repeat=2)]
    log_probs = made(TOY).log_probs(*tensors(pairs, 3))
    assert log_probs.sum(1).exp().sum().item() == pytest.approx(1, abs=1e-12)


def test_a_word_is_the_product_of_its_symbols_and_its_end():
    model = made(SMALL)
    words, lengths = tensors([[b"ab", b"cde"]])
    context = model.contexts(words, lengths)[:, 1]
    spelled = model.spell(context, words[:, 1, :3])[0]
    expected = sum(spelled[i, symbol] for i, symbol in enumerate([*b"cde", SMALL.end]))
    assert model.log_probs(words, lengths)[0, 1].item() == pytest.approx(expected.item())


words_of_bytes = st.binary(min_size=1, max_size=SMALL.max_word_bytes)
rows_of_words = st.lists(words_of_bytes, min_size=1, max_size=6)


@settings(max_examples=15)
@given(rows_of_words, words_of_bytes, st.data())
def test_a_word_changes_nothing_before_it(row, other, data):
    place = data.draw(st.integers(0, len(row) - 1))
    model = made(SMALL)
    changed = [*row[:place], other, *row[place + 1 :]]
    ours, theirs = (model.log_probs(*tensors([r])) for r in (row, changed))
    torch.testing.assert_close(ours[:, :place], theirs[:, :place])
    if row[place] != other:
        assert not torch.allclose(ours[:, place:], theirs[:, place:])


@settings(max_examples=15)
@given(st.lists(rows_of_words, min_size=2, max_size=4), st.integers(0, 255))
def test_filling_is_never_seen(rows, fill):
    model = made(SMALL)
    together, lengths = tensors(rows)
    inside = torch.arange(SMALL.max_word_bytes) < lengths[..., None]
    log_probs = model.log_probs(together.where(inside, fill), lengths)
    for row, found in zip(rows, log_probs, strict=True):
        alone = model.log_probs(*tensors([row]))[0]
        torch.testing.assert_close(found[: len(row)], alone)
        assert not found[len(row) :].any()


def test_what_is_known_before_a_word_knows_the_words_before_it():
    model = made(SMALL)
    ours, theirs = (model.contexts(*tensors([row])) for row in ([b"ab", b"c"], [b"ab", b"d"]))
    torch.testing.assert_close(ours[:, :2], theirs[:, :2])
    assert not torch.allclose(ours[:, 2], theirs[:, 2])


def overfitted(text: str) -> tuple[WordPooledModel, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    model = WordPooledModel(replace(SMALL, width=32, max_word_bytes=8))
    words, lengths = word_tensors(Dense.of(Patcher(Word(), 8).patch_batch([text]), 8))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(120):
        optimizer.zero_grad()
        (-model.log_probs(words, lengths).sum() / lengths.sum()).backward()
        optimizer.step()
    return model, words, lengths


def test_it_learns_a_text_by_heart_and_says_it_again():
    text = "the cat saw\n\tthe extraordinarily long dog; čau 日本"
    model, words, lengths = overfitted(text)
    bits = -model.log_probs(words, lengths).sum() / lengths.sum() / np.log(2)
    assert bits < 0.1
    again, sizes = model.generate(words[:, :1], lengths[:, :1], words.shape[1] - 1)
    assert b"".join(spelling(again[0], sizes[0])).decode() == text
    sampled, sizes = model.generate(
        words[:, :0], lengths[:, :0], words.shape[1], temperature=0.05, generator=torch.Generator()
    )
    assert b"".join(spelling(sampled[0], sizes[0])).decode() == text


def test_the_next_word_is_the_likeliest_spelling():
    model = made(TOY)
    contexts = model.contexts(*tensors([[b"\0\1", b"\1"], [b"\1\1\1", b"\0"]], 3)).flatten(0, 1)
    found = spelling(*model.draw(contexts))
    for context, word in zip(contexts[:, None], found, strict=True):
        spelled = []
        while len(spelled) < TOY.max_word_bytes:
            symbols = torch.tensor([spelled], dtype=torch.int64)
            likeliest = int(model.spell(context, symbols)[0, -1].argmax())
            if likeliest == TOY.end:
                break
            spelled.append(likeliest)
        assert word == bytes(spelled)


def test_words_are_drawn_as_often_as_they_are_likely():
    model, draws = made(TOY), 4000
    context = model.contexts(*tensors([[b"\1\0"]], 3))[:, 1].expand(draws, -1, -1)
    generator = torch.Generator().manual_seed(1)
    found = spelling(*model.draw(context, temperature=1.0, generator=generator))
    for word in all_words(TOY):
        odds = model.log_probs(*tensors([[b"\1\0", word]], 3))[0, -1].exp().item()
        assert abs(found.count(word) / draws - odds) < 5 * (odds * (1 - odds) / draws) ** 0.5 + 1e-9


def test_rows_of_different_lengths_go_on_behind_their_own_ends():
    model = made(SMALL)
    rows = [[b"ab"], [b"c", b"de", b"f"]]
    together = model.generate(*tensors(rows), 2)
    for row, words, lengths in zip(rows, *together, strict=True):
        alone = model.generate(*tensors([row]), 2)
        expected = spelling(alone[0][0], alone[1][0])
        assert spelling(words, lengths)[: len(row) + 2] == expected
        assert expected[: len(row)] == row
        assert not lengths[len(row) + 2 :].any()


def test_bad_shapes_and_lengths_are_refused():
    model = made(SMALL)
    words, lengths = tensors([[b"ab", b"c"]])
    with pytest.raises(PatchError, match=r"give \[rows, words, 5\]"):
        model.log_probs(words[..., :3], lengths)
    with pytest.raises(PatchError, match="cut words at 5"):
        model.log_probs(words, lengths + 4)
    with pytest.raises(PatchError, match="behind filling"):
        model.log_probs(words, lengths * torch.tensor([[0, 1]]))
    with pytest.raises(PatchError, match="max_patch_length"):
        tensors([[b"abcdefg"]])
    with pytest.raises(ValueError, match="heads"):
        Block(10, 4)


def test_attention_sees_distance_not_place():
    x = torch.randn(1, 1, 8, dtype=torch.float64)
    y = torch.randn(1, 1, 8, dtype=torch.float64)
    turned_x, turned_y = (rotated(v.expand(1, 12, 8)) for v in (x, y))
    scores = (turned_x @ turned_y.mT)[0]
    torch.testing.assert_close(scores[3, 1], scores[10, 8])
    assert not torch.isclose(scores[3, 1], scores[3, 2])


def test_the_package_loads_without_torch():
    code = "import sys, tokenkit.words; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
