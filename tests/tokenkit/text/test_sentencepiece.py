"""SentencePiece models, trained here with their options varied, equal `sentencepiece`."""

import io
from functools import cache

import pytest
import sentencepiece
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.samples import documents, texts
from tokenkit import Tokenizer
from tokenkit.errors import EncodeError, FormatError
from tokenkit.text.formats.sentencepiece import Algorithm, Kind, read_model

SENTENCES = [line for text in documents()[:20] for line in text.splitlines() if line.strip()]
SENTENCES += ["日本語 é ½ naïve café 한글", "ﬁne ２０２４　year"] * 20
PLAIN = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False}
OPTIONS = {
    "bpe, plain": {"model_type": "bpe", "byte_fallback": True, **PLAIN},
    "bpe, defaults": {"model_type": "bpe"},
    "bpe, no prefix": {"model_type": "bpe", "add_dummy_prefix": False, **PLAIN},
    "bpe, single blanks": {"model_type": "bpe", "normalization_rule_name": "identity"},
    "bpe, casefold": {
        "model_type": "bpe",
        "normalization_rule_name": "nmt_nfkc_cf",
        "byte_fallback": True,
    },
    "bpe, suffix": {"model_type": "bpe", "treat_whitespace_as_suffix": True},
    "bpe, user pieces": {
        "model_type": "bpe",
        "user_defined_symbols": ["<sep>", "the", "日本", " é", "ing"],
    },
    "bpe, across blanks": {"model_type": "bpe", "split_by_whitespace": False, **PLAIN},
    "bpe, digits": {"model_type": "bpe", "split_digits": True, "control_symbols": ["<c>"]},
    "unigram, plain": {"model_type": "unigram", "byte_fallback": True, **PLAIN},
    "unigram, defaults": {"model_type": "unigram"},
    "unigram, no prefix": {"model_type": "unigram", "add_dummy_prefix": False, **PLAIN},
    "unigram, suffix": {"model_type": "unigram", "treat_whitespace_as_suffix": True},
    "unigram, user pieces": {
        "model_type": "unigram",
        "user_defined_symbols": ["<sep>", "the", "日本", " é", "ing"],
    },
    "char": {"model_type": "char"},
    "word": {"model_type": "word"},
}
ON_LIBRARY = {"word"}


def odd_bytes(text):
    return text.encode("utf-8", "surrogatepass")


@cache
def content(name):
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES),
        model_writer=out,
        vocab_size=700,
        character_coverage=0.99,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
        **OPTIONS[name],
    )
    return out.getvalue()


@cache
def pair(name):
    library = sentencepiece.SentencePieceProcessor(model_proto=content(name))
    return Tokenizer.from_bytes(content(name)), library


odd = st.one_of(
    texts,
    st.lists(
        st.sampled_from(
            [
                *("<s>", "</s>", "<unk>", "<0x41>", "<sep>", "<c>", "the", " the", "module"),
                *(
                    " ",
                    "  ",
                    "\u2581",
                    "\t",
                    "\n",
                    "\u3000",
                    "\u200b",
                    "\xa0",
                    "ﬁ",
                    "２",
                    "é",
                    "e\u0301",
                ),
                *("日本", "😀", "\ufffd", "\x00", "ß", "İ"),
            ]
        )
    ).map("".join),
)


