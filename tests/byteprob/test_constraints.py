"""Texts that a constraint allows, and their law."""

import itertools
import math
import re
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob import END, ByteDist, ByteModel, ImpossiblePrefixError, PatternError
from byteprob.constraints import choose, matching, one_of
from byteprob.sources import sample, score
from tests.byteprob.test_model import random_model, with_end

STRINGS = st.lists(st.binary(max_size=4), min_size=1, max_size=6)


@dataclass
class Memoryless:
    """A source that gives every byte, and the end, by itself; also its own cursor."""

    probs: dict

    def at(self, prefix=b""):
        return self

    def next_byte(self):
        logs = np.full(257, -np.inf)
        for symbol, share in self.probs.items():
            logs[symbol] = math.log(share)
        return ByteDist(logs, "marginal")

    def push(self, byte):
        if byte not in self.probs:
            raise ImpossiblePrefixError("no")

    def fork(self):
        return self


SOURCE = Memoryless({ord("a"): 0.5, ord("b"): 0.2, ord("c"): 0.2, END: 0.1})


@given(STRINGS, st.binary(max_size=5))
def test_one_of_accepts_just_those(strings, other):
    found = one_of(strings)
    for text in (*strings, other):
        assert found.accepts(text) == (text in strings)


@given(STRINGS)
def test_from_every_state_there_is_a_way_to_an_end(strings):
    ways = (one_of(strings), matching("|".join(f"[{byte:c}]" for byte in b"ab") + "|ab*c[^\\s\\S]"))
    for found in ways:
        for state in range(len(found.table)):
            allowed = found.allowed(state)
            assert allowed.shape == (257,)
            assert allowed.any()
            assert allowed[END] == found.accepting[state]


def test_the_law_of_a_sample_is_masked_step_by_step():
    constraint = one_of([b"a", b"ab", b"ca"])
    # Of a, b, c first a or c may follow; behind a, b or the end; then nothing else may.
    shares = {b"a": 5 / 7 * 1 / 3, b"ab": 5 / 7 * 2 / 3, b"ca": 2 / 7}
    draws = 1000
    counts = dict.fromkeys(shares, 0)
    for seed in range(draws):
        counts[sample(SOURCE, 9, seed=seed, constraint=constraint)] += 1
    square = sum((counts[s] - draws * p) ** 2 / (draws * p) for s, p in shares.items())
    assert square < 18.4  # the 0.9999 quantile of chi square, 2 degrees of freedom
    exact = choose(SOURCE, list(shares))
    assert exact == pytest.approx(np.array([0.5, 0.1, 0.1]) / 0.7)


@settings(max_examples=15)
@given(st.sampled_from([r"\d{1,3}(\.\d+)?", "yes|no|yesterday", r"[é日]{2}x", ".{3}"]), st.data())
def test_every_sample_matches(pattern, data):
    tok = with_end()
    model = ByteModel(random_model(tok), tok, "canonical-renorm")
    text = model.sample(40, seed=data.draw(st.integers(0, 99)), constraint=matching(pattern))
    assert len(text) == 40 or re.fullmatch(pattern, text.decode())


def test_choosing_is_sharing_what_the_scores_are():
    tok = with_end()
    model = ByteModel(random_model(tok), tok, "canonical")
    strings = [b"yes", b"no", b"yesterday", b"\xff"]
    for prompt, ended in itertools.product((b"", b"Is it? "), (True, False)):
        found = choose(model, strings, prompt, ended=ended)
        masses = [math.exp(score(model, prompt + s, ended=ended).log_prob) for s in strings]
        assert found == pytest.approx(np.array(masses) / sum(masses), abs=1e-12)
        assert found[3] == 0


def test_what_cannot_be_is_refused():
    with pytest.raises(PatternError, match="no strings"):
        one_of([])
    with pytest.raises(ImpossiblePrefixError, match="none of"):
        choose(SOURCE, [b"x", b"y"])
    with pytest.raises(ImpossiblePrefixError):
        sample(SOURCE, 3, constraint=one_of([b"x"]))
