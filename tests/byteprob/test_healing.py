"""Covers and what follows them, against every string of tokens there is."""

import math
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob import (
    ByteModel,
    ByteprobError,
    ImpossiblePrefixError,
    cover_distribution,
    decode,
    heal,
)
from byteprob.covers import Reading
from byteprob.healing import token_healing
from byteprob.token_models import FunctionModel
from tests.byteprob.tokenizers.pieces import trained
from tests.byteprob.toys import ListedViability, Oracle, ToyBpe, byte_model, random_model

TOYS = (
    ToyBpe(b"ab", ((b"a", b"b"), (b"b", b"a"), (b"ab", b"a"))),
    ToyBpe(b"ab", ((b"a", b"a"), (b"aa", b"a"), (b"b", b"aa"))),
)
TARGETS = ("marginal", "canonical", "canonical-renorm")
LISTED = {toy: frozenset(toy.viable()) for toy in TOYS}
PROMPTS = (b"", b"a", b"ab", b"aab", b"baba")


def model_of(toy, model, target):
    viability = None if target == "marginal" else ListedViability(toy, LISTED[toy])
    return byte_model(Reading(model, toy.vocabulary, target, viability))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: str(toy.merges[-1]))
def test_covers_are_their_definition(toy, target):
    plain = random_model(toy, 1)
    oracle, model = Oracle(toy, plain, target, LISTED[toy]), model_of(toy, plain, target)
    for prompt in PROMPTS[1:]:
        expected = {
            ids: math.exp(log) / oracle.mass(prompt)
            for ids, log in oracle.strings.items()
            if oracle.bytes[ids].startswith(prompt) and len(oracle.bytes[ids[:-1]]) < len(prompt)
        }
        table = cover_distribution(model, prompt)
        assert {each.ids: math.exp(each.log_prob) for each in table} == pytest.approx(
            expected, abs=1e-12
        )
        assert all(toy.spelled(each.ids) == prompt + each.surplus for each in table)
        assert math.fsum(math.exp(each.log_prob) for each in table) == pytest.approx(1, abs=1e-12)
        assert table[:2] == cover_distribution(model, prompt, 2)
        assert sorted((each.log_prob for each in table), reverse=True) == [
            each.log_prob for each in table
        ]


def healed_mass(oracle, table, text):
    """What covers and then tokens give to texts that begin so."""
    found = 0.0
    for cover in table:
        drawn = oracle.bytes[cover.ids]
        if drawn.startswith(text):
            found += math.exp(cover.log_prob)
        elif text.startswith(drawn):
            found += math.exp(cover.log_prob) * math.fsum(
                math.exp(log - oracle.strings[cover.ids])
                for ids, log in oracle.strings.items()
                if ids[: len(cover.ids)] == cover.ids
                and oracle.bytes[ids].startswith(text)
                and len(oracle.bytes[ids[:-1]]) < len(text)
            )
    return found


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: str(toy.merges[-1]))
@pytest.mark.parametrize(
    ("target", "only_canonical"),
    [("marginal", False), ("canonical-renorm", False), ("canonical", True)],
)
def test_covers_and_then_tokens_are_the_law_of_bytes(toy, target, only_canonical):
    plain = random_model(toy, 2, LISTED[toy] if only_canonical else None)
    oracle, model = Oracle(toy, plain, target, LISTED[toy]), model_of(toy, plain, target)
    compared = 0
    for prompt in PROMPTS:
        table, mass = cover_distribution(model, prompt), model.at(prompt).log_prob
        for rest in (b"a", b"b", b"aa", b"ab", b"ba", b"bab"):
            expected = math.exp(model.score(prompt + rest).log_prob - mass)
            compared += expected > 0
            assert healed_mass(oracle, table, prompt + rest) == pytest.approx(expected, abs=1e-12)
    assert compared > 15


