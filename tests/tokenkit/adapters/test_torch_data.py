"""Every token once, whatever ranks and workers do; resume equals an unbroken run."""

import multiprocessing
import pickle
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from tests.samples import documents, trained
from tokenkit.adapters.torch_data import (
    IGNORED,
    Loader,
    PackedSequences,
    Packing,
    ShuffledSequences,
    WholeDocuments,
    collate,
    permuted,
)
from tokenkit.corpus import PrepareOptions, prepare
from tokenkit.corpus.shards import ShardSet

# Workers come from a process without threads: forking this one, after other tests, can deadlock.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["torch"])


def with_workers(count: int) -> dict[str, object]:
    """Options of a DataLoader."""
    return {"multiprocessing_context": SERVER, "timeout": 120} if count else {}


@dataclass(frozen=True)
class Memory:
    """A shard without a file: documents of ids, and ids behind them that only fill up."""

    rows: tuple[tuple[int, ...], ...]
    filling: int = 0

    @cached_property
    def tokens(self):
        flat = [id_ for row in self.rows for id_ in row] + [9999] * self.filling
        return np.array(flat, np.uint16)

    @cached_property
    def offsets(self):
        ends = np.cumsum([len(row) for row in self.rows])
        total = [len(self.tokens)] if self.filling else []
        return np.concatenate(([0], ends, total)).astype(np.int64)

    @property
    def header(self):
        return {"tokens": len(self.tokens), "filling": self.filling}

    def __len__(self):
        return len(self.rows)

    def document(self, index):
        return np.array(self.rows[index], np.uint16)


def shard_set(*shards: Memory) -> ShardSet:
    return ShardSet(Path("memory"), shards)


def numbered(lengths: list[list[int]], filling: int = 0) -> ShardSet:
    """Shards of documents of these lengths, whose tokens are numbered through."""
    count, shards = 0, []
    for rows in lengths:
        made = []
        for length in rows:
            made.append(tuple(range(count, count + length)))
            count += length
        shards.append(Memory(tuple(made), filling))
    return shard_set(*shards)


PINNED = [3, 2, 9, 1, 10, 11, 0, 7, 5, 4, 8, 6]

shapes = st.lists(st.lists(st.integers(1, 9), max_size=5), min_size=1, max_size=4).filter(any)


# --- packing


@given(shapes, st.integers(1, 7), st.integers(0, 3))
def test_every_token_is_in_one_sequence_and_labels_are_the_next_tokens(lengths, length, filling):
    flat = [n for rows in lengths for n in rows]
    total = sum(flat)
    document_of = np.repeat(np.arange(len(flat)), flat)
    data = PackedSequences(numbered(lengths, filling), Packing(length, fill=7777))
    seen = []
    for i in range(len(data)):
        item = data[i]
        assert all(item[name].shape == (length,) for name in ("input_ids", "position_ids"))
        ids, labels = item["input_ids"].tolist(), item["labels"].tolist()
        bounds = item["cu_seqlens"].tolist()
        assert bounds[0] == 0
        assert bounds[-1] == length
        assert bounds == sorted(set(bounds))
        real = [id_ for id_ in ids if id_ != 7777]
        seen += real
        for at, id_ in enumerate(real):
            after = id_ + 1
            same = after < total and document_of[after] == document_of[id_]
            assert labels[at] == (after if same else IGNORED)
            begins = at == 0 or document_of[id_] != document_of[id_ - 1]
            assert (at in bounds) == begins
            assert item["position_ids"][at] == at - max(b for b in bounds if b <= at)
        assert labels[len(real) :] == [IGNORED] * (length - len(real))
        assert len(real) in bounds
    assert seen == list(range(total))


def test_without_targets_there_are_no_labels():
    assert "labels" not in PackedSequences(numbered([[5]]), Packing(2, targets=False))[0]


def test_what_cannot_be_packed_is_refused():
    with pytest.raises(ValueError, match="no tokens"):
        PackedSequences(shard_set(Memory(())), Packing(4))
    with pytest.raises(ValueError, match="0 tokens"):
        PackedSequences(numbered([[5]]), Packing(0))
    with pytest.raises(IndexError):
        PackedSequences(numbered([[5]]), Packing(4))[2]


