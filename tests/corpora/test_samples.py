import json
import struct

import pytest

import corpora
from corpora.documents import Document, sha256_of, write_jsonl
from corpora.extract.messages import translations
from tokenkit.errors import CorpusError

PINNED = {
    "ledgers": "7aa0c7b0d35a7f321ee0e264e5b218f5218449c76d886f1e9b93efe3dd6009f8",
    "tables": "0818126d4e8d3ef96784574e4fffc1aea52995025193a7869394dc34dbec3d5a",
    "calendar": "f7ef7ad1fbca155b99c3c7bb90a9f6525535f71fed85632672ac7a9cccaef1bc",
}


def test_generated_corpora_are_the_same_everywhere(tmp_path):
    assert set(PINNED) == {sample.name for sample in corpora.SAMPLES if sample.fixed}
    manifest = corpora.build(tmp_path, PINNED)
    assert {entry.name: entry.sha256 for entry in manifest} == PINNED


def test_every_sample_is_here_and_is_what_the_manifest_says(tmp_path):
    seen = []
    built = corpora.build(tmp_path, max_bytes=50_000, progress=lambda *step: seen.append(step))
    manifest = corpora.Manifest.read(tmp_path)
    assert manifest == built
    manifest.verify()
    assert {"code", "reference", "licences"} <= {entry.name for entry in manifest}
    for entry in manifest:
        records = [json.loads(line) for line in manifest.path(entry.name).open()]
        assert len(records) == entry.documents == len({record["id"] for record in records})
        assert sum(len(record["text"].encode()) for record in records) == entry.bytes > 10_000
        assert all((entry.what, entry.source, entry.licence))
        assert (entry.name, entry.bytes, 50_000) in seen


def test_messages_are_only_built_on_request(tmp_path):
    assert {s.name for s in corpora.SAMPLES if s.on_request} == {"messages"}


def test_building_one_keeps_the_others(tmp_path):
    corpora.build(tmp_path, ["ledgers"])
    manifest = corpora.build(tmp_path, ["tables"])
    assert "ledgers" in manifest
    assert "tables" in manifest


def test_a_changed_or_missing_corpus_is_found(tmp_path):
    manifest = corpora.build(tmp_path, ["ledgers"])
    path = manifest.path("ledgers")
    path.write_text(path.read_text() + "\n")
    with pytest.raises(CorpusError, match=r"ledgers\.jsonl is not what"):
        manifest.verify()
    path.unlink()
    with pytest.raises(CorpusError, match="missing"):
        manifest.verify()


def test_unknown_names_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(CorpusError, match="ledgers"):
        corpora.build(tmp_path / "new", ["ledgers", "nonsense"])
    assert not (tmp_path / "new").exists()


def test_a_manifest_that_is_none_is_refused(tmp_path):
    (tmp_path / "corpora.manifest").write_text('{"corpora": 3}')
    with pytest.raises(CorpusError, match=r"corpora\.manifest"):
        corpora.Manifest.read(tmp_path)


def test_jsonl_leaves_out_empty_documents_and_keeps_odd_characters(tmp_path):
    texts = ["a\u2028b\x00", "  \n", "lone \ud800", "é"]
    path = tmp_path / "x.jsonl"
    written = write_jsonl((Document(str(i), text) for i, text in enumerate(texts)), path)
    lines = path.read_bytes().split(b"\n")[:-1]
    assert [json.loads(line)["text"] for line in lines] == ["a\u2028b\x00", "lone ?", "é"]
    assert written.documents == 3
    assert written.sha256 == sha256_of(path)


def test_a_failed_document_leaves_no_file(tmp_path):
    def broken():
        yield Document("1", "x")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_jsonl(broken(), tmp_path / "x.jsonl")
    assert not (tmp_path / "x.jsonl").exists()


def _catalogue(texts: list[bytes], order: str) -> bytes:
    """A gettext catalogue with empty keys, as the manual of gettext lays it out."""
    count, keys = len(texts), 28
    values = keys + 8 * count
    at = values + 8 * count
    table, body = b"", b""
    for text in texts:
        table += struct.pack(order + "2I", len(text), at + len(body))
        body += text + b"\0"
    head = struct.pack(order + "7I", 0x950412DE, 0, count, keys, values, 0, 0)
    return head + bytes(8 * count) + table + body


@pytest.mark.parametrize("order", ["<", ">"])
def test_gettext_catalogues(tmp_path, order):
    head = b"Content-Type: text/plain; charset=iso-8859-1\n"
    path = tmp_path / "x.mo"
    path.write_bytes(_catalogue([head, "déjà".encode("latin-1"), b"one\0many"], order))
    assert translations(path) == ["déjà", "one", "many"]


@pytest.mark.parametrize("content", [b"", b"\xde\x12\x04\x95", b"text" * 9])
def test_what_is_no_catalogue_is_refused(tmp_path, content):
    path = tmp_path / "x.mo"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.mo"):
        translations(path)