@settings(max_examples=30)
@given(st.integers(0, 99), st.sampled_from(TOYS), st.text("ab", max_size=4))
def test_what_follows_covers_is_the_next_byte(seed, toy, text):
    model, prompt = model_of(toy, random_model(toy, seed), "marginal"), text.encode()
    found = np.zeros(257)
    for cover in cover_distribution(model, prompt):
        share = math.exp(cover.log_prob)
        if cover.surplus:
            found[cover.surplus[0]] += share
        else:
            found += share * model.behind(cover.ids).next_byte().probs
    assert found == pytest.approx(model.next_byte(prompt).probs, abs=1e-12)


def chi_square(counts, expected, draws):
    return sum(
        (counts.get(key, 0) - draws * share) ** 2 / (draws * share)
        for key, share in expected.items()
    )


def next_two(model, prompt):
    """Exact probabilities of the next two bytes, fewer where the text ends."""
    found = {}
    cursor = model.at(prompt)
    for first, share in cursor.next_byte().top(257):
        if not share:
            continue
        if first == 256:
            found[b""] = share
            continue
        after = cursor.fork()
        after.push(first)
        for second, next_share in after.next_byte().top(257):
            if next_share:
                key = bytes([first]) + (b"" if second == 256 else bytes([second]))
                found[key] = found.get(key, 0.0) + share * next_share
    return found


def healed_two(model, prompt, seed):
    cover = heal(model, prompt, seed=seed)
    return (cover.surplus + decode(model, cover.ids, 2, seed=seed))[:2]


@pytest.mark.parametrize("target", ["marginal", "canonical-renorm"])
def test_drawn_texts_have_the_law_of_bytes(target):
    toy, draws = TOYS[0], 1000
    model = model_of(toy, random_model(toy, 3), target)
    expected = next_two(model, b"ab")
    assert sum(expected.values()) == pytest.approx(1, abs=1e-12)
    counts = Counter(healed_two(model, b"ab", seed) for seed in range(draws))
    assert set(counts) <= set(expected)
    # 30 is beyond the 0.9999 quantile of chi square for the at most 6 degrees of freedom here.
    assert len(expected) <= 7
    assert chi_square(counts, expected, draws) < 30


def test_token_healing_is_not_exact():
    toy, draws = TOYS[0], 1000
    model = model_of(toy, random_model(toy, 3), "marginal")
    counts = Counter()
    for seed in range(draws):
        cover = token_healing(model, toy.encode(b"ab"), seed=seed)
        assert toy.spelled(cover.ids) == b"ab" + cover.surplus
        counts[(cover.surplus + decode(model, cover.ids, 2, seed=seed))[:2]] += 1
    assert chi_square(counts, next_two(model, b"ab"), draws) > 35


def test_token_healing_takes_one_token_back():
    toy = TOYS[0]
    model = model_of(toy, random_model(toy, 3), "marginal")
    before = model.reading.model.function([toy.encode(b"b")])[0][: len(toy.tokens)]
    beginning_so = [toy.tokens.index(each) for each in (b"a", b"ab", b"aba")]
    weights = np.exp(before[beginning_so])
    likeliest = int(np.argmax(weights))
    cover = token_healing(model, [*toy.encode(b"b"), toy.tokens.index(b"a")], temperature=0)
    assert cover.ids == (*toy.encode(b"b"), beginning_so[likeliest])
    assert cover.log_prob == pytest.approx(math.log(weights[likeliest] / weights.sum()))


def test_the_likeliest_and_the_same_again():
    toy = TOYS[1]
    model = model_of(toy, random_model(toy, 4), "canonical")
    assert heal(model, b"aab", temperature=0) == cover_distribution(model, b"aab", 1)[0]
    assert heal(model, b"aab", seed=5) == heal(model, b"aab", seed=5)
    ids = heal(model, b"aab", seed=5).ids
    assert decode(model, ids, 4, seed=1) == decode(model, ids, 4, seed=1)
    greedy = decode(model, ids, 9, temperature=0)
    assert greedy == decode(model, ids, 9, temperature=0.5, top_p=1e-9)


