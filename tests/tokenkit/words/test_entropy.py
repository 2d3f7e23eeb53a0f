"""The n-gram model: its counts and entropies by definition, its threshold, its file."""

from collections import Counter, defaultdict
from dataclasses import replace
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.buffers import joined
from encoders.patches.entropy import UNITS, Contexts, entropies
from tests.samples import documents
from tokenkit.errors import FormatError, PatchError
from tokenkit.testing.words import batches, check_patcher
from tokenkit.words import Entropy, NgramEntropy, Patcher

TEXTS = documents()[:40]


@pytest.fixture(scope="module")
def model():
    return NgramEntropy.train(TEXTS, order=2)


def row_of(context, order):
    """The row of a context by the definition: itself, or Fibonacci hashing of it."""
    value = int.from_bytes(context, "big")
    return value if order == 2 else (value * 0x9E3779B1 & 0xFFFFFFFF) >> {3: 14, 4: 12}[order]


@pytest.mark.parametrize("order", [2, 3, 4])
def test_counts(order):
    texts = [text.encode()[:300] for text in TEXTS[:5]] + [b"", b"\x00\xff" * 3]
    expected = defaultdict(Counter)
    for text in texts:
        padded = bytes(order) + text
        for i, byte in enumerate(text):
            expected[row_of(padded[i : i + order], order)][byte] += 1
    contexts = Contexts(order)
    counts = contexts.counts()
    contexts.add(*joined(texts), counts)
    assert {row: Counter(dict(c)) for row, c in expected.items()} == {
        int(row): Counter({int(b): int(counts[row, b]) for b in np.flatnonzero(counts[row])})
        for row in np.flatnonzero(counts.any(axis=1))
    }


def test_full_counts_are_halved():
    contexts = Contexts(2)
    counts = contexts.counts()
    counts[0, :3] = 65535, 7, 1  # at the beginning of a document
    contexts.add(*joined([b"\x00"]), counts)
    assert counts[0, :3].tolist() == [32768, 3, 0]


def test_entropies():
    counts = np.zeros((3, 256), np.uint16)
    counts[1, 65], counts[2, [1, 2, 3]] = 1000, [5, 1, 1]
    prior = np.linspace(1, 2, 256) / 100
    found = entropies(counts, prior)
    for row in range(3):
        p = (counts[row] + prior) / (counts[row] + prior).sum()
        assert found[row] == round(-sum(x * log(x) for x in p) * UNITS)


def test_look_up_is_what_marks_go_by(model):
    texts = ["a first text", "", "and a second"]
    text, bounds = joined([t.encode() for t in texts])
    found = Contexts(2).look_up(text, bounds, model.entropies)
    nats = np.concatenate([model.entropy(t) for t in texts])
    assert np.array_equal(found / UNITS, nats)


def starts_by_definition(nats, threshold, rise):
    return [0] + [
        i for i in range(1, len(nats))
        if nats[i] > threshold and (rise is None or nats[i] - nats[i - 1] > rise)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("threshold", "rise"), [(1.3354, None), (0.0, 0.5), (1.0, 0.2), (-1, None), (9, None)]
)
def test_starts(model, threshold, rise):
    patcher = Patcher(Entropy(model, threshold, rise))
    for text in TEXTS[:10]:
        expected = starts_by_definition(model.entropy(text).astype(float), threshold, rise)
        assert patcher.starts(text).tolist() == expected


def starts_of_blt(nats, threshold, threshold_add=None, monotonicity=False):
    """`find_entropy_patch_start_ids` of BLT by its rule, on bytes behind a bos that it has removed.

    ``nats[i]`` is the entropy before byte ``i``. Two first ids are forced (bos and byte 0), and of
    the entropies that are left the mask of the two modes with a rise begins with a true.
    """
    left = np.asarray(nats)[1:]
    if not monotonicity and threshold_add is None:
        mask = left > threshold
    else:
        mask = np.zeros(len(left), bool)
        mask[:1] = True
        rises = left[1:] - left[:-1]
        mask[1:] = rises > threshold if monotonicity else (
            (rises > threshold_add) & (left[1:] > threshold) & ~mask[:-1]
        )  # fmt: skip
    return [0, *(np.flatnonzero(mask) + 1).tolist()]


