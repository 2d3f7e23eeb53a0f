"""The number scanner equals a grammar that can be read, and every row of its table holds."""

import re

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from encoders.buffers import PADDING, joined, padded
from encoders.scan.numbers import EVERYTHING, Notation, NumberScanner, Protect

NOTATIONS = {
    "en": Notation(1),
    "de": Notation(2, ord(",")),
    "fr": Notation(3, ord(",")),
    "in": Notation(1, indian=True),
    "none": Notation(0),
}
THOUSANDS = {"en": ",", "de": r"\.", "fr": "\u00a0\u202f", "in": ",", "none": ""}


def numbers(text, notation="en", protect=EVERYTHING, **limits):
    scanner = NumberScanner(NOTATIONS[notation], protect, **limits)
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    spans = scanner.spans(padded(raw), np.array([0, len(raw)], np.int64))
    return [raw[start:stop].decode() for start, _, stop in spans.tolist()]


# --- the grammar

GLUE = r"[0-9A-Za-z_[\p{Lu}\p{Lt}\p{Ll}\p{N}--\p{ASCII}]]"


class Grammar:
    """What `encoders.scan.numbers` says, in regular expressions."""

    def __init__(self, name):
        self.point = "," if name in ("de", "fr") else r"\."
        self.mark, self.indian = THOUSANDS[name], name == "in"
        self.has_marks = bool(self.mark)
        joins = [rf"(?:::|[./:\-])(?={GLUE})"]
        if self.has_marks and name != "de":
            most = "{2,3}" if self.indian else "{3}"
            joins.append(rf"(?<=[0-9])[{self.mark}](?=[0-9]{most}(?![0-9]))")
        if self.point == ",":
            joins.append("(?<=[0-9]),(?=[0-9])")
        self.word = self.compile(rf"{GLUE}+(?:(?:{'|'.join(joins)}){GLUE}+)*")
        self.chain = self.compile(
            rf"[0-9]+(?:(?:::|[.,/:\-{self.mark if name == 'fr' else ''}])[0-9]+)*"
        )
        self.touch = self.compile(rf"[0-9](?:(?![0-9]){GLUE}|\p{{M}})|(?![0-9]){GLUE}(?=[0-9])")
        number = rf"[0-9]+(?:{self.point}[0-9]+)?"
        self.scientific = self.compile(rf"{number}[eE]-?[0-9]{{1,3}}")
        self.scientific_plus = self.compile(rf"{number}[eE]")

    @staticmethod
    def compile(pattern):
        return regex.compile(pattern, regex.VERSION1)

    def grouped(self, chain, at):
        """End of the thousands from ``at``, or of its first digits."""
        first = re.compile("[0-9]+").match(chain, at)
        if not self.has_marks:
            return first.end()
        rest = re.compile(rf"(?:[{self.mark}][0-9]+)*").match(chain, first.end())
        body = r"(?:M[0-9]{2})*M[0-9]{3}" if self.indian else "(?:M[0-9]{3})+"
        head = "[1-9][0-9]?" if self.indian else "[1-9][0-9]{0,2}"
        for mark in self.mark.replace("\\", ""):
            strict = re.compile(f"{head}{body.replace('M', re.escape(mark))}")
            if strict.fullmatch(chain, at, rest.end()):
                return rest.end()
        return first.end()

    def protected(self, chain, protect):
        if protect & Protect.DOTTED:
            for dotted in re.finditer(r"[0-9]+(?:\.[0-9]+){2,}", chain):
                parts = dotted[0].split(".")
                ip = len(parts) == 4 and all(int(part) < 256 for part in parts)
                grouped = self.mark == r"\." and self.grouped(dotted[0], 0) == len(dotted[0])
                if ip or not grouped:
                    return True
        return bool(
            (protect & Protect.DASHED and chain.count("-") > 1)
            or (protect & Protect.SLASHED and "/" in chain)
            or (protect & Protect.TIMED and ":" in chain)
        )

    def of_chain(self, text, start, stop):
        """Spans of numbers in a chain that is not protected."""
        chain = text[start:stop]
        lone = self.point == r"\." and re.compile(r"(?:^|[ \t\n\r(\[{<>=+\-*$~|\"'])\.\Z").search(
            text, max(0, start - 2), start
        )
        lone = lone and (start < 2 or lone.start() == start - 2)
        before = self.has_marks and re.search(rf"[0-9][{self.mark}]\Z", text[:start])
        behind = self.has_marks and re.compile(rf"[{self.mark}][0-9]").match(text, stop)
        groups, after_point, at = self.has_marks and not lone and not before, False, 0
        fraction = re.compile(rf"{self.point}([0-9]+)(?!{self.point})(?![0-9])")
        while at < len(chain):
            run = re.compile("[0-9]+").match(chain, at).end()
            whole = self.grouped(chain, at) if groups else run
            if whole == len(chain) and behind:
                whole = run
            found = None if after_point and whole == run else fraction.match(chain, whole)
            end = found.end() if found else whole
            begins = at
            if lone and not re.compile(self.point).match(chain, run):
                begins = at - 1
            lone = False
            yield start + begins, start + end
            joint = re.compile(r"::|[^0-9]").match(chain, end)
            if not joint:
                return
            after_point = bool(re.fullmatch(self.point, joint[0]))
            groups = self.has_marks and not after_point and joint[0] not in self.mark
            at = joint.end()

    def phones(self, text):
        for found in re.finditer(r"\(([0-9]{3}\) ?[0-9]{3}-[0-9]{4})(?![0-9])", text):
            yield found.start(1), found.end()
        plus = r"(?<![0-9A-Za-z_])\+([0-9]{1,3})(?![0-9])((?:[ .()\-]{1,2}[0-9]+)*)"
        for found in re.finditer(plus, text):
            parts = re.findall("[0-9]+", found[2])
            if len(parts) >= 2 and 8 <= len(found[1]) + sum(map(len, parts)) <= 15:
                yield found.start(1), found.end()

    def numbers(self, text, protect):
        """Spans of all numbers, in characters."""
        spans = []
        phones = list(self.phones(text)) if protect & Protect.PHONE else []
        for word in self.word.finditer(text):
            if not re.search("[0-9]", word[0]):
                continue
            start, stop = word.span()
            touch = self.touch.search(text[start:stop]) or (
                re.search("[0-9]", text[stop - 1]) and regex.match(r"\p{M}", text, pos=stop)
            )
            scientific = self.scientific.fullmatch(word[0])
            if self.scientific_plus.fullmatch(word[0]) and text[stop : stop + 1] == "+":
                rest = self.word.match(text, stop + 1)
                mark = rest and regex.match(r"\p{M}", text, pos=rest.end())
                scientific = rest and not mark and re.fullmatch("[0-9]{1,3}", rest[0])
            if protect & Protect.IDENTIFIER and touch and not scientific:
                continue
            if protect & Protect.SECTION and re.search("§[ \u00a0]?\\Z", text[:start]):
                continue
            for chain in self.chains(text, start, stop):
                in_phone = any(a <= chain[0] < b for a, b in phones)
                if not in_phone and not self.protected(text[slice(*chain)], protect):
                    spans += self.of_chain(text, *chain)
        return spans

    def chains(self, text, start, stop):
        for found in self.chain.finditer(text, start, stop):
            yield found.span()


