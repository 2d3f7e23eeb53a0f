"""Bounds of single symbols are those of all."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byteprob.dist import ByteDist


@given(st.integers(0, 99), st.sampled_from([0.0, 1e-9, 0.3, 1.0]))
def test_bounds_hold_what_the_error_allows(seed, error):
    random = np.random.default_rng(seed)
    probs, other = random.dirichlet(np.full(257, 0.1), 2)
    probs[3] = 0.0
    probs /= probs.sum()
    with np.errstate(divide="ignore"):
        dist = ByteDist(np.log(probs), "marginal", error=error)
    exact = (1 - error) * probs + error * other
    assert (dist.low - 1e-15 <= exact).all()
    assert (exact <= dist.high + 1e-15).all()
    for symbol in (0, 3, 256):
        low, high = dist.log_bounds(symbol)
        assert math.exp(low) == pytest.approx(dist.low[symbol], rel=1e-9)
        assert math.exp(high) == pytest.approx(dist.high[symbol], rel=1e-9)
        if not error:
            assert low == high == dist.log_probs[symbol]


def test_entropy_and_the_likeliest():
    logs = np.full(257, -np.inf)
    logs[[65, 66, 256]] = np.log([0.5, 0.25, 0.25])
    dist = ByteDist(logs, "marginal")
    assert dist.entropy() == pytest.approx(1.5)
    assert dist.top(2) == [(65, pytest.approx(0.5)), (66, pytest.approx(0.25))]
