"""The automaton of a pattern against `re`, which reads the same patterns in its own way."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byteprob import PatternError, matching
from byteprob.regular import utf8_spans

ATOMS = ["a", "b", "é", "日", r"\.", ".", "[ab]", "[^a]", "[]a]", "[^]a]", r"[\]b-é]", r"\x61"]
REPEATS = ["", "*", "+", "?", "{2}", "{1,3}", "{2,}", "{,2}", "*?", "+?", "??", "{1,2}?"]
LETTERS = "ab]é日\n.\u0301"


def grown(inner):
    part = st.tuples(st.one_of(st.sampled_from(ATOMS), inner.map("({})".format)), repeats)
    row = st.lists(part.map("".join), max_size=3).map("".join)
    return st.lists(row, min_size=1, max_size=3).map("|".join)


repeats = st.sampled_from(REPEATS)
patterns = st.recursive(st.sampled_from(ATOMS), grown, max_leaves=6)


@given(patterns, st.lists(st.text(LETTERS, max_size=6), max_size=8), st.data())
def test_it_accepts_what_re_matches(pattern, texts, data):
    found = matching(pattern)
    texts.append(data.draw(st.from_regex(re.compile(pattern), fullmatch=True)))
    for text in texts:
        expected = re.fullmatch(pattern, text) is not None
        assert found.accepts(text.encode("utf-8", "surrogatepass")) == (
            expected and not any("\ud800" <= each <= "\udfff" for each in text)
        )


@given(
    st.sampled_from(
        [rb"\w*\xff|[\x80-\xff]+", rb".\n?", rb"[^\x00-a]{2}|\d\s", rb"(?P<x>\0|\101)+"]
    ),
    st.binary(max_size=4),
)
def test_patterns_of_bytes_are_of_bytes(pattern, text):
    assert matching(pattern).accepts(text) == (re.fullmatch(pattern, text) is not None)


@given(st.integers(0, 0x10FFFF), st.integers(0, 0x10FFFF), st.characters(codec="utf-8"))
def test_spans_spell_the_characters_between(one, other, character):
    low, high = sorted((one, other))
    for each in (character, chr(low), chr(high), chr(min(high + 1, 0x10FFFF))):
        if "\ud800" <= each <= "\udfff":
            continue
        spelled = each.encode()
        hits = [
            spans
            for spans in utf8_spans(low, high)
            if len(spans) == len(spelled)
            and all(
                first <= byte <= last for (first, last), byte in zip(spans, spelled, strict=True)
            )
        ]
        assert len(hits) == (low <= ord(each) <= high)


@pytest.mark.parametrize("pattern", [r"\d", r"\w", r"\s", r"\W", ".", r"[^\W\d]"])
def test_classes_are_those_of_re_for_every_character(pattern):
    found, theirs = matching(pattern), re.compile(pattern)
    for code in range(0, 0x110000, 7):
        if not 0xD800 <= code <= 0xDFFF:
            character = chr(code)
            assert found.accepts(character.encode()) == bool(theirs.fullmatch(character))


def test_a_choice_is_not_ended_by_its_first_match():
    found = matching("a|ab|(a|ab)(c|bcd)")
    for text in (b"a", b"ab", b"ac", b"abcd", b"abbcd"):
        assert found.accepts(text)
    assert not found.accepts(b"abb")


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        (r"a(?=b)", r"\(\?=b"),
        (r"(?i)a", r"\(\?i\)"),
        (r"(a)\1", r"\\\\1"),
        (r"(?P<x>a)(?P=x)", r"\(\?P="),
        (r"^a", r"\^.*no byte"),
        (r"a\b", r"b' at"),
        (r"a*+", "possessive"),
        (r"\N{DIGIT ONE}", r"N' at"),
        (r"(a", "no regular expression"),
        ("\ud800", "no regular expression"),
        (r"[^\s\S]b", "nothing matches"),
        (r"(a|b)*a(a|b){40}", "states"),
    ],
)
def test_what_is_not_regular_is_refused_by_name(pattern, named, monkeypatch):
    monkeypatch.setattr("byteprob.regular.MOST_STATES", 500)
    with pytest.raises(PatternError, match=named):
        matching(pattern)
