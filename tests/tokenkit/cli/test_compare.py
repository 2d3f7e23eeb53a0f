"""``tokenkit compare`` reads what it is told to and prints what `compare` finds."""

import json

import pytest
from typer.testing import CliRunner

from tests.samples import documents, trained
from tokenkit.cli.app import app
from tokenkit.numbers import TST, NumericTokenizer
from tokenkit.text.formats.tiktoken import write_ranks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("compare")
    trained().save(root / "large.json")
    trained(vocab_size=600).save(root / "small.json")
    (root / "plain").mkdir()
    trained(vocab_size=600).save(root / "plain" / "tokenizer.json")
    ranks = write_ranks([bytes([byte]) for byte in range(256)] + [b"th", b"the"])
    (root / "ranks.tiktoken").write_bytes(ranks)
    NumericTokenizer(trained(), TST()).save(root / "numbers.json")
    lines = [json.dumps({"text": text}) for text in documents()[:30]]
    (root / "a.jsonl").write_text("\n".join(lines[:15]))
    (root / "b.jsonl").write_text("\n".join([*lines[15:], "{broken"]))
    (root / "text.txt").write_text("One document.\n\nAnother one, of the two.")
    return root


def run(folder, *arguments):
    places = [argument.replace("@/", f"{folder}/") for argument in arguments]
    return CliRunner().invoke(app, ["compare", *places, "--resamples", "20"])


def found(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_names_and_kinds(folder):
    tokenizers = ["@/large.json", "few=@/small.json", "@/plain/tokenizer.json", "@/numbers.json"]
    result = run(
        folder, *tokenizers, "@/ranks.tiktoken@o200k", "--corpus", "topics=@/a.jsonl", "--json"
    )
    made = found(result)
    assert list(made["tokenizers"]) == ["large", "few", "plain", "numbers", "ranks"]
    assert made["against"] == "large"
    values = made["measures"]["tokens_per_character"]["topics"]
    assert values["few"] == values["plain"]
    texts = documents()[:15]
    tokens = sum(len(trained().encode(text)) for text in texts)
    assert values["large"]["value"] == pytest.approx(tokens / sum(map(len, texts)))
    assert made["corpora"]["topics"]["documents"] == 15


def test_on_a_terminal(folder):
    result = run(folder, "@/small.json", "@/large.json", "--corpus", "topics=@/a.jsonl")
    assert result.exit_code == 0, result.output
    for expected in ("tokens per character", "topics, 15 documents", "█", "boundary F1", "EBITDA"):
        assert expected in result.output
    assert "ids used, topics" in result.output


def test_options(folder):
    (folder / "terms.txt").write_text("Law\tthe law\nplain\n")
    arguments = ["@/small.json", "@/large.json", "--corpus", "t=@/a.jsonl", "--json"]
    options = ["--terms", "@/terms.txt", "--against", "large", "--noise", "0", "--documents", "4"]
    made = found(run(folder, *arguments, *options, "--seed", "3", "--level", "0.8"))
    assert made["terms"]["Law"]["the law"]["large"] == len(trained().encode("the law"))
    assert list(made["terms"]) == ["Law", "terms"]
    assert (made["against"], made["noise_rate"], made["level"]) == ("large", None, 0.8)
    assert made["corpora"]["t"]["documents"] == 4
    again = found(run(folder, *arguments, *options, "--seed", "3", "--level", "0.8"))
    assert again == made
    other = found(run(folder, *arguments, *options, "--seed", "4", "--level", "0.8"))
    assert other["corpora"] != made["corpora"]


def test_page(folder, tmp_path):
    page = tmp_path / "page.html"
    arguments = ["@/small.json", "@/large.json", "--corpus", "t=@/a.jsonl", "--html", str(page)]
    result = run(folder, *arguments)
    assert f"{page}: the same with charts" in result.output.replace("\n", "")
    assert page.read_text().count("<svg") == 4


def test_separator_and_few_documents(folder):
    corpus = ["--corpus", "t=@/text.txt", "--json"]
    result = run(folder, "@/small.json", *corpus)
    assert found(result)["corpora"]["t"]["documents"] == 1
    assert "t has 1 documents" in result.stderr
    result = run(folder, "@/small.json", *corpus, "--separator", r"\n\n")
    assert found(result)["corpora"]["t"]["documents"] == 2


def test_records_left_out(folder):
    result = run(
        folder, "@/small.json", "--corpus", "t=@/b.jsonl", "--corpus", "t=@/a.jsonl", "--json"
    )
    assert result.exit_code == 3
    assert json.loads(result.stdout)["corpora"]["t"]["documents"] == 30
    assert "left out" in result.stderr
    assert "not JSON" in result.stderr


def test_no_text_at_all(folder):
    (folder / "bad.txt").write_bytes(b"\xff\xfe")
    result = run(folder, "@/small.json", "--corpus", "t=@/bad.txt")
    assert "'t' has no text" in str(result.exception)
    assert "invalid UTF-8" in result.stderr


def test_samples(folder, monkeypatch):
    monkeypatch.setattr("tokenkit.cli.compare._SAMPLE_BYTES", 50_000)
    result = run(folder, "@/small.json", "--documents", "5", "--json", "--noise", "0")
    assert list(found(result)["corpora"]) == ["reference", "licences", "ledgers", "tables"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["@/none.json"], "no such file"),
        (["@/ranks.tiktoken@nonsense"], "nonsense"),
        (["@/small.json", "@/small.json"], "two tokenizers"),
        (["@/small.json", "--corpus", "@/a.jsonl"], "NAME=PATH"),
        (["@/small.json", "--corpus", "=@/a.jsonl"], "NAME=PATH"),
        (["@/small.json", "--against", "large"], "--against"),
        (["@/small.json", "--level", "1"], "--level"),
    ],
)
def test_wrong_usage(folder, arguments, message):
    result = run(folder, *arguments)
    assert result.exit_code == 2
    assert message in result.output.replace("\n", " ")


def test_errors(folder):
    assert "pattern" in str(run(folder, "@/ranks.tiktoken").exception)
    result = run(folder, "@/small.json", "--corpus", "t=@/missing.jsonl")
    assert "no such file" in str(result.exception)
