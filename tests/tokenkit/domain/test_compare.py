"""A comparison says what plain counting says, with intervals that mean something."""

import math

import numpy as np
import pytest

from tests.samples import documents, trained
from tokenkit.domain.boundaries import stability, total
from tokenkit.domain.compare import Options, compare
from tokenkit.domain.measures import (
    BOUNDARY_F1,
    BYTES_PER_TOKEN,
    COMPRESSION,
    CUT_WORDS,
    FERTILITY,
    INFLATION,
    NOISE,
    TOKENS_PER_CHARACTER,
    TOKENS_PER_WORD,
)
from tokenkit.domain.noise import OcrNoise
from tokenkit.errors import ComparisonError

NOISE_OF_TEST = OcrNoise(rate=0.05)
OPTIONS = Options(resamples=300, noise=NOISE_OF_TEST, seed=4)
TOKENIZERS = {"small": trained(vocab_size=600), "large": trained(vocab_size=2000)}
CORPORA = {"topics": documents()[:40], "others": documents()[40:60]}


@pytest.fixture(scope="module")
def comparison():
    return compare(TOKENIZERS, CORPORA, OPTIONS)


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("name", TOKENIZERS)
def test_values(comparison, corpus, name):
    texts, tokenizer = CORPORA[corpus], TOKENIZERS[name]
    rows = [tokenizer.encode(text) for text in texts]
    tokens = sum(map(len, rows))

    def value(measure):
        return comparison.estimate(measure, corpus, name).value

    assert value(TOKENS_PER_CHARACTER) == pytest.approx(tokens / sum(map(len, texts)))
    assert value(BYTES_PER_TOKEN) == pytest.approx(sum(len(t.encode()) for t in texts) / tokens)
    assert value(TOKENS_PER_WORD) == pytest.approx(tokens / sum(len(t.split()) for t in texts))
    assert 1.0 < value(FERTILITY) < value(TOKENS_PER_WORD)
    assert 0.0 < value(CUT_WORDS) < 1.0
    read = NOISE_OF_TEST.read_batch(texts, 4)
    stable = total(stability(tokenizer, one) for one in read)
    assert value(BOUNDARY_F1) == pytest.approx(stable.f1)
    assert value(INFLATION) == pytest.approx(stable.inflation)
    assert comparison.results[corpus][name].used == len(np.unique(np.concatenate(rows)))
    assert comparison.documents[corpus] == len(texts)
    assert comparison.vocab_sizes[name] == tokenizer.vocab_size


def test_intervals_and_means(comparison):
    for measure in (*COMPRESSION, *NOISE):
        for name in TOKENIZERS:
            each = [comparison.estimate(measure, corpus, name) for corpus in CORPORA]
            mean = comparison.estimate(measure, None, name)
            assert mean.value == pytest.approx(sum(one.value for one in each) / len(each))
            for found in (*each, mean):
                assert found.low < found.value < found.high


def test_differences_are_paired(comparison):
    """Documents differ more than tokenizers do, so that only paired intervals are narrow."""
    base, corpus = TOKENS_PER_CHARACTER, "topics"
    found = comparison.difference(base, corpus, "large", "small")
    small, large = (comparison.estimate(base, corpus, name) for name in ("small", "large"))
    assert found.value == pytest.approx(large.value / small.value - 1)
    assert found.low < found.value < found.high < 0
    unpaired = math.hypot(small.high - small.low, large.high - large.low) / small.value
    assert found.high - found.low < unpaired
    same = comparison.difference(base, corpus, "small", "small")
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_noise_on_a_part_of_the_documents():
    options = Options(resamples=20, noise_characters=30_000)
    found = compare(TOKENIZERS, CORPORA, options)
    full = compare(TOKENIZERS, CORPORA, Options(resamples=20))
    for one, whole in ((found, full),):
        f1 = one.estimate(BOUNDARY_F1, "topics", "small").value
        assert f1 == pytest.approx(whole.estimate(BOUNDARY_F1, "topics", "small").value, abs=0.02)
        assert f1 != whole.estimate(BOUNDARY_F1, "topics", "small").value
    without = compare(TOKENIZERS, CORPORA, Options(resamples=20, noise=None))
    assert math.isnan(without.estimate(BOUNDARY_F1, "topics", "small").value)
    assert math.isnan(without.difference(BOUNDARY_F1, "topics", "small", "large").value)


def test_progress_and_repeats():
    seen = []
    found = compare(TOKENIZERS, CORPORA, OPTIONS, progress=lambda *step: seen.append(step))
    assert seen == [(done, 4) for done in range(5)]
    again = compare(TOKENIZERS, CORPORA, OPTIONS)
    for measure in (*COMPRESSION, *NOISE):
        assert found.estimate(measure, None, "small") == again.estimate(measure, None, "small")


def test_hostile_texts():
    found = compare(TOKENIZERS, {"odd": ["\ud800 \x00", "", "½ﬁ日", "\U0010ffff"]}, OPTIONS)
    assert found.documents["odd"] == 3
    assert found.estimate(TOKENS_PER_CHARACTER, "odd", "small").value > 0
    numbers = compare(TOKENIZERS, {"digits": ["123 456"]}, OPTIONS)
    assert math.isnan(numbers.estimate(FERTILITY, "digits", "small").value)


def test_nothing_to_compare():
    with pytest.raises(ComparisonError, match="at least"):
        compare({}, CORPORA)
    with pytest.raises(ComparisonError, match="at least"):
        compare(TOKENIZERS, {})
    with pytest.raises(ComparisonError, match="'empty' has no text"):
        compare(TOKENIZERS, {"empty": ["", ""]})
