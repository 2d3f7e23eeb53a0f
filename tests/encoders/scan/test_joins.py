"""Cuts between characters that are neighbours in no token equal the definition, written plainly."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from encoders.buffers import joined
from encoders.scan import JoinScanner, pieces

LETTERS = "ab .1 ▁é日😀"
texts = st.text(alphabet=LETTERS)
long_texts = texts | st.text("ab .1", min_size=70) | st.text(LETTERS, min_size=70)
vocabularies = st.lists(texts, max_size=12)


def plain(text, tokens, safe, blank, *, each_blank):
    """``safe``: characters beside which a cut may be, or None for all. None parts letters."""
    neighbours = {pair for token in tokens for pair in pairwise(token)}
    found = text[:1]
    for before, after in pairwise(text):
        parts = (before, after) not in neighbours and (
            safe is None or {before, after} & {blank, *safe}
        )
        both = before + after
        parts = parts and not (both.isascii() and both.isalpha())
        found += "\n" + after if parts or (each_blank and after == blank) else after
    return [piece.encode() for piece in found.split("\n") if piece]


@given(
    text=long_texts,
    tokens=vocabularies,
    safe=st.none() | st.sets(st.sampled_from("ab")),
    blank=st.sampled_from(" ▁"),
    each_blank=st.booleans(),
)
def test_equal_to_the_definition(text, tokens, safe, blank, each_blank):
    known = None
    if safe is not None:
        known = [chr(code) in safe for code in range(128)]
    scanner = scanner_of(tokens, known=known, blank=ord(blank), each_blank=each_blank)
    got = pieces(scanner, text.encode())
    expected = plain(text, tokens, safe, blank, each_blank=each_blank)
    if text.isascii():
        assert got == expected
    else:
        # Of hashed pairs, others may seem to be in a token: cuts may be missing, never added.
        assert b"".join(got) == text.encode()
        assert ends(got) <= ends(expected)


@given(text=long_texts, tokens=vocabularies)
def test_no_token_goes_across(text, tokens):
    bounds = ends(pieces(scanner_of(tokens), text.encode()))
    raw = text.encode()
    for token in {token.encode() for token in tokens if token}:
        at = raw.find(token)
        while at >= 0:
            assert not any(at < bound < at + len(token) for bound in bounds)
            at = raw.find(token, at + 1)


def test_cuts_are_found_among_characters_that_are_not_ascii():
    got = pieces(scanner_of(["日本", "é", "😀a"]), "日本é😀a日日本".encode())
    assert [piece.decode() for piece in got] == ["日本", "é", "😀a", "日", "日本"]


@given(raw=st.lists(st.sampled_from([b"\xe2", b"\x96", b"\x81", b"\xff", b"a", "▁".encode()])))
def test_nothing_is_cut_beside_ill_formed_bytes(raw):
    text = b"".join(raw)
    got = pieces(scanner_of(["a"]), text)
    assert b"".join(got) == text
    readable = all(character != "\ufffd" for character in text.decode("utf-8", "replace"))
    if readable:
        assert got == plain(text.decode(), [], None, "▁", each_blank=False)


def scanner_of(tokens, *, known=None, blank=0x2581, each_blank=False):
    flat, offsets = joined([token.encode() for token in tokens])
    flags = None if known is None else np.array(known, np.uint8)
    return JoinScanner.of(flat, offsets, known=flags, blank=blank, each_blank=each_blank)


def ends(found):
    position, places = 0, set()
    for piece in found:
        position += len(piece)
        places.add(position)
    return places
