"""What is UTF-8 is what Python's decoder says."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from encoders.buffers import joined
from encoders.normalize import WellFormed
from encoders.utf8 import first_invalid, mended

pieces = st.text(max_size=12).map(str.encode) | st.binary(max_size=5)
hostile = [b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xc1\xbf"]
almost_utf8 = st.lists(pieces | st.sampled_from(hostile)).map(b"".join)
documents = st.lists(almost_utf8, max_size=4)


@given(documents)
def test_invalid_utf8_is_where_python_finds_it(raws):
    text, bounds = joined(raws)
    expected = [invalid_byte(raw) for raw in raws]
    assert first_invalid(text, bounds[:-1], bounds[1:]).tolist() == expected


def test_all_pairs_of_bytes_and_what_follows_them():
    tails = [b"", b"\x80", b"\x80\x80", b"\xbf", b"\xbf\xbf", b"a", b"\x80a"]
    raws = [bytes([a, b]) + tail for a in range(0xBE, 256) for b in range(256) for tail in tails]
    text, bounds = joined(raws)
    expected = [invalid_byte(raw) for raw in raws]
    assert first_invalid(text, bounds[:-1], bounds[1:]).tolist() == expected


def invalid_byte(raw):
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return error.start
    return -1


@given(almost_utf8)
def test_each_byte_outside_utf8_becomes_one_character(raw):
    assert mended(raw).decode() == plain(raw)


@given(documents)
def test_documents_are_mended_one_by_one(raws):
    text, bounds = joined(raws)
    changed, inner, _ = WellFormed().normalize(text, bounds)
    assert [changed[a:b].tobytes() for a, b in pairwise(inner)] == [mended(raw) for raw in raws]
    if all(invalid_byte(raw) < 0 for raw in raws):
        assert changed is text
        assert inner is bounds


def plain(raw):
    """Characters one by one, by the shortest prefix that decodes."""
    found = ""
    while raw:
        size = next((n for n in range(1, 5) if raw[:n] and invalid_byte(raw[:n]) < 0), 0)
        found += raw[:size].decode() if size else "\ufffd"
        raw = raw[max(1, size) :]
    return found
