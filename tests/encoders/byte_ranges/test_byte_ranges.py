import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.buffers import joined
from encoders.byte_ranges import ByteRanges, sorted_by_bytes

vocabularies = st.lists(st.binary(min_size=1, max_size=5), min_size=1, max_size=40)
alike = st.lists(st.sampled_from([b"a", b"ab", b"aba", b"b", b"\xff", b"\xff\x00"]), min_size=1)
prefixes = st.one_of(st.binary(max_size=3), st.text("ab", max_size=3).map(str.encode))


def ranges(tokens):
    return ByteRanges.of(dict(enumerate(tokens)))


@given(st.one_of(vocabularies, alike), prefixes)
def test_every_prefix_is_a_range(tokens, prefix):
    found = ranges(tokens)
    low, high = found.starting_with(prefix)
    assert set(found.order[low:high]) == {
        i for i, token in enumerate(tokens) if token.startswith(prefix)
    }
    low, high = found.ending((low, high), len(prefix))
    assert set(found.order[low:high]) == {i for i, t in enumerate(tokens) if t == prefix}


@given(st.one_of(vocabularies, alike))
def test_order_and_place_are_inverse(tokens):
    found = ranges(tokens)
    assert [tokens[i] for i in found.order] == sorted(tokens)
    assert found.place[found.order].tolist() == list(range(len(tokens)))


@given(st.one_of(vocabularies, alike), prefixes, st.randoms(use_true_random=False))
def test_next_bytes_are_summed(tokens, prefix, random):
    found = ranges(tokens)
    logits = np.array([random.uniform(-9, 9) for _ in tokens])
    weights, largest, total = found.weights(logits, np.empty(0, np.uint32))
    assert largest == logits.max()
    assert total == pytest.approx(np.exp(logits - largest).sum(), rel=1e-14)
    sums = np.zeros(256)
    ending = found.add_next_bytes(found.starting_with(prefix), len(prefix), weights, sums)
    expected = np.zeros(257)
    for i, token in enumerate(tokens):
        if token.startswith(prefix):
            rest = token[len(prefix) :]
            expected[rest[0] if rest else 256] += math.exp(logits[i] - largest)
    assert [*sums, ending] == pytest.approx(expected, rel=1e-14)


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=50), st.sampled_from("fd"))
def test_weights_are_exponentials(logits, kind):
    given = np.array(logits, kind)
    found = ranges([bytes([i]) for i in range(len(logits))])
    weights, largest, total = found.weights(given, np.empty(0, np.uint32))
    expected = np.exp(given.astype(float) - given.max())
    expected[given.astype(float) - given.max() < -708] = 0
    assert weights == pytest.approx(expected, rel=4e-16, abs=0)
    assert total == pytest.approx(expected.sum(), rel=1e-14)
    assert largest == given.max()


def test_impossible_tokens_weigh_nothing_and_ends_count():
    found = ByteRanges.of({0: b"a", 2: b"b"})
    logits = np.array([0.0, 1.0, -np.inf, 50.0])  # 3 is padding: no token, no end
    weights, largest, total = found.weights(logits, np.array([1], np.uint32))
    assert weights.tolist() == pytest.approx([math.exp(-1), 0.0])
    assert (largest, total) == (1.0, pytest.approx(1 + math.exp(-1)))


def test_a_large_vocabulary_sums_to_one():
    random = np.random.default_rng(5)
    tokens = {i: random.bytes(int(random.integers(1, 6))) for i in range(50_000)}
    found = ByteRanges.of(tokens)
    weights, _, total = found.weights(
        random.normal(0, 4, 50_000).astype(np.float32), np.empty(0, np.uint32)
    )
    sums = np.zeros(256)
    assert found.add_next_bytes(found.whole, 0, weights, sums) == 0
    assert sums.sum() == pytest.approx(total, rel=1e-12)


@given(
    st.lists(st.binary(max_size=3).map(lambda raw: raw * 7) | st.sampled_from(["a" * 8, "a" * 9]))
)
def test_texts_are_sorted_by_their_bytes(texts):
    texts = [text.encode() if isinstance(text, str) else text for text in texts]
    found = sorted_by_bytes(*joined(texts)).tolist()
    assert found == sorted(range(len(texts)), key=lambda i: (texts[i], i))


@given(
    st.one_of(vocabularies, alike),
    prefixes,
    st.sampled_from(b"ab\xff"),
    st.randoms(use_true_random=False),
)
def test_allowed_tokens_are_summed_and_pushed(tokens, prefix, byte, random):
    found = ranges(tokens)
    allowed = np.array([random.random() < 0.7 for _ in tokens], np.uint8)
    logits = np.array([random.uniform(-9, 9) for _ in tokens])
    by_id, sums, largest, total = found.weigh(logits, allowed, np.empty(0, np.uint32))
    plain = np.exp(logits - largest)
    assert total == pytest.approx(plain.sum(), rel=1e-14)
    assert by_id == pytest.approx(plain * allowed, rel=1e-14, abs=0)
    names = [tokens[i] for i in found.order]
    expected = np.zeros(257)
    for i, token in enumerate(tokens):
        expected[token[0]] += by_id[i]
    assert sums == pytest.approx(expected, rel=1e-14)
    within = found.beginning_with(prefix[0] if prefix else byte)
    weights = found.taken(by_id, within)
    assert weights.tolist() == [by_id[i] for i in found.order[slice(*within)]]
    for depth, next_ in enumerate([*prefix, byte], 1):
        begun, low = bytes([*prefix, byte][:depth]), within[0]
        ending, within, sums, mass = found.pushed(within, depth - 1, next_, weights)
        assert [names[i] for i in range(*ending)] == [n for n in names if n == begun]
        longer = [i for i, n in enumerate(names) if n.startswith(begun) and n != begun]
        assert list(range(*within)) == longer
        weights = weights[within[0] - low : within[1] - low]
        expected = np.zeros(257)
        for i in longer:
            expected[names[i][depth]] += by_id[found.order[i]]
        assert sums == pytest.approx(expected, rel=1e-14)
        assert mass == pytest.approx(expected.sum(), rel=1e-14)


@given(st.integers(1, 3000), st.integers(0, 8), st.randoms(use_true_random=False))
def test_ids_of_many_runs_are_summed_block_by_block(size, holes, random):
    ids = sorted(set(range(size)) - {random.randrange(size) for _ in range(holes)})
    if not ids:
        return
    tokens = {id_: random.randbytes(2) for id_ in ids}
    found = ByteRanges.of(tokens)
    logits = np.random.default_rng(size).normal(0, 3, size).astype(np.float32)
    by_id, sums, largest, total = found.weigh(logits, found.every, np.empty(0, np.uint32))
    assert largest == logits[ids].max()
    plain = np.exp(logits.astype(float) - largest)
    assert total == pytest.approx(plain[ids].sum(), rel=1e-13)
    expected = np.zeros(257)
    for id_ in ids:
        expected[tokens[id_][0]] += plain[id_]
    assert sums == pytest.approx(expected, rel=1e-13)
    assert by_id[ids] == pytest.approx(plain[ids], rel=4e-16, abs=0)


def test_fewer_logits_than_ids_are_refused():
    found = ByteRanges.of({0: b"a", 5: b"b"})
    with pytest.raises(ValueError, match="5 logits, and ids up to 5"):
        found.weigh(np.zeros(5), found.every, np.empty(0, np.uint32))
    with pytest.raises(ValueError, match="6 logits, and ids up to 7"):
        found.weigh(np.zeros(6), found.every, np.array([7], np.uint32))
