"""Pruning takes the leaves that are used least, and leaves a tokenizer that works."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from encoders.bpe.training import TrainedBpe, TrainerOptions, count_pieces, train_bpe
from encoders.bpe.training.pruning import pruned, usage
from encoders.buffers import joined
from encoders.scan import GPT2

ALPHABET = list(range(256))
CORPORA = st.lists(st.text("abc é", min_size=1, max_size=30), min_size=1, max_size=12)


def counted(texts):
    return count_pieces([joined([text.encode() for text in texts])], GPT2)


def by_hand(trained, used, size):
    """One leaf at a time, found by looking at all merges."""
    merges, counts, gone = trained.merges.tolist(), used.tolist(), set()
    while len(counts) - len(gone) > size:
        parts = {part for left, right, _ in merges for part in (left, right)}
        leaves = {made for *_, made in merges} - parts
        if not leaves:
            break
        least = min(leaves, key=lambda token: (counts[token], -token))
        left, right = next((a, b) for a, b, made in merges if made == least)
        counts[left] += counts[least]
        counts[right] += counts[least]
        merges = [merge for merge in merges if merge[2] != least]
        gone.add(least)
    return [token for id_, token in enumerate(trained.tokens) if id_ not in gone]


@given(CORPORA, CORPORA, st.integers(256, 300))
def test_equals_the_definition(texts, others, size):
    trained = train_bpe(*counted(texts), ALPHABET, TrainerOptions(300))
    used = usage(trained, *counted(others))
    small = pruned(trained, used, size)
    assert small.tokens == by_hand(trained, used, size)
    assert len(small.tokens) <= max(size, 256)
    for left, right, made in small.merges.tolist():
        assert small.tokens[left] + small.tokens[right] == small.tokens[made]
    pieces, counts = counted(others)
    lengths = [len(token) for token in small.tokens]
    expected = sum(len(p) * int(n) for p, n in zip(pieces, counts, strict=True))
    assert usage(small, pieces, counts) @ lengths == expected


def test_nothing_to_prune():
    trained = train_bpe(*counted(["abab"]), ALPHABET, TrainerOptions(258))
    assert pruned(trained, np.zeros(258, np.int64), 258).tokens == trained.tokens
    bytes_only = TrainedBpe([bytes([byte]) for byte in ALPHABET], np.empty((0, 3), np.int64))
    assert pruned(bytes_only, np.zeros(256, np.int64), 10).tokens == bytes_only.tokens
