import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenkit.errors import MissingExtraError
from tokenkit.report import bar_chart, line_chart

SVG = "{http://www.w3.org/2000/svg}"


def texts(drawn):
    return ["".join(node.itertext()).strip() for node in ET.fromstring(drawn).iter(f"{SVG}text")]


def test_bars_say_group_series_and_value():
    drawn = bar_chart(
        {"legal": {"ours": 0.25, "theirs": 0.5}, "code": {"ours": 0.125}},
        title="Tokens",
        y_label="tokens a character",
        errors={
            "legal": {"ours": (0.24, 0.26), "theirs": (0.4, 0.6)},
            "code": {"ours": (0.1, 0.2)},
        },
        digits=3,
    )
    said = texts(drawn)
    for expected in ("Tokens", "legal", "code", "ours", "theirs", "0.250", "0.500", "0.125"):
        assert expected in said


def test_lines_say_their_names():
    points = {"a": [(1.0, 2.0), (2.0, 3.0)], "b": [(1.0, 1.0)]}
    drawn = line_chart(
        points, title="T", x_label="digits", y_label="accuracy", bands={"a": [(1, 3), (2, 4)]}
    )
    assert {"T", "digits", "accuracy", "a", "b"} <= set(texts(drawn))


def test_the_same_data_give_the_same_bytes():
    def draw():
        return bar_chart({"g": {"s": 1.0}}, title="T", y_label="y")

    assert draw() == draw()


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20))
def test_any_name_is_drawn_and_escaped(name):
    ET.fromstring(bar_chart({name: {"<s>": 1.0}}, title="&", y_label="y"))


def test_nothing_to_draw_is_said():
    with pytest.raises(ValueError, match="no groups"):
        bar_chart({}, title="T", y_label="y")
    with pytest.raises(ValueError, match="no series"):
        line_chart({}, title="T", x_label="x", y_label="y")


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"\[report\]"):
        bar_chart({"g": {"s": 1.0}}, title="T", y_label="y")
