"""Boundary F1 and inflation against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import documents, texts, trained
from tokenkit import Tokenizer
from tokenkit.domain.alignment import Alignment, align
from tokenkit.domain.boundaries import Stability, moved, stabilities, stability, total
from tokenkit.domain.noise import Noisy, OcrNoise

BYTES = Tokenizer.train(["x"], vocab_size=256)


def noisy(clean, text, spans):
    both = np.array(spans, np.int64).reshape(-1, 2, 2)
    return Noisy(clean, text, Alignment(len(clean), len(text), both[:, 0], both[:, 1]))


def test_by_hand():
    """Every byte a token: only what is inside an edit, or has no counterpart, is lost."""
    one = stability(BYTES, noisy("modern", "modem", [((4, 6), (4, 5))]))
    assert one == Stability(6, 5, 5, 4, 4)  # the bound between r and n is gone
    assert one.f1 == pytest.approx(2 * 4 / 9)
    assert one.inflation == pytest.approx(5 / 6)
    assert stability(BYTES, noisy("ab", "a b", [((1, 1), (1, 2))])) == Stability(2, 3, 1, 2, 1)
    assert stability(BYTES, noisy("a b", "ab", [((1, 2), (1, 1))])) == Stability(3, 2, 2, 1, 1)
    # A character of two bytes became one of one: its inner bound is lost.
    assert stability(BYTES, noisy("aéb", "aeb", [((1, 2), (1, 2))])) == Stability(4, 3, 3, 2, 2)


def test_nothing_to_count():
    assert stability(BYTES, noisy("", "", [])) == Stability()
    assert (Stability().f1, Stability().inflation) == (1.0, 1.0)
    assert total([]) == Stability()


@given(texts, st.integers(0, 999))
def test_without_noise_all_is_kept(text, seed):
    for tokenizer in (trained(), BYTES):
        found = stability(tokenizer, OcrNoise(rate=0.0).read(text, seed))
        assert (found.f1, found.inflation) == (1.0, 1.0)


@given(texts, st.integers(0, 999))
def test_against_sets(text, seed):
    tokenizer, read = trained(), OcrNoise(rate=0.1).read(text, seed)
    found = stability(tokenizer, read)
    sides = []
    for side in (read.clean, read.text):
        ids = tokenizer.encode(side).tolist()
        ends = np.cumsum([len(tokenizer.id_to_bytes(id_)) for id_ in ids])[:-1]
        sides.append({int(end) for end in ends})
    alignment = read.alignment.in_bytes(read.clean, read.text)
    moved = {int(alignment.places([place])[0]) for place in sides[0]}
    assert found.clean_boundaries == len(sides[0])
    assert found.noisy_boundaries == len(sides[1])
    assert found.kept == len(moved & sides[1])


@given(st.text("ab ", max_size=20), st.text("ab ", max_size=20))
def test_f1_is_a_share(clean, text):
    found = stability(trained(), Noisy(clean, text, align(clean, text)))
    assert 0.0 <= found.f1 <= 1.0
    assert found.kept <= min(found.clean_boundaries, found.noisy_boundaries)


def test_sums():
    parts = [stability(trained(), read) for read in OcrNoise().read_batch(documents()[:4])]
    both = total(parts)
    assert both.kept == sum(part.kept for part in parts)
    assert both.inflation == pytest.approx(both.noisy_tokens / both.clean_tokens)


@given(st.lists(texts, max_size=5), st.integers(0, 99))
def test_many_texts_are_each_of_them(many, seed):
    read = OcrNoise(rate=0.2).read_batch(many, seed)
    assert stabilities(trained(), read) == [stability(trained(), one) for one in read]


def test_moved():
    cuts = np.isin(np.arange(10), [1, 3, 4, 6])
    found = moved(cuts, align("abcdefghi", "abXefghi"))
    assert np.flatnonzero(found).tolist() == [1, 3, 5]
