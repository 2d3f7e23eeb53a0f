"""Ensembles of made-up sources, whose laws can be written out, and of models of two tokenizers."""

import math
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byteprob.covers import log_sum
from byteprob.dist import ByteDist
from byteprob.ensembles import Mean, Mixture, Product, proxy_tuned
from byteprob.errors import ByteprobError, ImpossiblePrefixError
from byteprob.model import ByteModel
from byteprob.sources import sample, score
from tests.byteprob.test_model import random_model, with_end


@cache
def made_up(seed, never, last):
    logs = np.random.default_rng([seed, *last]).normal(0, 2, 257)
    logs[list(never)] = -np.inf
    return logs - np.logaddexp.reduce(logs)


@dataclass(frozen=True)
class Made:
    """A source that says something else after each two bytes. ``never``: bytes it gives nothing."""

    seed: int
    never: bytes = b""
    error: float = 0.0
    leak: float = 0.0

    def at(self, prefix=b""):
        cursor = MadeCursor(self)
        for byte in prefix:
            cursor.push(byte)
        return cursor

    def log_probs(self, prefix):
        return made_up(self.seed, self.never, prefix[-2:])


@dataclass
class MadeCursor:
    source: Made
    prefix: bytes = field(default=b"")

    def next_byte(self):
        made = self.source
        return ByteDist(made.log_probs(self.prefix), "marginal", made.leak, made.error)

    def push(self, byte):
        if byte in self.source.never:
            raise ImpossiblePrefixError("never")
        self.prefix += bytes([byte])

    def fork(self):
        return replace(self)


def next_byte(source, prefix=b""):
    return source.at(prefix).next_byte()


KINDS = (Mean, Mixture, Product)
sources = st.builds(Made, st.integers(0, 50), st.sampled_from([b"", b"xyz"]))
shares = st.lists(st.floats(0.05, 1), min_size=2, max_size=4).map(
    lambda parts: tuple(part / sum(parts) for part in parts)
)
prefixes = st.text("abx", max_size=3).map(str.encode)


@given(st.sampled_from(KINDS), shares, st.integers(0, 50), prefixes)
def test_symbols_sum_to_one_and_forks_go_their_own_way(kind, weights, seed, prefix):
    members = [Made(seed + i) for i in range(len(weights))]
    cursor = kind(members, weights).at(prefix)
    before = cursor.next_byte()
    assert before.probs.sum() == pytest.approx(1, abs=1e-12)
    assert before.error == 0
    assert before.target == "marginal"
    other = cursor.fork()
    other.push(ord("q"))
    assert (cursor.next_byte().log_probs == before.log_probs).all()
    assert (other.next_byte().log_probs != before.log_probs).any()


@given(sources, shares, prefixes)
def test_of_equal_members_all_are_that_member(member, weights, prefix):
    prefix = bytes(set(prefix) - set(member.never))
    expected = next_byte(member, prefix).probs
    for kind in KINDS:
        for ensemble in (kind([member]), kind([member] * len(weights), weights)):
            assert next_byte(ensemble, prefix).probs == pytest.approx(expected, abs=1e-12)


@given(shares, st.integers(0, 50), prefixes)
def test_a_mean_and_a_product_are_their_formulas(weights, seed, prefix):
    members = [Made(seed + i) for i in range(len(weights))]
    each = np.array([member.log_probs(prefix) for member in members])
    mean = next_byte(Mean(members, weights), prefix).probs
    assert mean == pytest.approx(weights @ np.exp(each), abs=1e-12)
    product = np.exp(weights @ each)
    found = next_byte(Product(members, weights), prefix).probs
    assert found == pytest.approx(product / product.sum(), abs=1e-12)


@given(shares, st.integers(0, 50), st.text("abx", max_size=6), st.booleans(), st.booleans())
def test_a_mixture_is_the_mean_of_strings(weights, seed, text, dead, ended):
    members = [Made(seed + i, b"x" if dead and i else b"") for i in range(len(weights))]
    whole = [score(member, text.encode(), ended=ended).log_prob for member in members]
    expected = log_sum([math.log(w) + log for w, log in zip(weights, whole, strict=True)])
    found = score(Mixture(members, weights), text.encode(), ended=ended)
    assert found.log_prob == pytest.approx(expected, abs=1e-12)
    assert found.high == pytest.approx(found.log_prob, abs=1e-12)


def test_a_mean_is_no_mixture_beyond_one_byte():
    members = Made(1), Made(2)
    text = b"abxab"
    assert score(Mean(members), text[:1]).log_prob == pytest.approx(
        score(Mixture(members), text[:1]).log_prob
    )
    assert abs(score(Mean(members), text).log_prob - score(Mixture(members), text).log_prob) > 0.1