def expected(text, notation, protect=EVERYTHING):
    return [text[a:b] for a, b in Grammar(notation).numbers(text, protect)]


PIECES = [
    *"0123456789",
    *"...,,,--//::  ++()eEx_é日§٣½%$\n\u00a0\u202f\u0301",
    "12",
    "345",
    "678",
    "1,234",
    "1.234",
    "12,34,567",
    "1\u00a0234",
    "1\u202f234",
    "::",
    "e-",
    "E+",
    "(555) ",
    "555-1234",
    "+44 20 ",
    "192.168.0.1",
    "192.168.100.100",
    "2024-01-15",
    "v1.2",
]
texts = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@pytest.mark.parametrize("notation", NOTATIONS)
@given(text=texts)
def test_the_kernel_is_the_grammar(notation, text):
    assert numbers(text, notation) == expected(text, notation)


@given(text=texts, notation=st.sampled_from(sorted(NOTATIONS)), protect=st.integers(0, 127))
def test_whatever_is_protected(text, notation, protect):
    protect = Protect(protect)
    assert numbers(text, notation, protect) == expected(text, notation, protect)


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text(text):
    assert numbers(text) == expected(text, "en")


@given(raw=st.binary(max_size=60))
def test_any_bytes(raw):
    scanner = NumberScanner(NOTATIONS["en"])
    spans = scanner.spans(padded(raw), np.array([0, len(raw)], np.int64))
    for start, point, stop in spans.tolist():
        assert 0 <= start <= point <= stop <= len(raw)
        assert raw[start:stop].strip(b"0123456789.,") == b""


@given(documents=st.lists(texts, max_size=6))
def test_documents_are_scanned_apart(documents):
    text, bounds = joined([document.encode() for document in documents])
    spans = NumberScanner(NOTATIONS["en"]).spans(text, bounds)
    found = [text[a:b].tobytes().decode() for a, _, b in spans.tolist()]
    assert found == [number for document in documents for number in numbers(document)]


# --- the table


