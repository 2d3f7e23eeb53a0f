"""`patch`, `train-entropy` and `prepare --patcher`, as a user types them."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.samples import documents, trained
from tokenkit.cli.app import app
from tokenkit.corpus import open_shards, verify
from tokenkit.words import (
    EOS,
    Entropy,
    NgramEntropy,
    Patcher,
    Regex,
    Space,
    Static,
    TokenEnds,
    Whitespace,
    Word,
    load_patcher,
)

TEXT = "Hello, wörld 日本語 1776"
TEXTS = documents()[:40]


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, list(map(str, arguments)), input=stdin)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("cli")
    lines = "".join(json.dumps({"text": text}) + "\n" for text in TEXTS)
    (place / "texts.jsonl").write_text(lines)
    trained().save(place / "tok.json")
    options = ["--order", 2, "--mean-patch-length", 3.5]
    result = run("train-entropy", place / "texts.jsonl", "-o", place / "m.npz", *options)
    assert result.exit_code == 0, result.output
    return place


def cases(folder):
    model = NgramEntropy.from_file(folder / "m.npz")
    tokenizer = ["--tokenizer", folder / "tok.json"]
    return [
        (["--patcher", "space"], Space()),
        (["--patcher", "word"], Word()),
        (["--patcher", "word:previous"], Word(Whitespace.PREVIOUS)),
        (["--patcher", "word:own"], Word(Whitespace.OWN)),
        (["--patcher", "static:3"], Static(3)),
        (["--patcher", "regex:gpt2"], Regex("gpt2")),
        (["--patcher", r"regex:\d|:"], Regex(r"\d|:")),
        (["--patcher", "tokenizer", *tokenizer], TokenEnds(trained())),
        (["--patcher", f"entropy:{folder / 'm.npz'}"], Entropy(model)),
        (
            ["--patcher", f"entropy:{folder / 'm.npz'}", "--threshold", "0.5", "--rise", "0.1"],
            Entropy(model, 0.5, 0.1),
        ),
    ]


def test_patch_json(folder):
    for arguments, rule in cases(folder):
        for limits, wanted in (([], Patcher(rule)), (["--max-patch-length", 4, "--snap-utf8"],
                                                    Patcher(rule, 4, True))):  # fmt: skip
            result = run("patch", TEXT, "--json", *arguments, *limits)
            assert result.exit_code == 0, result.output
            facts = json.loads(result.stdout)
            starts = wanted.starts(TEXT)
            lengths = np.diff([*starts, len(TEXT.encode())])
            assert facts["starts"] == starts.tolist()
            assert facts["patches"] == len(starts)
            assert facts["bytes"] == len(TEXT.encode())
            assert facts["longest"] == lengths.max()
            assert facts["mean"] == pytest.approx(lengths.mean(), abs=1e-3)
            assert sorted(lengths)[-1] >= facts["p99"] >= sorted(lengths)[0]


def test_patch_shows(folder, tmp_path):
    result = run("patch", TEXT)
    assert result.stdout.startswith("Hello,| wörld| 日本語| 1776\n4 patches, ")
    result = run("patch", "--patcher", "static:3", stdin="日é")
    assert "日|é" in result.stdout
    result = run("patch", TEXT, "--html", tmp_path / "page.html")
    assert result.exit_code == 0
    page = (tmp_path / "page.html").read_text()
    assert page.count("<span") == 4
    assert "4 patches" in page
    assert json.loads(run("patch", "--json", stdin="").stdout)["patches"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--patcher", "static:0"], "at least 1"),
        (["--patcher", "static:x"], "is none"),
        (["--patcher", "nothing"], "is none"),
        (["--patcher", "word:left"], "is none"),
        (["--patcher", "regex:("], "not a pattern"),
        (["--patcher", "entropy:nowhere"], "no file"),
        (["--patcher", "tokenizer"], "tokenizer is missing"),
        (["--threshold", "1"], "belong to"),
        (["--max-patch-length", "3", "--snap-utf8"], "at least 4"),
    ],
)
def test_wrong_usage(arguments, message):
    result = run("patch", TEXT, *arguments)
    assert result.exit_code in (1, 2)
    assert message in " ".join(f"{result.output} {result.exception}".split())


def test_train_entropy(folder):
    expected = NgramEntropy.train(TEXTS, order=2, mean_patch_length=3.5)
    assert NgramEntropy.from_file(folder / "m.npz") == expected
    bad = folder / "bad.jsonl"
    bad.write_text('{"text": "some text"}\n{"other": 1}\n')
    result = run("train-entropy", bad, "-o", folder / "n.npz", "--order", 2)
    assert result.exit_code == 3
    assert "left out" in result.output
    assert NgramEntropy.from_file(folder / "n.npz").trained_bytes == len("some text")


@pytest.mark.parametrize("number", range(10))
def test_prepare(folder, tmp_path, number):
    arguments, rule = cases(folder)[number]
    out = tmp_path / "out"
    limits = ["--max-patch-length", 8]
    result = run("prepare", folder / "texts.jsonl", "-o", out, *arguments, *limits, "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    expected = Patcher(rule, 8).patch_batch(TEXTS).framed(None, EOS)
    (shard,) = open_shards(out).shards
    assert shard.patches.tokens.tolist() == expected.offsets[:-1].tolist()
    assert shard.tokens.tolist() == expected.values.tolist()
    assert facts["patches"] == len(expected.offsets) - 1
    assert verify(out)[1] == []
    assert load_patcher(out).max_patch_length == 8
    assert json.loads(run("info", out, "--json").stdout)["patches"] == facts["patches"]


def test_prepare_frames_as_told(folder, tmp_path):
    common = ["prepare", folder / "texts.jsonl", "--patcher", "word", "--json"]
    bare = run(*common, "-o", tmp_path / "bare", "--eos", "none")
    assert bare.exit_code == 0
    assert open_shards(tmp_path / "bare").shards[0].header["dtype"] == "uint8"
    result = run(*common, "-o", tmp_path / "both", "--bos", "<bos>", "--eos", "300")
    assert result.exit_code == 2
    result = run(*common, "-o", tmp_path / "both", "--bos", "<bos>")
    row = open_shards(tmp_path / "both").document(0)
    assert (row[0], row[-1]) == (256, 257)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --tokenizer, or --patcher"),
        (["--patcher", "word", "--format", "megatron"], "cannot tell patches"),
        (["--patcher", "word", "--pack", "9"], "would cut patches"),
    ],
)
def test_prepare_refuses(folder, tmp_path, arguments, message):
    result = run("prepare", folder / "texts.jsonl", "-o", tmp_path / "out", *arguments)
    assert result.exit_code in (1, 2)
    assert message in " ".join(f"{result.output} {result.exception}".split())
    both = ["--patcher", "word", "--tokenizer", folder / "tok.json"]
    assert run("prepare", folder / "texts.jsonl", "-o", tmp_path / "out", *both).exit_code == 2
