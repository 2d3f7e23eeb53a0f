"""``tokenkit train`` makes what `Tokenizer.train` makes, and `tokenizers` reads."""

import json

import pytest
import tokenizers
from typer.testing import CliRunner

from tests.samples import documents
from tokenkit import Tokenizer
from tokenkit.cli.app import app

TEXTS = [*documents()[:12], "日本語 καλημέρα λόγος 12345 x1y22 naïve été" * 3]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    return path


def run(corpus, out, *options):
    command = ["train", str(corpus), "--out", str(out), "--vocab-size", "600", *options]
    return CliRunner().invoke(app, command)


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ([], {}),
        (["--max-token-length", "5"], {"max_token_length": 5}),
        (["--max-token-characters", "3"], {"max_token_characters": 3}),
        (["--max-digits", "1"], {"max_digits": 1}),
        (["--within-scripts", "--pattern", r"\S+"], {"within_scripts": True, "pattern": r"\S+"}),
        (["--initial-alphabet", "all"], {}),
        (["--initial-alphabet", r"é\x00\n"], {"initial_alphabet": "é\x00\n"}),
        (["--initial-alphabet", ""], {"initial_alphabet": b""}),
        (["--special", "<a>", "--special", "<b>"], {"special_tokens": ["<a>", "<b>"]}),
    ],
)
@pytest.mark.parametrize("threads", [[], ["--threads", "1"], ["--threads", "3"]])
def test_options(corpus, tmp_path, options, meant, threads):
    result = run(corpus, tmp_path / "tok.json", *options, *threads)
    assert result.exit_code == 0, result.output
    expected = Tokenizer.train(
        TEXTS, **{"vocab_size": 600, "special_tokens": ["<|endoftext|>"], "threads": 1} | meant
    )
    made = Tokenizer.from_file(tmp_path / "tok.json")
    assert made == expected
    assert f"{made.vocab_size} tokens, fingerprint {made.fingerprint[:16]}" in result.output
    peer = tokenizers.Tokenizer.from_file(str(tmp_path / "tok.json"))
    for text in TEXTS:
        assert made.encode(text).tolist() == peer.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-digits", "0"], "max_digits 0"),
        (["--max-token-length", "1"], "max_token_length 1"),
        (["--vocab-size", "200"], "vocab_size 200"),
        (["--threads", "0"], "--threads"),
        (["--initial-alphabet", r"\x"], "escape"),
    ],
)
def test_wrong_usage(corpus, tmp_path, options, message):
    result = run(corpus, tmp_path / "tok.json", *options)
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "tok.json").exists()
