import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import documents, trained
from tokenkit import Ragged
from tokenkit.adapters.megatron import indexed_shards, read_indexed, write_indexed
from tokenkit.adapters.torch_data import PackedSequences, Packing, WholeDocuments
from tokenkit.corpus import PrepareOptions, prepare
from tokenkit.errors import ShardError

rows = st.lists(st.lists(st.integers(0, 60_000), max_size=6), max_size=6)


@given(rows, st.sampled_from([np.uint16, np.uint32, np.int32, np.int64]))
def test_what_is_written_is_read(tmp_path_factory, rows, dtype):
    prefix = tmp_path_factory.getbasetemp() / "round.trip"
    found = write_indexed(prefix, Ragged.from_rows(rows, dtype))
    assert [row.tolist() for row in found] == rows
    assert found.tokens.dtype == (np.int32 if dtype is np.uint32 else dtype)
    assert found.header["tokens"] == sum(map(len, rows))
    assert [found.document(i).tolist() for i in range(len(found))] == rows


def test_the_bytes_are_those_of_the_format(tmp_path):
    write_indexed(tmp_path / "x", Ragged.from_rows([[1, 2, 3], [4]], np.uint16))
    assert (tmp_path / "x.bin").read_bytes() == bytes([1, 0, 2, 0, 3, 0, 4, 0])
    index = (tmp_path / "x.idx").read_bytes()
    assert index[:9] == b"MMIDIDX\x00\x00"
    assert index[9:17] == (1).to_bytes(8, "little")
    assert index[17] == 8
    assert np.frombuffer(index, "<u8", 2, 18).tolist() == [2, 3]
    assert np.frombuffer(index, "<i4", 2, 34).tolist() == [3, 1]
    assert np.frombuffer(index, "<i8", 2, 42).tolist() == [0, 6]
    assert np.frombuffer(index, "<i8", 3, 58).tolist() == [0, 1, 2]
    assert len(index) == 82


def test_documents_of_several_sequences(tmp_path):
    write_indexed(tmp_path / "x", Ragged.from_rows([[1, 2], [3], [4, 5]], np.int32))
    raw = bytearray((tmp_path / "x.idx").read_bytes())
    raw[26:34] = (3).to_bytes(8, "little")  # three bounds: two documents
    raw[-32:] = np.array([0, 2, 3], "<i8").tobytes()
    (tmp_path / "x.idx").write_bytes(raw)
    assert [row.tolist() for row in read_indexed(tmp_path / "x")] == [[1, 2, 3], [4, 5]]


def test_prepared_files_are_read_and_packed(tmp_path):
    for number, text in enumerate(documents()[:5]):
        (tmp_path / f"{number}.txt").write_text(text)
    tok, out = trained(), tmp_path / "out"
    inputs = [str(path) for path in sorted(tmp_path.glob("*.txt"))]
    prepare(inputs, tok, out, PrepareOptions(format="megatron"), workers=1)
    prefixes = [path.with_suffix("") for path in sorted(out.rglob("*.idx"))]
    shards = indexed_shards(prefixes)
    whole = WholeDocuments(shards)
    assert [whole[i]["input_ids"].tolist() for i in range(5)] == [
        tok.encode(text).tolist() for text in documents()[:5]
    ]
    packed = PackedSequences(shards, Packing(16))
    assert len(packed) == -(-shards.tokens // 16)


def test_damage_is_found(tmp_path):
    with pytest.raises(ShardError, match=r"x\.idx is missing"):
        read_indexed(tmp_path / "x")
    write_indexed(tmp_path / "x", Ragged.from_rows([[1, 2], [3]], np.uint16))
    index, ids = tmp_path / "x.idx", tmp_path / "x.bin"
    good = index.read_bytes()
    damages = {
        "not the index": b"something else" + good[14:],
        "cut short": good[:-1],
        "dtype code 77": good[:17] + bytes([77]) + good[18:],
        "end to end": good[:42] + bytes([2]) + good[43:],
    }
    for message, content in damages.items():
        index.write_bytes(content)
        with pytest.raises(ShardError, match=message):
            read_indexed(tmp_path / "x")
    index.write_bytes(good)
    ids.write_bytes(ids.read_bytes()[:-2])
    with pytest.raises(ShardError, match="4 bytes"):
        read_indexed(tmp_path / "x")
    with pytest.raises(IndexError):
        write_indexed(tmp_path / "x", Ragged.from_rows([[1]], np.uint16)).document(1)


def test_what_the_format_cannot_hold_is_refused(tmp_path):
    with pytest.raises(ShardError, match="does not fit"):
        write_indexed(tmp_path / "x", Ragged.from_rows([[2**31]], np.uint32))
    with pytest.raises(ShardError, match="float32"):
        write_indexed(tmp_path / "x", Ragged.from_rows([[1]], np.float32))
