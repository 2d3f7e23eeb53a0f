"""``tokenkit train --recipe`` makes what the recipe makes."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from tests.samples import documents
from tokenkit import Tokenizer
from tokenkit.cli.app import app
from tokenkit.domain.recipe import CHARACTERS_4K, DOMAIN, KL3M, LEGAL, LINES, Source

TEXTS = [*documents()[:20], *["42 U.S.C. 1983 (a) ½"] * 9]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    return path


def run(out, *arguments):
    return CliRunner().invoke(app, ["train", *map(str, arguments), "--out", str(out)])


@pytest.mark.parametrize(
    ("options", "recipe"),
    [
        (["legal", "--vocab-size", "4096"], replace(LEGAL, vocab_size=4096)),
        (
            ["legal", "--vocab-size", "4000"],
            replace(LEGAL, vocab_size=4000, pad_to_power_of_two=False),
        ),
        (
            ["legal", "--vocab-size", "4096", "--form", "nfkc", "--superwords", "none"],
            replace(LEGAL, vocab_size=4096, form="NFKC", superwords=None),
        ),
        (
            ["domain", "--vocab-size", "4096", "--superwords", "lines", "--special", "<a>"],
            replace(DOMAIN, vocab_size=4096, superwords=LINES, special_tokens=("<a>",)),
        ),
        (
            ["kl3m", "--vocab-size", "4096", "--form", "nfkc-lowercase", "--min-frequency", "3"],
            replace(KL3M, vocab_size=4096, form="NFKC+Lowercase", min_frequency=3),
        ),
        (["char-4k"], CHARACTERS_4K),
    ],
)
def test_options(corpus, tmp_path, options, recipe):
    result = run(tmp_path / "tok.json", corpus, "--recipe", *options)
    assert result.exit_code == 0, result.output
    assert Tokenizer.from_file(tmp_path / "tok.json") == recipe.train(TEXTS)


def test_rates_and_sources(corpus, tmp_path):
    other = tmp_path / "a:b.txt"
    other.write_text("Another source. " * 50)
    small = "--vocab-size", "4096", "--recipe", "domain"
    result = run(tmp_path / "tok.json", f"{corpus}:0.5", other, *small)
    assert result.exit_code == 0, result.output
    expected = replace(DOMAIN, vocab_size=4096).train(Source(TEXTS, 0.5), [other.read_text()])
    assert Tokenizer.from_file(tmp_path / "tok.json") == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--recipe", "lega"], "legal"),
        (["--recipe", "legal", "--form", "NFD"], "nfkc"),
        (["--recipe", "legal", "--vocab-size", "300"], "vocab_size 300 is less than"),
        (["--recipe", "legal", "--pattern", "gpt2"], "what --recipe legal says"),
        (["--recipe", "legal", "--within-scripts"], "what --recipe legal says"),
        (["--form", "nfkc"], "only with --recipe"),
        (["--superwords", "lines"], "only with --recipe"),
    ],
)
def test_errors(corpus, tmp_path, arguments, said):
    result = run(tmp_path / "tok.json", corpus, *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize("rate", ["0", "2", "half"])
def test_errors_of_rates(corpus, tmp_path, rate):
    result = run(tmp_path / "tok.json", f"{corpus}:{rate}", "--recipe", "legal")
    assert result.exit_code == 2
    assert "rate" in result.output
