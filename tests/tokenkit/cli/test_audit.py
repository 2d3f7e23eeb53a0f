"""``tokenkit audit``: what it prints, writes, and exits with."""

import json

import pytest
from typer.testing import CliRunner

from tests.samples import trained
from tests.tokenkit.audit import broken
from tokenkit.audit import CHECKS
from tokenkit.cli.app import app

FAST = [part for check in ("missing_bytes", "shadowed", "twins") for part in ("--check", check)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizers")
    (folder / "sound.json").write_bytes(trained().to_bytes())
    (folder / "shadowed.json").write_bytes(broken.with_added(" ").to_bytes())
    config = {"added_tokens_decoder": {"7": {"content": " " * 500}}}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "other.json").write_text("{}")
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["audit", *map(str, arguments)])


@pytest.mark.parametrize(
    ("file", "fail_on", "code"),
    [
        ("sound.json", "", 0),
        ("sound.json", "error", 0),
        ("sound.json", "error, warning", 0),
        ("sound.json", "note", 1),
        ("sound.json", "twins", 1),
        ("sound.json", "shadowed", 0),
        ("shadowed.json", "", 0),
        ("shadowed.json", "error", 1),
        ("shadowed.json", "missing_bytes,shadowed", 1),
        ("shadowed.json", "missing_bytes", 0),
    ],
)
def test_exit_code(files, file, fail_on, code):
    result = run(files / file, *FAST, "--fail-on", fail_on)
    assert result.exit_code == code, result.output
    assert ("failed on" in result.output) == bool(code)


def test_report(files):
    result = run(files / "shadowed.json", *FAST, "--examples", "1")
    lines = result.output.splitlines()
    assert lines[0].startswith("shadowed.json")
    assert lines[1].startswith("error   shadowed")
    assert "keeps back" in lines[2]
    assert "→ Remove the added token" in result.output
    assert lines[-1].startswith("ok      missing_bytes")


def test_json(files):
    result = run(files / "shadowed.json", *FAST, "--json")
    report = json.loads(result.stdout)
    assert [f["check"] for f in report["findings"]] == ["shadowed", "twins", "missing_bytes"]
    assert len(report["findings"][0]["ids"]) == report["findings"][0]["count"] > 100


def test_all_checks_run_by_default(files):
    report = json.loads(run(files / "sound.json", "--json").stdout)
    assert {f["check"] for f in report["findings"]} == set(CHECKS)


def test_html(files, tmp_path):
    page = tmp_path / "audit.html"
    assert run(files / "shadowed.json", *FAST, "--html", page).exit_code == 0
    written = page.read_text()
    assert "<!doctype html>" in written
    assert "error: shadowed" in written
    assert "“ t”" in written
    assert "http://" not in written.replace("http://www.w3.org", "")


def test_added_tokens_alone(files):
    result = run(files / "tokenizer_config.json", "--fail-on", "warning")
    assert result.exit_code == 1
    assert "failed on whitespace" in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--check", "nonsense"], "'nonsense'"),
        (["--fail-on", "nonsense"], "'nonsense'"),
        (["--fail-on", "ok"], "'ok'"),
    ],
)
def test_wrong_usage(files, options, message):
    result = run(files / "sound.json", *FAST, *options)
    assert result.exit_code == 2
    assert message in result.output


def test_what_is_no_tokenizer(files):
    assert "other.json" in str(run(files / "other.json").exception)
