"""Patches in batches: every one of them once, whole, with the bounds of documents."""

import pickle

import numpy as np
import pytest
import torch

from tests.samples import documents, trained
from tests.tokenkit.corpus.test_prepare import write_jsonl
from tokenkit.adapters.torch_data import Loader, ShuffledSequences
from tokenkit.adapters.torch_patches import (
    Patching,
    PatchSequences,
    collate_packed,
    collate_padded,
)
from tokenkit.corpus import PrepareOptions, prepare
from tokenkit.errors import ShardError
from tokenkit.words import EOS, PatchedBytes, Patcher, Word

WIDTH = 12
TEXTS = documents()[:8]
EXPECTED = Patcher(Word(), max_patch_length=WIDTH).patch_batch(TEXTS).framed(None, EOS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("patches")
    source = write_jsonl(place / "a.jsonl", TEXTS)
    encoder = PatchedBytes(Patcher(Word(), max_patch_length=WIDTH))
    prepare([source], encoder, place / "out", PrepareOptions(eos=EOS, shard_tokens=9000))
    return place / "out"


def all_patches():
    return [patch for row in EXPECTED for patch in row.to_lists()]


def document_ends():
    return set(EXPECTED.rows[1:].tolist())


@pytest.mark.parametrize("count", [1, 7, 100, 100_000])
def test_every_patch_once(folder, count):
    sequences = PatchSequences(folder, Patching(count))
    dense = PatchSequences(folder, Patching(count, WIDTH, fill=300))
    assert len(sequences.shards.shards) > 2
    found, ends = [], set()
    for index in range(len(sequences)) if count > 1 else range(0, len(sequences), 997):
        item, rows = sequences[index], dense[index]
        lengths = item["patch_lengths"]
        assert item["input_ids"].dtype == lengths.dtype == torch.int64
        assert len(lengths) == count
        assert torch.equal(lengths, rows["patch_lengths"])
        real = lengths[lengths > 0].tolist()
        patches = [part.tolist() for part in item["input_ids"].split(real)]
        assert rows["input_ids"].shape == (count, WIDTH)
        assert rows["input_ids"].tolist() == [
            patch + [300] * (WIDTH - len(patch)) for patch in patches
        ] + [[300] * WIDTH] * (count - len(patches))
        cuts = item["cu_seqlens"].tolist()
        assert cuts[0] == 0
        assert cuts[-1] == count
        ends |= {index * count + cut for cut in cuts[1:-1]}
        if count == 1:
            assert patches == all_patches()[index : index + 1]
        found += patches
    if count > 1:
        assert found == all_patches()
        inner = {e for e in document_ends() if e % count}
        assert ends == inner


def test_padded_batches_are_those_of_blt(folder):
    sequences = PatchSequences(folder, Patching(50))
    batch = collate_padded([sequences[0], sequences[1]], fill=258)
    ids, lengths = batch["input_ids"], batch["patch_lengths"]
    assert ids.shape[0] == 2
    assert lengths.shape == (2, 50)
    assert lengths.sum(1).max() == ids.shape[1]
    for row, size, index in zip(ids, lengths.sum(1), (0, 1), strict=True):
        assert torch.equal(row[:size], sequences[index]["input_ids"])
        assert (row[size:] == 258).all()
    assert batch["cu_seqlens"][-1] == 100
    assert batch["max_seqlen"] == batch["cu_seqlens"].diff().max()
    dense = PatchSequences(folder, Patching(50, WIDTH))
    assert collate_padded([dense[0], dense[1]])["input_ids"].shape == (2, 50, WIDTH)


def test_packed_batches(folder):
    sequences = PatchSequences(folder, Patching(50))
    last = len(sequences) - 1
    batch = collate_packed([sequences[0], sequences[last]])
    cuts = batch["patch_cu_seqlens"]
    assert cuts.dtype == torch.int32
    flat = [part.tolist() for part in batch["input_ids"].split(cuts.diff().tolist())]
    assert flat == all_patches()[:50] + all_patches()[50 * last :]
    assert batch["max_patch"] == max(map(len, flat))


@pytest.mark.parametrize("workers", [0, 2])
def test_the_loader_resumes(folder, workers):
    def loader():
        shuffled = ShuffledSequences(PatchSequences(folder, Patching(64)), seed=3)
        return Loader(shuffled, 4, workers, collate_fn=collate_packed)

    whole = [batch["input_ids"] for batch in loader()]
    part = loader()
    for _, _batch in zip(range(3), part, strict=False):
        pass
    again = loader()
    again.load_state_dict(part.state_dict())
    rest = [batch["input_ids"] for batch in again]
    assert len(whole) > 6
    assert all(map(torch.equal, whole[3:], rest))


def test_it_pickles_small(folder):
    sequences = PatchSequences(folder, Patching(9))
    sequences[0]
    content = pickle.dumps(sequences)
    assert len(content) < 3000
    assert np.array_equal(pickle.loads(content)[5]["input_ids"], sequences[5]["input_ids"])


def test_what_is_impossible_is_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="sequences of 0 patches"):
        PatchSequences(folder, Patching(0))
    with pytest.raises(ValueError, match=f"a patch of {WIDTH} bytes does not fit rows of 5"):
        PatchSequences(folder, Patching(4, 5))
    with pytest.raises(IndexError):
        PatchSequences(folder, Patching(4))[1 << 30]
    source = write_jsonl(tmp_path / "a.jsonl", TEXTS[:1])
    prepare([source], trained(), tmp_path / "out")
    with pytest.raises(ShardError, match="there is no"):
        PatchSequences(tmp_path / "out", Patching(4))
