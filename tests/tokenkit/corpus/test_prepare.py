"""The main job: what goes in comes out, in every format, whatever interrupts it."""

import gzip
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.ipc
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.samples import documents, trained
from tokenkit.corpus import PrepareOptions, journal, open_shards, prepare
from tokenkit.corpus.records import ReadOptions
from tokenkit.corpus.verify import verify
from tokenkit.errors import CorpusError, ManifestMismatchError, ShardError

EOS = 0


def write_jsonl(path, texts):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return str(path)


def tree(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def read_back(folder, format_, tok):
    """Documents as ids, read by nothing of ours but the shard reader."""
    if format_ == "shards":
        return [row.tolist() for row in open_shards(folder)]
    rows = []
    for path in sorted(folder.glob("shard-*")):
        if format_ == "parquet":
            rows += pyarrow.parquet.read_table(path)["tokens"].to_pylist()
        elif format_ == "arrow":
            with pyarrow.ipc.open_file(path) as file:
                rows += file.read_all()["tokens"].to_pylist()
        elif format_ == "nanogpt":
            flat = np.fromfile(path, np.uint16)
            ends = np.flatnonzero(flat == EOS) + 1
            rows += [part.tolist() for part in np.split(flat, ends)[:-1]]
        elif path.suffix == ".idx":
            rows += read_megatron(path)
    return rows


def read_megatron(path):
    """The layout of Megatron-LM's IndexedDataset, read on its own terms."""
    raw = path.read_bytes()
    assert raw[:9] == b"MMIDIDX\x00\x00"
    version, code, sequences, bounds = struct.unpack("<QBQQ", raw[9:34])
    assert version == 1
    dtype = {8: np.uint16, 4: np.int32}[code]
    lengths = np.frombuffer(raw, np.int32, sequences, 34)
    pointers = np.frombuffer(raw, np.int64, sequences, 34 + 4 * sequences)
    document_bounds = np.frombuffer(raw, np.int64, bounds, 34 + 12 * sequences)
    assert len(raw) == 34 + 12 * sequences + 8 * bounds
    assert document_bounds.tolist() == list(range(sequences + 1))
    content = path.with_suffix(".bin").read_bytes()
    return [
        np.frombuffer(content, dtype, length, pointer).tolist()
        for length, pointer in zip(lengths, pointers, strict=True)
    ]


@pytest.mark.parametrize("format_", ["shards", "megatron", "nanogpt", "parquet", "arrow"])
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1),
    shard_tokens=st.integers(1, 60),
)
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
def test_documents_come_back(format_, texts, shard_tokens, tmp_path_factory):
    folder, tok = tmp_path_factory.mktemp("job"), trained()
    source = write_jsonl(folder / "a.jsonl", texts)
    options = PrepareOptions(format=format_, eos=EOS, shard_tokens=shard_tokens)
    summary = prepare([source], tok, folder / "out", options)
    rows = read_back(folder / "out", format_, tok)
    assert all(row[-1] == EOS for row in rows)
    assert [tok.decode(row[:-1]) for row in rows] == texts
    assert summary.clean
    assert summary.documents == len(texts)
    assert summary.tokens == sum(map(len, rows))
    assert verify(folder / "out")[1] == []


def test_bos_and_eos_and_workers(tmp_path):
    source = write_jsonl(tmp_path / "a.jsonl", documents())
    tok = trained()
    for workers in (1, 3):
        options = PrepareOptions(bos=1, eos=0, shard_tokens=40_000)
        prepare([source], tok, tmp_path / str(workers), options, workers=workers)
    assert tree(tmp_path / "1") == tree(tmp_path / "3")
    shards = open_shards(tmp_path / "1")
    assert len(shards.shards) > 2
    row = shards.document(5).tolist()
    assert row == [1, *tok.encode(documents()[5]).tolist(), 0]
    with pytest.raises(IndexError):
        shards.document(len(shards))


def test_shuffling_loses_nothing_and_repeats(tmp_path):
    files = [write_jsonl(tmp_path / f"{i}.jsonl", documents()[8 * i : 8 * i + 8]) for i in range(6)]
    tok = trained()
    for name, seed in (("one", 1), ("again", 1), ("two", 2), ("plain", None)):
        prepare(files, tok, tmp_path / name, PrepareOptions(seed=seed, shard_tokens=20_000))
    rows = {
        name: [tok.decode(row) for row in open_shards(tmp_path / name)]
        for name in ("one", "again", "two", "plain")
    }
    assert rows["one"] == rows["again"]
    assert rows["one"] != rows["two"]
    assert sorted(rows["one"]) == sorted(rows["two"]) == sorted(rows["plain"])
    assert rows["plain"] == list(documents()[:48])


