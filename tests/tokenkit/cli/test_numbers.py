"""``tokenkit numbers``, and every command that takes a tokenizer takes one with numbers."""

import json

import pytest
from typer.testing import CliRunner

from tests.samples import trained
from tokenkit.cli.app import app
from tokenkit.corpus.shards import open_shards
from tokenkit.numbers import R2L, TST, NumericTokenizer

TEXT = "Sold 1,234.50 of 007; up 9.9%.\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("numbers")
    trained("cl100k").save(path / "base.json")
    NumericTokenizer(trained("cl100k"), TST()).save(path / "numbers.json")
    (path / "corpus.txt").write_text(TEXT * 20)
    return path


def run(*command, stdin=None):
    found = CliRunner().invoke(app, [str(part) for part in command], input=stdin)
    assert found.exit_code == 0, found.output
    return found.stdout


def test_numbers_are_shown():
    shown = run("numbers", TEXT)
    assert "1k , 234 . 500p <tz1>" in shown
    assert "1234.5" in shown
    assert "3 numbers, 9 tokens" in shown
    assert "0 numbers" in run("numbers", stdin="none here")


def test_numbers_as_json():
    found = json.loads(run("numbers", "x 9.9", "--scheme", "tst-a", "--json"))
    assert [number["number"] for number in found] == ["9.9"]
    assert (found[0]["start"], found[0]["stop"], found[0]["value"]) == (2, 5, 9.9)
    assert found[0]["readable"] == "9 . 900 p <tz2>"
    first = found[0]["tokens"][0]
    assert first == {"id": 9, "token": "9", "span": [2, 3], "power": 0, "digit_position": 0}


@pytest.mark.parametrize(
    ("options", "scheme"),
    [
        (["tst"], TST()),
        (["tst-a", "--number-mode", "width"], TST(option="A", mode="width")),
        (["r2l", "--number-group", "2", "--number-locale", "de"], R2L(group=2, locale="de")),
    ],
)
def test_prepare(folder, tmp_path, options, scheme):
    command = ["prepare", folder / "corpus.txt", "-t", folder / "base.json", "-o", tmp_path / "out"]
    run(*command, "--numbers", *options)
    tok = NumericTokenizer.from_file(tmp_path / "out" / "tokenizer.numbers.json")
    assert tok == NumericTokenizer(trained("cl100k"), scheme)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["tokenizer"]["fingerprint"] == tok.fingerprint
    assert manifest["tokenizer"]["vocab_size"] == tok.vocab_size
    ids = open_shards(tmp_path / "out").shards[0].tokens
    kept = ids[ids != trained("cl100k").special_tokens["<|endoftext|>"]]
    assert tok.decode(kept) == TEXT * 20
    run("verify", tmp_path / "out")


def test_commands_take_it(folder):
    ids = run("encode", "-t", folder / "numbers.json", stdin=TEXT)
    assert run("decode", "-t", folder / "numbers.json", stdin=ids) == TEXT
    assert "lossless" in run("info", folder / "numbers.json")
    assert "234" in run("inspect", TEXT, "-t", folder / "numbers.json")


@pytest.mark.parametrize(
    "options",
    [
        ["--numbers", "abc"],
        ["--number-mode", "pad"],
        ["--numbers", "r2l", "--number-mode", "pad"],
        ["--numbers", "digits", "--number-group", "3"],
        ["--numbers", "tst", "--number-locale", "xx"],
    ],
)
def test_wrong_usage(folder, tmp_path, options):
    command = ["prepare", folder / "corpus.txt", "-t", folder / "base.json", "-o", tmp_path / "out"]
    found = CliRunner().invoke(app, [str(part) for part in (*command, *options)])
    assert found.exit_code == 2


def test_numbers_twice(folder, tmp_path):
    command = [
        "prepare",
        folder / "corpus.txt",
        "-t",
        folder / "numbers.json",
        "-o",
        tmp_path / "o",
    ]
    found = CliRunner().invoke(app, [str(part) for part in (*command, "--numbers", "tst")])
    assert found.exit_code == 2
