"""Laws of the specification's section 6, tried on texts and models that Hypothesis makes."""

import itertools
import math
from collections import defaultdict
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob import END, ByteModel, FunctionModel
from tests.samples import documents
from tokenkit import Tokenizer

TARGETS = ("marginal", "canonical", "canonical-renorm")
CANONICAL = TARGETS[1:]
PATTERNS = ("gpt2", "llama3", "o200k")
END_TOKEN = "<|end|>"
LETTERS = " ae's1\n"
TEXTS = st.text(st.sampled_from(LETTERS + "é日"), max_size=6)
SEEDS = st.integers(0, 2**32 - 1)


@cache
def trained(pattern, size=420):
    odd = ["a  e\n\ns's 'se 11 111 ae ea as\n \n"] * 9
    return Tokenizer.train(
        [*documents()[:10], *odd], vocab_size=size, pattern=pattern, special_tokens=[END_TOKEN]
    )


def noise(tok, seed):
    """Random logits for every context."""
    end = tok.special_tokens[END_TOKEN]

    def row(context):
        return np.random.default_rng([seed, *context]).normal(0, 3, tok.vocab_size)

    return FunctionModel(lambda contexts: np.array([row(each) for each in contexts]), start=(end,))


def path_log_prob(model, ids):
    found = 0.0
    for i, id_ in enumerate(ids):
        logits = model.function([(*model.start, *ids[:i])])[0]
        found += logits[id_] - np.logaddexp.reduce(logits)
    return found


# --- one distribution


@pytest.mark.parametrize("target", CANONICAL)
@given(text=TEXTS, seed=SEEDS, pattern=st.sampled_from(PATTERNS))
@settings(max_examples=15)
def test_the_symbols_that_may_follow_sum_to_one(target, text, seed, pattern):
    tok = trained(pattern)
    found = ByteModel(noise(tok, seed), tok, target).next_byte(text.encode())
    assert found.probs.sum() == pytest.approx(1, abs=1e-12)
    assert 0 <= found.leak <= 1
    assert found.error == 0


@pytest.mark.parametrize("target", CANONICAL)
@given(first=TEXTS, second=TEXTS, seed=SEEDS, pattern=st.sampled_from(PATTERNS))
@settings(max_examples=15)
def test_a_text_has_the_probability_of_its_parts(target, first, second, seed, pattern):
    tok = trained(pattern)
    model = ByteModel(noise(tok, seed), tok, target)
    whole = model.score((first + second).encode(), ended=True)
    cursor, chained = model.at(first.encode()), model.score(first.encode()).chained
    for byte in second.encode():
        chained += cursor.next_byte().log_probs[byte]
        cursor.push(byte)
    chained += cursor.next_byte().log_probs[END]
    assert whole.chained == pytest.approx(chained, rel=1e-12)
    # What leaks makes a chain larger, never smaller.
    assert whole.log_prob <= whole.chained + 1e-9
    if target == "canonical-renorm":
        assert whole.log_prob == pytest.approx(whole.chained, rel=1e-9)


@given(texts=st.lists(TEXTS, max_size=4), seed=SEEDS, pattern=st.sampled_from(PATTERNS))
@settings(max_examples=10)
def test_batches_and_cursors_tell_what_fresh_ones_do(texts, seed, pattern):
    tok = trained(pattern)
    model = ByteModel(noise(tok, seed), tok, "canonical")
    raws = [text.encode() for text in texts]
    for raw, found in zip(raws, model.next_bytes(raws), strict=True):
        cursor = model.at()
        for byte in raw:
            cursor.push(byte)
        assert np.array_equal(cursor.next_byte().log_probs, model.next_byte(raw).log_probs)
        assert np.exp(found.log_probs) == pytest.approx(model.next_byte(raw).probs, abs=1e-12)


