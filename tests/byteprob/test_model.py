"""Laws that hold whatever the model: tokenizers of every split, models of random logits."""

import itertools
import math

import numpy as np
import pytest

from byteprob import (
    END,
    ByteModel,
    ByteprobError,
    FunctionModel,
    ImpossiblePrefixError,
    UnsupportedTokenizerError,
)
from byteprob.sources import shaped
from byteprob.token_models import Counted
from tests.samples import documents
from tokenkit import Tokenizer

TARGETS = ("marginal", "canonical", "canonical-renorm")
TEXTS = (b"", b"It's  the\n\n e", b"we're 1234 ", "né\u2009日".encode(), b"  \n\xe6")


def random_model(tok, seed=0, canonical=None):
    """Random logits for every context; with ``canonical``, a viability, none outside it."""
    size = tok.vocab_size

    def row(context):
        logits = np.random.default_rng([seed, len(context), *context[-3:]]).normal(0, 3, size + 5)
        if canonical is not None:
            viability, ranges = canonical
            state = viability.start
            for id_ in context[1:]:
                state = viability.after(state, id_)
            allowed = np.zeros(size + 5, bool)
            allowed[: len(ranges.every)] = viability.following(state)
            if viability.ends(state):
                allowed[list(tok.special_tokens.values())] = True
            logits[~allowed] = -np.inf
        return logits

    return FunctionModel(lambda contexts: np.array([row(c) for c in contexts]), start=(0,))


def with_end(pattern="gpt2"):
    return Tokenizer.train(
        documents()[:20], vocab_size=400, pattern=pattern, special_tokens=["<|endoftext|>"]
    )


@pytest.mark.parametrize("target", TARGETS)
def test_symbols_sum_to_one_and_one_by_one_is_fresh(target):
    tok = with_end()
    model = ByteModel(random_model(tok), tok, target, beam=8 if target == "marginal" else None)
    for text in TEXTS:
        cursor = model.at()
        for byte in text:
            dist = cursor.next_byte()
            assert dist.probs.sum() == pytest.approx(1, abs=1e-12)
            assert dist.target == target
            cursor.push(byte)
        fresh = model.next_byte(text)
        assert (cursor.next_byte().log_probs == fresh.log_probs).all()
    batch = model.next_bytes(TEXTS)
    for text, dist in zip(TEXTS, batch, strict=True):
        assert dist.log_probs == pytest.approx(model.next_byte(text).log_probs, abs=1e-12)


@pytest.mark.parametrize("pattern", ["gpt2", "llama3"])
def test_mass_is_at_least_that_of_the_encoding(pattern):
    tok = with_end(pattern)
    plain = random_model(tok)
    canonical = ByteModel(plain, tok, "canonical")
    for text in TEXTS[:-1]:
        ids, path = tok.encode(text).tolist(), 0.0
        for i, id_ in enumerate(ids):
            logits = plain.function([(0, *ids[:i])])[0][: tok.vocab_size]
            path += logits[id_] - np.logaddexp.reduce(logits)
        assert canonical.at(text).log_prob >= path - 1e-9


def test_marginal_mass_is_at_least_canonical():
    tok = Tokenizer.train(["abab ab ba"] * 9, vocab_size=262, special_tokens=["<|end|>"])
    plain = random_model(tok)
    for text in (b"ab", b"aba a", b"ba b"):
        marginal = ByteModel(plain, tok, "marginal").at(text)
        assert marginal.log_prob >= ByteModel(plain, tok, "canonical").at(text).log_prob - 1e-12


def test_a_canonical_model_has_one_distribution():
    tok = Tokenizer.train(["abab ab ba"] * 9, vocab_size=262, special_tokens=["<|end|>"])
    reading = ByteModel(random_model(tok), tok, "canonical")._reading
    model = random_model(tok, canonical=(reading.viability, reading.vocabulary.ranges))
    for text in (b"", b"ab", b"aba  ", b"ba b"):
        found = [ByteModel(model, tok, target).next_byte(text) for target in TARGETS]
        for dist in found:
            assert dist.probs == pytest.approx(found[0].probs, abs=1e-12)
            assert dist.leak == pytest.approx(0, abs=1e-12)