def test_starts_are_those_of_blt_but_for_its_first_ones(model):
    for text in TEXTS[:10]:
        nats = model.entropy(text).astype(float)

        def ours(threshold, rise=None, text=text):
            return Patcher(Entropy(model, threshold, rise)).starts(text).tolist()

        assert ours(1.3354) == starts_of_blt(nats, 1.3354)
        both = starts_of_blt(nats, 1.0, threshold_add=0.25)
        assert {1} <= set(both)
        assert not {2} & set(both)
        assert [s for s in ours(1.0, 0.25) if s not in (1, 2)] == [s for s in both if s != 1]
        rising = starts_of_blt(nats, 0.5, monotonicity=True)
        assert [s for s in ours(0.0, 0.5) if s != 1] == [s for s in rising if s != 1]


@pytest.mark.parametrize("longest", [None, 6])
@pytest.mark.parametrize("snap", [False, True])
def test_laws(model, longest, snap):
    check_patcher(Patcher(Entropy(model, rise=0.1), longest, snap), max_examples=20)


@pytest.mark.parametrize("mean", [2.0, 4.5, 8.0])
def test_threshold_by_mean_length(model, mean):
    sample = TEXTS[20:]
    starts = Patcher(Entropy(model.for_mean_length(sample, mean))).patch_batch(sample).starts
    found = sum(len(text.encode()) for text in sample) / len(starts.values)
    assert abs(found - mean) < 0.02 * mean


def test_training_holds_out_what_chooses_the_threshold():
    texts = [f"text {i} " * 40 for i in range(32)]
    trained = NgramEntropy.train(texts, order=2, mean_patch_length=3)
    kept = [text for i, text in enumerate(texts, 1) if i % 16]
    assert trained.trained_bytes == sum(map(len, kept))
    held = [texts[15], texts[31]]
    assert trained.threshold == trained.for_mean_length(held, 3).threshold
    assert trained.threshold != trained.for_mean_length(texts[:1], 3).threshold


@given(batches())
@settings(max_examples=30)
def test_any_bytes_train(texts):
    if not any(texts):
        with pytest.raises(PatchError, match="nothing to train on"):
            NgramEntropy.train(texts, order=2)
        return
    trained = NgramEntropy.train(iter(texts), order=2, mean_patch_length=2)
    assert trained.trained_bytes == sum(map(len, texts))
    assert Patcher(Entropy(trained)).patches(texts[0]) is not None


def test_batches_do_not_change_the_model(monkeypatch):
    whole = NgramEntropy.train(TEXTS, order=3)
    monkeypatch.setattr("tokenkit.words.entropy._BATCH", 1000)
    assert NgramEntropy.train(iter(TEXTS), order=3) == whole


def test_what_is_rare_is_uncertain(model):
    seen, unseen = model.entropy("th" * 2), model.entropy("\x01\x02\x03\x04")
    assert unseen[3] > 3 > seen[2]


def test_save_and_load(model, tmp_path):
    model.save(tmp_path / "model.npz")
    again = NgramEntropy.from_file(tmp_path / "model.npz")
    assert again == model
    assert hash(again) == hash(model)
    assert again.to_bytes() == model.to_bytes()
    assert (again.order, again.threshold, again.trained_bytes) == (
        2,
        model.threshold,
        model.trained_bytes,
    )
    assert again != model.for_mean_length(TEXTS, 9)


def test_a_threshold_that_is_none_is_refused(model):
    broken = replace(model, threshold=float("inf"))
    with pytest.raises(FormatError, match="a threshold of inf"):
        NgramEntropy.from_bytes(broken.to_bytes())


@given(st.data())
def test_damaged_files(model, data):
    content = bytearray(model.to_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    kind = data.draw(st.sampled_from(["cut", "flip", "other"]))
    if kind == "cut":
        content = content[:at]
    elif kind == "flip":
        content[at] ^= data.draw(st.integers(1, 255))
    else:
        content = bytearray(data.draw(st.binary(max_size=80)))
    try:
        loaded = NgramEntropy.from_bytes(bytes(content))
    except FormatError:
        return
    assert loaded.order == 2  # what a flip left readable is in no field that was checked


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda model: NgramEntropy.train(["a"], order=5), "order 5"),
        (lambda model: Entropy(model, float("nan")), "threshold nan"),
        (lambda model: Entropy(model, rise=float("nan")), "rise nan"),
        (lambda model: model.for_mean_length([], 4), "sample of 0"),
        (lambda model: model.for_mean_length(["abc"], 1), "mean above 1"),
        (lambda model: model.for_mean_length(["abc"], float("nan")), "mean above 1"),
    ],
)
def test_what_is_impossible_is_refused(model, make, message):
    with pytest.raises(PatchError, match=message):
        make(model)
