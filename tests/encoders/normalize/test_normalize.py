"""Every normalizer equals the library that defines it, byte for byte and with its alignment."""

import unicodedata
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, normalizers

from encoders.buffers import PADDING, joined
from encoders.normalize import (
    BertNormalizer,
    ByteLevel,
    Lowercase,
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
    Nmt,
    Prepend,
    Replace,
    ReplaceRegex,
    Sequence,
    Strip,
    StripAccents,
)
from encoders.normalize.tables import changes, form_tables

PARITY = {
    "NFC": (Nfc(), normalizers.NFC()),
    "NFD": (Nfd(), normalizers.NFD()),
    "NFKC": (Nfkc(), normalizers.NFKC()),
    "NFKD": (Nfkd(), normalizers.NFKD()),
    "lowercase": (Lowercase(), normalizers.Lowercase()),
    "strip accents": (StripAccents(), normalizers.StripAccents()),
    "nmt": (Nmt(), normalizers.Nmt()),
    "byte level": (ByteLevel(), normalizers.ByteLevel()),
    "bert": (BertNormalizer(), normalizers.BertNormalizer()),
    "bert, cased": (
        BertNormalizer(lowercase=False),
        normalizers.BertNormalizer(lowercase=False),
    ),
    "bert, accents only": (
        BertNormalizer(False, False, True, False),
        normalizers.BertNormalizer(False, False, True, False),
    ),
    "bert, clean only": (
        BertNormalizer(True, False, False, False),
        normalizers.BertNormalizer(True, False, False, False),
    ),
    "replace": (Replace(" ", "▁"), normalizers.Replace(" ", "▁")),
    "replace with less": (Replace("aa", "b"), normalizers.Replace("aa", "b")),
    "replace by nothing": (Replace("é", ""), normalizers.Replace("é", "")),
    "replace blanks": (
        ReplaceRegex(" {2,}", " "),
        normalizers.Replace(Regex(" {2,}"), " "),
    ),
    "replace a pattern": (
        ReplaceRegex(r"[aé]+", "<>"),
        normalizers.Replace(Regex(r"[aé]+"), "<>"),
    ),
    "prepend": (Prepend("▁"), normalizers.Prepend("▁")),
    "strip": (Strip(), normalizers.Strip()),
    "strip left": (Strip(right=False), normalizers.Strip(right=False)),
    "sequence": (
        Sequence((Nfd(), Lowercase(), StripAccents(), Replace(" ", "▁"), Prepend("▁"))),
        normalizers.Sequence(
            [
                normalizers.NFD(),
                normalizers.Lowercase(),
                normalizers.StripAccents(),
                normalizers.Replace(" ", "▁"),
                normalizers.Prepend("▁"),
            ]
        ),
    ),
}
# Oniguruma and a call for each document: not for a million of them.
BY_KERNEL = [name for name in PARITY if name != "replace a pattern"]

EVERY = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]