@pytest.mark.parametrize("length", [1, 7, 100])
def test_packing(tmp_path, length):
    source = write_jsonl(tmp_path / "a.jsonl", documents()[:5])
    tok = trained()
    options = PrepareOptions(eos=0, pack=length, fill=1, shard_tokens=3000)
    prepare([source], tok, tmp_path / "out", options)
    tokens = []
    for shard in open_shards(tmp_path / "out").shards:
        assert len(shard.tokens) % length == 0
        assert set(range(0, len(shard.tokens), length)) <= set(shard.offsets.tolist())
        row = shard.tokens.tolist()
        while row and row[-1] == 1:
            row.pop()
        tokens += row
    assert tokens == [t for text in documents()[:5] for t in [*tok.encode(text).tolist(), 0]]


class TestManifest:
    def test_it_tells_everything(self, tmp_path):
        from hashlib import sha256

        source = write_jsonl(tmp_path / "a.jsonl", [*documents()[:3], ""])
        tok = trained()
        summary = prepare([source], tok, tmp_path / "out", PrepareOptions(eos=0))
        manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
        (read,) = manifest["inputs"]
        content = (tmp_path / "a.jsonl").read_bytes()
        assert read["bytes"] == len(content)
        assert read["sha256"] == sha256(content).hexdigest()
        assert (read["records"], read["documents"]) == (4, 3)
        assert manifest["tokenizer"]["fingerprint"] == tok.fingerprint
        assert manifest["totals"]["quarantined"] == summary.quarantined == 1
        assert manifest["quarantine"] == {"empty document": 1}
        assert not summary.clean
        (rejected,) = (tmp_path / "out" / "quarantine.jsonl").read_text().splitlines()
        assert json.loads(rejected)["record"] == 4
        for shard in manifest["shards"]:
            for file in shard["files"]:
                found = (tmp_path / "out" / file["name"]).read_bytes()
                assert sha256(found).hexdigest() == file["sha256"]

    def test_verify_finds_damage(self, tmp_path):
        source = write_jsonl(tmp_path / "a.jsonl", documents()[:3])
        prepare([source], trained(), tmp_path / "out")
        shard = tmp_path / "out" / "shard-00000.tks"
        good = shard.read_bytes()
        for bad in (good[:-1], good[:500] + b"\xff\x00" + good[502:], b""):
            shard.write_bytes(bad)
            assert len(verify(tmp_path / "out")[1]) == 1
        shard.unlink()
        assert "missing" in verify(tmp_path / "out")[1][0]
        with pytest.raises(ShardError, match="not finished"):
            verify(tmp_path)

    def test_a_damaged_shard_is_refused(self, tmp_path):
        source = write_jsonl(tmp_path / "a.jsonl", documents()[:3])
        prepare([source], trained(), tmp_path / "out")
        (shard,) = open_shards(tmp_path / "out").shards
        shard.check()
        good = shard.path.read_bytes()
        start = shard.header["start"]
        shard.path.write_bytes(good[:start] + bytes([good[start] ^ 1]) + good[start + 1 :])
        with pytest.raises(ShardError, match="is damaged"):
            open_shards(tmp_path / "out").shards[0].check()
        shard.path.write_bytes(good[:-8])
        with pytest.raises(ShardError, match="not what its header says"):
            open_shards(tmp_path / "out").shards[0].tokens  # noqa: B018
        shard.path.write_bytes(b"nothing")
        with pytest.raises(ShardError, match="is not a tokenkit shard"):
            len(open_shards(tmp_path / "out"))


