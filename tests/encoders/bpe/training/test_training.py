"""The trainer learns what byte-pair encoding is defined to learn, and what `tokenizers` learns."""

import itertools
import json
from collections import Counter
from pydoc_data import topics

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers, trainers

from encoders.bpe.training import (
    PieceCounts,
    TrainerOptions,
    count_pieces,
    count_within,
    merged,
    train_bpe,
    train_further,
)
from encoders.buffers import joined
from encoders.scan import GPT2, LINES, WHITESPACE, WholeScanner, pieces
from tokenkit.text import byte_map

ALPHABET = sorted(range(256), key=byte_map.CHARACTER_OF.__getitem__)
DOCUMENTS = [text for _, text in sorted(topics.topics.items())]


def ours(texts, scanner=GPT2, threads=1, reserved=(), **options):
    batches = (joined([text.encode()]) for text in texts)
    counted = count_pieces(batches, scanner, threads)
    special = [byte_map.to_bytes(token) for token in reserved]
    trained = train_bpe(*counted, ALPHABET, TrainerOptions(**options), special)
    tokens = trained.tokens
    return [(tokens[left], tokens[right]) for left, right, _ in trained.merges.tolist()]


def theirs(texts, vocab_size, min_frequency=0, max_token_length=None, reserved=()):
    tok = tokenizers.Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        max_token_length=max_token_length,
        special_tokens=list(reserved),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tok.train_from_iterator(texts, trainer)
    merges = json.loads(tok.to_str())["model"]["merges"]
    return [tuple(byte_map.to_bytes(part) for part in merge) for merge in merges]


def naive(words, vocab_size):
    """Merge the most frequent pair, of equals that of the lesser ids, as it is written."""
    id_of = {byte: rank for rank, byte in enumerate(ALPHABET)}
    tokens = [bytes([byte]) for byte in ALPHABET]
    symbols = {word: [id_of[byte] for byte in word] for word in words}
    merges = []
    while len(tokens) < vocab_size:
        counts = Counter()
        for word, row in symbols.items():
            for pair in itertools.pairwise(row):
                counts[pair] += words[word]
        if not counts:
            break
        pair = min(counts, key=lambda p: (-counts[p], p))
        made = tokens[pair[0]] + tokens[pair[1]]
        if made in tokens:
            return None  # made a second time: then `tokenizers` does more than the definition
        merges.append((tokens[pair[0]], tokens[pair[1]]))
        tokens.append(made)
        for row in symbols.values():
            i = 0
            while i + 1 < len(row):
                if (row[i], row[i + 1]) == pair:
                    row[i : i + 2] = [len(tokens) - 1]
                i += 1
    return merges


@given(st.lists(st.text("abcd", min_size=1, max_size=12), min_size=1, max_size=20))
@settings(max_examples=200)
def test_equals_the_definition(words):
    expected = naive(Counter(word.encode() for word in words), 275)
    if expected is not None:
        assert ours(words, WholeScanner(), vocab_size=275) == expected


@given(
    st.lists(st.text("abc dé日\n'", max_size=60), min_size=1, max_size=20),
    st.integers(256, 330),
    st.integers(0, 4),
    st.one_of(st.none(), st.integers(2, 6)),
    # The last three are made by merges, or are a byte.
    st.lists(st.sampled_from(["<0>", "<1>", "ab", "abc", "a"]), unique=True),
)
@settings(max_examples=200)
def test_equals_tokenizers(texts, vocab_size, min_frequency, max_token_length, reserved):
    vocab_size += len(reserved)
    options = {
        "vocab_size": vocab_size,
        "min_frequency": min_frequency,
        "max_token_length": max_token_length,
        "reserved": reserved,
    }
    assert ours(texts, **options) == theirs(texts, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"vocab_size": 300},
        {"vocab_size": 4000, "min_frequency": 2, "reserved": ["<0>", "<1>", "the"]},
        {"vocab_size": 20_000, "min_frequency": 3},
        {"vocab_size": 3000, "max_token_length": 5},
    ],
)
def test_equals_tokenizers_on_real_text(options):
    assert ours(DOCUMENTS, **options) == theirs(DOCUMENTS, **options)


