"""Every scanner equals its pattern in the `regex` library, boundary for boundary."""

import itertools
import unicodedata

import numpy as np
import pytest
import regex
import tokenizers
from hypothesis import assume, given
from hypothesis import strategies as st
from tokenizers import pre_tokenizers

from encoders import scan
from encoders.buffers import joined, padded
from encoders.scan import patterns
from encoders.scan.scanners import (
    SCRATCH,
    Behaviour,
    KernelScanner,
    RegexScanner,
    SequenceScanner,
)

PATTERNS = {
    "gpt2": (scan.GPT2, patterns.GPT2_PATTERN),
    "short, 3": (scan.SHORT3, patterns.SHORT3_PATTERN),
    "short, 4": (scan.SHORT4, patterns.SHORT4_PATTERN),
    "lines": (scan.LINES, patterns.LINES_PATTERN),
    "r50k": (scan.GPT2, patterns.R50K_PATTERN),
    "cl100k": (scan.CL100K, patterns.CL100K_PATTERN),
    "llama3": (scan.LLAMA3, patterns.LLAMA3_PATTERN),
    "phrases": (scan.PHRASES, patterns.PHRASES_PATTERN),
    "qwen2": (scan.QWEN2, patterns.QWEN2_PATTERN),
    "o200k": (scan.O200K, patterns.O200K_PATTERN),
}
# One or more characters of every class that some pattern tells apart, and of every length.
REPRESENTATIVES = [
    *"aszteLVRA'’ \n\r\t\x0b\x1c\x85\xa0\u2003\u3000.,/-_$+1",
    *"éÉßİſKǅʰªŉµ٣½①Ⅷ日あア한ภ\u0e31\u0301\u0903\u20e0अहि\u200d\ufeff",
    *"😀🏽€§\U0001d400\U0001e900\U0010ffff\ud7ff\ue000\x00",
    "'s",
    "'LL",
    "'ſ",
    "123",
    "ab",
    "\n\n",
    "  ",
]
# Long enough that the block-wise road is taken around what the test puts in front.
TAIL = " the quick brown Fox jumps over 13 lazy dogs; it's HTMLParser's 2024/25\n\n  yes" * 2

texts = st.lists(
    st.one_of(st.sampled_from(REPRESENTATIVES), st.text(max_size=3), st.just("x" * 70))
).map("".join)


def reference(pattern, text):
    return [piece.encode() for piece in regex.findall(pattern, text)]


@pytest.mark.parametrize("name", PATTERNS)
class TestAgainstRegex:
    def test_all_triples_of_classes(self, name):
        scanner, pattern = PATTERNS[name]
        documents = ["".join(t) for t in itertools.product(REPRESENTATIVES, repeat=3)]
        self._compare_batch(scanner, pattern, documents)

    def test_pairs_on_the_block_road(self, name):
        scanner, pattern = PATTERNS[name]
        pairs = itertools.product(REPRESENTATIVES, repeat=2)
        documents = [f"x{a}{b}{TAIL}{b}{a}{TAIL}" for a, b in pairs]
        self._compare_batch(scanner, pattern, documents)

    def test_every_code_point(self, name):
        scanner, pattern = PATTERNS[name]
        codes = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
        whole = "".join(f"a{c}b {c}1{c}\n" for c in codes[:: 1 if name == "o200k" else 3])
        assert scan.pieces(scanner, whole.encode()) == reference(pattern, whole)

    @given(text=texts)
    def test_any_text(self, name, text):
        scanner, pattern = PATTERNS[name]
        assert scan.pieces(scanner, text.encode()) == reference(pattern, text)
        assert scan.pieces(scanner, (text + TAIL).encode()) == reference(pattern, text + TAIL)

    def test_long_runs(self, name):
        scanner, pattern = PATTERNS[name]
        for unit in ("a", " ", "\n", "1", ".", "日", "/\n", " \n", "A", "aB", "'s", "\u0301"):
            for length in (1, 63, 64, 65, 1000):
                text = "x" + unit * length + "y z"
                assert scan.pieces(scanner, text.encode()) == reference(pattern, text)

    @staticmethod
    def _compare_batch(scanner, pattern, documents):
        text, bounds = joined([document.encode() for document in documents])
        ends = np.concatenate([chunk.copy() for chunk in scanner.chunks(text, bounds)])
        compiled, at, expected = regex.compile(pattern), 0, []
        for document in documents:
            for piece in compiled.findall(document):
                at += len(piece.encode())
                expected.append(at)
        assert ends.tolist() == expected


@pytest.mark.parametrize("name", PATTERNS)
@given(raw=st.binary(max_size=300))
def test_any_bytes_are_covered_once(name, raw):
    scanner, _ = PATTERNS[name]
    assert b"".join(scan.pieces(scanner, raw)) == raw


@given(raw=st.binary(max_size=40), name=st.sampled_from(sorted(PATTERNS)))
def test_ill_formed_bytes_are_characters_of_their_own(raw, name):
    scanner, pattern = PATTERNS[name]
    ours = scan.pieces(scanner, raw + TAIL.encode())
    theirs = scan.pieces(RegexScanner(pattern), raw + TAIL.encode())
    assert ours == theirs