def test_scores_are_products_and_chains():
    tok = with_end()
    model = ByteModel(random_model(tok), tok, "canonical-renorm")
    whole, part = model.score(b"the end").log_prob, model.score(b"the ").log_prob
    cursor, rest = model.at(b"the "), 0.0
    for byte in b"end":
        rest += cursor.next_byte().log_probs[byte]
        cursor.push(byte)
    assert whole == pytest.approx(part + rest, abs=1e-12)
    assert whole == pytest.approx(model.at(b"the end").log_prob, abs=1e-9)  # nothing leaks
    ended = model.score(b"the end", ended=True)
    assert ended.log_prob < whole
    assert ended.bits_per_byte == -ended.log_prob / math.log(2) / 7


def test_samples_follow_the_distribution():
    tok = with_end()
    model = ByteModel(random_model(tok), tok, "canonical")
    assert model.sample(12, seed=3) == model.sample(12, seed=3)
    greedy = model.sample(8, b"The", temperature=0)
    cursor = model.at(b"The")
    for byte in greedy:
        assert byte == cursor.next_byte().top(1)[0][0]
        cursor.push(byte)


def test_temperature_and_nucleus_are_of_bytes():
    logs = np.log(np.array([0.5, 0.3, 0.15, 0.05]))
    assert shaped(logs, 1.0, 1.0) == pytest.approx(np.exp(logs))
    assert shaped(logs, 1.0, 0.6) == pytest.approx([0.625, 0.375, 0, 0])
    assert shaped(logs, 0.5, 1.0) == pytest.approx(np.exp(2 * logs) / np.exp(2 * logs).sum())
    assert shaped(logs, 0.0, 1.0).tolist() == [1, 0, 0, 0]
    with pytest.raises(ValueError, match="top_p"):
        shaped(logs, 1.0, 0.0)


def test_the_end_is_a_symbol_and_never_bytes():
    tok = with_end()
    ends = FunctionModel(
        lambda contexts: np.array([[50.0] + [0.0] * (tok.vocab_size - 1)] * len(contexts)), (0,)
    )
    assert tok.special_tokens["<|endoftext|>"] == 0
    dist = ByteModel(ends, tok, "marginal").next_byte()
    assert dist.top(1)[0][0] == END
    assert ByteModel(ends, tok).sample(9, temperature=0) == b""


def test_a_cursor_stays_where_a_byte_is_refused():
    tok = with_end()
    model = ByteModel(random_model(tok), tok, "canonical")
    cursor = model.at(b"a")
    before, other = cursor.log_prob, cursor.fork()
    with pytest.raises(ImpossiblePrefixError):
        cursor.push(0xFF)  # in no text
    assert cursor.log_prob == before
    other.push(ord("b"))
    assert cursor.log_prob == before


def test_tokenizers_that_lose_text_are_refused():
    lossy = Tokenizer.train(["ab"], vocab_size=9, initial_alphabet="ab", special_tokens=["<e>"])
    with pytest.raises(UnsupportedTokenizerError, match="give back"):
        ByteModel(random_model(lossy), lossy)
    other = Tokenizer.train(["a b"], vocab_size=300, pattern=r"\w+|.")
    ByteModel(random_model(other), other, "marginal")
    with pytest.raises(UnsupportedTokenizerError, match=r"looks ahead|kernels"):
        ByteModel(random_model(other), other, "canonical")


def test_prefixes_that_begin_alike_are_evaluated_once():
    tok = with_end()
    counted = Counted(random_model(tok))
    model = ByteModel(counted, tok, "canonical")
    prefixes = [b"the end", b"the en", b"the end", b"the", b"", b"that"]
    alone = model.next_byte(b"the end")
    one = counted.evaluations
    found = model.next_bytes(prefixes)
    assert found[0] is found[2]
    assert found[0].log_probs == pytest.approx(alone.log_probs, abs=1e-12)
    assert counted.evaluations - one <= one + 2  # of "that" the last two bytes
    assert counted.calls <= 2 * (len(b"the end") + 1)
    assert model.next_bytes([]) == []