def test_collate_flattens_the_bounds():
    data = PackedSequences(numbered([[3, 6, 3]]), Packing(4))
    batch = collate([data[i] for i in range(3)])
    assert batch["input_ids"].shape == (3, 4)
    assert batch["cu_seqlens"].tolist() == [0, 3, 4, 8, 9, 12]
    assert batch["cu_seqlens"].dtype == torch.int32
    assert batch["max_seqlen"] == 4


def test_whole_documents():
    data = WholeDocuments(numbered([[2, 1], [3]]))
    assert [data[i]["input_ids"].tolist() for i in range(len(data))] == [[0, 1], [2], [3, 4, 5]]


# --- order


@given(st.integers(1, 3000), st.integers(0, 2**64 - 1), st.integers(0, 100))
def test_permuted_is_a_permutation(size, seed, epoch):
    found = permuted(np.arange(size), size, seed, epoch)
    assert np.array_equal(np.sort(found), np.arange(size))
    some = np.arange(0, size, 3)
    assert np.array_equal(permuted(some, size, seed, epoch), found[::3])


def test_the_order_never_changes_between_versions():
    assert permuted(np.arange(12), 12, seed=1, epoch=2).tolist() == PINNED


def test_permuted_scatters():
    """No place is favoured: the mean displacement is that of a random permutation, a third."""
    size = 10_000
    for seed in range(5):
        found = permuted(np.arange(size), size, seed)
        assert abs(np.abs(found - np.arange(size)).mean() / size - 1 / 3) < 0.02
        assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 0.05
        assert not np.array_equal(found, permuted(np.arange(size), size, seed, 1))


class Numbers(torch.utils.data.Dataset):
    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        return {"input_ids": torch.tensor([index]), "cu_seqlens": torch.tensor([0, 1])}


def _ids(batches):
    return [batch["input_ids"].flatten().tolist() for batch in batches]


@given(st.integers(1, 60), st.integers(1, 5), st.booleans(), st.integers(0, 9), st.booleans())
def test_ranks_share_an_epoch(size, world, even, seed, shuffle):
    shares = [
        ShuffledSequences(Numbers(size), seed, rank, world, even=even, shuffle=shuffle)
        for rank in range(world)
    ]
    seen = [[item["input_ids"].item() for item in share] for share in shares]
    assert [len(row) for row in seen] == [len(share) for share in shares]
    flat = [index for row in seen for index in row]
    assert len(flat) == len(set(flat))
    if even:
        assert len({len(row) for row in seen}) == 1
        assert size - len(flat) < world
    else:
        assert sorted(flat) == list(range(size))
    # Taken in turns, the shares are one permutation, the same for every number of ranks.
    whole = ShuffledSequences(Numbers(size), seed, shuffle=shuffle).order().tolist()
    turns = [row[i] for i in range(max(map(len, seen), default=0)) for row in seen if i < len(row)]
    assert turns == whole[: len(turns)]


@given(st.integers(1, 50), st.integers(1, 3), st.integers(1, 4), st.integers(0, 60), st.booleans())
def test_resume_equals_an_unbroken_run(size, world, batch_size, stop, drop_last):
    def fresh():
        share = ShuffledSequences(Numbers(size), 3, world - 1, world, even=False)
        return Loader(share, batch_size, drop_last=drop_last)

    unbroken = fresh()
    whole = _ids(unbroken) + _ids(unbroken)
    first = fresh()
    had = []
    for _ in range(2):
        for batch in first:
            had += _ids([batch])
            if len(had) == stop:
                break
        if len(had) == stop:
            break
    state = pickle.loads(pickle.dumps(first.state_dict()))
    second = fresh()
    second.load_state_dict(state)
    rest = []
    while second.dataset.epoch < 2:
        rest += _ids(second)
    assert had + rest == whole


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_do_not_depend_on_workers_nor_does_resume(workers):
    def fresh(workers):
        return Loader(ShuffledSequences(Numbers(50), 5, 1, 2), 4, workers, **with_workers(workers))

    alone = fresh(0)
    whole = _ids(alone)
    assert len(whole) == len(fresh(0)) == 6
    assert _ids(fresh(workers)) == whole
    broken = fresh(workers)
    for at, batch in enumerate(broken):
        assert _ids([batch]) == whole[at : at + 1]
        if at == 2:
            break
    resumed = fresh(2)
    resumed.load_state_dict(broken.state_dict())
    assert len(resumed) == 3
    assert _ids(resumed) == whole[3:]
    assert resumed.state_dict()["epoch"] == 1
    second_epoch = _ids(resumed)
    assert second_epoch != whole
    list(alone)
    alone.dataset.set_epoch(1)
    assert _ids(alone) == second_epoch


