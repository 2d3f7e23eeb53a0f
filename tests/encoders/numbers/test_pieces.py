"""Numbers in one pass with the text have the ids that text and numbers have apart."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import encoders.scan.scanners
from encoders import scan
from encoders.bpe import BpeEncoder, tables_from_ranks
from encoders.buffers import joined
from encoders.numbers import describe, rows_of_ids
from encoders.numbers.pieces import LONGEST_NUMBER, NumberEncoder, pieces
from tokenkit.numbers import R2L, TST, Digits, Protect

SCANNERS = {
    "gpt2": scan.GPT2,
    "cl100k": scan.CL100K,
    "llama3": scan.LLAMA3,
    "qwen2": scan.QWEN2,
    "phrases": scan.PHRASES,
    "o200k": scan.O200K,
    "deepseek": scan.DEEPSEEK_V3,
    "digits": scan.DIGITS_INDIVIDUAL,
    "short": scan.SHORT3,
    "whole": scan.WholeScanner(),
    "regex": scan.RegexScanner(r"\d{2}|\s+|\S"),
}
WORDS = [b"  ", b"\n\n", b" \n", b"\n ", b"the", b" the", b"$$", b" $", b"'s", b", ", b"\xe2\x80"]
SCHEMES = [
    TST(),
    TST(protect=Protect(0)),
    TST(mode="width", locale="fr", protect=Protect(0)),
    TST(group=2, locale="in"),
    R2L(locale="de", protect=Protect(0)),
    Digits(protect=Protect.IDENTIFIER),
]
OPEN = R2L(protect=Protect(0))
PARTS = [
    *(" ", " ", "  ", "\n", "\n\n", "\t", "\r\n", " \n", "\n ", "\x0b", "\x1c", "\x85", "\xa0"),
    *("\u202f", "\u3000", "\u2028", "$", "(", "#", "'", "'s", "'l", "-", "/", ":", ".", ",", "..."),
    *(
        "a",
        "the",
        "A",
        "é",
        "É",
        "日本",
        "ʰ",
        "\u0301",
        "²",
        "½",
        "٣",
        "٣٤٥",
        "²²²²",
        "Ⅷ",
        "—",
        "€",
        "x86",
    ),
    *("5", "5", "12", "007", "2008", "31415", "1,234", "1,234,567.89", ".5", "0.5", "1.5e-3"),
    *("2024-01-15", "(555) 123-4567", "1\xa0234", "1\u202f234,5", "1.234,5", "12,34,567"),
    *("3.141592653589793", "7" * 40, "9" * 70, "a" * 70, "a" * 300, " " * 64, "\n" * 3),
]
BYTES = [*(part.encode() for part in PARTS), b"\xff", b"\xc3", b"\xe2\x82", b"\x80", b"\xf0\x9f"]
texts = st.lists(st.sampled_from(BYTES), max_size=14).map(b"".join)


@cache
def tables():
    return tables_from_ranks([bytes([byte]) for byte in range(256)] + WORDS)


@cache
def base(name):
    return BpeEncoder(tables(), SCANNERS[name])


@cache
def separators():
    return rows_of_ids(*base("whole").encode(*joined([b".", b",", "\u202f".encode()])))


@cache
def encoder(name, scheme):
    return NumberEncoder(tables(), SCANNERS[name], scheme.layout(1000), separators())


def numbers_of(scheme, text, bounds):
    spans = scheme.scanner.spans(text, bounds)
    return spans[spans[:, 2] - spans[:, 0] <= LONGEST_NUMBER]


def apart(name, scheme, text, bounds, spans):
    """The ids of each document, of each segment of text and each number by itself."""
    layout, raw, rows = scheme.layout(1000), text.tobytes(), []
    for begin, end in pairwise(bounds.tolist()):
        ids, at = [], begin
        inside = spans[(spans[:, 0] >= begin) & (spans[:, 2] <= end)]
        for number in inside:
            ids += base(name).encode(*joined([raw[at : number[0]]]))[0].tolist()
            for id_ in describe(text, number[None], layout).ids.tolist():
                row = separators()[-1 - id_] if id_ < 0 else (1, id_)
                ids += [int(part) for part in row[1 : 1 + row[0]]]
            at = int(number[2])
        rows.append(ids + base(name).encode(*joined([raw[at:end]]))[0].tolist())
    return rows


def check(name, scheme, documents):
    text, bounds = joined(documents)
    spans = numbers_of(scheme, text, bounds)
    ids, id_bounds = encoder(name, scheme).encode(text, bounds, spans)
    found = [ids[a:b].tolist() for a, b in pairwise(id_bounds)]
    assert found == apart(name, scheme, text, bounds, spans)


@pytest.mark.parametrize("name", SCANNERS)
@settings(max_examples=30)
@example(documents=[b"a  5", b"5", b"5  5", b"\n\n5", b" .5", b" 5", b"", b"5  "])
@example(documents=["\u00a05 5² ²5 $5's (5) 5\u3000 \n 5".encode(), b"5\xff5 \xc25\x80"])
@given(documents=st.lists(texts, min_size=1, max_size=4))
def test_every_text(name, documents):
    for scheme in SCHEMES:
        check(name, scheme, documents)


@pytest.mark.parametrize("name", ["gpt2", "cl100k", "o200k"])
def test_numbers_at_any_place_of_a_block(name):
    for space in (b"", b" ", b"  ", b"\n\n", b"$", b"\xc2\xa0"):
        for number in (b"5", b"1,234.5", b".5", b"1" * 17):
            documents = [b"w" * size + b"," + space + number + b" on" for size in range(130)]
            check(name, OPEN, documents)


@pytest.mark.parametrize("name", ["gpt2", "llama3", "whole"])
@settings(max_examples=20)
@given(parts=st.lists(texts, min_size=30, max_size=60))
def test_numbers_at_the_ends_of_a_scanner_s_chunks(name, parts):
    before, encoders.scan.scanners.CHUNK = encoders.scan.scanners.CHUNK, 0
    try:
        check(name, OPEN, [b"".join(parts)])
    finally:
        encoders.scan.scanners.CHUNK = before


def cut_apart(scanner, text, bounds, spans):
    """The piece ends where each number is a document, with none in it."""
    every = np.sort(np.concatenate((bounds, spans[:, [0, 2]].ravel())))
    ends = np.concatenate([[], *(chunk.copy() for chunk in scanner.chunks(text, every))])
    inside = (ends[:, None] > spans[:, 0]) & (ends[:, None] < spans[:, 2])
    return ends[~inside.any(axis=1)]


@pytest.mark.parametrize("name", SCANNERS)
@settings(max_examples=150)
@example(documents=["5²²²² a\u00a05 a\u3000\u30005 a\x0b\x0c5".encode(), b"a\t\t5"])
@given(documents=st.lists(texts, min_size=1, max_size=4))
def test_pieces_are_those_of_the_parts(name, documents):
    text, bounds = joined(documents)
    spans = OPEN.scanner.spans(text, bounds)
    found, reached = [], 0
    for ends, marked, these in pieces(SCANNERS[name], text, bounds, spans):
        starts = np.concatenate(([reached], ends[:-1]))
        assert starts[marked].tolist() == these[:, 0].tolist()
        assert ends[marked].tolist() == these[:, 2].tolist()
        found += ends.tolist()
        reached = ends[-1]
    assert found == cut_apart(SCANNERS[name], text, bounds, spans).tolist()


@pytest.mark.parametrize("kind", [b"%d ", b"%d.25, ", b"3.1415926535%012d\n", b"%d%030d a"])
def test_more_numbers_than_the_cache_holds_at_first(kind):
    many = b"".join(kind % ((k,) * kind.count(b"%")) for k in range(20_000))
    text, bounds = joined([many])
    spans = numbers_of(OPEN, text, bounds)
    assert len(spans) == 20_000
    layout = OPEN.layout(1000)
    one = NumberEncoder(tables(), SCANNERS["cl100k"], layout, separators())
    ids, _ = one.encode(text, bounds, spans)
    again, _ = one.encode(text, bounds, spans)
    assert ids.tolist() == again.tolist()
    tokens = describe(text, spans, layout).ids
    assert ids[ids >= 1000].tolist() == tokens[tokens >= 0].tolist()


def test_layouts_do_not_share_a_cache():
    text, bounds = joined([b"12 and 12 and 12"])
    spans = numbers_of(OPEN, text, bounds)
    for scheme in SCHEMES:
        check("cl100k", scheme, [b"12 and 12"])
        ids, _ = encoder("cl100k", scheme).encode(text, bounds, spans)
        row = describe(text, spans[:1], scheme.layout(1000)).ids.tolist()
        assert ids[: len(row)].tolist() == row


@pytest.mark.parametrize("size", [3, 18, 100])
def test_the_same_digits_as_number_and_as_text(size):
    digits = b"1" * size
    for documents in ([digits, b"a" + digits, digits], [b"a" + digits, digits, b"a" + digits]):
        check("gpt2", R2L(), documents)


def test_a_number_behind_a_piece_that_is_not_kept(monkeypatch):
    monkeypatch.setattr(encoder("gpt2", OPEN)._base, "_longest", 64)
    check("gpt2", OPEN, [b"a" * 300 + b"1" * 100 + b"b" * 70 + b"-" * 70 + b"5"])
