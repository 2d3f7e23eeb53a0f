"""Shapes of texts, and what may become of a character that is cut, against Python's decoder."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from byteprob.tokenizers.shapes import Shapes, completions, cut_character, kind_of
from encoders.buffers import joined

TEXTS = st.one_of(
    st.text(max_size=12),
    st.text("aB1 '\n\rſ日é!\u0301", max_size=14),
    st.sampled_from(["I'LL", "x'ſ", "aaaaaaaa", "1234567", "12345678", " \n\r\n  b"]),
).map(str.encode)


@given(TEXTS, st.integers(0, 30))
def test_a_cut_character_is_what_the_decoder_waits_for(text, size):
    raw = text[:size]
    whole = raw.decode(errors="ignore").encode()
    assert cut_character(raw) == raw[len(whole) :]


@given(TEXTS)
def test_a_shape_is_its_own_and_keeps_the_classes(text):
    shapes = Shapes()
    shape = shapes.of(text)
    assert shapes.of(shape) == shape
    assert set(map(kind_of, map(ord, shape.decode()))) == set(map(kind_of, map(ord, text.decode())))
    assert len(shape.decode()) <= len(text.decode())


@given(st.lists(st.one_of(TEXTS, st.binary(max_size=6)), max_size=8))
def test_shapes_of_many_are_those_of_each(texts):
    shapes, at = Shapes().of_all(*joined(texts))
    assert shapes == sorted(set(shapes))
    assert [shapes[i] for i in at] == [Shapes().of(text) for text in texts]


def test_runs_are_cut_and_digits_keep_their_threes():
    shapes = Shapes()
    assert shapes.of(b"zzzzz") == b"aaa"
    assert [len(shapes.of(b"7" * size)) for size in (6, 7, 8, 9, 10)] == [6, 4, 5, 6, 4]
    assert shapes.of(b"'LL") == b"'LL"


def test_what_begins_no_character_has_no_completions():
    beginnings = {
        chr(code).encode()[:n]
        for code in range(0x110000)
        if not 0xD800 <= code < 0xE000
        for n in (1, 2)
    }
    cuts = [bytes([lead]) for lead in range(0xC0, 0x100)]
    cuts += [bytes(pair) for pair in product(range(0xE0, 0x100), range(0x80, 0xC0))]
    for cut in cuts:
        found = completions(cut)
        assert bool(found) == (cut in beginnings)
        for rest in found.values():
            assert len((cut + rest).decode()) == 1