class TestAnotherJob:
    def test_other_options_inputs_or_tokenizers_are_refused(self, tmp_path):
        source = write_jsonl(tmp_path / "a.jsonl", documents()[:3])
        other = write_jsonl(tmp_path / "b.jsonl", documents()[:4])
        out = tmp_path / "out"
        prepare([source], trained(), out, PrepareOptions(eos=0))
        with pytest.raises(ManifestMismatchError, match="eos = 0, and now it is null"):
            prepare([source], trained(), out)
        with pytest.raises(ManifestMismatchError, match="tokenizer"):
            prepare([source], trained("o200k"), out, PrepareOptions(eos=0))
        with pytest.raises(
            ManifestMismatchError, match=r"a\.jsonl where the inputs now have .*b\.jsonl"
        ):
            prepare([other], trained(), out, PrepareOptions(eos=0))
        assert prepare([source], trained(), out, PrepareOptions(eos=0)).already_done

    def test_an_unfinished_one_is_refused_too(self, tmp_path):
        source = write_jsonl(tmp_path / "a.jsonl", documents()[:3])
        out = tmp_path / "out"
        out.mkdir()
        first = {"version": 1, "tokenizer": "another", "options": {}, "inputs": []}
        journal.Journal.open(out, first)
        with pytest.raises(ManifestMismatchError):
            prepare([source], trained(), out)

    def test_no_such_format(self, tmp_path):
        with pytest.raises(CorpusError, match="no format 'x'; there are shards"):
            prepare(["-"], trained(), tmp_path, PrepareOptions(format="x"))


