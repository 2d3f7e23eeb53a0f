"""Which bytes may follow, by going through all characters."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from byteprob.tokenizers.fallback import Fallback, characters_beginning
from encoders.byte_ranges import ByteRanges

RANGES = ByteRanges.of({byte: bytes([byte]) for byte in range(256)})
BYTE_IDS = np.arange(256, dtype=np.uint32)
BEGUN = (b"\xc3", b"\xe6\x97", b"\xf0\x9f\x99")
NEAR = {
    begun: [
        character
        for code in range(0x80, 0x1FFFF)
        if not 0xD800 <= code < 0xE000 and (character := chr(code).encode()).startswith(begun)
    ]
    for begun in BEGUN
}


def test_characters_are_all_counted():
    assert sum(characters_beginning(bytes([byte])) for byte in range(256)) == 0x110000 - 0x800
    for begun in (b"\x80", b"\xc0", b"\xc1", b"\xf5", b"\xed\xa0", b"\xe0\x80", b"\xf4\x90", b"aa"):
        assert characters_beginning(begun) == 0


@given(st.characters(exclude_categories=["Cs"]))
def test_characters_are_counted_by_how_they_begin(character):
    whole = character.encode()
    assert characters_beginning(whole) == 1
    for size in range(1, len(whole)):
        longer = [whole[:size] + bytes([byte]) for byte in range(256)]
        assert characters_beginning(whole[:size]) == sum(map(characters_beginning, longer))


@given(
    st.sets(st.sampled_from("aé×日旦🙂"), max_size=6), st.sets(st.sampled_from("é日"), max_size=2)
)
def test_bytes_lead_to_characters_that_are_no_tokens(known, others):
    tokens = {character.encode() for character in known} | {b"ab", "日本".encode()}
    but = frozenset(character.encode() for character in others - known)
    fallback = Fallback(BYTE_IDS, tokens, RANGES)
    for begun in BEGUN:
        near = [c for c in NEAR[begun] if c not in tokens and c not in but]
        expected = sorted({character[len(begun)] for character in near})
        assert fallback.after(begun, but).tolist() == expected


def test_without_bytes_there_is_none():
    absent = np.full(256, 0xFFFFFFFF, np.uint32)
    assert not len(Fallback(absent, [b"a"], RANGES).after(b""))


def test_bytes_that_the_vocabulary_lacks_never_follow():
    held = ByteRanges.of({byte: bytes([byte]) for byte in range(256) if byte not in (0xC3, 255)})
    fallback = Fallback(BYTE_IDS, [b"a"], held)
    assert 0xC3 not in fallback.after(b"")
    assert 0xC4 in fallback.after(b"")
