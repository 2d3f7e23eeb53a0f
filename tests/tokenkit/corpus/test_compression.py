"""gzip and zstd: whole, cut at every byte, and damaged anywhere."""

import gzip
import random
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tokenkit.corpus import compression
from tokenkit.corpus.compression import gunzip, unzstd


def words(size, seed=1):
    dice = random.Random(seed)
    return " ".join(f"{dice.getrandbits(24):x}" for _ in range(size // 7)).encode()


def read(decompress, packed, block=1000):
    """What comes out, and where it breaks."""
    blocks = [packed[i : i + block] for i in range(0, len(packed), block)]
    rest = iter([*blocks[1:], b""])
    generator = decompress(blocks[0] if blocks else b"", lambda: next(rest, b""))
    parts = []
    while True:
        try:
            parts.append(next(generator))
        except StopIteration as end:
            return b"".join(parts), end.value


def by_zlib(packed):
    """All that zlib gives before it fails, byte by byte, and the byte it fails on."""
    member, out = zlib.decompressobj(wbits=31), b""
    for i in range(len(packed)):
        try:
            out += member.decompress(packed[i : i + 1])
        except zlib.error:
            return out, i
    return out, len(packed)


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.integers(1, 50))
def test_whole_streams_of_several_members(texts, block):
    packed = b"".join(map(gzip.compress, texts))
    assert read(gunzip, packed, block) == (b"".join(texts), None)
    assert read(gunzip, packed + bytes(70), block) == (b"".join(texts), None)
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    packed = b"".join(map(compressor.compress, texts))
    assert read(unzstd, packed, block) == (b"".join(texts), None)


def test_large_outputs_come_in_parts(monkeypatch):
    monkeypatch.setattr(compression, "_OUTPUT", 100)
    text = words(5000) + bytes(5000)
    assert read(gunzip, gzip.compress(text), 64) == (text, None)


@pytest.mark.parametrize("options", [{}, {"write_checksum": True}, {"write_content_size": False}])
def test_zstd_frames_of_many_blocks(options):
    text = words(400_000) + bytes(300_000)
    streamed = zstandard.ZstdCompressor(**options).compressobj()
    packed = streamed.compress(text[:10]) + streamed.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    packed += streamed.compress(text[10:]) + streamed.flush()
    skipped = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
    whole = zstandard.ZstdCompressor(**options).compress(text)
    assert read(unzstd, skipped + packed + skipped + whole) == (text * 2, None)


def test_gzip_cut_at_every_byte():
    text = words(600)
    packed = gzip.compress(text)
    for cut in range(1, len(packed)):
        found, broken = read(gunzip, packed[:cut], 100)
        assert found == by_zlib(packed[:cut])[0]
        assert broken.offset == cut
        assert broken.reason == "gzip ends early"


def test_gzip_damaged_at_every_byte():
    text = words(500)
    packed = gzip.compress(text, mtime=0)
    broken_ones = 0
    for at in range(10, len(packed)):
        damaged = packed[:at] + bytes([packed[at] ^ 0x55]) + packed[at + 1 :]
        found, broken = read(gunzip, damaged, 90)
        assert broken is not None
        expected, where = by_zlib(damaged)
        assert found == expected
        assert broken.offset == where
        broken_ones += broken.reason.startswith("broken gzip")
    assert broken_ones > len(packed) // 2


def test_bytes_behind_a_gzip_member_are_told():
    packed = gzip.compress(b"text")
    found, broken = read(gunzip, packed + b"garbage")
    assert found == b"text"
    assert len(packed) <= broken.offset <= len(packed) + 1  # the second byte gives it away
    assert "incorrect header" in broken.reason


def test_zstd_cut_or_damaged_keeps_all_blocks_before():
    text = words(500_000)
    packed = zstandard.ZstdCompressor(write_checksum=True).compress(text)
    dice = random.Random(3)
    for _ in range(40):
        cut = dice.randrange(5, len(packed))
        before, broken = read(unzstd, packed[:cut])
        assert text.startswith(before)
        assert len(before) >= (cut / len(packed) - 0.3) * len(text)
        assert (broken.offset, broken.reason) == (cut, "zstd ends early")
        damaged = packed[:cut] + bytes([packed[cut] ^ 0x55]) + packed[cut + 1 :]
        found, broken = read(unzstd, damaged)
        assert broken is not None
        assert found.startswith(before)
        assert broken.offset <= len(packed)
    found, broken = read(unzstd, packed + b"garbage")
    assert found == text
    assert broken.offset == len(packed)