@given(st.integers(0, 50), st.floats(-3, 3), prefixes)
def test_proxy_tuning_is_its_formula(seed, alpha, prefix):
    base, expert, anti = Made(seed), Made(seed + 1), Made(seed + 2)
    same = next_byte(proxy_tuned(base, expert, expert, alpha), prefix)
    assert same.log_probs == pytest.approx(base.log_probs(prefix), abs=1e-11)
    logs = [each.log_probs(prefix) for each in (base, expert, anti)]
    expected = logs[0] + alpha * (logs[1] - logs[2])
    found = next_byte(proxy_tuned(base, expert, anti, alpha), prefix).log_probs
    assert found == pytest.approx(expected - np.logaddexp.reduce(expected), abs=1e-11)


def test_what_is_impossible_to_one_member():
    members = Made(1, b"x"), Made(2)
    for kind in (Mean, Mixture):
        alive = kind(members)
        assert next_byte(alive, b"a").probs[ord("x")] > 0
        behind = next_byte(alive, b"ax").log_probs
        assert behind == pytest.approx(members[1].log_probs(b"ax"), abs=1e-12)
        nobody = kind([members[0], members[0]]).at(b"a")
        before = nobody.next_byte()
        with pytest.raises(ImpossiblePrefixError):
            nobody.push(ord("x"))
        assert (nobody.next_byte().log_probs == before.log_probs).all()
    for weights in ((0.5, 0.5), (2.0, -1.0), (-1.0, 2.0), (0.0, 1.0)):
        product = Product(members[::-1], weights).at(b"a")  # the first takes what the last refuses
        before = product.next_byte()
        assert before.probs[ord("x")] == 0
        assert before.probs.sum() == pytest.approx(1, abs=1e-12)
        with pytest.raises(ImpossiblePrefixError):
            product.push(ord("x"))
        assert (product.next_byte().log_probs == before.log_probs).all()
    with pytest.raises(ImpossiblePrefixError):
        next_byte(Product([Made(1, bytes(range(128))), Never(bytes(range(128, 256)))]))


class Never(Made):
    """One that gives the end nothing, either."""

    def __init__(self, never):
        super().__init__(3, never)

    def log_probs(self, prefix):
        logs = super().log_probs(prefix).copy()
        logs[256] = -np.inf
        return logs


@given(
    st.sampled_from([*KINDS, "proxy"]),
    st.lists(st.sampled_from([0.0, 1e-4, 0.02]), min_size=3, max_size=3),
    st.integers(0, 50),
    st.text("ab", max_size=3),
)
def test_errors_of_members_bound_that_of_the_ensemble(kind, errors, seed, prefix):
    """The exact members are any that the bounds allow: here, their own with something of others."""
    made = [Made(seed + i, error=error) for i, error in enumerate(errors)]
    true = [Mean([plain(member), Made(99)], (1 - member.error, member.error)) for member in made]
    build = (lambda each: proxy_tuned(*each)) if kind == "proxy" else kind
    found, exact = (next_byte(build(each), prefix.encode()) for each in (made, true))
    assert 0.5 * np.abs(found.probs - exact.probs).sum() <= found.error + 1e-12
    assert (found.low - 1e-12 <= exact.probs).all()
    assert (exact.probs <= found.high + 1e-12).all()
    assert (found.error > 0) == any(errors)
    if kind is Mean:
        assert found.error == pytest.approx(sum(errors) / 3, abs=1e-12)
    text = prefix.encode() + b"a"
    near, true_score = score(build(made), text), score(build(true), text)
    assert near.log_prob - 1e-12 <= true_score.log_prob <= near.high + 1e-12


def plain(member):
    return replace(member, error=0.0)


def test_what_an_ensemble_says_of_itself():
    leaky = Made(1, leak=0.2)
    assert next_byte(Mean([leaky, Made(2)])).leak == 0.2
    tok = with_end()
    members = [ByteModel(random_model(tok), tok, target) for target in ("marginal", "canonical")]
    assert next_byte(Mean(members)).target is None
    assert next_byte(Mean(members[1:])).target == "canonical"


@pytest.mark.parametrize("kind", KINDS)
def test_models_of_two_vocabularies_and_ensembles_of_ensembles(kind):
    first, second = with_end(), with_end("llama3")
    small = ByteModel(random_model(first), first, "canonical-renorm")
    large = ByteModel(random_model(second, 2), second, "canonical-renorm")
    nested = kind([kind([small, large]), large], (0.5, 0.5))
    text = sample(nested, 5, b"Th", seed=4)
    assert text == sample(nested, 5, b"Th", seed=4)
    assert len(text) == 5
    assert score(nested, b"Th" + text).log_prob > -math.inf
    flat = kind([small, large, large], (0.25, 0.25, 0.5))
    found, expected = (next_byte(each, b"Th").probs for each in (nested, flat))
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("kind", "weights", "match"),
    [
        (Mean, (0.5, 0.6), "sum to 1"),
        (Mixture, (1.5, -0.5), "not negative"),
        (Product, (1.0,), "as many"),
        (Product, (1.0, math.nan), "finite"),
    ],
)
def test_weights_that_mean_nothing_are_refused(kind, weights, match):
    with pytest.raises(ByteprobError, match=match):
        kind([Made(1), Made(2)], weights)
    with pytest.raises(ByteprobError, match="at least one"):
        kind([])
