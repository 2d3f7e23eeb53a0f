"""What examples write into pages."""

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def pages(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import pages

    return pages


def test_a_table_is_put_where_its_name_stands(pages, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- a -->\nold\n<!-- end of a -->\nbelow\n")
    table = pages.markdown_table(["name", "n"], [[r"\S+", 1]])
    assert table == "| name | n |\n| --- | ---: |\n| \\S+ | 1 |"
    pages.put(page, "a", table)
    pages.put(page, "a", table)
    assert page.read_text() == f"above\n<!-- a -->\n{table}\n<!-- end of a -->\nbelow\n"
    with pytest.raises(ValueError, match="no place called 'b'"):
        pages.put(page, "b", table)