def test_threads_change_nothing():
    expected = ours(DOCUMENTS, vocab_size=1000)
    for threads in (2, 3):
        assert ours(DOCUMENTS, threads=threads, vocab_size=1000) == expected


def test_an_error_on_a_thread_is_raised():
    class Broken:
        def chunks(self, text, bounds):
            raise OSError("told")

    with pytest.raises(OSError, match="told"):
        count_pieces((joined([b"ab"]) for _ in range(9)), Broken(), 2)


class TestCounting:
    @given(
        st.lists(st.text("ab é\n1", max_size=40), max_size=10), st.sampled_from([GPT2, WHITESPACE])
    )
    def test_equals_a_counter(self, texts, scanner):
        expected = Counter(piece for text in texts for piece in pieces(scanner, text.encode()))
        found, counts = count_pieces((joined([text.encode()]) for text in texts), scanner)
        assert dict(zip(found, counts.tolist(), strict=True)) == expected
        assert found == sorted(found)

    @given(st.lists(st.text("ab é\n1", max_size=40), max_size=10))
    def test_pieces_within_pieces(self, texts):
        lines = count_pieces([joined([text.encode() for text in texts])], LINES)
        found, counts = count_within(*lines, WHITESPACE)
        split = (line for text in texts for line in pieces(LINES, text.encode()))
        expected = Counter(piece for line in split for piece in pieces(WHITESPACE, line))
        assert dict(zip(found, counts.tolist(), strict=True)) == expected
        assert found == sorted(found)

    def test_many_and_long_pieces(self):
        words = [f"{i}" for i in range(50_000)] + ["x" * 400_000]
        counts = PieceCounts()
        counts.add(*joined([word.encode() for word in words]), WholeScanner())
        assert len(counts) == len(words)
        found, numbers = merged([counts, counts])
        assert found == sorted(word.encode() for word in words)
        assert (numbers == 2).all()


def test_no_room_for_the_alphabet():
    with pytest.raises(ValueError, match="256 bytes"):
        train_bpe([], np.empty(0, np.int64), ALPHABET, TrainerOptions(256), [b"<0>"])


def test_no_id_for_a_byte():
    with pytest.raises(ValueError, match="byte 0x62 of a piece is not in the alphabet"):
        train_bpe([b"ab"], np.ones(1, np.int64), [97], TrainerOptions(256))


class TestTrainingFurther:
    @settings(deadline=None)
    @given(
        st.lists(st.text("abc é", min_size=1, max_size=30), min_size=1, max_size=12),
        st.integers(0, 20),
    )
    def test_a_training_that_stopped_goes_on_as_if_it_had_not(self, texts, before):
        counted = count_pieces([joined([text.encode() for text in texts])], GPT2)
        first = train_bpe(*counted, ALPHABET, TrainerOptions(256 + before))
        whole = train_bpe(*counted, ALPHABET, TrainerOptions(290))
        further = train_further(first, *counted, TrainerOptions(290))
        assert further.tokens == whole.tokens
        assert np.array_equal(further.merges, whole.merges)

    def test_longer_pieces_give_superwords(self):
        texts = [b"of the act of the code"] * 9
        words = count_pieces([joined(texts)], GPT2)
        lines = count_pieces([joined(texts)], WholeScanner())
        first = train_bpe(*words, ALPHABET, TrainerOptions(264))
        further = train_further(first, *lines, TrainerOptions(268))
        assert further.tokens[:264] == first.tokens
        assert np.array_equal(further.merges[: len(first.merges)], first.merges)
        assert not any(b" " in token.strip() for token in first.tokens)
        assert any(b"of the" in token for token in further.tokens)

    def test_a_byte_without_a_token(self):
        first = train_bpe([b"a"], np.ones(1, np.int64), [97], TrainerOptions(1))
        with pytest.raises(ValueError, match="byte 0x62 of a piece is not in the alphabet"):
            train_further(first, [b"ab"], np.ones(1, np.int64), TrainerOptions(9))
