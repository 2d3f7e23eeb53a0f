"""Oracle A: the definitions, summed over every string of tokens there is."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob.covers import Reading, beginning, pushed
from byteprob.errors import ImpossiblePrefixError
from byteprob.token_models import Counted
from tests.byteprob.toys import ListedViability, Oracle, ToyBpe, random_model

TOYS = (
    ToyBpe(b"ab", ((b"a", b"b"), (b"b", b"a"), (b"ab", b"a"))),
    ToyBpe(b"ab", ((b"a", b"a"), (b"aa", b"a"), (b"b", b"aa"))),
    ToyBpe(b"abc", ((b"b", b"c"), (b"a", b"b"), (b"a", b"bc"))),
)
TARGETS = ("marginal", "canonical", "canonical-renorm")
LISTED = {toy: frozenset(toy.viable()) for toy in TOYS}


def reading(toy, model, target, beam=None, tolerance=0.0):
    viability = None if target == "marginal" else ListedViability(toy, LISTED[toy])
    return Reading(model, toy.vocabulary, target, viability, beam, tolerance)


def at(how, prefix):
    covers = beginning(how)
    for byte in prefix:
        (covers,) = pushed(how, [covers], [byte])
    return covers


def next_bytes(toy, model, prefix):
    readings = [reading(toy, model, target) for target in TARGETS]
    return [at(how, prefix).next_byte(how) for how in readings]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: str(toy.merges[-1]))
@pytest.mark.parametrize("seed", [1, 2])
def test_every_target_is_its_definition(toy, target, seed):
    model = random_model(toy, seed)
    oracle, how = Oracle(toy, model, target, LISTED[toy]), reading(toy, model, target)
    compared = 0
    for length in range(5):
        for text in itertools.product(toy.alphabet, repeat=length):
            prefix = bytes(text)
            mass, expected = oracle.mass(prefix), oracle.next_byte(prefix)
            if not expected.sum():
                continue
            covers = at(how, prefix)
            dist = covers.next_byte(how)
            assert covers.log_mass == pytest.approx(math.log(mass), abs=1e-12)
            assert dist.probs == pytest.approx(expected / expected.sum(), abs=1e-12)
            assert dist.leak == pytest.approx(1 - expected.sum() / mass, abs=1e-12)
            assert dist.probs.sum() == pytest.approx(1, abs=1e-12)
            compared += 1
    assert compared > 20


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: str(toy.merges[-1]))
def test_a_canonical_model_has_one_distribution(toy):
    model = random_model(toy, 3, LISTED[toy])
    for prefix in (b"", b"a", b"ba", b"aab"):
        dists = [
            at(how, prefix).next_byte(how) for how in (reading(toy, model, t) for t in TARGETS)
        ]
        for dist in dists:
            assert dist.probs == pytest.approx(dists[0].probs, abs=1e-12)
            assert dist.leak == pytest.approx(0, abs=1e-12)


def test_the_targets_differ_for_other_models():
    model = random_model(TOYS[0], 4)
    found = [
        at(how, b"ab").next_byte(how).probs for how in (reading(TOYS[0], model, t) for t in TARGETS)
    ]
    assert np.abs(found[0] - found[1]).max() > 1e-3
    assert np.abs(found[1] - found[2]).max() > 1e-3


def test_what_has_no_probability_is_refused():
    how = reading(TOYS[0], random_model(TOYS[0], 1), "marginal")
    with pytest.raises(ImpossiblePrefixError):
        at(how, b"x")
    with pytest.raises(ImpossiblePrefixError):
        at(how, b"ab" * 20)  # the model ends before


@pytest.mark.parametrize("target", TARGETS)
def test_a_batch_is_its_prefixes_one_by_one(target):
    toy = TOYS[0]
    how = reading(toy, random_model(toy, 5), target)
    prefixes = [b"a", b"b", b"ab"]
    batch = pushed(how, [at(how, prefix) for prefix in prefixes], b"aba")
    for prefix, byte, covers in zip(prefixes, b"aba", batch, strict=True):
        alone = at(how, prefix + bytes([byte]))
        assert covers.log_mass == alone.log_mass
        assert (covers.next_byte(how).log_probs == alone.next_byte(how).log_probs).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 99), st.integers(1, 4), st.text("ab", max_size=4))
def test_a_beam_knows_how_far_off_it_may_be(seed, beam, text):
    toy = TOYS[1]
    model = random_model(toy, seed)
    exact, narrow = reading(toy, model, "marginal"), reading(toy, model, "marginal", beam)
    try:
        expected = at(exact, text.encode()).next_byte(exact).probs
        found = at(narrow, text.encode()).next_byte(narrow)
    except ImpossiblePrefixError:
        return
    distance = 0.5 * np.abs(found.probs - expected).sum()
    assert distance <= found.error + 1e-12


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(TOYS),
    st.sampled_from(TARGETS),
    st.integers(0, 99),
    st.sampled_from([1e-6, 1e-3, 0.03, 0.3, 0.9]),
    st.text("ab", max_size=7),
)
def test_a_lazy_interval_contains_the_exact_value(toy, target, seed, tolerance, text):
    model = random_model(toy, seed)
    exact, lazy = reading(toy, model, target), reading(toy, model, target, tolerance=tolerance)
    far, near = beginning(exact), beginning(lazy)
    for byte in text.encode():
        try:
            (far,) = pushed(exact, [far], [byte])
        except ImpossiblePrefixError:
            with pytest.raises(ImpossiblePrefixError):
                pushed(lazy, [near], [byte])
            return
        (near,) = pushed(lazy, [near], [byte])
        low, high = near.log_bounds(ended=False)
        assert low - 1e-12 <= far.log_mass <= high + 1e-12
        low, high = near.log_bounds(ended=True)
        assert low - 1e-12 <= far.log_bounds(ended=True)[0] <= high + 1e-12
        try:
            expected = far.next_byte(exact)
        except ImpossiblePrefixError:
            with pytest.raises(ImpossiblePrefixError):
                near.next_byte(lazy)
            continue
        found = near.next_byte(lazy)
        assert found.error <= tolerance * (1 + 1e-12)
        assert 0.5 * np.abs(found.probs - expected.probs).sum() <= found.error + 1e-12
        assert (found.low - 1e-12 <= expected.probs).all()
        assert (expected.probs <= found.high + 1e-12).all()


@pytest.mark.parametrize("target", TARGETS)
def test_a_tolerance_saves_evaluations_and_what_comes_to_matter_is_evaluated(target):
    toy, counts = TOYS[1], []
    for tolerance in (0.0, 0.01, 0.3):
        total, waited, woken = 0, False, False
        for seed in range(8):
            model = Counted(random_model(toy, seed))
            lazy = reading(toy, model, target, tolerance=tolerance)
            covers = beginning(lazy)
            for byte in b"aabaab":
                before = {each.context for each in covers.waiting}
                try:
                    (covers,) = pushed(lazy, [covers], [byte])
                except ImpossiblePrefixError:
                    break
                waited |= bool(covers.waiting)
                woken |= any(head.context in before for head in covers.heads)
            total += model.evaluations
        counts.append(total)
        assert waited == bool(tolerance)
    assert woken
    assert counts[0] > counts[1] > counts[2]


@pytest.mark.parametrize("target", TARGETS)
def test_lazy_batches_and_pushes_are_what_each_is_alone(target):
    toy = TOYS[0]
    how = reading(toy, random_model(toy, 5), target, tolerance=0.05)
    prefixes = [b"a", b"b", b"ab"]
    batch = pushed(how, [at(how, prefix) for prefix in prefixes], b"aba")
    for prefix, byte, covers in zip(prefixes, b"aba", batch, strict=True):
        alone = at(how, prefix + bytes([byte]))
        assert covers.log_mass == alone.log_mass
        assert (covers.next_byte(how).log_probs == alone.next_byte(how).log_probs).all()
        assert covers.next_byte(how).error == alone.next_byte(how).error
