"""All encodings of a text: as many as are listed, drawn alike, decoding alike."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import trained
from tests.tokenkit.audit import broken
from tokenkit.audit import Encodings
from tokenkit.audit.checks import audit
from tokenkit.errors import AuditError

TOKENIZER = trained()
ENCODINGS = Encodings.of(TOKENIZER)
short = st.text("the andi\n.é日", max_size=9)


def listed(text):
    """All encodings, by trying every token at every place."""
    tokens = {}
    for id_, token in enumerate(ENCODINGS.tokens):
        tokens.setdefault(token, []).append(id_)

    def rest(raw):
        if not raw:
            return [()]
        return [
            (id_, *more)
            for stop in range(1, len(raw) + 1)
            for id_ in tokens.get(raw[:stop], ())
            for more in rest(raw[stop:])
        ]

    return rest(text.encode())


@given(short)
def test_the_count_is_that_of_the_list(text):
    every = listed(text)
    assert ENCODINGS.count(text) == len(every) == int(ENCODINGS.counts([text])[0])
    assert tuple(TOKENIZER.encode(text).tolist()) in every


@given(short | st.text(max_size=20) | st.binary(max_size=20), st.integers(0, 9))
def test_samples_decode_alike(text, seed):
    raw = text if isinstance(text, bytes) else text.encode()
    rows = ENCODINGS.sample(raw, 3, seed=seed)
    assert [TOKENIZER.decode_bytes(row) for row in rows] == [raw] * 3
    assert rows == ENCODINGS.sample(raw, 3, seed=seed)


def test_samples_are_drawn_alike():
    text = " the other"
    every = listed(text)
    draws = 200 * len(every)
    counts = Counter(map(tuple, ENCODINGS.sample(text, draws).to_lists()))
    assert set(counts) == set(every)
    # Pearson's statistic has mean k - 1 and variance 2 (k - 1); five deviations off is no chance.
    freedom = len(every) - 1
    statistic = sum((counts[row] - 200) ** 2 / 200 for row in every)
    assert abs(statistic - freedom) < 5 * (2 * freedom) ** 0.5


def test_counts_beyond_64_bits_are_exact():
    tokenizer = broken.with_added(" ")  # a second token for the blank
    encodings = Encodings.of(tokenizer)
    assert encodings.count("\x00" * 5000) == 1
    blanks = [token for token in encodings.tokens if token and not token.strip(b" ")]
    ways = [1]
    for length in range(1, 151):
        ways.append(sum(ways[length - len(t)] for t in blanks if len(t) <= length))
    assert ways[-1] > 2**64
    assert encodings.count(" " * 150) == ways[-1]
    assert int(encodings.counts([" " * 150])[0]) == 2**64 - 1


def test_equal_tokens_are_drawn_both():
    encodings = Encodings.of(broken.with_added("\n"))
    assert encodings.count("a\n") == 2
    drawn = Counter(map(tuple, encodings.sample("a\n", 400).to_lists()))
    assert len(drawn) == 2
    assert min(drawn.values()) > 150


def test_no_encoding():
    encodings = Encodings.of(broken.without_byte("Ę"))
    assert encodings.count("a\x18") == 0
    with pytest.raises(AuditError, match="no encoding"):
        encodings.sample("a\x18", 1)


def test_alternatives_and_twins():
    report = audit(TOKENIZER, checks=["alternatives", "twins"])
    texts = {text for token in ENCODINGS.tokens if (text := token.decode("utf-8", "ignore"))}
    words = {text for text in texts if text.isalpha()}
    two = [w for w in words if any(w[:k] in texts and w[k:] in texts for k in range(1, len(w)))]
    assert report["alternatives"].facts["words that two tokens spell"] == len(two)
    assert report["twins"].count == sum(t[0] == " " and t[1:] in texts for t in texts)
