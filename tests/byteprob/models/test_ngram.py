import math
from collections import Counter, defaultdict
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byteprob import ByteprobError, NgramModel
from byteprob.models.ngram import _discounts
from byteprob.vocabulary import ByteVocabulary
from tests.samples import documents, trained
from tokenkit.tokens import Ragged

SIZE, START, END = 6, 4, 5


class Plain:
    """Interpolated modified Kneser-Ney as the paper writes it, with dictionaries."""

    def __init__(self, docs, order, size=SIZE, start=START, end=END, min_count=1):
        self.size = size
        raw = Counter()
        for doc in docs:
            ids = (start, *doc, end)
            for length in range(1, order + 1):
                for i in range(len(ids) - length + 1):
                    if i + length > 1:  # the start itself is not foretold
                        raw[ids[i : i + length]] += 1
        before = defaultdict(set)
        for gram in raw:
            if len(gram) > 1:
                before[gram[1:]].add(gram[0])
        self.counts = {
            gram: count if len(gram) == order else len(before[gram]) or count
            for gram, count in raw.items()
        }
        self.followers = defaultdict(dict)
        for gram, count in self.counts.items():
            self.followers[gram[:-1]][gram[-1]] = count
        self.discounts = [
            (0.0, *_discounts(np.array([c for g, c in self.counts.items() if len(g) == length])))
            for length in range(1, order + 1)
        ]
        self.order, self.least = order, min_count

    def prob(self, context, word):
        return self._prob(tuple(context)[len(context) - self.order + 1 :], word)

    def _prob(self, context, word):
        shorter = self._prob(context[1:], word) if context else 1 / self.size
        following = self.followers.get(context)
        if not following:
            return shorter
        total = sum(following.values())
        least = self.least if len(context) == self.order - 1 else 1
        off = self.discounts[len(context)]
        kept = {w: (c - off[min(c, 3)]) / total for w, c in following.items() if c >= least}
        return kept.get(word, 0) + (1 - sum(kept.values())) * shorter


docs = st.lists(st.lists(st.integers(0, 3), max_size=12), min_size=1, max_size=8)


@given(docs, st.integers(1, 5), st.integers(1, 3), st.lists(st.integers(0, 5), max_size=6))
def test_probabilities_are_those_of_the_paper(found, order, min_count, tail):
    least = min_count if order > 1 else 1
    model = NgramModel.train(
        found, vocab_size=SIZE, start=START, end=END, order=order, min_count=least
    )
    plain = Plain(found, order, min_count=least)
    for context in ((START,), (START, *tail), (START, *found[0][: len(tail)])):
        row = np.exp(model.logits([context], [None]).logits[0])
        padded = (-1,) * order + context
        assert row == pytest.approx([plain.prob(padded, word) for word in range(SIZE)], rel=1e-9)
        assert row.sum() == pytest.approx(1, abs=1e-12)


def test_real_counts_have_estimated_discounts():
    ids = trained().encode_batch(documents()[:12]).to_lists()
    plain = Plain(ids, 3, 2000, 0, 0)
    model = NgramModel.train(ids, vocab_size=2000, start=0, end=0)
    assert model.discounts[2].tolist() != [0.5, 1.0, 1.5]
    assert model.discounts == pytest.approx(np.array(plain.discounts)[:, 1:])
    contexts = [(0, *ids[0][:n]) for n in (0, 1, 2, 50)] + [(0, 7, 1999)]
    rows = np.exp(model.logits(contexts, [None] * 5).logits)
    assert rows.sum(axis=1) == pytest.approx(np.ones(5), abs=1e-9)
    for context, row in zip(contexts, rows, strict=True):
        padded = (-1, -1, *context)
        for word in (0, 5, *ids[0][:60]):
            assert row[word] == pytest.approx(plain.prob(padded, word), rel=1e-9)


def test_a_ragged_is_its_rows_and_a_batch_is_its_singles():
    rows = [[1, 2, 3], [], [1, 2]]
    model = NgramModel.train(rows, vocab_size=SIZE, start=START, end=END)
    same = NgramModel.train(Ragged.from_rows(rows), vocab_size=SIZE, start=START, end=END)
    assert model.fingerprint == same.fingerprint
    contexts = [(START,), (START, 1), (START, 3, 3, 1, 2)]
    batch = model.logits(contexts, [None] * 3).logits
    for context, row in zip(contexts, batch, strict=True):
        assert (model.logits([context], [None]).logits[0] == row).all()