@cache
def active():
    """Characters that some normalizer changes, reorders or composes, and others beside them."""
    found = set()
    for name in ("nfd", "nfkd", "nfc", "nfkc", "lower", "marks", "nmt", "clean", "chinese"):
        found.update(list(changes(name))[:: max(1, len(changes(name)) // 200)])
    marks = range(0x300, 0x362)
    hangul = [
        *range(0x1100, 0x1113),
        *range(0x1161, 0x1176),
        *range(0x11A7, 0x11C3),
        0xAC00,
        0xAC01,
    ]
    others = [ord(c) for c in "aAéÉ ıİſẞΣς日本😀\u3000\u0085\u200d\t\n\x00\ufeff\ufffd\ufdfa"]
    return "".join(map(chr, sorted({*found, *marks, *hangul, *others})))


texts = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs", "Cn"])),
    st.text(alphabet=st.sampled_from(active())),
    st.text(alphabet="ab é  日\u0301\u0323e"),
    st.lists(
        st.sampled_from(["  ", "plain words and more of them ", "a" * 40, "é", "\u0301", "aa"])
    ).map("".join),
)


def run(normalizer, documents):
    """The documents changed, and the alignment of the batch."""
    text, bounds = joined(documents)
    found = normalizer.normalize(text, bounds, align=True)
    plain = normalizer.normalize(text, bounds)
    assert plain.bounds.tolist() == found.bounds.tolist()
    size = int(found.bounds[-1])
    assert plain.text[:size].tobytes() == found.text[:size].tobytes()
    assert len(found.text) >= size + PADDING
    return text, bounds, found


def rows(found):
    return [found.text[a:b].tobytes() for a, b in pairwise(found.bounds.tolist())]


@pytest.mark.parametrize("name", BY_KERNEL)
def test_every_code_point(name):
    ours, theirs = PARITY[name]
    found = ours.normalize(*joined([c.encode() for c in EVERY]))
    expected = list(map(theirs.normalize_str, EVERY))
    ends = np.cumsum([0, *(len(text.encode()) for text in expected)])
    wrong = np.flatnonzero(np.diff(ends) != np.diff(found.bounds))
    assert [EVERY[i] for i in wrong[:5]] == []
    whole = "".join(expected).encode()
    assert found.text[: len(whole)].tobytes() == whole


@pytest.mark.parametrize("name", PARITY)
@given(documents=st.lists(texts, max_size=4))
@settings(max_examples=150)
def test_equal_to_tokenizers(name, documents):
    ours, theirs = PARITY[name]
    _, _, found = run(ours, [text.encode() for text in documents])
    assert rows(found) == [theirs.normalize_str(text).encode() for text in documents]


@pytest.mark.parametrize("name", ["NFC", "NFD", "NFKC", "NFKD"])
def test_every_composition_and_reordering(name):
    ours, theirs = PARITY[name]
    firsts = sorted({chr(key >> 21) for key in form_tables(True, True).pair_keys.tolist() if key})
    marks = [chr(c) for c in range(0x300, 0x370)] + ["\u0591", "\u0f71", "\u3099", "\u0653"]
    documents = [
        a + m + n for a in firsts[::3] for m, n in zip(marks, marks[7:] + marks[:7], strict=True)
    ]
    found = ours.normalize(*joined([text.encode() for text in documents]))
    assert rows(found) == [theirs.normalize_str(text).encode() for text in documents]


def test_forms_agree_with_the_standard_where_the_library_is_as_new():
    """Unicode 9 of the library's tables and ours of today agree on what was assigned then."""
    old = [c for c in EVERY if unicodedata.ucd_3_2_0.category(c) != "Cn"]
    found = rows(Nfc().normalize(*joined([c.encode() for c in old])))
    corrected = {"\u2f868", "\U0002f868", "\U0002f874", "\U0002f91f", "\U0002f95f", "\U0002f9bf"}
    for character, ours in zip(old, found, strict=True):
        if character not in corrected:
            assert ours.decode() == unicodedata.normalize("NFC", character)


@pytest.mark.parametrize("name", PARITY)
@given(documents=st.lists(texts, max_size=3))
@settings(max_examples=60)
def test_alignment(name, documents):
    text, bounds, found = run(PARITY[name][0], [document.encode() for document in documents])
    size = int(found.bounds[-1])
    if found.alignment is None:
        assert found.text is text
        assert found.bounds is bounds
        return
    origin = found.alignment.to_array()
    assert len(origin) == size + 1
    assert (np.diff(origin) >= 0).all()
    assert origin[-1] <= bounds[-1]
    # No byte comes from another document.
    for i, (start, stop) in enumerate(pairwise(found.bounds.tolist())):
        if stop > start:
            assert bounds[i] <= origin[start]
            assert found.alignment.stops(np.array([stop]))[0] <= bounds[i + 1]
    # What maps byte to byte is the same byte, but for letters that became small.
    step, before = found.alignment, found.alignment.before
    if before is None:
        for k in range(0, len(step.normalized) - 1, 2):
            a, b = step.normalized[k], step.normalized[k + 1]
            c, d = step.original[k], step.original[k + 1]
            assert b - a == d - c
            if name.startswith(("replace", "prepend", "strip", "NF")):
                assert found.text[a:b].tobytes() == text[c:d].tobytes()


@pytest.mark.parametrize(
    "name", ["NFC", "NFKD", "lowercase", "strip accents", "nmt", "bert", "replace"]
)
@given(
    parts=st.lists(
        st.tuples(texts, st.sampled_from([b"\xff", b"\xe6\x97", b"\xc0\x80", b"\xed\xa0\x80"]))
    )
)
@settings(max_examples=60)
def test_bytes_outside_utf8_stay(name, parts):
    """They part what is between them, and are themselves what they were."""
    ours, theirs = PARITY[name]
    raw = b"".join(text.encode() + wrong for text, wrong in parts)
    expected = b"".join(theirs.normalize_str(text).encode() + wrong for text, wrong in parts)
    _, _, found = run(ours, [raw])
    assert rows(found) == [expected]


@pytest.mark.parametrize("name", PARITY)
@given(raw=st.binary(max_size=300))
@settings(max_examples=60)
def test_any_bytes_are_safe(name, raw):
    run(PARITY[name][0], [raw, b"", raw[:7]])


@pytest.mark.parametrize("name", PARITY)
def test_ascii_that_needs_no_change_is_not_copied(name):
    text, bounds = joined([b"plain words, nothing in them\n" * 100])
    found = PARITY[name][0].normalize(text, bounds)
    expected = PARITY[name][1].normalize_str(text[:-PADDING].tobytes().decode())
    assert (found.text is text) == (expected.encode() == text[:-PADDING].tobytes())


def test_much_that_grows_much():
    """Eighteen characters from one, again and again: more room than was expected."""
    document = "\ufdfa" * 3000
    _, _, found = run(Nfkd(), [document.encode(), b"x", document.encode()])
    expected = unicodedata.normalize("NFKD", document).encode()
    assert rows(found) == [expected, b"x", expected]


def test_marks_without_end_take_no_quadratic_time():
    count = 200_000
    _, _, found = run(Nfc(), [("a" + "\u0323\u0301" * count).encode()])
    expected = "\u1ea1" + "\u0323" * (count - 1) + "\u0301" * count
    assert rows(found) == [expected.encode()]


def test_what_is_no_expression_is_refused():
    with pytest.raises(ValueError, match="not a regular expression"):
        ReplaceRegex("(", "").normalize(*joined([b"a"]))
