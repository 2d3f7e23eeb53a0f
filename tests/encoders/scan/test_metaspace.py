"""The scanners for U+2581, and for blanks in its place, equal a regular expression."""

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from encoders import scan
from encoders.scan import pieces

PATTERNS = [(scan.METASPACE, "▁?[^▁]*"), (scan.BLANKS, " ?[^ ]*")]


@pytest.mark.parametrize(("scanner", "pattern"), PATTERNS)
@given(text=st.text(alphabet="▁ aé▂☁日") | st.text())
def test_equal_to_regex(scanner, pattern, text):
    raw = text.encode("utf-8", "replace")
    expected = [m.encode() for m in regex.findall(pattern, raw.decode()) if m]
    assert pieces(scanner, raw) == expected


@given(
    raw=st.lists(st.sampled_from([b"\xe2", b"\x96", b"\x81", b"a", b"\xe2\x96\x81"])).map(b"".join)
)
def test_torn_characters_cut_nothing_else(raw):
    assert b"".join(pieces(scan.METASPACE, raw)) == raw
    assert all(p.find("▁".encode(), 1) == -1 for p in pieces(scan.METASPACE, raw))
