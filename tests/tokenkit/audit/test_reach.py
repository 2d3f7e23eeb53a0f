"""What is called dead is dead: no text makes it, be it sought by Hypothesis or by trying all."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tokenkit.audit import broken
from tokenkit.audit import Vocabulary
from tokenkit.audit.reach import dead_tokens
from tokenkit.text import byte_map

LETTERS = "ab "
EVERY_SHORT_TEXT = ["".join(p) for n in range(1, 7) for p in product(LETTERS, repeat=n)]


def dead_of(tokenizer):
    return set(dead_tokens(Vocabulary.of(tokenizer)))


def with_merges(pairs, ignore_merges):
    """Byte-level BPE whose merges are picked by their places among the tokens so far."""
    spec = broken.spec()
    spec["added_tokens"] = []
    letters = [byte_map.CHARACTER_OF[byte] for byte in range(256)]
    tokens = [byte_map.CHARACTER_OF[ord(letter)] for letter in LETTERS]
    merges = []
    for left, right in pairs:
        pair = [tokens[left % len(tokens)], tokens[right % len(tokens)]]
        if "".join(pair) not in tokens:
            tokens.append("".join(pair))
            merges.append(pair)
    vocab = {token: i for i, token in enumerate(dict.fromkeys([*letters, *tokens]))}
    spec["model"] |= {"vocab": vocab, "merges": merges, "ignore_merges": ignore_merges}
    return broken.loaded(spec)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=8), st.booleans())
def test_no_token_that_a_short_text_becomes_is_called_dead(pairs, ignore_merges):
    tokenizer = with_merges(pairs, ignore_merges)
    made = set(tokenizer.encode_batch(EVERY_SHORT_TEXT).values.tolist())
    assert not dead_of(tokenizer) & made


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=6))
def test_what_no_short_text_becomes_is_called_dead(pairs):
    tokenizer = with_merges(pairs, ignore_merges=False)
    vocabulary = Vocabulary.of(tokenizer)
    made = set(tokenizer.encode_batch(EVERY_SHORT_TEXT).values.tolist())
    short = {
        id_
        for id_, text in enumerate(vocabulary.texts)
        if text and set(text) <= set(LETTERS) and len(text) <= 4
    }
    assert dead_of(tokenizer) & short == short - made


@pytest.mark.parametrize(("content", "flags"), [(" ", {}), ("th", {}), ("e", {"normalized": True})])
def test_no_text_revives_what_is_shadowed(content, flags):
    tokenizer = broken.with_added(content, **flags)
    dead = dead_of(tokenizer)
    assert dead

    @given(st.text(max_size=20) | st.text("the and.\n", max_size=30))
    def law(text):
        assert not set(tokenizer.encode(text, allowed_special="all").tolist()) & dead

    law()
