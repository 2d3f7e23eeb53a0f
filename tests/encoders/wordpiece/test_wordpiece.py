"""The longest-match kernel equals the algorithm written plainly."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from encoders.buffers import joined
from encoders.scan import WHITESPACE_SPLIT
from encoders.wordpiece import WordPieceEncoder, wordpiece_tables

parts = st.text(alphabet="abé日", min_size=1, max_size=4)


def plain(word, vocab, unknown, most):
    """The definition."""
    if len(word) > most:
        return [unknown]
    ids, at = [], 0
    while at < len(word):
        mark = "##" if at else ""
        stops = [s for s in range(len(word), at, -1) if mark + word[at:s] in vocab]
        if not stops:
            return [unknown]
        ids.append(vocab[mark + word[at : stops[0]]])
        at = stops[0]
    return ids


@given(
    words=st.lists(st.text(alphabet="abé日#", min_size=1, max_size=9), max_size=6),
    heads=st.sets(parts),
    tails=st.sets(parts),
    most=st.integers(1, 9),
)
def test_equal_to_the_definition(words, heads, tails, most):
    spelled = ["[UNK]", *sorted(heads), *(f"##{tail}" for tail in sorted(tails))]
    vocab = {token: id_ for id_, token in enumerate(spelled)}
    encoder = WordPieceEncoder(wordpiece_tables(vocab, 0, prefix="##", most=most), WHITESPACE_SPLIT)
    documents = [" ".join(words), "", "  ".join(words[::-1])]
    rows = [[i for word in d.split() for i in plain(word, vocab, 0, most)] for d in documents]
    ids, bounds = encoder.encode(*joined([d.encode() for d in documents]))
    assert [ids[a:b].tolist() for a, b in pairwise(bounds)] == rows


@given(raw=st.binary())
def test_any_bytes_are_safe(raw):
    encoder = WordPieceEncoder(
        wordpiece_tables({"[UNK]": 0, "a": 1, "##b": 2}, 0, prefix="##", most=5), WHITESPACE_SPLIT
    )
    assert len(encoder.encode(*joined([raw]))[0]) <= max(1, len(raw))


def test_threads_give_the_same():
    encoder = WordPieceEncoder(
        wordpiece_tables({"[UNK]": 0, "a": 1, "##b": 2}, 0, prefix="##", most=5), WHITESPACE_SPLIT
    )
    batch = joined([b"abb ab c\n" * n for n in range(300)])
    one, three = encoder.encode(*batch), encoder.encode_parallel(*batch, threads=3)
    assert np.array_equal(one[0], three[0])
    assert np.array_equal(one[1], three[1])
