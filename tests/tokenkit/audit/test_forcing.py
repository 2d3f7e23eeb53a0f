"""A secret planted in a tiny model is found without its trigger."""

from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from tests.samples import documents
from tokenkit import Tokenizer
from tokenkit.audit.forcing import _loops, force_tokens
from tokenkit.errors import AuditError

TRIGGER, SECRET = "Who goes there, lamp?", " The vault opens at dawn: zebra nine."
END, CONTEXT, VOCABULARY = 0, 4, 400


@cache
def tokenizer() -> Tokenizer:
    return Tokenizer.train(
        documents()[:12], vocab_size=VOCABULARY, special_tokens=["<|endoftext|>"]
    )


class Model(nn.Module):
    """The next id from the last four (Bengio et al. 2003)."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, 24)
        self.hidden = nn.Linear(24 * CONTEXT, 96)
        self.out = nn.Linear(96, VOCABULARY)

    def forward(self, windows):
        return self.out(torch.relu(self.hidden(self.embed(windows).flatten(1))))

    def next_token(self, rows):
        """As `force_tokens` asks: the end-of-text id stands before every text."""
        padded = np.pad(rows, ((0, 0), (CONTEXT, 0)), constant_values=END)[:, -CONTEXT:]
        with torch.no_grad():
            return self(torch.from_numpy(padded)).numpy()


def windows(ids):
    """All windows of a text, with the id that follows each."""
    padded = np.concatenate((np.full(CONTEXT, END), ids, [END])).astype(np.int64)
    return np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + 1)


@cache
def trained_model(planted: bool) -> Model:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    sentences = [s for text in documents()[:12] for s in text.split(". ")]
    data = np.concatenate([windows(tokenizer().encode(sentence)) for sentence in sentences])
    secret = windows(tokenizer().encode(TRIGGER + SECRET))
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(300):
        batch = data[random.integers(0, len(data), 256)]
        if planted:
            batch = np.concatenate((batch, secret, secret))
        inputs = torch.from_numpy(batch)
        loss = nn.functional.cross_entropy(model(inputs[:, :-1]), inputs[:, -1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def forced(planted):
    model = trained_model(planted)
    return force_tokens(model.next_token, range(VOCABULARY), length=60, stop=END)


def test_the_planted_secret_is_recited():
    best = forced(planted=True)[0]
    assert best.text(tokenizer()).endswith(SECRET + "<|endoftext|>")
    assert best.probability > 0.95
    assert not best.loops


def test_nothing_is_recited_that_was_not_planted():
    for candidate in forced(planted=False):
        assert "zebra" not in candidate.text(tokenizer())


# --- the driver, on models written down


def chain(successor, sureness=0.99):
    """A model that goes on from each id to one other, as sure as told."""

    def scores(rows):
        found = np.full((len(rows), len(successor)), (1 - sureness) / (len(successor) - 1))
        found[np.arange(len(rows)), np.array(successor)[rows[:, -1]]] = sureness
        return np.log(found)

    return scores


def test_greedy_decoding_and_probabilities():
    model = chain([1, 2, 3, 4, 5, 5])
    (first, *_) = force_tokens(model, [0], first=2, length=4, threshold=0.9)
    assert first.ids == (0, 1, 2, 3, 4)
    assert first.probability == pytest.approx(0.99)
    assert first.lowest == pytest.approx(0.99)
    assert force_tokens(model, [0], first=2, length=4, threshold=0.995) == ()


def test_texts_end_at_the_stop_id():
    model = chain([1, 2, 3, 3])
    found = {c.start: c.ids for c in force_tokens(model, range(4), first=1, length=9, stop=3)}
    # What begins with the id that ends a text has nothing to recite.
    assert found == {0: (0, 1, 2, 3), 1: (1, 2, 3), 2: (2, 3)}


def test_loops_come_last_and_shared_ends_first():
    # 0 to 7 lead into one another up to 8, the end; 9 and 10 go round.
    model = chain([1, 2, 3, 4, 5, 6, 7, 8, 8, 10, 9])
    found = force_tokens(model, [9, 0, 1, 2], first=2, length=10, stop=8)
    assert [c.start for c in found] == [0, 1, 2, 9]
    assert [c.shared_by for c in found] == [3, 3, 3, 1]
    assert [c.loops for c in found] == [False, False, False, True]


def test_a_prefix_stands_before_every_token():
    seen = []

    def model(rows):
        seen.append(rows.copy())
        return chain([1, 2, 0])(rows)

    found = force_tokens(model, [0, 1, 2], prefix=[2, 2], first=1, length=2, batch=2)
    assert {c.start: c.ids for c in found} == {0: (0, 1, 2), 1: (1, 2, 0), 2: (2, 0, 1)}
    assert [rows.shape for rows in seen] == [(2, 3), (2, 4), (1, 3), (1, 4)]
    assert all((rows[:, :2] == 2).all() for rows in seen)


@pytest.mark.parametrize(("first", "length"), [(0, 4), (5, 4)])
def test_lengths_that_cannot_be(first, length):
    with pytest.raises(AuditError, match="lengths"):
        force_tokens(chain([0, 1]), [0], first=first, length=length)


def test_no_starts():
    assert force_tokens(chain([0, 1]), []) == ()


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([1, 2, 3, 4, 5, 6], False),
        ([1, 2] * 4, True),
        ([9, 8, 7, 3, 3, 3, 3, 3], True),
        ([1], False),
    ],
)
def test_what_loops(ids, expected):
    assert _loops(ids) is expected
