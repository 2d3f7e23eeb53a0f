"""A model with the mask never writes the span, and writes all else as before."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LogitsProcessorList

from tests.tokenkit.audit.words import ids, tokenizer
from tokenkit.adapters.hf_phantom import PhantomMask


def masked(written, spans=("February",), prompt=0):
    """Ids that are masked after some pieces."""
    row = torch.tensor([ids(*written)], dtype=torch.long)
    scores = torch.zeros(1, tokenizer().vocab_size)
    found = PhantomMask(tokenizer(), spans, prompt)(row, scores)
    assert (scores == 0).all()  # what was given is not changed
    return set(torch.nonzero(torch.isinf(found[0])).flatten().tolist())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["the"], ["February", " February"]),
        (["the", " ", "Feb"], ["ruary", "February", " February"]),
        (["Feb"], ["ruary", "February", " February"]),
        (["a", "Feb"], ["February", " February"]),  # inside another word
        (["the", " ", "Feb", "A"], ["February", " February"]),
    ],
)
def test_what_is_masked(written, expected):
    assert masked(written) == {ids(piece)[0] for piece in expected}


def test_the_prompt_is_not_what_the_model_wrote():
    assert masked(["Feb"], prompt=1) == {ids("February")[0], ids(" February")[0]}


def test_many_spans():
    assert masked(["the"], ("NASA", " cats")) == {
        ids(piece)[0] for piece in ("NASA", " NASA", "cats", " cats")
    }
    assert masked(["the"], ()) == set()


@pytest.mark.parametrize("span", ["", "  "])
def test_spans_of_nothing(span):
    with pytest.raises(ValueError, match="white space"):
        PhantomMask(tokenizer(), [span], 0)


def test_a_random_model_cannot_write_the_span():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tok = tokenizer()
    config = GPT2Config(
        vocab_size=tok.vocab_size, n_positions=64, n_embd=16, n_layer=1, n_head=2,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        # Make it long for the span: its whole token, and its two halves in turn.
        model.lm_head.bias = torch.nn.Parameter(torch.zeros(tok.vocab_size))
        for piece in (" February", "Feb", "ruary", " "):
            model.lm_head.bias[ids(piece)[0]] = 50.0
    prompt = torch.tensor([ids("the")] * 4)
    options = {"do_sample": True, "max_new_tokens": 40, "pad_token_id": 0}
    plain = model.generate(prompt, **options)
    mask = LogitsProcessorList([PhantomMask(tok, ["February"], 1)])
    kept = model.generate(prompt, logits_processor=mask, **options)
    assert any("February" in tok.decode(row.tolist()) for row in plain)
    for row in kept:
        words = tok.decode(row.tolist()).split()
        assert "February" not in words
        assert any("Feb" in word for word in words)
