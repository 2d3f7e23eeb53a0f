"""Cuts that are said to be safe are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import trained
from tests.tokenkit.audit import broken
from tokenkit.audit import Vocabulary, cut_rules, safe_cuts
from tokenkit.audit.cuts import _are_joined, class_of
from tokenkit.tokens import Ragged

TEXTS = st.text("the A1 \n.'/é中x", max_size=24)
rows = st.lists(st.integers(0, 3), max_size=3)


@given(TEXTS)
def test_safe_cuts_are_all_that_keep_the_ids(text):
    tokenizer = trained()
    whole = tokenizer.encode(text).tolist()
    expected = [
        cut
        for cut in range(1, len(text))
        if tokenizer.encode(text[:cut]).tolist() + tokenizer.encode(text[cut:]).tolist() == whole
    ]
    assert safe_cuts(tokenizer, text).tolist() == expected


def test_safe_cuts_of_nothing():
    assert safe_cuts(trained(), "").tolist() == []
    assert safe_cuts(trained(), "\ud800 a").tolist() == [1]


@pytest.mark.parametrize("pattern", ["gpt2", "o200k"])
def test_rules(pattern):
    tokenizer = trained(pattern)
    rules = {(rule.before, rule.behind): rule for rule in cut_rules(Vocabulary.of(tokenizer))}
    assert len(rules) == 144
    assert min(rule.tried for rule in rules.values()) == 12 * 12 * 4
    assert rules["letter", "line feed"].safe
    assert rules["line feed", "letter"].safe == (pattern != "gpt2")
    for rule in rules.values():
        if not rule.safe:
            left, right = rule.example
            parts = tokenizer.encode(left).tolist() + tokenizer.encode(right).tolist()
            assert parts != tokenizer.encode(left + right).tolist()


@pytest.mark.parametrize("pattern", ["gpt2", "o200k", r"\w+|."])
def test_safe_cuts_are_safe_in_any_text(pattern):
    tokenizer = trained(pattern)
    rules = {(r.before, r.behind): r for r in cut_rules(Vocabulary.of(tokenizer))}

    @given(st.text("theA1 \n\t.'’/éÜи中日\u0301", min_size=2, max_size=12), st.data())
    def law(text, data):
        cut = data.draw(st.integers(1, len(text) - 1))
        rule = rules[class_of(text[cut - 1]), class_of(text[cut])]
        if rule.safe:
            parts = tokenizer.encode(text[:cut]).tolist() + tokenizer.encode(text[cut:]).tolist()
            assert parts == tokenizer.encode(text).tolist(), rule

    law()


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("a", "letter"), ("Z", "capital"), ("7", "digit"), ("٣", "digit"), (" ", "blank"),
        ("\n", "line feed"), ("\t", "tab"), ("’", "apostrophe"), ("-", "punctuation"),
        ("/", "slash"), ("ß", "other cased letter"), ("И", "other cased letter"),
        ("\u0301", "mark"), ("中", "uncased letter"), ("ع", "uncased letter"), ("\x00", None),
        ("\r", None), ("€", None), ("\xa0", None),
    ],
)  # fmt: skip
def test_classes(character, name):
    assert class_of(character) == name


def test_the_library_has_rules_too():
    rules = cut_rules(Vocabulary.of(broken.wordpiece()))
    assert any(rule.safe for rule in rules)
    assert not all(rule.safe for rule in rules)


@given(rows, st.lists(st.tuples(rows, rows), max_size=4))
def test_joined_rows(left, cases):
    whole = Ragged.from_rows([row for row, _ in cases])
    rights = Ragged.from_rows([row for _, row in cases])
    expected = [row == left + right for row, right in cases]
    assert _are_joined(whole, Ragged.from_rows([left])[0], rights) == expected


@given(rows, st.lists(rows, max_size=4))
def test_rows_joined_are_found_joined(left, rights):
    whole = Ragged.from_rows([left + right for right in rights])
    found = _are_joined(whole, Ragged.from_rows([left])[0], Ragged.from_rows(rights))
    assert found == [True] * len(rights)
