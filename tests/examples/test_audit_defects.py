"""The table of defects says what the audits say."""

import sys

from examples import audit_defects
from tests.samples import trained
from tests.tokenkit.audit import broken


def test_table_picture_and_page(tmp_path, monkeypatch, capsys):
    good, bad = tmp_path / "good.tokenizer.json", tmp_path / "bad.tokenizer.json"
    good.write_bytes(trained().to_bytes())
    bad.write_bytes(broken.with_added(" ").to_bytes())
    svg, page = tmp_path / "x.svg", tmp_path / "x.html"
    arguments = ["audit_defects.py", str(good), str(bad), "--svg", str(svg), "--html", str(page)]
    monkeypatch.setattr(sys, "argv", arguments)
    audit_defects.main()
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    table = {row[0]: row[1:] for row in rows}
    assert rows[0][-2:] == ["good", "bad"]
    assert table["tokens"] == ["2,000", "2,001"]
    assert table["`shadowed`"][0] == "0"
    assert int(table["`shadowed`"][1]) > 100
    assert "<svg" in svg.read_text()
    assert "error: shadowed" in page.read_text()
