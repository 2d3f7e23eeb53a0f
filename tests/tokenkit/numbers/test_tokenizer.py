"""A tokenizer with numbers gives every text back, and leaves all else to its base."""

import gzip
import json
import pickle
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.buffers import joined
from encoders.numbers.pieces import LONGEST_NUMBER
from tests.samples import trained
from tokenkit import Tokenizer
from tokenkit.errors import DecodeError, FormatError, VocabularyError
from tokenkit.numbers import L2R, R2L, TST, Digits, NumericTokenizer, Protect
from tokenkit.testing import LAWS, check_tokenizer
from tokenkit.testing.checking import check_law
from tokenkit.testing.numbers import check_numbers, generated, texts

LOSSLESS = [
    *(
        TST(option=o, mode=m, group=g)
        for o in "AB"
        for m in ("mark", "width")
        for g in (1, 2, 3, 4)
    ),
    *(TST(locale=locale) for locale in ("de", "fr", "in", "none")),
    *(TST(option="A", mode="width", locale=locale) for locale in ("de", "fr", "in", "none")),
    *(TST(group=group, locale=locale) for group in (2, 4) for locale in ("de", "fr", "in")),
    TST(protect=Protect(0)),
    TST(option="A", group=2, locale="in", protect=Protect(0)),
    *(kind(group=group) for kind in (R2L, L2R) for group in (1, 2, 3, 4)),
    R2L(locale="fr"),
    L2R(locale="in", protect=Protect.DOTTED),
    Digits(),
]
SAVING = next(law for law in LAWS if law.name == "saved_equals_loaded")
QUICK = [law for law in LAWS if law is not SAVING]
TEXT = "Sold 1,234.50 of 007 (up 9.9%) on 2024-01-15; 1.5e-3, .5 and 12k.\n"


@cache
def numeric(scheme):
    return NumericTokenizer(trained("cl100k"), scheme)


def tokens(tok, text):
    return [tok.id_to_token(id_) for id_ in tok.encode(text).tolist()]


class TestRoundTrip:
    @pytest.mark.parametrize("scheme", LOSSLESS, ids=repr)
    @settings(max_examples=15)
    @given(text=texts())
    def test_any_text(self, scheme, text):
        tok = numeric(scheme)
        assert tok.decode(tok.encode(text)) == text.encode("utf-16", "surrogatepass").decode(
            "utf-16", "replace"
        )

    @settings(max_examples=50)
    @given(raw=st.binary(max_size=60), scheme=st.sampled_from(LOSSLESS))
    def test_any_bytes(self, raw, scheme):
        tok = numeric(scheme)
        assert tok.decode_bytes(tok.encode(raw)) == raw

    @pytest.mark.parametrize(
        "scheme",
        [TST(), TST(option="A", mode="width"), TST(group=4, locale="in", protect=Protect(0))],
        ids=repr,
    )
    def test_a_million_cases(self, scheme):
        cases = [case.encode() for case in million()]
        assert len(cases) == 1_000_000
        buffer, bounds = joined(cases)
        tok = numeric(scheme)
        found = tok.encode_buffer(buffer, bounds)
        assert tok.decode_bytes(found.values) == buffer[: bounds[-1]].tobytes()
        assert len(found) == len(cases)
        for i in range(0, len(cases), 9973):
            assert tok.decode_bytes(found[i]) == cases[i]
        assert (found.values >= tok.first).mean() > 0.2

    def test_pad_loses_zeros_and_separators_only(self):
        tok = numeric(TST(mode="pad"))
        assert tok.contract == "lossy"
        assert tok.decode(tok.encode("a 9.9 b 007 c 1,234 d")) == "a 9.900 b 7 c 1234 d"

    @given(ids=st.lists(st.integers(0, numeric(TST()).vocab_size - 1), max_size=12))
    def test_any_ids_decode_to_what_comes_back(self, ids):
        for scheme in (TST(), TST(option="A", group=4), TST(mode="width", locale="in")):
            tok = numeric(scheme)
            row = [id_ % tok.vocab_size for id_ in ids]
            text = tok.decode(row)
            assert tok.decode(tok.encode(text)) == text
            assert "".join(tok.decode_stream().pull(row)) == text


@cache
def million():
    return tuple(generated(1_000_000))


