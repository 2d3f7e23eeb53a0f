"""The merge kernels equal byte-pair encoding as it is defined."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.bpe import BpeEncoder, decode, tables_from_merges, tables_from_ranks
from encoders.buffers import joined, padded
from encoders.scan import GPT2, WholeScanner

BYTES = [bytes([byte]) for byte in range(256)]
IDENTITY = np.arange(256, dtype=np.uint32)


def naive(piece: list[int], merges: dict[tuple[int, int], tuple[int, int]]) -> list[int]:
    """Merge the leftmost pair of lowest rank until none is left."""
    symbols = list(piece)
    while True:
        ranked = [
            (merges[pair][0], i)
            for i, pair in enumerate(itertools.pairwise(symbols))
            if pair in merges
        ]
        if not ranked:
            return symbols
        _, i = min(ranked)
        symbols[i : i + 2] = [merges[symbols[i], symbols[i + 1]][1]]


def naive_ranks(piece: bytes, ranks: dict[bytes, int]) -> list[int]:
    """As tiktoken: any neighbours whose bytes together are a token; whole pieces first."""
    if piece in ranks:
        return [ranks[piece]]
    parts = [piece[i : i + 1] for i in range(len(piece))]
    while True:
        ranked = [
            (ranks[a + b], i)
            for i, (a, b) in enumerate(itertools.pairwise(parts))
            if a + b in ranks
        ]
        if not ranked:
            return [ranks[part] for part in parts]
        _, i = min(ranked)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]


@st.composite
def merge_lists(draw, alphabet=b"abc\xe6\x97\xa5\xd0\xb8"):
    """A vocabulary grown by merging earlier tokens, in any order: some are never reached."""
    tokens = list(BYTES)
    merges = []
    parts = list(alphabet)
    for _ in range(draw(st.integers(0, 25))):
        left, right = draw(st.sampled_from(parts)), draw(st.sampled_from(parts))
        if tokens[left] + tokens[right] in tokens:
            continue
        tokens.append(tokens[left] + tokens[right])
        merges.append((left, right, len(tokens) - 1))
        parts.append(len(tokens) - 1)
    if draw(st.booleans()):
        merges = draw(st.permutations(merges))
    return tokens, np.array(merges, np.uint32).reshape(-1, 3)


pieces = st.one_of(
    st.lists(st.sampled_from(list(b"abc\xe6\x97\xa5\xd0\xb8")), max_size=90).map(bytes),
    st.text(alphabet="abcи日", max_size=40).map(str.encode),
    st.integers(0, 200).map(lambda n: b"a" * n),
)


def encode_one(encoder, piece):
    return encoder.encode(padded(piece), np.array([0, len(piece)], np.int64))[0].tolist()


class TestMergeLists:
    @given(merge_lists(), st.lists(pieces, max_size=6))
    @settings(max_examples=300)
    def test_equals_the_definition(self, vocabulary, texts):
        tokens, merges = vocabulary
        encoder = BpeEncoder(tables_from_merges(tokens, merges, IDENTITY), WholeScanner())
        ranked = {(int(a), int(b)): (rank, int(m)) for rank, (a, b, m) in enumerate(merges)}
        for text in texts * 2:  # the second time from the cache
            assert encode_one(encoder, text) == naive(list(text), ranked)

    @given(merge_lists(), pieces)
    def test_ignore_merges_takes_whole_tokens(self, vocabulary, text):
        tokens, merges = vocabulary
        tables = tables_from_merges(tokens, merges, IDENTITY, ignore_merges=True)
        found = encode_one(BpeEncoder(tables, WholeScanner()), text)
        if text in tokens:
            assert found == [tokens.index(text)]
        else:
            assert b"".join(tokens[id_] for id_ in found) == text

    def test_bytes_without_a_token_vanish(self):
        ids = IDENTITY.copy()
        ids[ord("x")] = 0xFFFFFFFF
        merges = np.array([(97, 98, 256)], np.uint32)
        encoder = BpeEncoder(tables_from_merges([*BYTES, b"ab"], merges, ids), WholeScanner())
        assert encode_one(encoder, b"axb") == [256]


class TestRanks:
    @given(merge_lists(), st.lists(pieces, max_size=6))
    @settings(max_examples=300)
    def test_equals_the_definition(self, vocabulary, texts):
        tokens, _ = vocabulary
        encoder = BpeEncoder(tables_from_ranks(tokens), WholeScanner())
        ranks = {token: rank for rank, token in enumerate(tokens)}
        for text in texts:
            assert encode_one(encoder, text) == naive_ranks(text, ranks) * bool(text)

    def test_tokens_that_rank_before_their_parts(self):
        tokens = [*BYTES, b"ab", b"aa", b"aab", b"aaa", *[b"a" * n for n in (7, 8, 9, 5, 6, 4)]]
        encoder = BpeEncoder(tables_from_ranks(tokens), WholeScanner())
        ranks = {token: rank for rank, token in enumerate(tokens)}
        for length in range(1, 70):
            text = b"a" * length
            assert encode_one(encoder, text) == naive_ranks(text, ranks)
            assert encode_one(encoder, text + b"b") == naive_ranks(text + b"b", ranks)

    def test_a_missing_byte_is_refused(self):
        with pytest.raises(ValueError, match="0xFF"):
            tables_from_ranks(BYTES[:-1])


def grown(rounds=12):
    """Tokens a, aa, aaaa, … and ab: long equal runs merge again and again."""
    tokens, merges = list(BYTES), []
    last = ord("a")
    for _ in range(rounds):
        tokens.append(tokens[last] * 2)
        merges.append((last, last, len(tokens) - 1))
        last = len(tokens) - 1
    return tokens, np.array(merges, np.uint32)


class TestLongPieces:
    @pytest.mark.parametrize("length", [63, 64, 65, 1_000_000])
    def test_a_run_of_equal_letters(self, length):
        tokens, merges = grown()
        encoder = BpeEncoder(tables_from_merges(tokens, merges, IDENTITY), WholeScanner())
        found = encode_one(encoder, b"a" * length)
        assert [len(tokens[id_]) for id_ in found] == sorted(
            (len(tokens[id_]) for id_ in found), reverse=True
        )
        assert sum(len(tokens[id_]) for id_ in found) == length
        assert len(found) == length // 4096 + bin(length % 4096).count("1")

    @given(merge_lists(), st.integers(65, 400), st.randoms())
    @settings(max_examples=60)
    def test_random_long_pieces(self, vocabulary, length, dice):
        tokens, merges = vocabulary
        text = bytes(dice.choices(b"abc\xe6\x97\xa5", k=length))
        encoder = BpeEncoder(tables_from_merges(tokens, merges, IDENTITY), WholeScanner())
        ranked = {(int(a), int(b)): (rank, int(m)) for rank, (a, b, m) in enumerate(merges)}
        assert encode_one(encoder, text) == naive(list(text), ranked)


class TestCache:
    def test_it_stays_within_its_bound_and_right(self):
        tokens, merges = grown(4)
        limit = 1 << 23
        encoder = BpeEncoder(tables_from_merges(tokens, merges, IDENTITY), GPT2, limit)
        dice = np.random.default_rng(0)
        words = [f" a{'a' * int(n)}{i}" for i, n in enumerate(dice.integers(0, 9, 60_000))]
        text = "".join(words).encode()
        ids, _ = encoder.encode(padded(text), np.array([0, len(text)], np.int64))
        (work,) = encoder.workspaces._idle[0]
        assert work.cache.table.nbytes + work.cache.arena.nbytes <= limit
        assert decode(ids, encoder.tables.vocab, encoder.tables.offsets).tobytes() == text
        fresh = BpeEncoder(encoder.tables, GPT2)
        assert np.array_equal(fresh.encode(padded(text), np.array([0, len(text)]))[0], ids)


class TestBatches:
    @given(merge_lists(), st.lists(pieces, max_size=10), st.integers(1, 4))
    def test_batch_equals_single(self, vocabulary, texts, threads):
        tokens, merges = vocabulary
        encoder = BpeEncoder(tables_from_merges(tokens, merges, IDENTITY), GPT2)
        ids, bounds = encoder.encode_parallel(*joined(texts), threads)
        for i, text in enumerate(texts):
            assert ids[bounds[i] : bounds[i + 1]].tolist() == encode_one(encoder, text)

    @pytest.mark.parametrize("threads", [2, 3, 5])
    def test_threads_change_nothing(self, threads):
        tokens, merges = grown(3)
        encoder = BpeEncoder(tables_from_merges(tokens, merges, IDENTITY), GPT2)
        dice = np.random.default_rng(1)
        long = " ".join("a" * int(n) + "\nb" * int(n % 2) for n in dice.integers(1, 40, 40_000))
        for texts in ([long.encode()], [b"", long.encode(), b"aa", b""], [b"aa a"] * 90_000):
            text, bounds = joined(texts)
            one, several = (
                encoder.encode(text, bounds),
                encoder.encode_parallel(text, bounds, threads),
            )
            assert np.array_equal(one[0], several[0])
            assert np.array_equal(one[1], several[1])


def outcomes(symbols, merges, dropout):
    """Every result of BPE-dropout and its probability, by the definition."""
    ranked = sorted(
        (merges[pair][0], i) for i, pair in enumerate(itertools.pairwise(symbols)) if pair in merges
    )
    found = Counter({symbols: dropout ** len(ranked)})
    for passed, (_, i) in enumerate(ranked):
        made = merges[symbols[i], symbols[i + 1]][1]
        after = (*symbols[:i], made, *symbols[i + 2 :])
        for outcome, share in outcomes(after, merges, dropout).items():
            found[outcome] += share * dropout**passed * (1 - dropout)
    return found


class TestDropout:
    def setup_method(self):
        tokens, merges = grown(3)
        tokens.append(b"ab")
        merges = np.vstack((merges, [(97, 98, len(tokens) - 1)])).astype(np.uint32)
        self.tokens = tokens
        self.encoder = BpeEncoder(tables_from_merges(tokens, merges, IDENTITY), WholeScanner())

    def run(self, text, dropout, seed):
        bounds = np.array([0, len(text)], np.int64)
        return self.encoder.encode_dropout(padded(text), bounds, dropout, seed)[0].tolist()

    @given(st.text("ab", max_size=30).map(str.encode), st.integers(0, 2**63))
    def test_none_is_plain_and_all_is_bytes(self, text, seed):
        assert self.run(text, 0.0, seed) == encode_one(self.encoder, text)
        assert self.run(text, 1.0, seed) == list(text)

    @given(st.text("ab", max_size=30).map(str.encode), st.integers(0, 2**63))
    def test_the_text_stays_and_a_seed_repeats(self, text, seed):
        ids = self.run(text, 0.5, seed)
        assert b"".join(self.tokens[id_] for id_ in ids) == text
        assert self.run(text, 0.5, seed) == ids

    def test_the_distribution_is_that_of_the_paper(self):
        merges = {(97, 97): (0, 256), (97, 98): (1, 257), (256, 256): (2, 258)}
        rows = np.array([(*pair, made) for pair, (_, made) in merges.items()], np.uint32)
        tables = tables_from_merges([*BYTES, b"aa", b"ab", b"aaaa"], rows, IDENTITY)
        encoder = BpeEncoder(tables, WholeScanner())
        text, bounds, count = padded(b"aaaab"), np.array([0, 5], np.int64), 20_000
        found = Counter(
            tuple(encoder.encode_dropout(text, bounds, 0.3, seed)[0].tolist())
            for seed in range(count)
        )
        expected = outcomes(tuple(b"aaaab"), merges, 0.3)
        assert found.keys() <= expected.keys()
        assert sum(expected.values()) == pytest.approx(1)
        for outcome, share in expected.items():
            error = 4 * (share * (1 - share) / count) ** 0.5
            assert found[outcome] / count == pytest.approx(share, abs=error)

    def test_long_pieces_take_no_quadratic_time(self):
        text = b"ab" * 100_000
        ids = self.run(text, 0.1, 7)
        assert b"".join(self.tokens[id_] for id_ in ids) == text
        assert len(text) / 2 < len(ids) < len(text)


class TestDecode:
    @given(st.lists(st.binary(max_size=40), min_size=1, max_size=30), st.data())
    def test_concatenates_token_bytes(self, tokens, data):
        offsets = np.cumsum([0, *map(len, tokens)])
        vocab = np.frombuffer(b"".join(tokens) + bytes(16), np.uint8)
        ids = data.draw(st.lists(st.integers(0, len(tokens) - 1)))
        found = decode(np.array(ids, np.uint32), vocab, offsets).tobytes()
        assert found == b"".join(tokens[id_] for id_ in ids)

    def test_an_id_out_of_range_is_named(self):
        vocab, offsets = np.zeros(20, np.uint8), np.array([0, 1, 2])
        with pytest.raises(IndexError, match="id 9 at position 1"):
            decode(np.array([0, 9, 1], np.uint32), vocab, offsets)


class TestSureMerges:
    """Bytes and characters that are joined before any merge; see ``byte_symbols``."""

    @given(merge_lists(alphabet=b"ab\xe6\x97\xa5"), st.binary(max_size=80))
    @settings(max_examples=300)
    def test_joining_first_changes_nothing(self, vocabulary, text):
        tokens, merges = vocabulary
        tables = tables_from_merges(tokens, merges, IDENTITY)
        text = bytes(b"ab\xe6\x97\xa5"[byte % 5] for byte in text)
        ranked = {(int(a), int(b)): (rank, int(m)) for rank, (a, b, m) in enumerate(merges)}
        assert encode_one(BpeEncoder(tables, WholeScanner()), text) == naive(list(text), ranked)

    def test_they_are_used_where_merges_are_in_order_and_else_not(self):
        tokens, merges = grown(3)
        assert len(tables_from_merges(tokens, merges, IDENTITY).byte_pairs)
        assert not len(tables_from_merges(tokens, merges[::-1], IDENTITY).byte_pairs)


@given(st.lists(st.binary(min_size=14, max_size=300), max_size=5), st.integers(0, 3))
def test_long_pieces_come_back_from_the_cache(texts, repeats):
    tokens, merges = grown(3)
    encoder = BpeEncoder(tables_from_merges(tokens, merges, IDENTITY), WholeScanner())
    ranked = {(int(a), int(b)): (rank, int(m)) for rank, (a, b, m) in enumerate(merges)}
    expected = [naive(list(text), ranked) for text in texts]
    for _ in range(repeats):
        assert [encode_one(encoder, text) for text in texts] == expected
