"""Reading documents: every kind and compression, and everything that can be wrong with them."""

import contextlib
import gzip
import io
import json
import random

import pyarrow
import pyarrow.parquet
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tokenkit.corpus import inputs, records
from tokenkit.corpus.documents import read_documents
from tokenkit.corpus.inputs import InputStream, expand
from tokenkit.corpus.records import ReadOptions
from tokenkit.errors import CorpusError, InputError


def read(path, **options):
    """(documents, rejected, broken) of a file."""
    stream = InputStream(str(path))
    blocks = list(read_documents(stream, ReadOptions(**options)))
    texts = [text.decode("utf-8", "surrogateescape") for block in blocks for text in block]
    return texts, [r for block in blocks for r in block.rejected], stream.broken


def jsonl(texts):
    return "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()


nonempty = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


class TestKinds:
    @given(texts=st.lists(nonempty))
    def test_jsonl_csv_and_parquet_give_the_same(self, texts, tmp_path_factory):
        folder = tmp_path_factory.mktemp("kinds")
        (folder / "a.jsonl").write_bytes(jsonl(texts))
        table = pyarrow.table({"text": pyarrow.array(texts, pyarrow.string())})
        pyarrow.parquet.write_table(table, folder / "a.parquet")
        assert read(folder / "a.jsonl")[0] == texts
        assert read(folder / "a.parquet")[0] == texts

    @given(texts=st.lists(nonempty.filter(lambda t: "\r" not in t and "\0" not in t)))
    def test_csv(self, texts, tmp_path_factory):
        import csv

        path = tmp_path_factory.mktemp("csv") / "a.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([["id", "text"], *([i, t] for i, t in enumerate(texts))])
        assert read(path)[0] == texts

    @given(
        texts=st.lists(nonempty.map(lambda t: t.replace("\n", "")).filter(bool)),
        block=st.integers(1, 9),
    )
    def test_separators_across_blocks(self, texts, block, tmp_path_factory):
        path = tmp_path_factory.mktemp("txt") / "a.txt"
        path.write_bytes("\n\n".join(texts).encode())
        before, inputs._READ = inputs._READ, block
        try:
            assert read(path, separator=b"\n\n")[0] == texts
        finally:
            inputs._READ = before

    def test_a_text_file_is_one_document(self, tmp_path):
        (tmp_path / "a.txt").write_text("one\n\ntwo\n")
        assert read(tmp_path / "a.txt")[0] == ["one\n\ntwo\n"]

    def test_nested_fields(self, tmp_path):
        (tmp_path / "a.jsonl").write_text('{"doc": {"body": "x"}}\n{"doc": {}}\n{"doc": 3}\n')
        texts, rejected, _ = read(tmp_path / "a.jsonl", text_field="doc.body")
        assert texts == ["x"]
        assert [(r.record, r.reason) for r in rejected] == [
            (2, "no field 'doc.body'"),
            (3, "no field 'doc.body'"),
        ]

    @pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
    def test_compression_is_told_by_content(self, tmp_path, pack):
        texts = [f"document {i}" for i in range(2000)]
        packed = pack(jsonl(texts[:1000])) + pack(jsonl(texts[1000:]))
        (tmp_path / "a.jsonl").write_bytes(packed)
        found, rejected, broken = read(tmp_path / "a.jsonl")
        assert (found, rejected, broken) == (texts, [], None)


