"""Intervals hold what they claim, and resamples are paired."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenkit.domain.bootstrap import Estimate, estimate, resampled_sums


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 9))
def test_sums_are_of_whole_documents(documents, resamples, seed):
    rows = np.arange(documents)[:, None] * np.array([1, 3]) + np.array([0, 1])
    sums = resampled_sums(rows, resamples, seed)
    assert sums.shape == (resamples, 2)
    # The same documents in both columns, as many as there are.
    assert (sums[:, 1] == 3 * sums[:, 0] + documents).all()
    assert (sums == resampled_sums(rows, resamples, seed)).all()


def test_in_parts_as_in_one(monkeypatch):
    rows = np.random.default_rng(0).integers(0, 99, (50, 3))
    whole = resampled_sums(rows, 200, 1)
    monkeypatch.setattr("tokenkit.domain.bootstrap._DRAWS", 120)
    assert (resampled_sums(rows, 200, 1) == whole).all()


def test_coverage():
    """Of 95% intervals of a mean, about 95% hold the true one."""
    generator = np.random.default_rng(5)
    held = 0
    for trial in range(300):
        rows = generator.poisson(20, (60, 1))
        means = resampled_sums(rows, 400, trial)[:, 0] / 60
        found = estimate(float(rows.mean()), means, 0.95)
        assert found.low <= found.value <= found.high
        held += found.low <= 20 <= found.high
    assert held / 300 == pytest.approx(0.94, abs=0.035)


def test_without_a_value():
    nan = float("nan")
    for found in (estimate(nan, np.ones(3), 0.9), estimate(1.0, np.full(3, nan), 0.9)):
        assert np.isnan([found.low, found.high]).all()
    assert estimate(2.0, np.array([1.0, nan, 3.0]), 1.0) == Estimate(2.0, 1.0, 3.0)
    assert resampled_sums(np.zeros((0, 2), np.int64), 3, 0).tolist() == [[0, 0]] * 3