class TestComposition:
    @settings(max_examples=50)
    @given(text=texts(), scheme=st.sampled_from(LOSSLESS))
    def test_what_is_between_is_encoded_apart(self, text, scheme):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        tok = numeric(scheme)
        encoding = tok.encode_with_offsets(text)
        base_ids, at, expected = [], 0, []
        for start, stop in (*scheme.numbers(text), (len(text), len(text))):
            expected += tok.base.encode(text[at:start]).tolist()
            number = scheme.encode(text[start:stop])
            at = stop
            if start == stop:
                continue
            digits = {tuple(span) for span in number.char_spans.tolist()}
            marks = [
                (a, b)
                for a, b in gaps(sorted(digits), stop - start)
                if scheme.layout().separators == 0 or text[start + a] == scheme.separators[0]
            ]
            expected += [
                id_ for a, b in marks for id_ in tok.base.encode(text[start + a : start + b])
            ]
        base_ids = [id_ for id_ in encoding.ids.tolist() if id_ < tok.first]
        assert base_ids == expected

    def test_base_ids_are_unchanged(self):
        tok = numeric(TST())
        text = "no number in it, 5th and x86\n"
        assert tok.encode(text).tolist() == tok.base.encode(text).tolist()
        assert tok.first == tok.base.vocab_size
        assert tok.vocab_size == tok.first + 11_004

    def test_spelled_tokens_stay_text(self):
        tok = numeric(TST())
        assert (tok.encode(" 12k <lz1> <num:12k> 900p") < tok.first).all()

    @pytest.mark.parametrize("threads", [1, 2])
    def test_batch_equals_single(self, threads):
        tok = numeric(TST())
        batch = [*generated(3000), "", TEXT * 2000]
        found = tok.encode_batch(batch, threads=threads)
        assert [row.tolist() for row in found] == [tok.encode(text).tolist() for text in batch]

    def test_a_long_text_on_threads(self):
        tok = numeric(TST())
        documents = ["", TEXT * 4000, "", "5", "no number " * 50, "7.5", ""]
        assert tok.encode_batch(documents, threads=3) == tok.encode_batch(documents, threads=1)

    @settings(max_examples=40)
    @given(batch=st.lists(st.one_of(texts(), st.binary(max_size=40)), max_size=4))
    def test_one_pass_gives_what_parts_give(self, batch):
        for base in (trained("gpt2"), trained("o200k"), normalizing({"type": "NFC"})):
            tok, parts = NumericTokenizer(base, TST()), NumericTokenizer(base, TST())
            assert tok._encoder is not None
            parts.__dict__["_encoder"] = None
            for allowed in ((), "all"):
                found, expected = (
                    kind.encode_batch(batch, allowed_special=allowed) for kind in (tok, parts)
                )
                assert found == expected

    def test_what_one_pass_may_see(self):
        plain, composing = trained("gpt2").kernels, normalizing({"type": "NFC"}).kernels
        for text, kernels, allowed, expected in (
            ("5 e\u0301<|pad|>", plain, frozenset(), True),
            ("5 e\u0301<|pad|>", plain, frozenset({"<|pad|>"}), False),
            ("5 e\u0301<|pad|>", plain, None, False),
            ("5 e\u0301<|pad|>", composing, frozenset(), False),
            ("5 \u00e9<|pad|>", composing, frozenset(), True),
            ("5 \u00e9<|pad|>", composing, None, False),
        ):
            assert kernels.takes_as_is(*joined([text.encode()]), allowed) is expected
        assert not composing.takes_as_is(*joined([b"5 \xff"]), frozenset())

    def test_numbers_too_long_for_one_pass(self):
        tok = NumericTokenizer(trained("gpt2"), R2L())
        text = f"a  {'1' * LONGEST_NUMBER}  b {'2' * 400} c 5"
        assert (tok.encode(text) >= tok.first).sum() == -(-LONGEST_NUMBER // 3) + 134 + 1
        assert tok.decode(tok.encode(text)) == text

    def test_special_tokens_and_added_tokens_come_first(self):
        spec = json.loads(trained("cl100k").to_bytes())
        entry = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        for id_, content, special in (
            (2000, "<|0.50|>", True),
            (2001, "[5]", False),
            (2002, "77", False),
        ):
            spec["added_tokens"].append(
                {**entry, "id": id_, "content": content, "special": special}
            )
        base = Tokenizer.from_bytes(json.dumps(spec).encode())
        tok = NumericTokenizer(base, TST())
        assert tokens(tok, "[5]") == ["[5]"]
        assert tokens(tok, "<|0.50|>")[2:3] == ["<num:0>"]
        assert tok.encode("<|0.50|>", allowed_special="all").tolist() == [2000]
        assert tokens(tok, "77") == ["<num:77>"]  # what is nothing but a number is a number
        assert tok.decode(tok.encode("x[5]5<|0.50|>", allowed_special="all")) == "x[5]5<|0.50|>"

    def test_template_and_refusal(self):
        tok = numeric(TST())
        with pytest.raises(VocabularyError):
            tok.encode("5", allowed_special=["<nope>"])
        assert tok.encode("5 <|pad|>", allowed_special="all").tolist()[-1] == 1
        assert tok.count("5 <|pad|>") > 3
        assert (
            tok.decode(tok.encode("5<|pad|>", allowed_special="all"), skip_special_tokens=True)
            == "5"
        )


def gaps(spans, size):
    edges = [0, *(edge for a, b in spans if b > a for edge in (a, b)), size]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


class TestOffsets:
    def test_side_arrays(self):
        tok = numeric(TST())
        found = tok.encode_with_offsets("é 1,234.5 x")
        assert found.ids.tolist() == tok.encode("é 1,234.5 x").tolist()
        rows = {
            tok.id_to_token(id_): (span, power, position, value)
            for id_, span, power, position, value in zip(
                found.ids.tolist(),
                map(tuple, found.char_spans.tolist()),
                found.power.tolist(),
                found.digit_position.tolist(),
                found.value.tolist(),
                strict=True,
            )
        }
        assert rows["<num:1k>"] == ((2, 3), 3, 0, 1234.5)
        assert rows["<num:234>"] == ((4, 7), 0, 1, 1234.5)
        assert rows["<num:500p>"] == ((8, 9), -3, 4, 1234.5)
        assert rows["<num:tz2>"] == ((9, 9), 0, -1, 1234.5)
        assert rows["."][:3] == ((7, 8), 0, -1)
        assert np.isnan(rows["."][3])
        assert found.power.dtype == found.digit_position.dtype == np.int16
        assert found.value.dtype == np.float64

    @settings(max_examples=50)
    @given(text=texts(), scheme=st.sampled_from(LOSSLESS))
    def test_they_cover_the_text_in_order(self, text, scheme):
        found = numeric(scheme).encode_with_offsets(text)
        assert found.ids.tolist() == numeric(scheme).encode(text).tolist()
        reached = 0
        for start, stop in found.char_spans.tolist():
            assert start <= reached <= stop or start == stop == reached
            reached = max(reached, stop)
        assert reached == len(text)

    @settings(max_examples=50)
    @given(text=texts().filter(lambda text: "<|" not in text))
    def test_they_are_the_same_found_part_by_part(self, text):
        tok = numeric(TST())
        found, slowly = (
            tok.encode_with_offsets(text, allowed_special=allowed) for allowed in ((), "all")
        )
        assert found.ids.tolist() == slowly.ids.tolist()
        assert found.byte_spans.tolist() == slowly.byte_spans.tolist()


class TestSaving:
    @pytest.mark.parametrize("scheme", LOSSLESS[::5], ids=repr)
    def test_one_file(self, scheme, tmp_path):
        tok = numeric(scheme)
        tok.save(tmp_path / tok.file_name)
        again = NumericTokenizer.from_file(tmp_path / tok.file_name)
        assert again == tok
        assert again.scheme == scheme
        assert again.encode(TEXT).tolist() == tok.encode(TEXT).tolist()
        assert NumericTokenizer.from_bytes(gzip.compress(tok.to_bytes())) == tok
        assert NumericTokenizer.looks_like(tok.to_bytes())
        json.loads(tok.to_bytes())

    def test_pickling(self):
        tok = numeric(TST(locale="de"))
        again = pickle.loads(pickle.dumps(tok))
        assert again == tok
        assert hash(again) == hash(tok)
        assert tok != numeric(TST())

    @pytest.mark.parametrize(
        "content",
        [
            b"{}",
            b'{"tokenkit": "numbers", "scheme": {}}',
            b'{"tokenkit": "numbers", "scheme": {}, "base": {}}',
            b'{"tokenkit": "numbers", "scheme": {"scheme": "X", "protect": []}, "base": 1}',
        ],
    )
    def test_damaged_files(self, content, tmp_path):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(FormatError, match="x: "):
            NumericTokenizer.from_file(tmp_path / "x")


def test_bases_that_lose_text_are_refused():
    models = tokenizers.models.BPE({"a": 0, "\u2581": 1}, [])
    for pre in (
        tokenizers.pre_tokenizers.Metaspace(),
        tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=True),
        tokenizers.pre_tokenizers.Whitespace(),
    ):
        library = tokenizers.Tokenizer(models)
        library.pre_tokenizer = pre
        with pytest.raises(FormatError, match="NumericTokenizer needs"):
            NumericTokenizer(Tokenizer.from_bytes(library.to_str().encode()), TST())


