"""Viterbi over the double array equals a search of all paths, written plainly."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.buffers import joined
from encoders.scan import METASPACE, WholeScanner
from encoders.unigram import UnigramEncoder, double_array, unigram_tables

words = st.lists(st.binary(min_size=1, max_size=6), unique=True, max_size=40)


@given(tokens=words)
def test_double_array_holds_each_token_and_nothing_else(tokens):
    trie = double_array([b"", *tokens])
    known = {token: i for i, token in enumerate(tokens, 1)}
    for probe in [*tokens, *(token[:-1] for token in tokens), *(token + b"x" for token in tokens)]:
        node = 0
        for byte in probe:
            base = trie[node, 0]
            child = base + byte if base >= 0 else -1
            node = child if child >= 0 and trie[child, 1] == node else -1
            if node < 0:
                break
        found = trie[node, 2] if node >= 0 and probe else -1
        assert found == known.get(probe, -1)


def test_double_array_of_many_tokens():
    random = np.random.default_rng(0)
    tokens = sorted(
        {random.integers(97, 123, n).astype(np.uint8).tobytes() for n in [1, 2, 3, 5, 8] * 4000}
    )
    trie = double_array(tokens)
    node = np.zeros(len(tokens), np.int64)
    for i, token in enumerate(tokens):
        for byte in token:
            child = trie[node[i], 0] + byte
            assert trie[child, 1] == node[i]
            node[i] = child
    assert trie[node, 2].tolist() == list(range(len(tokens)))


def plain(text, tokens, scores, unknown_score, unknown, byte_ids, real):
    """The definition: best score up to each character, the earliest beginning of equal ones."""
    best, link = {0: real(0)}, {}
    at = 0
    data = text.encode()
    for character in text:
        one = len(character.encode())
        single = False
        for stop in range(at + 1, len(data) + 1):
            token = tokens.get(data[at:stop])
            if token is None:
                continue
            single |= stop == at + one
            candidate = real(best[at] + real(scores[token]))
            if stop not in best or candidate > best[stop]:
                best[stop], link[stop] = candidate, (at, token)
        if not single:
            candidate = real(best[at] + real(unknown_score))
            if at + one not in best or candidate > best[at + one]:
                best[at + one], link[at + one] = candidate, (at, None)
        at += one
    path, end = [], len(data)
    while end:
        start, token = link[end]
        path.append((start, end, token))
        end = start
    ids, run = [], b""
    for start, end, token in [*path[::-1], (0, 0, -1)]:
        if token is None:
            run += data[start:end]
            continue
        if run:
            ids += [byte_ids[b] for b in run] if byte_ids else [unknown]
            run = b""
        ids.append(token)
    return ids[:-1]


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("fallback", [True, False])
@given(
    text=st.text(alphabet="ab▁é日😀"),
    vocab=st.dictionaries(
        st.text(alphabet="ab▁é日", min_size=1, max_size=5), st.integers(-40, -1), max_size=20
    ),
)
def test_equal_to_the_definition(single, fallback, text, vocab):
    tokens = [b"", *(token.encode() for token in vocab)]
    scores = [0.0, *(score / 8 for score in vocab.values())]
    byte_ids = np.arange(1000, 1256, dtype=np.uint32) if fallback else None
    tables = unigram_tables(tokens, scores, 0, least=-5.0, single=single, byte_ids=byte_ids)
    real = np.float32 if single else np.float64
    known = {token: i for i, token in enumerate(tokens) if token}
    fall = None if byte_ids is None else byte_ids.tolist()
    expected = plain(text, known, scores, -15.0, 0, fall, real)
    ids, bounds = UnigramEncoder(tables, WholeScanner(), carries=True).encode(
        *joined([text.encode(), b"", text.encode()])
    )
    assert ids[: bounds[1]].tolist() == expected
    assert ids[bounds[2] :].tolist() == expected
    assert bounds.tolist() == [0, len(expected), len(expected), 2 * len(expected)]
    pieces = [p for p in text.replace("▁", "\n▁").split("\n") if p]
    expected = [i for p in pieces for i in plain(p, known, scores, -15.0, 0, fall, real)]
    split = UnigramEncoder(tables, METASPACE, carries=False)
    assert split.encode(*joined([text.encode()]))[0].tolist() == expected


@given(raw=st.binary())
def test_any_bytes_are_safe(raw):
    tables = unigram_tables([b"", b"a", b"\xe2\x96\x81"], [0, -1, -2], 0, least=-2, single=True)
    ids, _ = UnigramEncoder(tables, WholeScanner(), carries=True).encode(*joined([raw]))
    assert len(ids) <= len(raw)


def test_a_piece_longer_than_the_scratch():
    tables = unigram_tables([b"", b"a", b"aa"], [0, -1, -1.5], 0, least=-2, single=False)
    encoder = UnigramEncoder(tables, WholeScanner(), carries=False)
    ids, _ = encoder.encode(*joined([b"a" * 99_999]))
    assert sorted(ids.tolist()) == [1] + [2] * 49_999


def test_threads_give_the_same():
    tables = unigram_tables([b"", b"a", b"aa"], [0, -1, -1.5], 0, least=-2, single=False)
    encoder = UnigramEncoder(tables, WholeScanner(), carries=False)
    batch = joined([b"ab" * n for n in range(600)])
    one, three = encoder.encode(*batch), encoder.encode_parallel(*batch, threads=3)
    assert np.array_equal(one[0], three[0])
    assert np.array_equal(one[1], three[1])


def segmentations(text, known, unknown_score):
    """Every segmentation into tokens, as ids, and its log probability, by the definition."""
    if not text:
        return [((), 0.0)]
    found = []
    for stop in range(1, len(text) + 1):
        token = known.get(text[:stop], (0, unknown_score) if stop == 1 else None)
        if token is not None:
            rest = segmentations(text[stop:], known, unknown_score)
            found += [((token[0], *ids), token[1] + more) for ids, more in rest]
    return found


SCORED = {"a": (1, -1.0), "b": (2, -1.5), "ab": (3, -1.75), "ba": (4, -2.0), "aba": (5, -3.25)}


class TestSampling:
    def setup_method(self):
        tokens = [b"", *(text.encode() for text in SCORED)]
        scores = [0.0, *(score for _, score in SCORED.values())]
        self.tables = unigram_tables(tokens, scores, 0, least=-4.0, single=True)
        self.encoder = UnigramEncoder(self.tables, WholeScanner(), carries=True)

    def draw(self, text, alpha, seed):
        return self.encoder.encode_sampled(*joined([text.encode()]), alpha, seed)[0].tolist()

    @pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0, 2.0])
    def test_the_distribution_is_that_of_the_model(self, alpha):
        text, count = "abaxab", 20_000
        paths = segmentations(text, SCORED, -14.0)
        weights = np.exp([alpha * score for _, score in paths])
        found = Counter(tuple(self.draw(text, alpha, seed)) for seed in range(count))
        assert found.keys() <= {ids for ids, _ in paths}
        assert len(paths) == 8
        for (ids, _), share in zip(paths, weights / weights.sum(), strict=True):
            error = 4 * (share * (1 - share) / count) ** 0.5
            assert found[ids] / count == pytest.approx(share, abs=error)

    @given(text=st.text(alphabet="abx"), seed=st.integers(0, 2**63))
    def test_a_large_alpha_is_the_best_and_a_seed_repeats(self, text, seed):
        best = self.encoder.encode(*joined([text.encode()]))[0].tolist()
        scores = sorted(score for _, score in segmentations(text[:12], SCORED, -14.0))
        clear = len(text) <= 12 and (len(scores) < 2 or scores[-1] - scores[-2] > 0.01)
        if clear:
            assert self.draw(text, 1e5, seed) == best
        assert self.draw(text, 0.2, seed) == self.draw(text, 0.2, seed)

    def test_documents_and_long_pieces(self):
        texts = ["ab" * 3000, "", "ba", "x" * 5]
        ids, bounds = self.encoder.encode_sampled(*joined([t.encode() for t in texts]), 0.1, 7)
        spelled = ["x", *SCORED]
        found = ["".join(spelled[i] for i in ids[a:b]) for a, b in pairwise(bounds)]
        assert found == ["ab" * 3000, "", "ba", "x"]
