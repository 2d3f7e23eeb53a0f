"""The example of byte models: its parts, and that all of it runs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tokenkit import Tokenizer

EXAMPLES = Path(__file__).parents[2] / "examples"
pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def example():
    sys.path.insert(0, str(EXAMPLES))
    import byte_models

    return byte_models


def test_no_window_is_of_a_document_in_both_parts(example):
    texts = example.Texts.of(example.QUICK)
    assert texts.test
    assert not set(texts.test) & set(texts.train)
    assert example.windows(["abcde", "f"], 2) == ["ab", "cd"]


def test_rows_hold_the_whole_window_whatever_their_order(example):
    tok = Tokenizer.train(["ab cd é"] * 5, vocab_size=280, special_tokens=example.SPECIAL)
    end, pre, suf, mid = (tok.special_tokens[name] for name in example.SPECIAL)
    text = "abcd é cd ab"
    for row in example.rows(tok, [text] * 40, np.random.default_rng(0)):
        assert row[0] == end
        if row[1] != pre:
            assert tok.decode(row[1:]) == text
            continue
        assert (row[2], row[-1]) == (suf, end)
        at = row.index(mid)
        assert tok.decode(row[at + 1 : -1]) + tok.decode(row[3:at]) == text


def test_healing_draws_the_last_token_anew(example):
    from byteprob import ByteModel, FunctionModel

    tok = Tokenizer.train(["aab"] * 5, vocab_size=259, special_tokens=["<|end|>"])
    a, ab = tok.vocab["a"], tok.vocab["aab"]
    logits = np.full(tok.vocab_size, -np.inf)
    logits[[a, ab]] = np.log([0.25, 0.75])
    model = ByteModel(FunctionModel(lambda contexts: np.array([logits] * len(contexts)), (0,)), tok)
    behind = np.zeros(257)
    behind[ord("z")] = 1.0
    found = example.healed(model, [a], behind)
    assert found[ord("a")] == pytest.approx(0.75)
    assert found[ord("z")] == pytest.approx(0.25)


def test_all_of_it_runs(tmp_path):
    out = tmp_path / "out.json"
    command = [sys.executable, EXAMPLES / "byte_models.py", "--quick", "--jobs", "1", "--out", out]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text())
    assert "| exact |" in done.stdout
    singles = [result["ensembles"][name]["bits"] for name in result["models"]]
    assert result["ensembles"]["mean"]["bits"] < max(singles)


def test_the_page_tells_what_was_measured(example):
    result = json.loads(example.RESULTS.read_text())
    page = (EXAMPLES.parent / "docs" / "tutorials" / "byte-models.md").read_text()
    for found in example.tables(result).values():
        assert found in page
