"""Spans lie where the text is, whatever the text is made of."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import texts, trained
from tokenkit import Tokenizer
from tokenkit.text.spans import from_byte_spans, from_char_spans, readable

surrogates = st.text(st.characters(min_codepoint=0xD7FE, max_codepoint=0xE001)) | st.text(
    alphabet="a\ud83d\ude00é"
)


def sound(text):
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@given(text=texts | surrogates)
def test_readable_text(text):
    clean, bytes_at, chars_at = readable(text)
    assert clean == sound(text)
    assert len(bytes_at) == len(chars_at) == len(clean) + 1
    assert bytes_at.tolist() == [len(clean[:i].encode()) for i in range(len(clean) + 1)]
    for i, character in enumerate(clean):
        given_ = text[chars_at[i] : chars_at[i + 1]]
        assert sound(given_) == character
    assert chars_at[-1] == len(text)


@given(raw=st.binary() | texts.map(lambda text: text.encode("utf-8", "replace")))
def test_readable_bytes(raw):
    clean, bytes_at, chars_at = readable(raw)
    assert chars_at.tolist() == list(range(len(clean) + 1))
    for i, character in enumerate(clean):
        part = raw[bytes_at[i] : bytes_at[i + 1]]
        assert part.decode("utf-8", "replace") == character
    assert bytes_at[-1] == len(raw)


@given(raw=st.binary())
def test_spans_of_any_bytes(raw):
    tok = trained()
    found = tok.encode_with_offsets(raw)
    assert b"".join(raw[a:b] for a, b in found.byte_spans.tolist()) == raw
    assert (found.byte_spans[1:, 0] == found.byte_spans[:-1, 1]).all()
    assert (np.diff(found.char_spans, axis=1) >= 1).all()


@given(text=surrogates)
def test_character_spans_are_of_the_given_text(text):
    found = trained().encode_with_offsets(text)
    starts, stops = found.char_spans.T
    assert (starts[1:] >= starts[:-1]).all()
    if len(text):
        assert starts[0] == 0
        assert stops[-1] == len(text)


def test_a_torn_character_is_spanned_whole():
    spans = np.array([[0, 2], [2, 4], [4, 5]])
    found = from_byte_spans(np.zeros(3, np.uint32), spans, "\U0001f600a")
    assert found.char_spans.tolist() == [[0, 1], [0, 1], [1, 2]]


def test_character_spans_to_bytes():
    found = from_char_spans([1, 2], [(0, 1), (1, 3)], "é日a")
    assert found.byte_spans.tolist() == [[0, 2], [2, 6]]
    assert found.char_spans.tolist() == [[0, 1], [1, 3]]


def test_a_normalising_tokenizer_spans_what_it_read():
    import tokenizers

    peer = tokenizers.Tokenizer.from_str(trained().to_bytes().decode())
    peer.normalizer = tokenizers.normalizers.NFKC()
    tok = Tokenizer.from_bytes(peer.to_str().encode())
    assert tok.contract == "normalizing"
    text = "ﬁ é ½ 日本 a"
    found = tok.encode_with_offsets(text)
    expected = peer.encode(text, add_special_tokens=False)
    assert found.ids.tolist() == expected.ids
    assert [tuple(span) for span in found.char_spans.tolist()] == expected.offsets
    assert [text[a:b].encode() for a, b in found.char_spans] == [
        text.encode()[a:b] for a, b in found.byte_spans
    ]