@dataclass(frozen=True)
class LastTokenModel(FunctionModel):
    def state(self, context):
        return context[-1:]


def test_covers_that_the_model_cannot_tell_apart_are_one():
    toy = TOYS[0]
    plain = random_model(toy, 6)
    bigram = LastTokenModel(lambda contexts: plain.function([each[-1:] for each in contexts]))
    merged = model_of(toy, bigram, "marginal")
    apart = model_of(toy, FunctionModel(bigram.function), "marginal")
    few, all_ = (cover_distribution(model, b"abab") for model in (merged, apart))
    assert len(few) < len(all_)
    by_surplus = [Counter(), Counter()]
    for found, table in zip(by_surplus, (few, all_), strict=True):
        for cover in table:
            found[cover.surplus, cover.ids[-1]] += math.exp(cover.log_prob)
    assert by_surplus[0] == pytest.approx(by_surplus[1], abs=1e-12)


def test_behind_fixed_ids_a_text_begins_afresh():
    toy = TOYS[0]
    model = model_of(toy, random_model(toy, 7), "canonical")
    behind = model.behind((2, 1))
    moved = replace(
        model.reading,
        model=FunctionModel(model.reading.model.function, start=(2, 1)),
    )
    assert cover_distribution(behind, b"ab") == cover_distribution(byte_model(moved), b"ab")
    assert model.next_byte(b"a").top(3) != behind.next_byte(b"a").top(3)


@pytest.mark.parametrize("target", TARGETS)
def test_a_lazy_model_has_the_same_covers(target):
    toy = TOYS[0]
    model = model_of(toy, random_model(toy, 8), target)
    lazy = byte_model(replace(model.reading, tolerance=0.3))
    assert target != "marginal" or lazy.at(b"abab").covers.waiting
    found, expected = (
        {each.ids: each.log_prob for each in cover_distribution(each, b"abab")}
        for each in (lazy, model)
    )
    assert found == pytest.approx(expected, abs=1e-12)


def test_what_stands_before_every_text_is_in_the_ids():
    toy = TOYS[0]
    model = model_of(toy, random_model(toy, 9), "marginal")
    fronted = byte_model(replace(model.reading, front=b"a"))
    for prompt in (b"", b"ba"):
        assert cover_distribution(fronted, prompt) == [
            replace(each, log_prob=pytest.approx(each.log_prob, abs=1e-12))
            for each in cover_distribution(model, b"a" + prompt)
        ]


def test_a_blank_that_was_not_typed_is_in_the_ids_and_not_in_the_surplus():
    tok = trained("bpe-fallback")
    plain = FunctionModel(
        lambda contexts: np.array(
            [np.random.default_rng(each).normal(0, 2, tok.vocab_size) for each in contexts]
        ),
        start=(0,),
    )
    model = ByteModel(plain, tok, beam=9)
    assert model.reading.front == b" "
    for prompt in (b"", b"t", b"th"):
        cover = heal(model, prompt, seed=1)
        spelled = b"".join(model.reading.vocabulary.token(id_) for id_ in cover.ids)
        assert spelled == b" " + prompt + cover.surplus


def test_what_cannot_be_is_refused():
    toy = TOYS[0]
    model = model_of(toy, random_model(toy, 1), "canonical")
    with pytest.raises(ImpossiblePrefixError):
        heal(model, b"x")
    with pytest.raises(ByteprobError, match="takes back"):
        token_healing(model, [])
    with pytest.raises(ByteprobError, match="takes back"):
        token_healing(model, [toy.end])
    with pytest.raises(ByteprobError, match="no encoding"):
        decode(model, [0, 1], 3)  # a, b are one token together
    leaks = np.full(len(toy.tokens) + 1, -np.inf)
    leaks[1] = 0.0
    only_b = FunctionModel(lambda contexts: np.array([leaks] * len(contexts)))
    with pytest.raises(ImpossiblePrefixError, match="any token"):
        decode(model_of(toy, only_b, "canonical"), [0], 1)