@given(docs, st.integers(1, 5), st.lists(st.integers(0, 3), max_size=6))
def test_contexts_of_one_state_have_one_distribution(found, order, tail):
    model = NgramModel.train(found, vocab_size=SIZE, start=START, end=END, order=order)
    one, other = (START, 1, 2, *tail), (START, 3, *tail)
    if model.state(one) == model.state(other):
        logits = model.logits([one, other], [None, None]).logits
        assert (logits[0] == logits[1]).all()
    assert len(model.state(one)) == min(order - 1, len(one))


def test_more_data_and_longer_contexts_foretell_better():
    ids = trained().encode_batch(documents()[:60]).to_lists()

    def loss(order):
        model = NgramModel.train(ids[1:], vocab_size=2000, start=0, end=0, order=order)
        text = (0, *ids[0][:300])
        rows = model.logits([text[: n + 1] for n in range(300)], [None] * 300).logits
        return -rows[np.arange(300), text[1:]].mean()

    assert loss(1) > loss(2) > loss(3)
    assert loss(1) < math.log(2000)


FEW = ByteVocabulary.of({0: b"a", 1: b"b", 3: b"d", 2: b"c"}, [5])
FEWER = ByteVocabulary.of({0: b"a", 1: b"b", 3: b"d", 2: b"c"}, [4, 5])


@given(docs, st.integers(1, 5), st.lists(st.integers(0, 3), max_size=9))
def test_documents_are_scored_without_rows(found, order, text):
    model = NgramModel.train(found, vocab_size=SIZE, start=START, end=END, order=order)
    document = (START, *text)
    for vocabulary in (FEW, FEWER):  # without the start, and with it as an end
        known = [*range(4), *vocabulary.ends.tolist()]
        (scored,) = model.document_log_probs([document], vocabulary)
        assert len(scored) == len(document)
        for length, log_prob in enumerate(scored, 1):
            row = np.exp(model.logits([document[:length]], [None]).logits[0])
            wanted = [document[length]] if length < len(document) else vocabulary.ends
            right = row[wanted].sum() / row[known].sum()
            assert log_prob == pytest.approx(math.log(right), abs=1e-12)


@pytest.mark.parametrize("order", [1, 3])
def test_files_hold_all(tmp_path, order):
    model = NgramModel.train([[1, 2, 3, 1]], vocab_size=SIZE, start=START, end=END, order=order)
    model.save(tmp_path / "a.npz")
    again = NgramModel.load(tmp_path / "a.npz")
    assert again.fingerprint == model.fingerprint
    context = (START, 1, 2)
    assert (again.logits([context], [0]).logits == model.logits([context], [0]).logits).all()


def test_damaged_files_say_so(tmp_path):
    path = tmp_path / "a.npz"
    model = NgramModel.train([[1, 2, 3, 1]], vocab_size=SIZE, start=START, end=END)
    model.save(path)
    sound = path.read_bytes()
    for damaged in (b"", b"PK", b"text", sound[:200], sound[: len(sound) // 2] + sound[-30:]):
        path.write_bytes(damaged)
        with pytest.raises(ByteprobError, match=r"a\.npz"):
            NgramModel.load(path)
    for at in range(0, len(sound), 11):  # whatever is flipped, never another model
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 0x5A]) + sound[at + 1 :])
        with suppress(ByteprobError):
            assert NgramModel.load(path).fingerprint == model.fingerprint
    with np.load(_other(tmp_path)) as file:
        np.savez(path, **{**file, "counts": file["counts"] + 1})
    with pytest.raises(ByteprobError, match="damaged"):
        NgramModel.load(path)


def _other(folder):
    NgramModel.train([[3]], vocab_size=SIZE, start=START, end=END).save(folder / "b.npz")
    return folder / "b.npz"


def test_bad_input_is_named():
    with pytest.raises(ByteprobError, match="order"):
        NgramModel.train([[1]], vocab_size=SIZE, start=START, end=END, order=6)
    for found in ([[SIZE]], [[-1]], []):
        with pytest.raises(ByteprobError, match="ids of 0 to 5"):
            NgramModel.train(found, vocab_size=SIZE, start=START, end=END)
    model = NgramModel.train([[1]], vocab_size=SIZE, start=START, end=END)
    with pytest.raises(ByteprobError, match="not below 6"):
        model.logits([(START, SIZE)], [None])
