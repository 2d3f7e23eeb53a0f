"""What `generate` of transformers makes of healed prompts."""

import functools
from collections import Counter

import numpy as np
import pytest

from byteprob import ByteModel, FunctionModel, cover_distribution, decode, heal
from byteprob.generation import healed_generate, prompt_tensors
from tests.samples import documents
from tokenkit import Tokenizer

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

PROMPTS = [b"th", b" a", b"i"]
PADDED = 8
"""Rows of the network that are no ids of the tokenizer."""


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more wait for one another in networks so small
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def tok():
    return Tokenizer.train(
        documents()[:20], vocab_size=300, pattern="gpt2", special_tokens=["<|end|>"]
    )


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def network(request, tok):
    torch.manual_seed(1)
    rows = tok.vocab_size + PADDED
    config = {
        "gpt2": lambda: transformers.GPT2Config(
            vocab_size=rows, n_positions=64, n_embd=32, n_layer=2, n_head=2, bos_token_id=0
        ),
        "llama": lambda: transformers.LlamaConfig(
            vocab_size=rows,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            bos_token_id=0,
        ),
    }[request.param]()
    found = transformers.AutoModelForCausalLM.from_config(config).double().eval()
    # Logits that are far from one another, and most of the mass on the padding.
    head = torch.nn.Linear(32, rows, dtype=torch.float64)
    head.weight.data.normal_(0, 0.15)
    head.bias.data[-PADDED:] = 9
    found.set_output_embeddings(head)
    return found


@pytest.fixture(scope="module")
def model(network, tok):
    @functools.cache
    def row(context):
        with torch.no_grad():
            return network(torch.tensor([context])).logits[0, -1].numpy()

    return ByteModel(
        FunctionModel(lambda contexts: np.array([row(c) for c in contexts]), start=(0,)), tok
    )


def test_greedy_is_the_likeliest_cover_and_then_the_likeliest_tokens(network, model):
    found = healed_generate(network, model, PROMPTS, max_new_tokens=6, temperature=0)
    for prompt, text in zip(PROMPTS, found, strict=True):
        cover = heal(model, prompt, temperature=0)
        assert text
        assert (
            text
            == (cover.surplus + decode(model, cover.ids, len(text), temperature=0))[: len(text)]
        )
    assert any(heal(model, prompt, temperature=0).surplus for prompt in PROMPTS)


def test_the_first_byte_has_the_law_of_bytes(network, model):
    prompt, draws = b" a", 600
    drawn = healed_generate(network, model, [prompt] * draws, max_new_tokens=1, seed=3)
    counts = Counter(text[0] if text else 256 for text in drawn)
    expected = draws * model.next_byte(prompt).probs
    # Symbols in the order of their probability, as many together as 30 draws are expected of.
    order = np.argsort(-expected)
    bins = (np.cumsum(expected[order]) // 30).astype(int)
    means = np.bincount(bins, expected[order])
    found = np.bincount(bins, [counts[symbol] for symbol in order.tolist()])
    kept = means > 1
    square = ((found - means)[kept] ** 2 / means[kept]).sum()
    assert kept.sum() > 4
    # Mean plus four standard deviations of chi square with as many degrees of freedom.
    assert square < kept.sum() + 4 * (2 * kept.sum()) ** 0.5


def test_the_seed_fixes_all_and_other_random_numbers_stay(network, model):
    state = torch.random.get_rng_state()
    once, again = (
        healed_generate(network, model, PROMPTS, max_new_tokens=4, seed=5) for _ in range(2)
    )
    assert once == again
    assert once != healed_generate(network, model, PROMPTS, max_new_tokens=4, seed=6)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_covers_are_padded_on_the_left(model):
    covers = [cover_distribution(model, prompt, 1)[0] for prompt in PROMPTS]
    found = prompt_tensors(model, covers, pad=7)
    for cover, ids, mask in zip(covers, found["input_ids"], found["attention_mask"], strict=True):
        assert ids[mask.bool()].tolist() == [0, *cover.ids]
        assert (ids[~mask.bool()] == 7).all()
        assert mask.tolist() == sorted(mask.tolist())