@given(text=st.text(st.sampled_from("ab '1"), max_size=3), seed=SEEDS)
@settings(max_examples=15)
def test_all_tokens_hold_more_than_the_viable_and_these_more_than_the_encoding(text, seed):
    tok = trained("gpt2", 262)
    plain = noise(tok, seed)
    masses = [ByteModel(plain, tok, target).at(text.encode()).log_prob for target in TARGETS[:2]]
    assert masses[0] >= masses[1] - 1e-12
    assert masses[1] >= path_log_prob(plain, tok.encode(text).tolist()) - 1e-12


# --- the law of bytes, not of tokens


def byte_law(seed, longest=4):
    """Probabilities of all texts of few letters."""
    texts = [
        "".join(text)
        for length in range(longest + 1)
        for text in itertools.product(LETTERS, repeat=length)
    ]
    weights = np.random.default_rng(seed).exponential(size=len(texts)) ** 3
    return texts, weights / weights.sum()


def law_of_tokens(tok, texts, probs):
    """The token model that gives each text its probability through its encoding alone."""
    end = tok.special_tokens[END_TOKEN]
    masses = defaultdict(lambda: defaultdict(float))
    for ids, prob in zip(tok.encode_batch(texts).to_lists(), probs, strict=True):
        context = (end,)
        for id_ in (*ids, end):
            masses[context][id_] += prob
            context = (*context, id_)

    def row(context):
        logits = np.full(tok.vocab_size, -np.inf)
        for id_, mass in masses[context].items():
            logits[id_] = math.log(mass)
        if not masses[context]:
            logits[end] = 0.0
        return logits

    return FunctionModel(lambda contexts: np.array([row(each) for each in contexts]), start=(end,))


@pytest.mark.parametrize("target", TARGETS)
@given(seed=SEEDS, data=st.data())
@settings(max_examples=4, deadline=None)
def test_one_law_of_bytes_is_found_through_any_tokenizer(target, seed, data):
    texts, probs = byte_law(seed)
    prefix = data.draw(st.text(st.sampled_from(LETTERS), max_size=3))
    expected = np.zeros(257)
    for text, prob in zip(texts, probs, strict=True):
        if text.startswith(prefix):
            rest = text[len(prefix) :].encode()
            expected[rest[0] if rest else END] += prob
    mass = math.log(expected.sum())
    for pattern in PATTERNS:
        tok = trained(pattern)
        model = ByteModel(law_of_tokens(tok, texts, probs), tok, target)
        found = model.next_byte(prefix.encode())
        assert found.probs == pytest.approx(expected / expected.sum(), abs=1e-12)
        assert found.leak == pytest.approx(0, abs=1e-12)
        assert model.at(prefix.encode()).log_prob == pytest.approx(mass, abs=1e-12)


# --- what sampling tokens gives


def test_the_marginal_is_the_law_of_sampled_tokens():
    tok = trained("gpt2", 262)
    model = noise(tok, 5)
    random = np.random.default_rng(0)
    wanted, counts, met = b"a", np.zeros(257), 0
    shares = {}

    def drawn(context):
        if context not in shares:
            logits = model.function([context])[0]
            shares[context] = np.exp(logits - np.logaddexp.reduce(logits)).cumsum()
        return int(np.searchsorted(shares[context], random.random()))

    first = ByteModel(model, tok, "marginal", beam=None).next_byte()
    wanted = bytes([first.top(2)[0][0] if first.top(1)[0][0] != END else first.top(2)[1][0]])
    for _ in range(6000):
        context, spelled = model.start, b""
        while len(spelled) < 2:
            id_ = drawn(context)
            if id_ == model.start[0]:
                break
            context, spelled = (*context, id_), spelled + tok.id_to_bytes(id_)
        if spelled.startswith(wanted):
            met += 1
            counts[spelled[1] if len(spelled) > 1 else END] += 1
    expected = ByteModel(model, tok, "marginal").next_byte(wanted).probs * met
    assert met > 300
    large = expected >= 5
    observed = np.append(counts[large], counts[~large].sum())
    predicted = np.append(expected[large], expected[~large].sum())
    chi = ((observed - predicted) ** 2 / np.maximum(predicted, 1e-9)).sum()
    freedom = len(observed) - 1
    assert chi < freedom + 4 * math.sqrt(2 * freedom)
