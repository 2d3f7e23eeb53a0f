from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenkit.errors import MissingExtraError
from tokenkit.report import Section, Table, bar_chart, page


class Read(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.cells, self.tags, self.inside = [], [], False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "td":
            self.cells.append(["", ("class", "n") in attributes])
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "td"

    def handle_data(self, data):
        if self.inside:
            self.cells[-1][0] += data


@given(st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"])))
def test_a_cell_is_shown_as_it_is(text):
    read = Read(page("T", "lead", [Section("H", tables=[Table(["h"], [[text]])])]))
    assert read.cells[0][0] == text
    assert read.tags.count("td") == 1


def test_figures_stand_to_the_right():
    cells = ["1,024", "14.0 %", "0.96 ± 0.01", 7, "-3", "legal", "12k", "", "."]
    read = Read(page("T", "", [Section("H", tables=[Table(["h"], [cells])])]))
    assert [right for _, right in read.cells] == [True] * 5 + [False] * 4


def test_paragraphs_and_figures_are_there():
    drawn = bar_chart({"g": {"s": 1.0}}, title="T", y_label="y")
    html = page("A < B", "lead", [Section("H", "one\n\ntwo", figures=[drawn])])
    assert "A &lt; B" in html
    read = Read(html)
    assert read.tags.count("p") == 3  # the lead, and two
    assert read.tags.count("svg") == 1
    assert "http" not in html.replace("http://www.w3.org", "")  # nothing comes from outside


def test_without_jinja_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"\[report\]"):
        page("T", "", [])