class TestInterruptions:
    """Fail at every write of a job in turn, go on, and compare with a job that never failed."""

    OPTIONS = PrepareOptions(eos=0, seed=3, shard_tokens=15_000, read=ReadOptions())

    def inputs(self, folder):
        texts = [*documents()[:20], "", *documents()[20:40]]
        files = [write_jsonl(folder / f"{i}.jsonl", texts[10 * i : 10 * i + 10]) for i in range(4)]
        (folder / "3.jsonl").write_text((folder / "3.jsonl").read_text() + "not json\n")
        return files

    def test_a_failure_at_any_step(self, tmp_path, monkeypatch):
        """Before and after every write, fsync and rename of the job, one by one."""
        files = self.inputs(tmp_path)
        prepare(files, trained(), tmp_path / "whole", self.OPTIONS)
        whole = tree(tmp_path / "whole")
        assert len(whole) > 6
        steps = 0

        class Killed(BaseException):
            pass

        def counting(real, after):
            def step(*arguments):
                nonlocal steps
                if after:
                    result = real(*arguments)
                steps -= 1
                if steps == 0:
                    raise Killed
                return result if after else real(*arguments)

            return step

        for after in (False, True):
            fail_at, failed = 0, True
            while failed:
                fail_at += 1
                out = tmp_path / f"out-{after}-{fail_at}"
                steps = fail_at
                with monkeypatch.context() as patch:
                    patch.setattr(os, "replace", counting(os.replace, after))
                    patch.setattr(os, "fsync", counting(os.fsync, after))
                    patch.setattr(journal.NewFile, "write", counting(journal.NewFile.write, after))
                    # What a killed process cannot do either.
                    patch.setattr(journal.NewFile, "discard", lambda file: None)
                    try:
                        prepare(files, trained(), out, self.OPTIONS)
                    except Killed:
                        pass
                    else:
                        failed = False
                prepare(files, trained(), out, self.OPTIONS)
                assert tree(out) == whole
            assert fail_at > 50

    def test_finished_inputs_are_not_read_again(self, tmp_path, monkeypatch):
        files = [write_jsonl(tmp_path / f"{i}.jsonl", documents()[10 * i :][:10]) for i in range(4)]
        options = PrepareOptions(shard_tokens=4000)
        real, appended = journal.Journal.append, []

        def fail_late(self, entry):
            if len(appended) == 5:
                raise CorpusError("the disk is full")
            appended.append(entry)
            real(self, entry)

        monkeypatch.setattr(journal.Journal, "append", fail_late)
        with pytest.raises(CorpusError, match="disk is full"):
            prepare(files, trained(), tmp_path / "out", options)
        monkeypatch.undo()
        done = appended[-1]["position"]["input"]
        assert done >= 1
        opened = []
        module = sys.modules["tokenkit.corpus.reading"]
        stream = module.InputStream
        monkeypatch.setattr(
            module, "InputStream", lambda p, *rest: opened.append(p) or stream(p, *rest)
        )
        assert prepare(files, trained(), tmp_path / "out", options).resumed
        assert opened == files[done:]

    def test_sigkill_at_any_moment(self, tmp_path):
        """Really kill -9; the moments are random and their seed fixed."""
        (tmp_path / "in").mkdir()
        self.inputs(tmp_path / "in")
        (tmp_path / "in" / "x.txt").write_text("\n\n".join(documents()[40:60]))
        packed = gzip.compress((tmp_path / "in" / "1.jsonl").read_bytes())
        (tmp_path / "in" / "y.jsonl.gz").write_bytes(packed[:-2000])
        trained().save(tmp_path / "tok.json")
        script = Path(__file__).with_name("killing.py")
        command = [sys.executable, str(script), str(tmp_path), "11", "8"]
        run = subprocess.run(command, check=False, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        assert int(run.stdout) > 30

    def test_sigkill_of_the_command(self, tmp_path):
        files = self.inputs(tmp_path)
        trained().save(tmp_path / "tok.json")
        command = [sys.executable, "-m", "tokenkit", "prepare", *files]
        command += ["--tokenizer", str(tmp_path / "tok.json"), "--shard-tokens", "1000", "--out"]
        run = subprocess.run([*command, str(tmp_path / "whole")], check=False, capture_output=True)
        assert run.returncode == 3
        process = subprocess.Popen([*command, str(tmp_path / "out")], stderr=subprocess.DEVNULL)
        while not (tmp_path / "out" / "shard-00003.tks").exists() and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        run = subprocess.run([*command, str(tmp_path / "out")], check=False, capture_output=True)
        assert run.returncode == 3
        assert tree(tmp_path / "out") == tree(tmp_path / "whole")


class TestBrokenInputs:
    def test_the_others_are_finished(self, tmp_path):
        good = write_jsonl(tmp_path / "b.jsonl", documents()[:3])
        packed = gzip.compress(
            write_jsonl(tmp_path / "x", documents()[:40]) and (tmp_path / "x").read_bytes()
        )
        (tmp_path / "a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
        (tmp_path / "c.parquet").write_text("no")
        inputs = [str(tmp_path / "a.jsonl.gz"), good, str(tmp_path / "c.parquet")]
        summary = prepare(inputs, trained(), tmp_path / "out")
        manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
        assert summary.broken_inputs == 2
        assert "gzip ends early" in manifest["inputs"][0]["broken"]
        assert f"byte {len(packed) // 2}" in manifest["inputs"][0]["broken"]
        assert manifest["inputs"][1]["broken"] == ""
        assert "not Parquet" in manifest["inputs"][2]["broken"]
        assert manifest["inputs"][0]["documents"] > 5
        assert manifest["inputs"][1]["documents"] == 3

    def test_a_full_disk_is_told_and_survived(self, tmp_path):
        """A file size limit fails writes as a full disk does."""
        files = [write_jsonl(tmp_path / "a.jsonl", documents())]
        trained().save(tmp_path / "tok.json")
        command = [sys.executable, "-m", "tokenkit", "prepare", *files, "--tokenizer"]
        command += [str(tmp_path / "tok.json"), "--out", str(tmp_path / "out")]
        limit = (
            "import resource, signal, sys, runpy; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
            "sys.argv = sys.argv[1:]; runpy.run_module('tokenkit', run_name='__main__')"
        )
        environment = {**os.environ, "NUMBA_CACHE_DIR": ""}
        run = subprocess.run(
            [sys.executable, "-c", limit, *command[2:]],
            check=False,
            capture_output=True,
            text=True,
            env=environment,
        )
        assert run.returncode == 1, run.stderr
        assert "cannot write" in run.stderr
        assert "shard-00000" in run.stderr
        run = subprocess.run(command, check=False, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        assert verify(tmp_path / "out")[1] == []


def test_memory_stays_bounded_with_one_huge_document(tmp_path):
    """A document of 200 MB, and the promised bound of 1.5 GB."""
    with open(tmp_path / "big.txt", "wb") as file:
        block = ("A line of some text, number 12345, and so on.\n" * 22_000).encode()
        for _ in range(200):
            file.write(block)
    assert (tmp_path / "big.txt").stat().st_size > 200_000_000
    trained().save(tmp_path / "tok.json")
    code = (
        "import re, sys\n"
        "from tokenkit.cli.app import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit as end: code = end.code\n"
        # Not ru_maxrss: that of a child begins with what its parent used.
        "print(code, re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    command = ["prepare", str(tmp_path / "big.txt"), "--tokenizer", str(tmp_path / "tok.json")]
    run = subprocess.run(
        [sys.executable, "-c", code, *command, "--out", str(tmp_path / "out"), "--workers", "2"],
        check=True,
        capture_output=True,
        text=True,
    )
    exit_code, kilobytes = run.stdout.split()[-2:]
    assert exit_code in ("0", "None")
    assert int(kilobytes) < 1_500_000
