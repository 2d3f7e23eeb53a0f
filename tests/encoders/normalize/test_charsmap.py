"""Character maps of SentencePiece models, as their two readers apply them."""

import io
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from tempfile import mkdtemp

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import normalizers

from encoders.buffers import joined
from encoders.normalize import Precompiled, SentencePiece
from encoders.normalize.build_tables import message_field
from tests.encoders.normalize.test_normalize import EVERY, active, rows, run, texts
from tests.samples import documents

RULES = ("nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf", "identity", "own")
OWN = """\
61\t62
61 62\t63 64 65
20 2D\t20
3A\t
41 301 302\tC1
1F600\t3A 29
E9\t20 65 20
"""


@cache
def model(rule, *, prefix=True, single=True, suffix=False, symbols=()):
    """The bytes of a small model with a normalization rule."""
    made = io.BytesIO()
    options = {"normalization_rule_name": rule}
    if rule == "own":
        path = Path(mkdtemp(), "rules.tsv")
        path.write_text(OWN)
        options = {"normalization_rule_tsv": str(path)}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(documents()[3].splitlines()),
        model_writer=made,
        vocab_size=120,
        hard_vocab_limit=False,
        add_dummy_prefix=prefix,
        remove_extra_whitespaces=single,
        treat_whitespace_as_suffix=suffix,
        user_defined_symbols=list(symbols),
        minloglevel=2,
        **options,
    )
    return made.getvalue()


def charsmap(rule):
    return message_field(message_field(model(rule), 3), 2)


odd = st.one_of(
    texts,
    st.lists(
        st.sampled_from(
            [
                *(
                    "a",
                    "ab",
                    "abc",
                    " -",
                    " ",
                    "  ",
                    ":",
                    "A\u0301\u0302",
                    "A\u0301",
                    "😀",
                    "é",
                    "\u0301",
                ),
                *(
                    "\u3000",
                    "ﬁ",
                    "２",
                    "ß",
                    "İ",
                    "\u200b",
                    "\xa0",
                    "\t",
                    "\n",
                    "▁",
                    "일",
                    "각",
                    "<s>",
                    "<sep>",
                ),
                *("क्ष", "ก็", "👨\u200d👩\u200d👧", "🇩🇪", "🇩", "\r\n", "x\u0323\u0301"),
            ]
        )
    ).map("".join),
)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "identity"])
class TestPrecompiled:
    @given(batch=st.lists(odd, max_size=4))
    @settings(max_examples=200)
    def test_equal_to_tokenizers(self, rule, batch):
        library = normalizers.Precompiled(charsmap(rule))
        _, _, found = run(Precompiled(charsmap(rule)), [text.encode() for text in batch])
        assert rows(found) == [library.normalize_str(text).encode() for text in batch]

    def test_every_code_point_alone_and_before_a_mark(self, rule):
        library = normalizers.Precompiled(charsmap(rule))
        batch = [c + tail for tail in ("", "\u0301") for c in EVERY[::3]]
        found = Precompiled(charsmap(rule)).normalize(*joined([text.encode() for text in batch]))
        expected = "".join(map(library.normalize_str, batch)).encode()
        assert found.text[: len(expected)].tobytes() == expected


@pytest.mark.parametrize("rule", RULES)
class TestSentencePiece:
    @staticmethod
    def both(rule, prefix, single, suffix, symbols):
        made = model(rule, prefix=prefix, single=single, suffix=suffix, symbols=symbols)
        library = sentencepiece.SentencePieceProcessor(model_proto=made)
        map_ = message_field(message_field(made, 3), 2) if rule != "identity" else b""
        kept = tuple(symbol.encode() for symbol in symbols)
        ours = SentencePiece(map_, prefix, single, True, suffix, kept)
        return ours, library

    @given(
        batch=st.lists(odd, max_size=4),
        options=st.sampled_from(
            [
                (p, s, t, y)
                for p, s, t in product((True, False), repeat=3)
                for y in ((), ("<sep>", "ﬁ", " -"))
            ]
        ),
    )
    @settings(max_examples=200)
    def test_equal_to_sentencepiece(self, rule, batch, options):
        ours, library = self.both(rule, *options)
        _, _, found = run(ours, [text.encode() for text in batch])
        # The library shows U+2581 for blanks; NUL ends a string for it.
        batch = [text.replace("\0", "") for text in batch]
        _, _, found = run(ours, [text.encode() for text in batch])
        assert [row.decode() for row in rows(found)] == [library.normalize(t) for t in batch]

    @given(batch=st.lists(odd, max_size=4), prefix=st.booleans(), single=st.booleans())
    @settings(max_examples=150)
    def test_blanks_may_stay_blanks(self, rule, batch, prefix, single):
        marked, _ = self.both(rule, prefix, single, False, ())
        plain = SentencePiece(marked.charsmap, prefix, single, escape_whitespaces=False)
        batch = [text.replace("\u2581", "_").encode() for text in batch]
        expected = [row.replace("\u2581".encode(), b" ") for row in rows(run(marked, batch)[2])]
        assert rows(run(plain, batch)[2]) == expected

    def test_every_code_point(self, rule):
        ours, library = self.both(rule, True, True, False, ())
        batch = [c for c in EVERY[1::3] if c != "\0"]
        found = ours.normalize(*joined([text.encode() for text in batch]))
        expected = "".join(map(library.normalize, batch)).encode()
        assert found.text[: len(expected)].tobytes() == expected

    @given(raw=st.binary(max_size=200))
    @settings(max_examples=60)
    def test_any_bytes_are_safe(self, rule, raw):
        run(self.both(rule, True, True, False, ("<sep>",))[0], [raw, b"", raw[:5]])
        if rule != "identity":
            run(Precompiled(charsmap(rule)), [raw, b"", raw[:5]])


@pytest.mark.parametrize("wrong", [b"\x01", b"\xff\xff\xff\xff" + bytes(20), bytes(4), bytes(64)])
def test_what_is_no_charsmap_is_refused(wrong):
    for kind in (Precompiled, SentencePiece):
        with pytest.raises(ValueError, match="precompiled_charsmap"):
            kind(wrong).normalize(*joined([b"a"]))


@given(st.lists(st.text(alphabet=st.sampled_from(active())), max_size=3))
def test_spans_cover_what_was_there(batch):
    ours = SentencePiece(charsmap("nmt_nfkc"))
    _, bounds, found = run(ours, [text.encode() for text in batch])
    if found.alignment is not None:
        origin = found.alignment.to_array()
        for i, (start, stop) in enumerate(pairwise(found.bounds.tolist())):
            if stop > start:
                assert bounds[i] <= origin[start] <= bounds[i + 1]
