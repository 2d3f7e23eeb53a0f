"""Tokens of numbers: the official vocabulary, the paper's examples, and a reference in Python."""

import gzip
import json
import re
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenkit.errors import EncodeError, VocabularyError
from tokenkit.numbers import L2R, R2L, TST, Digits, Protect
from tokenkit.numbers.saving import scheme_from_json, scheme_to_json

SCHEMES = [
    *(
        TST(option=option, mode=mode, group=group)
        for option in "AB"
        for mode in ("mark", "width", "pad")
        for group in (1, 2, 3, 4)
    ),
    *(kind(group=g) for kind in (R2L, L2R) for g in (1, 2, 3, 4)),
    Digits(),
]  # fmt: skip


def test_the_official_vocabulary(data_folder):
    official = json.loads(gzip.decompress((data_folder / "vocab/tst_vocab.json.gz").read_bytes()))
    assert list(TST(mode="pad").vocab) == official
    assert list(TST().vocab[: len(official)]) == official
    assert TST().vocab[len(official) :] == ("<lz1>", "<lz2>", "<tz1>", "<tz2>")


@pytest.mark.parametrize(
    ("scheme", "size"),
    [
        (TST(mode="pad"), 11_000),
        (TST(), 11_004),
        (TST(mode="width"), 12_210),
        (TST(option="A"), 1000 + 100 + 10 + 4),
        (TST(option="A", mode="width"), 1110 + 10),
        (TST(group=1), 110),
        (TST(locale="in"), 11_005),
        (R2L(), 1110),
        (Digits(), 10),
    ],
    ids=repr,
)
def test_sizes(scheme, size):
    assert len(scheme.vocab) == len(set(scheme.vocab)) == size


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
def test_every_spelling_is_one_token(scheme):
    assert len(set(scheme.vocab)) == len(scheme.vocab)


@pytest.mark.parametrize(
    ("number", "readable"),
    [
        # the author's README and the reimplementation's "matches the paper" test
        ("1.12345678", "1 . 123p 456pp 780ppp"),
        ("123456789012345", "123t 456b 789m 012k 345"),
        ("12345678.1234", "12m 345k 678 . 123p 400pp"),
        ("12,345,678.1234", "12m 345k 678 . 123p 400pp"),
        ("12,345,678", "12m 345k 678"),
        ("0.0045", "0 . 004p 500pp"),
        ("0.19", "0 . 190p"),
        ("0.9", "0 . 900p"),
        ("12,345.67", "12k 345 . 670p"),
        ("123.45", "123 . 450p"),
        ("1,234.56", "1k 234 . 560p"),
        ("123,456,789", "123m 456k 789"),
        ("23.5", "23 . 500p"),
        ("1234", "1k 234"),
    ],
)
def test_examples_of_the_paper(number, readable):
    assert TST(mode="pad").readable(number) == readable
    apart = re.sub("(?<=[0-9])(?=[a-z])", " ", readable)
    assert TST(mode="pad", option="A").readable(number) == apart


def test_examples_with_other_separators():
    pad = {locale: TST(mode="pad", locale=locale) for locale in ("de", "fr", "in")}
    assert pad["in"].readable("12,34,567.89") == "1m 234k 567 . 890p"
    assert pad["in"].readable("1,23,45,678.1234") == "12m 345k 678 . 123p 400pp"
    assert pad["de"].readable("12.345,67") == "12k 345 , 670p"
    assert pad["fr"].readable("12\u00a0345\u00a0678,1234") == "12m 345k 678 , 123p 400pp"


@pytest.mark.parametrize(
    ("scheme", "readable"),
    [
        (TST(), "<lz1> 1k 005 . 900p <tz2>"),
        (TST(mode="width"), "01k 005 . 9p"),
        (TST(mode="pad"), "1k 005 . 900p"),
        (TST(option="A"), "<lz1> 1 k 005 . 900 p <tz2>"),
        (R2L(), "01 005 . 9"),
        (L2R(), "010 05 . 9"),
        (Digits(), "0 1 0 0 5 . 9"),
    ],
    ids=repr,
)
def test_zeros(scheme, readable):
    assert scheme.readable("01005.9") == readable
    assert scheme.parse(readable) == ("01005.9" if scheme.lossless else "1005.900")


def test_what_the_reference_loses_is_kept():
    scheme = TST()
    for numbers in (
        ("0.1", "0.10", "0.100"),
        ("7", "07", "007"),
        ("3.14", "314"),
        ("1,234", "1234"),
    ):
        assert len({scheme.readable(number) for number in numbers}) == len(numbers)
    assert [scheme.readable(number) for number in ("9.11", "9.9")] == [
        "9 . 110p <tz1>",
        "9 . 900p <tz2>",
    ]


# --- a reference in plain Python


def grouped(digits, group, leftward):
    first = 0 if leftward else len(digits) % group
    cuts = [digits[:first]] if first else []
    return cuts + [digits[i : i + group] for i in range(first, len(digits), group)]