@given(documents=st.lists(texts, max_size=8), name=st.sampled_from(sorted(PATTERNS)))
def test_documents_are_scanned_apart(documents, name):
    scanner, _ = PATTERNS[name]
    text, bounds = joined([document.encode() for document in documents])
    ends = [end for chunk in scanner.chunks(text, bounds) for end in chunk.tolist()]
    expected = []
    for start, document in zip(bounds.tolist(), documents, strict=False):
        lengths = map(len, scan.pieces(scanner, document.encode()))
        expected += [start + end for end in itertools.accumulate(lengths)]
    assert ends == expected


@given(text=texts, capacity=st.integers(65, 140), name=st.sampled_from(sorted(PATTERNS)))
def test_a_scan_goes_on_where_its_array_was_full(text, capacity, name):
    from encoders.scan import _kernels
    from encoders.scan.classes import load_classes

    scanner, _ = PATTERNS[name]
    raw = (text + TAIL * 4).encode()
    buffer, bounds = padded(raw), np.array([0, len(raw)], np.int64)
    ends, flags = np.empty(capacity, np.int64), np.empty(SCRATCH, np.uint8)
    found, document, position = [], 0, 0
    while document == 0:
        count, document, position = getattr(_kernels, scanner.kernel)(
            buffer, bounds, document, position, ends, *load_classes(), flags, *scanner.options
        )
        found += ends[:count].tolist()
    whole = [end for chunk in scanner.chunks(buffer, bounds) for end in chunk.tolist()]
    assert found == whole


@pytest.mark.parametrize("name", [*PATTERNS, "deepseek"])
@given(before=texts, after=texts, letter=st.sampled_from("aZ"))
def test_a_piece_ends_between_line_feed_and_letter(name, before, after, letter):
    scanner = KernelScanner("scan_deepseek") if name == "deepseek" else PATTERNS[name][0]
    assert scanner.cuts_at_lines
    text = before + "\n" + letter + after
    cut = len((before + "\n").encode())
    ends, at = set(), 0
    for piece in scan.pieces(scanner, text.encode()):
        at += len(piece)
        ends.add(at)
    assert cut in ends


PRE_TOKENIZERS = {
    "whitespace": (scan.WHITESPACE, pre_tokenizers.Whitespace()),
    "whitespace split": (scan.WHITESPACE_SPLIT, pre_tokenizers.WhitespaceSplit()),
    "digits": (scan.DIGITS, pre_tokenizers.Digits(individual_digits=False)),
    "individual digits": (scan.DIGITS_INDIVIDUAL, pre_tokenizers.Digits(individual_digits=True)),
    "punctuation": (scan.PUNCTUATION, pre_tokenizers.Punctuation()),
    "bert": (scan.BERT, pre_tokenizers.BertPreTokenizer()),
    "deepseek": (
        scan.DEEPSEEK_V3,
        pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated")
                for pattern in patterns.DEEPSEEK_V3_PATTERNS
            ]
        ),
    ),
    "digits, then words": (
        SequenceScanner((scan.DIGITS, scan.WHITESPACE)),
        pre_tokenizers.Sequence([pre_tokenizers.Digits(), pre_tokenizers.Whitespace()]),
    ),
    "words, then digits": (
        SequenceScanner((scan.WHITESPACE, scan.DIGITS_INDIVIDUAL)),
        pre_tokenizers.Sequence(
            [pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)]
        ),
    ),
}


@pytest.mark.parametrize("name", PRE_TOKENIZERS)
class TestAgainstTokenizers:
    @given(text=texts)
    def test_any_text(self, name, text):
        # `regex` knows characters that the library for "deepseek" does not yet.
        assume(name != "deepseek" or all(unicodedata.category(c) != "Cn" for c in text))
        self._compare(name, text)
        self._compare(name, text + TAIL)

    def test_all_pairs_of_classes(self, name):
        for pair in itertools.product(REPRESENTATIVES, repeat=2):
            self._compare(name, "".join(pair) + "a1")
        for first in REPRESENTATIVES:
            # Long enough for the block-wise road, and each pair at other places of a block.
            self._compare(name, "".join(f"{first}{second}" for second in REPRESENTATIVES))

    @staticmethod
    def _compare(name, text):
        scanner, theirs = PRE_TOKENIZERS[name]
        expected = [piece.encode() for piece, _ in theirs.pre_tokenize_str(text) if piece]
        assert scan.pieces(scanner, text.encode()) == expected


def test_bert_on_every_code_point():
    codes = (chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    TestAgainstTokenizers._compare("bert", "".join(f"a{character}1" for character in codes))


@pytest.mark.parametrize("behaviour", list(Behaviour))
@pytest.mark.parametrize("invert", [False, True])
@given(text=st.text(alphabet="ab -日1", max_size=20))
def test_regex_behaviours(behaviour, invert, text):
    names = {
        Behaviour.REMOVED: "removed",
        Behaviour.ISOLATED: "isolated",
        Behaviour.MERGED_WITH_PREVIOUS: "merged_with_previous",
        Behaviour.MERGED_WITH_NEXT: "merged_with_next",
        Behaviour.CONTIGUOUS: "contiguous",
    }
    theirs = pre_tokenizers.Split(tokenizers.Regex("[ -]"), names[behaviour], invert)
    expected = [piece.encode() for piece, _ in theirs.pre_tokenize_str(text) if piece]
    assert scan.pieces(RegexScanner("[ -]", behaviour, invert), text.encode()) == expected


def test_known_patterns_have_kernels_and_others_go_to_regex():
    assert scan.scanner_for(patterns.O200K_PATTERN) is scan.O200K
    assert scan.scanner_for("a+") == RegexScanner("a+")
