"""Byte shards with patches: what comes back, what is refused, and what verify finds."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encoders.buffers import joined
from tests.samples import documents
from tests.tokenkit.corpus.test_prepare import tree, write_jsonl
from tokenkit.corpus import PrepareOptions, open_shards, prepare
from tokenkit.corpus.verify import verify
from tokenkit.errors import CorpusError, ManifestMismatchError, ShardError
from tokenkit.tokens import Ragged
from tokenkit.words import (
    BOS,
    EOS,
    Entropy,
    NgramEntropy,
    PatchedBytes,
    Patcher,
    Patches,
    Space,
    Static,
    Word,
    load_patcher,
)

WORDS = PatchedBytes(Patcher(Word()))


def patches_of(shard):
    starts = np.append(shard.patches.tokens.astype(np.int64), shard.offsets[-1])
    return Patches(np.asarray(shard.tokens), starts, np.asarray(shard.patches.offsets))


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1),
    shard_tokens=st.integers(1, 60),
    frame=st.sampled_from([(None, None), (None, EOS), (BOS, EOS)]),
    seed=st.sampled_from([None, 5]),
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_patches_come_back(texts, shard_tokens, frame, seed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    source = write_jsonl(folder / "a.jsonl", texts)
    options = PrepareOptions(bos=frame[0], eos=frame[1], shard_tokens=shard_tokens, seed=seed)
    summary = prepare([source], WORDS, folder / "out", options)
    shards = open_shards(folder / "out").shards
    rows = [row.to_lists() for shard in shards for row in patches_of(shard)]
    expected = [row.to_lists() for row in WORDS.patcher.patch_batch(texts).framed(*frame)]
    assert (rows if seed is None else sorted(rows)) == (
        expected if seed is None else sorted(expected)
    )
    assert {shard.header["dtype"] for shard in shards} == {
        "uint8" if frame == (None, None) else "uint16"
    }
    assert summary.patches == sum(map(len, expected))
    assert verify(folder / "out")[1] == []


@pytest.mark.parametrize(
    "rule", [Space(), Static(5), Entropy(NgramEntropy.train(documents()[:9], order=2))]
)
def test_the_patcher_is_kept(rule, tmp_path):
    patcher = Patcher(rule, max_patch_length=9)
    source = write_jsonl(tmp_path / "a.jsonl", documents()[:4])
    prepare([source], PatchedBytes(patcher), tmp_path / "out")
    again = load_patcher(tmp_path / "out")
    text, bounds = joined([text.encode() for text in documents()[:4]])
    (shard,) = open_shards(tmp_path / "out").shards
    assert again.patch_buffer(text, bounds) == patches_of(shard)
    assert shard.header["tokenizer"] == PatchedBytes(again).fingerprint
    assert shard.patches.header["longest"] <= 9


def test_another_patcher_is_refused(tmp_path):
    source = write_jsonl(tmp_path / "a.jsonl", ["a b"])
    prepare([source], WORDS, tmp_path / "out")
    again = prepare([source], WORDS, tmp_path / "out")
    assert again.already_done
    assert again.patches == 2
    with pytest.raises(ManifestMismatchError):
        prepare([source], PatchedBytes(Patcher(Space())), tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (PrepareOptions(format="megatron"), "cannot tell patches"),
        (PrepareOptions(pack=8), "would cut patches"),
        (PrepareOptions(eos=10), "from 256 to 65535"),
        (PrepareOptions(bos=1 << 16), "from 256 to 65535"),
    ],
)
def test_what_patches_cannot_be_written_with(tmp_path, options, message):
    source = write_jsonl(tmp_path / "a.jsonl", ["a b"])
    with pytest.raises(CorpusError, match=message):
        prepare([source], WORDS, tmp_path / "out", options)


def test_shards_without_patches_say_so(tmp_path):
    source = write_jsonl(tmp_path / "a.jsonl", ["a b"])
    prepare([source], WORDS, tmp_path / "out")
    (tmp_path / "out" / "shard-00000.patches").unlink()
    (shard,) = open_shards(tmp_path / "out").shards
    with pytest.raises(ShardError, match=r"there is no .*shard-00000\.patches"):
        shard.patches.header  # noqa: B018
    assert "shard-00000.patches is missing" in verify(tmp_path / "out")[1][0]


class TestVerify:
    """A file that has its checksum may still be wrong, if whoever wrote it was."""

    @pytest.fixture
    def folder(self, tmp_path):
        source = write_jsonl(tmp_path / "a.jsonl", ["a bc", "d e f"])
        prepare([source], WORDS, tmp_path / "out")
        return tmp_path / "out"

    def rewrite(self, folder, change):
        """Write the patches anew, changed, with everything that vouches for them."""
        from hashlib import sha256

        from tokenkit.corpus import formats
        from tokenkit.corpus.journal import NewFile
        from tokenkit.corpus.shards import Shard

        path = folder / "shard-00000.patches"
        shard = Shard(path)
        header = {k: v for k, v in shard.header.items() if k != "start"}
        header, starts, index = change(header, shard.tokens.copy(), shard.offsets.copy())
        file = NewFile(path)
        formats._write(file, header, [starts], index)
        file.commit()
        manifest = json.loads((folder / "manifest.json").read_text())
        for entry in manifest["shards"][0]["files"]:
            if entry["name"] == path.name:
                entry["sha256"] = sha256(path.read_bytes()).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(manifest))

    def changed(self, at, value, place="starts"):
        def change(header, starts, index):
            if place == "header":
                return {**header, at: value}, starts, index
            (starts if place == "starts" else index)[at] = value
            return header, starts, index

        return change

    def test_nothing_changed(self, folder):
        self.rewrite(folder, lambda *parts: parts)
        assert verify(folder)[1] == []

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ((2, 5), "does not begin with a patch"),
            ((1, 0), "do not follow one another"),
            ((1, 2), "the longest of 3"),
            ((0, 1, "index"), "its index is not one"),
            ((1, 3, "index"), "does not begin with a patch"),
            (("longest", 9, "header"), "the longest of 9"),
            (("tokenizer", "x", "header"), "made with another patcher"),
        ],
    )
    def test_what_is_wrong(self, folder, change, message):
        self.rewrite(folder, self.changed(*change))
        assert any(message in problem for problem in verify(folder)[1]), verify(folder)[1]

    def test_fewer(self, folder):
        def change(header, starts, index):
            return {**header, "tokens": 4}, starts[:4], np.minimum(index, 4)

        self.rewrite(folder, change)
        assert "holds 4 patches, not 5" in verify(folder)[1][0]

    def test_a_changed_byte(self, folder):
        path = folder / "shard-00000.patches"
        raw = bytearray(path.read_bytes())
        raw[-40] ^= 1
        path.write_bytes(raw)
        assert "has changed" in verify(folder)[1][0]


def test_workers_do_not_change_a_byte(tmp_path):
    source = write_jsonl(tmp_path / "a.jsonl", documents())
    options = PrepareOptions(eos=EOS, seed=1, shard_tokens=40_000)
    for workers in (1, 3):
        prepare([source], WORDS, tmp_path / str(workers), options, workers=workers)
    assert tree(tmp_path / "1") == tree(tmp_path / "3")
    shutil.rmtree(tmp_path / "3")


def test_starts_beyond_4_gib_are_wider():
    from tokenkit.corpus import formats

    written = []

    class File:
        def write(self, content):
            written.append(bytes(memoryview(content).cast("B")))
            return len(written[-1])

        def checksum(self):
            return b""

    lengths = Ragged(np.array([1 << 31, 1 << 31, 5], np.uint32), np.array([0, 3]))
    shard = {"tokens": (1 << 32) + 5, "documents": 1}
    formats._write_patches(File(), lengths, shard)
    assert json.loads(written[0][16:])["dtype"] == "uint64"
    assert np.frombuffer(written[1] + written[2], np.uint64).tolist() == [0, 1 << 31, 1 << 32]