def reference(scheme, whole, fraction):
    """Token strings of a number without separators, as the documentation tells."""
    group, items = scheme.group, []
    if not isinstance(scheme, TST):
        items += grouped(whole, group, isinstance(scheme, L2R))
        items += ["."] * bool(fraction) + grouped(fraction, group, True)
        return " ".join(items)
    suffixes, fused = ["", "k", "m", "b", "t", "q"], scheme.option == "B"

    def put(digits, suffix):
        items.extend([digits + suffix] if fused or not suffix else [digits, suffix])

    groups = grouped(whole, group, False)
    if scheme.mode != "width":
        short = str(int(groups[0]))
        if scheme.mode == "mark" and len(short) < len(groups[0]):
            items.append(f"<lz{len(groups[0]) - len(short)}>")
        groups[0] = short
    for i, digits in enumerate(groups):
        put(digits, suffixes[len(groups) - 1 - i])
    items += ["."] * bool(fraction)
    for i, digits in enumerate(grouped(fraction, group, True)):
        missing = 0 if scheme.mode == "width" else group - len(digits)
        put(digits + "0" * missing, "p" * (i + 1))
        if scheme.mode == "mark" and missing:
            items.append(f"<tz{missing}>")
    return " ".join(items)


@given(data=st.data(), scheme=st.sampled_from(SCHEMES))
def test_tokens_are_those_of_the_reference(data, scheme):
    digits = st.text(alphabet="0123456789")
    most = scheme.group if isinstance(scheme, TST) else 9
    whole = data.draw(digits.filter(bool).map(lambda d: d[: 6 * most]))
    fraction = data.draw(digits.map(lambda d: d[: 5 * most]))
    number = f"{whole}.{fraction}" if fraction else whole
    assert scheme.readable(number) == reference(scheme, whole, fraction)
    if scheme.lossless:
        assert scheme.parse(scheme.readable(number)) == number


NUMBERS = {
    "en": st.from_regex(r"[1-9][0-9]{0,2}(,[0-9]{3}){0,5}(\.[0-9]{1,5})?", fullmatch=True),
    "de": st.from_regex(r"[1-9][0-9]{0,2}(\.[0-9]{3}){0,5}(,[0-9]{1,5})?", fullmatch=True),
    "fr": st.from_regex("[1-9][0-9]{0,2}(\u202f[0-9]{3}){0,5}(,[0-9]{1,5})?", fullmatch=True),
    "in": st.from_regex(r"[1-9][0-9]?(,[0-9]{2}){0,4},[0-9]{3}(\.[0-9]{1,5})?", fullmatch=True),
}


@cache
def tst(option, mode, group, locale):
    return TST(option=option, mode=mode, group=group, locale=locale)


@cache
def plains(group, locale):
    return R2L(group=group, locale=locale), L2R(locale=locale), Digits(locale=locale)


@given(data=st.data(), locale=st.sampled_from(sorted(NUMBERS)), group=st.sampled_from([2, 3, 4]))
def test_the_readable_form_parses_back(data, locale, group):
    number = data.draw(NUMBERS[locale])
    octets = number.split(".")
    if locale == "de" and len(octets) == 4 and all(o.isdigit() and int(o) < 256 for o in octets):
        return  # an IP address
    for option in "AB":
        for mode in ("mark", "width"):
            scheme = tst(option, mode, group, locale)
            if sum(c.isdigit() for c in number) <= 5 * group:
                assert scheme.parse(scheme.readable(number)) == number
    for plain in plains(group, locale):
        assert plain.parse(plain.readable(number)) == number


def test_what_is_not_one_number():
    for text in ("", "x", "1 2", "5th", " 5", "1,2"):
        with pytest.raises(EncodeError, match="not one number"):
            TST().readable(text)
    for readable in ("x", "12z", "1  2", "<lz3>"):
        with pytest.raises(VocabularyError, match="no token"):
            TST().parse(readable)


def test_encode_gives_numbers_only():
    found = TST().encode("é 1,005.5, then 12")
    assert [TST().vocab[id_] for id_ in found.ids] == ["1k", "5", "500p", "<tz2>", "12"]
    assert found.char_spans.tolist() == [[2, 3], [4, 7], [8, 9], [9, 9], [16, 18]]
    assert found.byte_spans.tolist() == [[3, 4], [5, 8], [9, 10], [10, 10], [17, 19]]
    assert found.power.tolist() == [3, 0, -3, 0, 0]
    assert found.digit_position.tolist() == [0, 1, 4, -1, 0]
    assert found.value.tolist() == [1005.5] * 4 + [12.0]
    assert found.ids.dtype == np.uint32


def test_marked_separators_have_no_token():
    scheme = TST(locale="in")
    found = scheme.encode("12,34,567")
    assert [scheme.vocab[id_] for id_ in found.ids] == ["<sep1>", "1m", "234k", "567"]
    assert found.char_spans.tolist() == [[0, 0], [0, 1], [1, 6], [6, 9]]


def test_values_are_as_python_reads_them():
    for number in ("0.1", "9007199254740993", "123,456.000001", "00.5", ".5"):
        value = TST().encode(number).value[0]
        assert value == float(number.replace(",", ""))


@pytest.mark.parametrize(
    "scheme", [*SCHEMES[::3], TST(locale="fr", protect=Protect.PHONE)], ids=repr
)
def test_json(scheme):
    assert scheme_from_json(json.loads(json.dumps(scheme_to_json(scheme)))) == scheme


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: TST(option="C"),
        lambda: TST(mode="x"),
        lambda: TST(group=5),
        lambda: TST(locale="xx"),
        lambda: R2L(group=0),
        lambda: Digits(group=2),
        lambda: L2R(protect=Protect(128)),
    ],
)
def test_wrong_schemes(wrong):
    with pytest.raises(ValueError, match=r"\w"):
        wrong()
