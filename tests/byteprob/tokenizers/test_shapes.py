"""Shapes of texts, and what may become of a character that is cut, against Python's decoder."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from byteprob.tokenizers.shapes import Shapes, completions, cut_character
from byteprob.tokenizers.sights import sight_of
from encoders.buffers import joined
from encoders.scan import patterns
from tests.byteprob.tokenizers.scanners import SCANNERS

SIGHTS = [sight_of(scanner) for scanner, _ in SCANNERS.values()]
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


@given(st.sampled_from(SIGHTS), TEXTS)
def test_a_shape_is_its_own_and_keeps_the_kinds(sight, text):
    shapes = Shapes(sight)
    shape = shapes.of(text)
    assert shapes.of(shape) == shape
    assert {*kinds(sight, shape)} == {*kinds(sight, text)}
    assert len(shape.decode()) <= len(text.decode())


def kinds(sight, text):
    return sight.kinds[[ord(character) for character in text.decode()]].tolist()


@given(st.sampled_from(SIGHTS), st.lists(st.one_of(TEXTS, st.binary(max_size=6)), max_size=8))
def test_shapes_of_many_are_those_of_each(sight, texts):
    shapes, at = Shapes(sight).of_all(*joined(texts))
    assert shapes == sorted(set(shapes))
    assert [shapes[i] for i in at] == [Shapes(sight).of(text) for text in texts]


def test_what_is_repeated_is_left_out():
    shapes = Shapes(sight_of(patterns.PHRASES))
    assert shapes.of(b"zz z") == b"a a"
    assert shapes.of(b"one two three four") == b"a a a"
    assert shapes.of(b"7777777") == b"0000"
    assert shapes.of(b"!!!\n\n\n") == b"!!\n\n"


def test_letters_matter_where_a_contraction_may_be():
    shapes = Shapes(sight_of(patterns.CL100K))
    assert [shapes.of(text) for text in (b"'LL", b"'rest", b"'ra")] == [b"'ll", b"'rea", b"'a"]
    assert [shapes.of(text) for text in (b"test", b"else", b"xs")] == [b"sa", b"ea", b"a"]
    assert shapes.of(b"test", before=b"a") == b"a"
    assert shapes.of(b"test", before=b"!'") == b"sa"
    assert shapes.of(b"else", before=b"'r") == b"ea"


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
        found = completions(SIGHTS[0], cut)
        assert bool(found) == (cut in beginnings)
        for rest in found.values():
            assert len((cut + rest).decode()) == 1
