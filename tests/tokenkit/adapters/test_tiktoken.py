"""The same as tiktoken's own Encoding, method by method."""

import pickle
from functools import cache

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from encoders.scan.patterns import CL100K_PATTERN
from tests.samples import documents
from tokenkit import Tokenizer
from tokenkit.adapters.tiktoken import Encoding
from tokenkit.testing import check_tokenizer
from tokenkit.testing.strategies import ids, texts

SPECIAL = {"<|endoftext|>": 2100, "<|fim|>": 2003}  # with gaps below and between
SPELLINGS = tuple(SPECIAL)


@cache
def pair() -> tuple[Encoding, tiktoken.Encoding]:
    source = Tokenizer.train(documents()[:30], vocab_size=2000, pattern="cl100k")
    ranks = source.to_bytes(as_ranks=True)
    tok = Tokenizer.from_bytes(ranks, pattern="cl100k", special_tokens=SPECIAL)
    tokens = {raw: i for i in range(tok.vocab_size) if (raw := tok.id_to_bytes(i))}
    mergeable = {raw: id_ for raw, id_ in tokens.items() if id_ not in SPECIAL.values()}
    theirs = tiktoken.Encoding(
        "mine", pat_str=CL100K_PATTERN, mergeable_ranks=mergeable, special_tokens=SPECIAL
    )
    return Encoding("mine", tok), theirs


def outcome(function, *args, **options):
    """What is returned, or the type of what is raised."""
    try:
        return function(*args, **options)
    except (KeyError, ValueError, IndexError, OverflowError) as error:
        return KeyError if isinstance(error, OverflowError) else type(error)


names = st.one_of(st.just("all"), st.sets(st.sampled_from(SPELLINGS)))


@given(texts(SPELLINGS), names, names)
def test_encoding(text, allowed, disallowed):
    ours, theirs = pair()
    assert ours.encode_ordinary(text) == theirs.encode_ordinary(text)
    assert outcome(ours.encode, text) == outcome(theirs.encode, text)
    options = {"allowed_special": allowed, "disallowed_special": disallowed}
    expected = outcome(theirs.encode, text, **options)
    assert outcome(ours.encode, text, **options) == expected
    if isinstance(expected, list):
        array = ours.encode_to_numpy(text, **options)
        assert (array.dtype, array.tolist()) == ("uint32", expected)


@given(st.lists(texts(SPELLINGS), max_size=4), names)
def test_batches(batch, allowed):
    ours, theirs = pair()
    assert ours.encode_ordinary_batch(batch) == theirs.encode_ordinary_batch(batch)
    options = {"allowed_special": allowed, "num_threads": 2}
    assert outcome(ours.encode_batch, batch, **options) == outcome(
        theirs.encode_batch, batch, **options
    )


@given(ids(range(2105)))
def test_decoding(tokens):
    ours, theirs = pair()
    assert outcome(ours.decode_bytes, tokens) == outcome(theirs.decode_bytes, tokens)
    assert outcome(ours.decode, tokens) == outcome(theirs.decode, tokens)
    assert outcome(ours.decode, tokens, "strict") == outcome(theirs.decode, tokens, "strict")
    assert outcome(ours.decode_tokens_bytes, tokens) == outcome(theirs.decode_tokens_bytes, tokens)
    assert outcome(ours.decode_with_offsets, tokens) == outcome(theirs.decode_with_offsets, tokens)
    batch = [tokens, tokens[:2]]
    assert outcome(ours.decode_batch, batch) == outcome(theirs.decode_batch, batch)
    assert outcome(ours.decode_bytes_batch, batch) == outcome(theirs.decode_bytes_batch, batch)


@given(texts(SPELLINGS))
def test_offsets(text):
    ours, theirs = pair()
    tokens = ours.encode_ordinary(text)
    assert ours.decode_with_offsets(tokens) == theirs.decode_with_offsets(tokens)


@given(st.one_of(texts(SPELLINGS).map(lambda s: s.encode("utf-8", "replace")), st.binary()))
def test_single_tokens(raw):
    ours, theirs = pair()
    assert outcome(ours.encode_single_token, raw) == outcome(theirs.encode_single_token, raw)


def test_every_single_token():
    ours, theirs = pair()
    for token in range(ours.n_vocab + 2):
        raw = outcome(theirs.decode_single_token_bytes, token)
        assert outcome(ours.decode_single_token_bytes, token) == raw
        assert ours.is_special_token(token) == theirs.is_special_token(token)
        if isinstance(raw, bytes):
            assert ours.encode_single_token(raw) == theirs.encode_single_token(raw) == token
    assert ours.encode_single_token("<|fim|>") == 2003


def test_what_it_is():
    ours, theirs = pair()
    for name in ("name", "n_vocab", "max_token_value", "eot_token", "special_tokens_set"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.token_byte_values() == theirs.token_byte_values()
    assert repr(ours) == repr(theirs)


def test_all_public_methods_are_there():
    theirs = {name for name in dir(tiktoken.Encoding) if not name.startswith("_")}
    assert theirs - set(dir(Encoding)) == {"encode_with_unstable"}


def test_negative_tokens_are_refused():
    with pytest.raises(KeyError):
        pair()[0].decode([-1])


def test_the_error_says_what_to_do():
    with pytest.raises(ValueError, match="disallowed_special="):
        pair()[0].encode("<|fim|>")


def test_copies_are_small():
    ours, _ = pair()
    ours.token_byte_values()
    sent = pickle.dumps(ours)
    assert len(sent) < len(pickle.dumps(ours.tokenizer)) + 500
    assert pickle.loads(sent).encode("a b") == ours.encode("a b")


def test_it_keeps_the_laws():
    check_tokenizer(pair()[0], max_examples=30)