@pytest.mark.parametrize("name", OPTIONS)
class TestModels:
    @given(text=odd)
    @settings(max_examples=150)
    def test_equal_to_sentencepiece(self, name, text):
        ours, library = pair(name)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        ids = library.encode(text)
        assert ours.encode(text).tolist() == ids
        assert ours.decode(ids) == library.decode(ids)
        assert "".join(ours.decode_stream().pull(ids)) == library.decode(ids)
        found = ours.encode_with_offsets(text)
        assert found.ids.tolist() == ids

    @given(raw=st.lists(st.binary(max_size=4) | texts.map(odd_bytes)).map(b"".join))
    @example(raw=b"\xc2\x01\x80")  # the character map takes away what parts the bytes
    @settings(max_examples=60)
    def test_bytes_outside_utf8(self, name, raw):
        ours, library = pair(name)
        assert ours.encode(raw).tolist() == library.encode(raw)
        assert ours.encode_with_offsets(raw).ids.tolist() == library.encode(raw)

    def test_batches_and_long_text(self, name):
        ours, library = pair(name)
        batch = [*documents()[30:40], "", " ", "\n".join(documents()[20:30])]
        assert ours.encode_batch(batch).to_lists() == library.encode(batch)

    def test_what_it_says_of_itself(self, name):
        ours, library = pair(name)
        assert ours.engine == ("sentencepiece" if name in ON_LIBRARY else "kernels")
        assert bool(ours.engine_reason) == (name in ON_LIBRARY)
        assert dict(ours.vocab) == {library.id_to_piece(i): i for i in range(len(library))}
        assert ours.vocab_size == len(library)
        assert {"<s>", "</s>"} <= ours.special_tokens.keys()
        assert ours.to_bytes() == content(name)

    def test_control_pieces_only_where_allowed(self, name):
        ours, library = pair(name)
        whole = ours.encode("a<s>b")
        assert whole.tolist() == library.encode("a<s>b")
        assert library.bos_id() not in whole
        split = ours.encode("a<s>b", allowed_special={"<s>"}).tolist()
        assert split == [*library.encode("a"), library.bos_id(), *library.encode("b")]


@pytest.mark.parametrize("name", ["unigram, plain", "bpe, plain"])
def test_a_very_long_text(name):
    """Scores of `sentencepiece` are float32 and are raised when low, which decides near ties."""
    ours, library = pair(name)
    text = " ".join(documents())[:400_000]
    assert ours.encode(text).tolist() == library.encode(text)


def test_the_model_is_read():
    model = read_model(content("bpe, plain"))
    assert model.algorithm is Algorithm.BPE
    assert model.byte_fallback
    assert model.dummy_prefix
    assert not model.single_blanks
    assert model.charsmap == b""
    assert model.pieces[model.unknown].text == "<unk>"
    assert [piece.kind for piece in model.pieces[:4]] == [
        Kind.UNKNOWN,
        Kind.CONTROL,
        Kind.CONTROL,
        Kind.BYTE,
    ]
    assert read_model(content("unigram, defaults")).charsmap
    assert read_model(content("bpe, suffix")).blanks_behind


@pytest.mark.parametrize("cut", [5, 100, -3])
def test_a_model_cut_short_is_refused(cut):
    with pytest.raises(FormatError):
        Tokenizer.from_bytes(content("bpe, plain")[:cut])


@pytest.mark.parametrize("name", ["unigram, plain", "unigram, defaults"])
@given(text=texts, seed=st.integers(0, 2**63))
def test_drawn_segmentations_keep_the_text(name, text, seed):
    ours, library = pair(name)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    ids = ours.encode(text, alpha=0.1, seed=seed)
    if library.unk_id() not in ids:
        assert ours.decode(ids) == ours.decode(ours.encode(text))
    assert ids.tolist() == ours.encode(text, alpha=0.1, seed=seed).tolist()


def test_options_of_drawn_segmentations():
    ours, library = pair("unigram, plain")
    text = documents()[0][:500]
    assert ours.encode(text, alpha=0.1, seed=1).tolist() != ours.encode(text).tolist()
    marked = ours.encode("a<s>b", alpha=0.1, allowed_special={"<s>"}).tolist()
    assert library.bos_id() in marked
    with pytest.raises(EncodeError, match="not -1"):
        ours.encode(text, alpha=-1.0)
    with pytest.raises(EncodeError, match="dropout is of BPE"):
        ours.encode(text, dropout=0.1)