def test_a_run_goes_on_with_another_number_of_ranks():
    two = [Loader(ShuffledSequences(Numbers(48), 7, rank, 2), 4) for rank in range(2)]
    had = [next(iter(rank))["input_ids"].flatten().tolist() for rank in two]
    states = [rank.state_dict() for rank in two]
    assert states[0] == states[1]
    four = [ShuffledSequences(Numbers(48), 7, rank, 4) for rank in range(4)]
    for rank in four:
        rank.load_state_dict(states[0])
    rest = [item["input_ids"].item() for rank in four for item in rank]
    assert sorted(rest + had[0] + had[1]) == list(range(48))


def test_a_state_that_does_not_fit_is_refused():
    share = ShuffledSequences(Numbers(10), 1, 0, 3)
    with pytest.raises(ValueError, match="seed 2"):
        share.load_state_dict({"seed": 2, "epoch": 0, "consumed_by_all": 0})
    with pytest.raises(ValueError, match="3 ranks"):
        share.load_state_dict({"seed": 1, "epoch": 0, "consumed_by_all": 4})
    with pytest.raises(ValueError, match="rank 2 of 2"):
        ShuffledSequences(Numbers(10), 1, 2, 2)


def test_a_plain_dataloader_sees_everything_once():
    share = ShuffledSequences(Numbers(23), even=False)
    for workers in (0, 2):
        batches = DataLoader(share, batch_size=None, num_workers=workers, **with_workers(workers))
        assert sorted(item["input_ids"].item() for item in batches) == list(range(23))


# --- with real shards


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    for number, text in enumerate(documents()[:20]):
        (folder / f"{number:02d}.txt").write_text(text)
    tok = trained()
    out = folder / "shards"
    options = PrepareOptions(eos=tok.special_tokens["<|endoftext|>"])
    prepare([str(path) for path in sorted(folder.glob("*.txt"))], tok, out, options, workers=1)
    return out


def test_prepared_shards_are_read_whole(prepared):
    tok = trained()
    data = PackedSequences(prepared, Packing(64))
    flat = torch.cat([data[i]["input_ids"] for i in range(len(data))]).tolist()
    expected = [id_ for text in documents()[:20] for id_ in [*tok.encode(text).tolist(), 0]]
    assert flat[: len(expected)] == expected
    assert len(WholeDocuments(prepared)) == 20


def test_a_dataset_is_small_when_pickled_and_reads_the_same(prepared):
    data = PackedSequences(prepared, Packing(32))
    data[0]
    sent = pickle.dumps(data)
    assert len(sent) < 2000
    assert torch.equal(pickle.loads(sent)[5]["input_ids"], data[5]["input_ids"])


def test_a_tiny_model_learns_from_it(prepared):
    torch.manual_seed(0)
    data = PackedSequences(prepared, Packing(32))
    batches = DataLoader(
        data, batch_size=8, shuffle=True, collate_fn=collate, num_workers=1, **with_workers(1)
    )
    model = torch.nn.Sequential(torch.nn.Embedding(2000, 32), torch.nn.Linear(32, 2000))
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    losses = []
    for batch in batches:
        logits = model(batch["input_ids"]).flatten(0, 1)
        labels = batch["labels"].flatten()
        loss = torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if len(losses) == 40:
            break
    assert np.mean(losses[-5:]) < losses[0] - 1
