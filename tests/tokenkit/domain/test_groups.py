"""Groups hold what their names say, each token once, and nothing that would shadow a byte."""

import pytest

from tokenkit.domain import groups
from tokenkit.domain.groups import TokenGroup

GROUPS = groups.KL3M_GROUPS


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_tokens_are_different_and_not_single(group):
    assert len(set(group.tokens)) == len(group)
    assert all(len(token) > 1 and "  " not in token.strip() for token in group.tokens)
    assert all(token.isascii() for token in group.tokens)  # `tokenizers` garbles others
    spelled = group.spellings()
    assert len(set(spelled)) == len(spelled)


def test_names_are_different():
    assert len({group.name for group in GROUPS}) == len(GROUPS)


def test_spellings():
    assert TokenGroup("x", ("ab",)).spellings() == ("ab",)
    assert TokenGroup("x", ("ab",), spaced="also").spellings() == ("ab", " ab")
    assert TokenGroup("x", ("ab",), spaced="only").spellings() == (" ab",)
    assert TokenGroup("x", ("ab",), spaced="only").spellings(both=False) == ("ab",)


@pytest.mark.parametrize(
    ("group", "held", "missing"),
    [
        (groups.WHITESPACE, ["  ", "\n" * 8, "\r\n", "\t "], [" ", "\n", " " * 9]),
        (groups.RULES, ["..", "________"], ["."]),
        (groups.MARKDOWN, ["##", "**", "```", "https://"], ["#"]),
        (groups.HTML, ["<div", "</TABLE>", ' href="'], ["<"]),
        (groups.JSON, ['{"', '":"', "null"], ["{"]),
        (groups.XML, ["<!--", "<![CDATA["], ["<"]),
        (groups.YEARS, ["1776", "2049"], ["1775", "2050"]),
        (groups.NUMBERS, ["10", "999"], ["9", "1000"]),
        (groups.ENUMERATIONS, ["(a)", "(Z)", "(1)", "(99)", "(ii)", "(ix)"], ["(100)"]),
        (groups.REPORTERS, ["U.S.C.", "F. Supp. 2d", "Fed. Reg.", "C.F.R."], ["U.S.C"]),
        (groups.ABBREVIATIONS, ["et seq.", "v.", "Inc."], ["v"]),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_members(group, held, missing):
    assert set(held) <= set(group.tokens)
    assert not set(missing) & set(group.tokens)