def normalizing(normalizer):
    spec = json.loads(trained("gpt2").to_bytes())
    spec["normalizer"] = normalizer
    return Tokenizer.from_bytes(json.dumps(spec).encode())


def test_bases_that_normalise():
    tok = NumericTokenizer(normalizing({"type": "NFKC"}), TST())
    assert tok.contract == "normalizing"
    assert tok.normalize("ﬁ １２ 1,234") == "fi 12 1,234"
    long = "\ufdfa" * 5000 + " 12"  # eighteen characters of one, of three bytes
    assert tok.decode(tok.encode(long)) == tok.normalize(long)
    check_tokenizer(tok, laws=QUICK, max_examples=5)
    check_numbers(tok, max_examples=25)
    with pytest.raises(FormatError, match="Strip"):
        NumericTokenizer(
            normalizing({"type": "Strip", "strip_left": True, "strip_right": True}), TST()
        )


def test_a_base_on_the_library():
    spec = json.loads(trained("gpt2").to_bytes())
    spec["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [
            {
                "type": "Split",
                "pattern": {"Regex": "[a-z]+"},
                "behavior": "Isolated",
                "invert": False,
            },
            spec["pre_tokenizer"],
        ],
    }
    tok = NumericTokenizer(Tokenizer.from_bytes(json.dumps(spec).encode()), TST())
    assert tok.engine == "tokenizers"
    assert tok.decode(tok.encode(TEXT)) == TEXT