def test_samples_are_each_what_its_seed_gives():
    tok = with_end()
    counted = Counted(random_model(tok))
    model = ByteModel(counted, tok, "canonical-renorm")
    alone = [model.sample(9, b"Th", seed=seed, top_p=0.9) for seed in range(6)]
    separate, counted.calls = counted.calls, 0
    assert model.samples(9, b"Th", seeds=range(6), top_p=0.9) == alone
    assert len(set(alone)) > 1
    assert counted.calls < separate / 3
    assert model.samples(0, b"Th", seeds=[1]) == [b""]
    same = model.samples(5, seeds=[3, 3, 3])
    assert same == [same[0]] * 3


@pytest.mark.parametrize("target", TARGETS)
def test_a_lazy_model_keeps_to_its_tolerance_for_fewer_evaluations(target):
    tok = with_end("llama3")
    peaked = random_model(tok, 3)
    sharp = FunctionModel(lambda contexts: 2 * peaked.function(contexts), (0,))
    evaluations = []
    for tolerance in (0.0, 1e-3, 0.1):
        counted = Counted(sharp)
        lazy = ByteModel(counted, tok, target, tolerance=tolerance)
        cursors = lazy.at(), ByteModel(sharp, tok, target, tolerance=1e-9).at()
        for byte in b"I'll  be  12"[: 6 if target == "marginal" else None]:
            found, near = (cursor.next_byte() for cursor in cursors)
            assert found.error <= tolerance * (1 + 1e-9)
            assert (found.low <= near.high + 1e-12).all()
            assert (near.low <= found.high + 1e-12).all()
            for cursor in cursors:
                cursor.push(byte)
        evaluations.append(counted.evaluations)
    assert evaluations[0] > evaluations[1] > evaluations[2]


@pytest.mark.parametrize("target", TARGETS)
def test_scores_of_a_lazy_model_have_bounds(target):
    tok = with_end()
    plain = random_model(tok, 2)
    widths = []
    for text, ended in itertools.product((b"th", b"the", b"a  b"), (False, True)):
        exact = ByteModel(plain, tok, target).score(text, ended=ended)
        lazy = ByteModel(plain, tok, target, tolerance=0.2).score(text, ended=ended)
        assert exact.high == exact.log_prob
        assert lazy.log_prob - 1e-12 <= exact.log_prob <= lazy.high + 1e-12
        assert lazy.chained >= lazy.log_prob
        widths.append(lazy.high - lazy.log_prob)
    assert max(widths) > 0


def test_the_chain_is_the_product_of_what_follows():
    tok = with_end()
    model = ByteModel(random_model(tok), tok, "canonical")
    cursor, chain = model.at(), 0.0
    for byte in b"the end":
        chain += cursor.next_byte().log_probs[byte]
        cursor.push(byte)
    found = model.score(b"the end")
    assert found.chained == pytest.approx(chain, abs=1e-10)
    assert found.chained > found.log_prob == cursor.log_prob
    ended = model.score(b"the end", ended=True)
    assert ended.chained == pytest.approx(chain + cursor.next_byte().log_probs[END], abs=1e-10)
    assert model.score(b"the \xff").log_prob == -math.inf


def test_a_tolerance_is_a_distance_and_shown():
    tok = with_end()
    with pytest.raises(ValueError, match="tolerance"):
        ByteModel(random_model(tok), tok, tolerance=1.0)
    with pytest.raises(ValueError, match="beam"):
        ByteModel(random_model(tok), tok, tolerance=0.1, beam=3)
    shown = repr(ByteModel(random_model(tok), tok, "canonical", tolerance=1e-3))
    assert shown == "ByteModel(FunctionModel, 399 tokens, target='canonical', tolerance=0.001)"


def test_models_of_fewer_ids_than_the_tokenizer_are_refused():
    tok = with_end()
    model = FunctionModel(lambda contexts: np.zeros((len(contexts), tok.vocab_size - 1)), (0,))
    with pytest.raises(ByteprobError, match=f"{tok.vocab_size} ids, and the model"):
        ByteModel(model, tok).next_byte()
