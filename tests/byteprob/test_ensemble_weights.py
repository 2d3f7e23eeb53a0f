"""Weights are found again that made a text, and never make one less likely than a member does."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob.ensemble_weights import em_step, fitted_mean, fitted_mixture, fitted_product
from byteprob.ensembles import Mean, Mixture, Product
from byteprob.errors import ByteprobError
from byteprob.sources import sample, score
from tests.byteprob.test_ensembles import Made

FITTED = (fitted_mean, fitted_mixture, fitted_product)


def total(source, texts, *, ended=False):
    return math.fsum(score(source, text, ended=ended).log_prob for text in texts)


def drawn(source, count, size):
    return [sample(source, size, seed=seed) for seed in range(count)]


@settings(max_examples=40)
@given(
    st.sampled_from(FITTED),
    st.integers(0, 30),
    st.integers(1, 4),
    st.lists(st.text("abx", min_size=1, max_size=5).map(str.encode), min_size=1, max_size=4),
    st.booleans(),
)
def test_never_worse_than_the_best_member_alone(fitted, seed, count, texts, ended):
    members = [Made(seed + i) for i in range(count)]
    best = max(total(member, texts, ended=ended) for member in members)
    found = fitted(members, texts, ended=ended)
    assert total(found, texts, ended=ended) >= best - 1e-9 * abs(best)


@pytest.mark.parametrize("fitted", [fitted_mean, fitted_mixture])
def test_a_member_may_find_the_texts_impossible(fitted):
    members, texts = [Made(1, b"x"), Made(2)], [b"abx", b"aab", b"xb"]
    found = fitted(members, texts)
    assert total(found, texts) >= total(members[1], texts)
    with pytest.raises(ByteprobError, match="every member"):
        fitted([members[0], members[0]], texts)
    with pytest.raises(ByteprobError, match="to a member"):
        fitted_product(members, texts)
    with pytest.raises(ByteprobError, match="no bytes"):
        fitted(members, [])


def test_planted_weights_are_found_again():
    members = Made(1), Made(2), Made(3)
    planted = (0.6, 0.3, 0.1)
    found = fitted_mean(members, drawn(Mean(members, planted), 10, 150))
    assert found.weights == pytest.approx(planted, abs=0.07)
    found = fitted_mixture(members, drawn(Mixture(members, planted), 120, 5))
    assert found.weights == pytest.approx(planted, abs=0.12)
    planted = (0.9, 0.5, -0.3)
    found = fitted_product(members, drawn(Product(members, planted), 10, 150))
    assert found.weights == pytest.approx(planted, abs=0.08)


@pytest.mark.parametrize("fitted", FITTED)
def test_no_weights_near_the_fitted_ones_are_better(fitted):
    members, random = (Made(4), Made(5), Made(6)), np.random.default_rng(0)
    texts = [b"abxab", b"bbaax", b"xabba"]
    found = fitted(members, texts)
    value = total(found, texts)
    for _ in range(20):
        weights = np.array(found.weights) + random.normal(0, 0.05, 3)
        if fitted is not fitted_product:
            weights = np.abs(weights) / np.abs(weights).sum()
        assert total(type(found)(members, weights.tolist()), texts) <= value + 1e-9


@given(st.integers(0, 99), st.integers(1, 12), st.integers(1, 4))
def test_each_step_makes_the_draws_likelier(seed, draws, members):
    random = np.random.default_rng(seed)
    probs = np.exp(random.normal(0, 3, (draws, members)))
    weights = random.dirichlet(np.ones(members))
    for _ in range(5):
        after = em_step(probs, weights)
        assert after.sum() == pytest.approx(1)
        assert np.log(probs @ after).sum() >= np.log(probs @ weights).sum() - 1e-12
        weights = after


def test_members_that_are_alike_can_be_fitted():
    members, texts = [Made(1), Made(1)], [b"abab"]
    for fitted in FITTED:
        assert total(fitted(members, texts), texts) >= total(members[0], texts) - 1e-9