@pytest.mark.parametrize("scheme", [TST(), TST(option="A", mode="width", locale="in")], ids=repr)
def test_laws(scheme):
    check_tokenizer(numeric(scheme), laws=QUICK, max_examples=5)
    check_numbers(numeric(scheme), max_examples=25)


def test_laws_that_are_broken_are_told(monkeypatch):
    tok = NumericTokenizer(trained("cl100k"), TST())
    decode = type(tok).decode
    for wrong, law in ((".", "numbers_come_back"), ("k", "spelled_tokens_are_text")):
        broken = lambda self, ids, wrong=wrong: decode(self, ids).replace(wrong, "")  # noqa: E731
        monkeypatch.setattr(type(tok), "decode", broken)
        with pytest.raises(AssertionError, match=law):
            check_numbers(tok, max_examples=5)
    monkeypatch.undo()
    whole = type(tok).encode_with_offsets

    def shifted(self, text, **options):
        found = whole(self, text, **options)
        return replace(found, power=found.power + 1)

    monkeypatch.setattr(type(tok), "encode_with_offsets", shifted)
    with pytest.raises(AssertionError, match="tokens_sum_to_numbers"):
        check_numbers(tok, max_examples=5)


def test_the_law_of_saving():
    check_law(SAVING, numeric(TST()), max_examples=5)


def test_laws_of_the_lossy_one():
    tok = numeric(TST(mode="pad"))
    for law in QUICK:
        if law.name != "reencoding_settles":  # 01,234 is 1,234 then, which is one number
            check_law(law, tok, max_examples=5)
    check_numbers(tok, max_examples=25)


def test_ids_that_are_none():
    tok = numeric(TST())
    with pytest.raises(DecodeError, match="position 1"):
        tok.decode([0, tok.vocab_size])
    with pytest.raises(DecodeError):
        tok.decode_stream().push([tok.vocab_size])
    with pytest.raises(VocabularyError):
        tok.id_to_bytes(tok.vocab_size)
    assert tok.id_to_token(tok.vocab_size) is None


def test_vocab():
    tok = numeric(TST())
    assert tok.token_to_id("<num:12k>") == tok.first + 1012
    assert tok.vocab["<num:12k>"] == tok.first + 1012
    assert tok.token_to_id("<|pad|>") == 1
    assert tok.id_to_bytes(tok.first + 1012) == b"12"
    assert tok.id_to_bytes(tok.token_to_id("<num:lz1>")) == b""
    assert len(tok.vocab) == len(tok.base.vocab) + 11_004
    assert all(a <= b for a, b in pairwise(sorted(tok.vocab.values())))
