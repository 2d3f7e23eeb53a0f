"""Oracle A: the definitions, summed over every string of tokens there is."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob.covers import Reading, beginning, pushed
from byteprob.errors import ImpossiblePrefixError
from tests.byteprob.toys import ListedViability, Oracle, ToyBpe, random_model

TOYS = (
    ToyBpe(b"ab", ((b"a", b"b"), (b"b", b"a"), (b"ab", b"a"))),
    ToyBpe(b"ab", ((b"a", b"a"), (b"aa", b"a"), (b"b", b"aa"))),
    ToyBpe(b"abc", ((b"b", b"c"), (b"a", b"b"), (b"a", b"bc"))),
)
TARGETS = ("marginal", "canonical", "canonical-renorm")
LISTED = {toy: frozenset(toy.viable()) for toy in TOYS}


def reading(toy, model, target, beam=None):
    viability = None if target == "marginal" else ListedViability(toy, LISTED[toy])
    return Reading(model, toy.vocabulary, target, viability, beam)


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
