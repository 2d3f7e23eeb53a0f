"""Byte probabilities beside genlm-bytes (Vieira et al., arXiv 2412.03719), which brings versions of
its own: ``TOKENKIT_PEER_GENLM`` names the Python of an environment that has it."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from byteprob import ByteModel, TransformersModel
from tests.samples import documents
from tokenkit import Tokenizer

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

END_TOKEN = "<|endoftext|>"
PREFIXES = (b"", b"a", b" t", b"I'", b"the ", "é".encode()[:1])


@pytest.fixture(scope="module")
def genlm():
    python = os.environ.get("TOKENKIT_PEER_GENLM")
    if not python:
        pytest.skip("TOKENKIT_PEER_GENLM names no Python with genlm-bytes")
    return python


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny random GPT-2 and its tokenizer."""
    place = tmp_path_factory.mktemp("gpt2")
    tok = Tokenizer.train(documents()[:20], vocab_size=500, special_tokens=[END_TOKEN])
    tok.save(place / "tokenizer.json")
    transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(place / "tokenizer.json"), eos_token=END_TOKEN, bos_token=END_TOKEN
    ).save_pretrained(place)
    torch.manual_seed(0)
    end = tok.special_tokens[END_TOKEN]
    sizes = {"vocab_size": tok.vocab_size, "n_embd": 32, "n_layer": 2, "n_head": 2}
    config = transformers.GPT2Config(
        **sizes, n_positions=64, initializer_range=0.3, bos_token_id=end, eos_token_id=end
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(place)
    return place


def theirs(python, folder, beam, prune, prefixes):
    script = Path(__file__).parent / "genlm_next_bytes.py"
    lines = "".join(f"{prefix.hex()}\n" for prefix in prefixes)
    command = [python, script, folder, str(beam), str(prune)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return np.exp(np.array(json.loads(done.stdout.splitlines()[-1])))


def ours(folder, prefixes, beam=None):
    model = ByteModel(*TransformersModel.from_directory(folder), "marginal", beam=beam)
    return [model.next_byte(prefix) for prefix in prefixes]


def test_a_beam_without_bound_is_the_marginal(genlm, folder):
    for row, found in zip(
        theirs(genlm, folder, 10_000, 0.0, PREFIXES), ours(folder, PREFIXES), strict=True
    ):
        assert row == pytest.approx(found.probs, abs=2e-6)  # float32 there


def test_its_suggested_beam_is_off_and_does_not_say_so(genlm, folder):
    """K=5, pruned at 0.05, as its README has it: our beam of five is off too, and says how far."""
    prefixes = (b"the ", b" and the", b"I'm ")
    exact = ours(folder, prefixes)
    rows = theirs(genlm, folder, 5, 0.05, prefixes)
    far = [abs(row - found.probs).sum() / 2 for row, found in zip(rows, exact, strict=True)]
    assert max(far) > 1e-3
    for found, whole in zip(ours(folder, prefixes, beam=5), exact, strict=True):
        assert abs(found.probs - whole.probs).sum() / 2 <= found.error + 1e-12