@pytest.mark.parametrize(
    ("protect", "text", "found", "without"),
    [
        ("IDENTIFIER", "5th", [], ["5"]),
        ("IDENTIFIER", "x86", [], ["86"]),
        ("IDENTIFIER", "12k", [], ["12"]),
        ("IDENTIFIER", "1_000", [], ["1", "000"]),
        ("IDENTIFIER", "240.10b-5", [], ["240.10", "5"]),
        ("IDENTIFIER", "550e8400-e29b-41d4-a716-446655440000", [],
         ["550", "8400", "29", "41", "4", "716", "446655440000"]),
        ("IDENTIFIER", "1,234th", [], ["1,234"]),
        ("IDENTIFIER", "5½ 10² 3\u20e3", [], ["5", "10", "3"]),
        ("IDENTIFIER", "v1.2", [], ["1.2"]),
        ("DOTTED", "192.168.0.1", [], ["192", "168", "0", "1"]),
        ("DOTTED", "1.2.3", [], ["1", "2", "3"]),
        ("DOTTED", "31.12.2024", [], ["31", "12", "2024"]),
        ("DASHED", "2024-12-31", [], ["2024", "12", "31"]),
        ("DASHED", "555-123-4567", [], ["555", "123", "4567"]),
        ("DASHED", "978-3-16-148410-0", [], ["978", "3", "16", "148410", "0"]),
        ("SLASHED", "12/31/2024", [], ["12", "31", "2024"]),
        ("SLASHED", "1/2", [], ["1", "2"]),
        ("TIMED", "12:30", [], ["12", "30"]),
        ("TIMED", "16:9", [], ["16", "9"]),
        ("PHONE", "(555) 123-4567", [], ["555", "123", "4567"]),
        ("PHONE", "+44 20 7946 0958", [], ["44", "20", "7946", "0958"]),
        ("SECTION", "§ 12.3", [], ["12.3"]),
        ("SECTION", "§§ 101, 102", ["102"], ["101", "102"]),
    ],
)  # fmt: skip
def test_what_is_protected(protect, text, found, without):
    assert numbers(text) == found
    assert numbers(text, protect=EVERYTHING & ~Protect[protect]) == without


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("9.11 < 9.9", ["9.11", "9.9"]),
        ("$1,234,567.89", ["1,234,567.89"]),
        ("-5 +5 5%", ["5", "5", "5"]),
        ("1,2,3", ["1", "2", "3"]),
        ("1,23,456", ["1", "23", "456"]),
        ("0,123", ["0", "123"]),
        ("15,2024", ["15", "2024"]),
        ("1.23e-4 6.02E+23 1e10", ["1.23", "4", "6.02", "23", "1", "10"]),
        (".5 (.25) p.5 ..5", [".5", ".25", "5", "5"]),
        ("5. Then 6, or", ["5", "6"]),
        ("10,000-20,000 1990-1995", ["10,000", "20,000", "1990", "1995"]),
        ("2024年 3个", ["2024", "3"]),
        ("１２ ٣", []),
        ("(555) 12", ["555", "12"]),
        ("401(k)", ["401"]),
    ],
)
def test_what_is_a_number(text, found):
    assert numbers(text) == found


@pytest.mark.parametrize(
    ("notation", "text", "found"),
    [
        ("de", "1.234.567,89", ["1.234.567,89"]),
        ("de", "15.01.2024 192.168.100.100", []),
        ("de", "1.5 1,5", ["1", "5", "1,5"]),
        ("fr", "1\u00a0234\u00a0567,5 1 234", ["1\u00a0234\u00a0567,5", "1", "234"]),
        ("fr", "12\u202f345 1\u00a0234\u202f567", ["12\u202f345", "1", "234", "567"]),
        ("in", "12,34,567.5 12,345 123,456", ["12,34,567.5", "12,345", "123", "456"]),
        ("none", "1,234.5", ["1", "234.5"]),
    ],
)  # fmt: skip
def test_notations(notation, text, found):
    assert numbers(text, notation) == found


def test_long_numbers_are_left_alone():
    assert numbers("1" * 18 + " " + "1" * 19) == ["1" * 18]
    assert numbers("0." + "1" * 15 + " 0." + "1" * 16) == ["0." + "1" * 15]
    assert numbers("123,456 1,234", most_whole=4) == ["1,234"]


def test_many_numbers_need_more_room_than_was_guessed():
    text = "1 " * 5000
    assert numbers(text) == ["1"] * 5000


def test_nothing_is_read_twice():
    """Long words, chains and groups take time in proportion: this would not end otherwise."""
    for unit in ("a", "1-", "1,", "100,", "a.", "1.", "::", "1e", "a-1/", "+1 (1)"):
        numbers(unit * (400_000 // len(unit)) + "1")
    assert PADDING >= 64
