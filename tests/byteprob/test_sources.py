"""Scoring and sampling of anything that says what follows."""

import math

import numpy as np
import pytest

from byteprob.constraints import one_of
from byteprob.dist import END
from byteprob.errors import ImpossiblePrefixError
from byteprob.sources import sample, score
from tests.byteprob.test_ensembles import Made


def test_a_score_is_the_product_of_what_follows():
    made = Made(1)
    logs = [made.log_probs(b"abc"[:i])[symbol] for i, symbol in enumerate((*b"abc", END))]
    found = score(made, b"abc")
    assert found.log_prob == found.high == found.chained == pytest.approx(sum(logs[:3]))
    assert found.bits_per_byte == pytest.approx(-sum(logs[:3]) / math.log(2) / 3)
    assert score(made, b"abc", ended=True).log_prob == pytest.approx(sum(logs))
    assert math.isnan(score(made, b"").bits_per_byte)
    assert score(Made(1, b"x"), b"axb").log_prob == -math.inf


def test_samples_come_as_often_as_they_should():
    made, draws = Made(2), 4000
    counts = np.zeros(257)
    for seed in range(draws):
        text = sample(made, 1, b"ab", seed=seed)
        counts[text[0] if text else END] += 1
    probs = np.exp(made.log_probs(b"ab"))
    likely = probs * draws > 5
    pearson = ((counts - probs * draws) ** 2 / (probs * draws))[likely].sum()
    assert pearson < likely.sum() + 5 * math.sqrt(2 * likely.sum())  # chi square, five sigma


def test_samples_stay_within_what_is_allowed():
    allowed = one_of([b"axe", b"bee"])
    assert {sample(Made(4), 9, seed=seed, constraint=allowed) for seed in range(9)} == {
        b"axe",
        b"bee",
    }
    with pytest.raises(ImpossiblePrefixError, match="allowed"):
        sample(Made(4, b"xa"), 9, seed=1, constraint=one_of([b"axe"]))
    assert sample(Made(4), 0) == b""