class TestBadRecords:
    def test_each_is_told_with_number_and_reason(self, tmp_path):
        lines = [
            b'{"text": "good"}',
            b"not json",
            b'{"other": 1}',
            b'{"text": 7}',
            b'{"text": ""}',
            b"",
            b'{"text": "\xff"}',
            b'{"text": "\\ud800"}',
            b"[" * 100_000,
            b'{"text": "last, without a line feed"}',
        ]
        (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
        texts, rejected, _ = read(tmp_path / "a.jsonl")
        assert texts == ["good", "last, without a line feed"]
        reasons = {r.record: r.reason for r in rejected}
        assert sorted(reasons) == [2, 3, 4, 5, 6, 7, 8, 9]
        starts = {
            2: "not JSON",
            3: "no field 'text'",
            4: "field 'text' is a number",
            5: "empty document",
            6: "empty line",
            7: "invalid UTF-8",
            8: "lone surrogate",
            9: "not JSON",
        }
        for record, start in starts.items():
            assert reasons[record].startswith(start)

    @pytest.mark.parametrize(
        ("policy", "expected"),
        [("quarantine", ["ok"]), ("replace", ["ok", "a\ufffdb"]), ("keep", ["ok", "a\udcffb"])],
    )
    def test_invalid_utf8(self, tmp_path, policy, expected):
        (tmp_path / "a.txt").write_bytes(b"ok\0a\xffb")
        texts, rejected, _ = read(tmp_path / "a.txt", separator=b"\0", invalid_utf8=policy)
        assert texts == expected
        assert len(rejected) == 2 - len(expected)

    def test_documents_that_are_too_long(self, tmp_path, monkeypatch):
        monkeypatch.setattr(inputs, "_READ", 64)
        texts = ["short", "x" * 1000, "short again", "y" * 101, "z" * 100]
        (tmp_path / "a.txt").write_text("\n\n".join(texts))
        found, rejected, _ = read(tmp_path / "a.txt", separator=b"\n\n", longest=100)
        assert found == ["short", "short again", "z" * 100]
        assert [r.record for r in rejected] == [2, 4]
        assert "1000 bytes" in rejected[0].reason
        found, rejected, _ = read(tmp_path / "a.txt", longest=100)
        assert found == []
        assert len(rejected) == 1

    def test_csv_rows_of_another_width(self, tmp_path):
        (tmp_path / "a.csv").write_text("id,text\n1,a\n2\n3,c,d\n4,e\n")
        texts, rejected, _ = read(tmp_path / "a.csv")
        assert texts == ["a", "e"]
        assert [r.record for r in rejected] == [2, 3]

    def test_a_missing_column_names_those_there_are(self, tmp_path):
        (tmp_path / "a.csv").write_text("id,body\n1,a\n")
        with pytest.raises(InputError, match=r"no column 'text'.*'body'"):
            read(tmp_path / "a.csv")
        pyarrow.parquet.write_table(pyarrow.table({"body": ["a"]}), tmp_path / "a.parquet")
        with pytest.raises(InputError, match=r"no column 'text'.*'body'"):
            read(tmp_path / "a.parquet")

    def test_not_parquet(self, tmp_path):
        (tmp_path / "a.parquet").write_text("no")
        with pytest.raises(InputError, match="is not Parquet"):
            read(tmp_path / "a.parquet")

    def test_blocks_number_records_of_the_whole_input(self, tmp_path, monkeypatch):
        monkeypatch.setattr(records, "_MOST", 3)
        monkeypatch.setattr(inputs, "_READ", 128)
        lines = [f'{{"text": "{"x" * 30}{i}"}}' if i % 7 else "bad" for i in range(100)]
        (tmp_path / "a.jsonl").write_text("\n".join(lines))
        _, rejected, _ = read(tmp_path / "a.jsonl")
        assert [r.record for r in rejected] == [i + 1 for i in range(100) if i % 7 == 0]


class TestBrokenFiles:
    @staticmethod
    def packed(count=240):
        dice = random.Random(5)
        words = [f"{dice.getrandbits(40):x}" for _ in range(4000)]
        texts = [" ".join(dice.choices(words, k=300)) for _ in range(count)]
        return texts, gzip.compress(jsonl(texts))

    def test_a_gzip_cut_short_keeps_all_before_the_cut(self, tmp_path):
        texts, packed = self.packed()
        cut = packed[: int(len(packed) * 0.9)]
        # What is readable, byte by byte, by Python's own reader.
        readable, file = bytearray(), gzip.GzipFile(fileobj=io.BytesIO(cut))
        with contextlib.suppress(EOFError):
            while byte := file.read(1):
                readable += byte
        whole = readable.count(b"\n")
        (tmp_path / "a.jsonl.gz").write_bytes(cut)
        found, rejected, broken = read(tmp_path / "a.jsonl.gz")
        assert len(found) >= whole > 200
        assert found == texts[: len(found)]
        assert len(rejected) == 1
        assert broken.offset == len(cut)

    @pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
    def test_a_damaged_gzip_keeps_all_before_the_damage(self, tmp_path, place):
        texts, packed = self.packed()
        at = int(len(packed) * place)
        damaged = packed[:at] + bytes(200) + packed[at + 200 :]
        (tmp_path / "a.jsonl.gz").write_bytes(damaged)
        found, _, broken = read(tmp_path / "a.jsonl.gz")
        kept = len(found)
        assert kept > len(texts) * (place - 0.1)
        # Damage can decompress to garbage for a while; documents before it are right.
        sure = int(len(texts) * (place - 0.1))
        assert found[:sure] == texts[:sure]
        assert broken is not None

    def test_a_cut_off_document_is_not_taken_for_whole(self, tmp_path):
        packed = gzip.compress(b"first\n\nsecond\n\n" + b"third " * 500)
        (tmp_path / "a.txt.gz").write_bytes(packed[:-12])
        found, rejected, broken = read(tmp_path / "a.txt.gz", separator=b"\n\n")
        assert found == ["first", "second"]
        assert "cut off" in rejected[0].reason
        assert broken
        found, rejected, _ = read(tmp_path / "a.txt.gz")
        assert found == []
        assert "cut off" in rejected[0].reason

    def test_zstd_cut_short(self, tmp_path):
        packed = zstandard.ZstdCompressor().compress(jsonl(["a" * 10, "b"] * 5))
        (tmp_path / "a.jsonl.zst").write_bytes(packed[:-3])
        assert read(tmp_path / "a.jsonl.zst")[2].reason == "zstd ends early"


class TestExpand:
    def test_files_directories_and_globs_in_order(self, tmp_path):
        for name in ("b.txt", "a.jsonl", "sub/c.csv", "sub/d.jsonl.gz", "e.png"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("x")
        found = expand([str(tmp_path)])
        assert [str(p)[len(str(tmp_path)) + 1 :] for p in found] == [
            "a.jsonl",
            "b.txt",
            "sub/c.csv",
            "sub/d.jsonl.gz",
        ]
        assert expand([str(tmp_path / "*.txt")]) == [str(tmp_path / "b.txt")]
        assert expand(["-"]) == ["-"]

    def test_nothing_and_twice(self, tmp_path):
        with pytest.raises(CorpusError, match="no such file"):
            expand([str(tmp_path / "none*")])
        with pytest.raises(CorpusError, match="no input files"):
            expand([str(tmp_path)])
        (tmp_path / "a.txt").write_text("x")
        with pytest.raises(CorpusError, match="twice"):
            expand([str(tmp_path / "a.txt"), str(tmp_path / "*.txt")])
