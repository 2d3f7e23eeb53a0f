"""Limits on tokens: the merges of a trainer that reads them literally, and no token past one."""

import itertools
import re
from collections import Counter
from pydoc_data import topics

import numpy as np
import pytest
import regex
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from encoders.bpe.training import TrainerOptions, count_pieces, train_bpe
from encoders.buffers import joined
from encoders.scan import GPT2, WholeScanner
from tokenkit.text import byte_map

ALPHABET = sorted(range(256), key=byte_map.CHARACTER_OF.__getitem__)
SCRIPTS = ("Latin", "Greek", "Cyrillic", "Arabic", "Devanagari", "Han", "Hiragana", "Gothic")
# Common and inherited characters too, digits of several scripts, and four bytes of one.
LETTERS = "abé12 '٣٤αβжш४日ひ𐌰\u0301\n"
# Part of a character as its first byte has it, well-formed or not.
PART = re.compile(
    rb"[\x80-\xbf]{1,3}|[\xc2-\xdf][\x80-\xbf]?|[\xe0-\xef][\x80-\xbf]{0,2}"
    rb"|[\xf0-\xf4][\x80-\xbf]{0,3}|[\xc0\xc1\xf5-\xff]"
)
MIXED = "Ωμέγα alpha1234 бета5 γάμμα٣٤٥ 日本語ひらがな x日y 12345678 é́ 𐌰𐌱𐌲 naïveжук " * 2

limits = st.fixed_dictionaries(
    {},
    optional={
        "max_token_length": st.integers(2, 8),
        "max_token_characters": st.integers(1, 4),
        "max_digits": st.integers(1, 3),
        "within_scripts": st.booleans(),
    },
)


def allowed(
    token,
    max_token_length=None,
    max_token_characters=None,
    max_digits=None,
    within_scripts=False,
):
    """Whether a token of at least two bytes keeps the limits, as their documentation has it."""
    if max_token_length is not None and len(token) >= max_token_length and len(token) > 2:
        return False
    leads = sum(not 0x80 <= byte <= 0xBF for byte in token)
    if max_token_characters is not None and leads > max_token_characters:
        return False
    if max_digits is None and not within_scripts:
        return True
    try:
        text = token.decode()
    except UnicodeDecodeError:
        return PART.fullmatch(token) is not None
    if max_digits is not None and len(regex.findall(r"\p{Nd}", text)) > max_digits:
        return False
    scripts = [name for name in SCRIPTS if regex.search(rf"\p{{Script={name}}}", text)]
    return not within_scripts or len(scripts) < 2


def naive(words, vocab_size, **options):
    """Merge the most frequent pair that may be, of equals that of the lesser ids."""
    tokens = [bytes([byte]) for byte in ALPHABET]
    symbols = {word: [ALPHABET.index(byte) for byte in word] for word in words}
    merges = []
    while len(tokens) < vocab_size:
        counts = Counter()
        for word, row in symbols.items():
            for a, b in itertools.pairwise(row):
                if allowed(tokens[a] + tokens[b], **options):
                    counts[a, b] += words[word]
        if not counts:
            break
        pair = min(counts, key=lambda p: (-counts[p], p))
        merges.append((tokens[pair[0]], tokens[pair[1]]))
        made = tokens[pair[0]] + tokens[pair[1]]
        assume(made not in tokens)  # then `tokenizers` does more than the definition
        tokens.append(made)
        for row in symbols.values():
            i = 0
            while i + 1 < len(row):
                if (row[i], row[i + 1]) == pair:
                    row[i : i + 2] = [len(tokens) - 1]
                i += 1
    return merges


def train(texts, scanner, vocab_size, **options):
    pieces, counts = count_pieces([joined(texts)], scanner)
    trained = train_bpe(pieces, counts, ALPHABET, TrainerOptions(vocab_size, **options))
    tokens = trained.tokens
    return tokens, [(tokens[a], tokens[b]) for a, b, _ in trained.merges.tolist()]


def check(words, size, options):
    tokens, merges = train(words, WholeScanner(), 256 + size, **options)
    assert merges == naive(Counter(word for word in words if word), 256 + size, **options)
    assert all(allowed(token, **options) for token in tokens if len(token) > 1)


@given(
    st.lists(st.text(LETTERS, min_size=1, max_size=15), min_size=1, max_size=12),
    st.integers(1, 60),
    limits,
)
@settings(max_examples=300, deadline=None)
def test_equals_the_definition(words, size, options):
    check([word.encode() for word in words], size, options)


@given(
    st.lists(
        st.lists(
            st.sampled_from([b"a", b"1", b"\xce", b"\xb1", b"\xe0\x80", b"\xed", b"\xa0", b"\xf4"])
        ).map(b"".join),
        max_size=12,
    ),
    st.integers(1, 60),
    limits,
)
@settings(max_examples=200, deadline=None)
def test_equals_the_definition_on_what_is_not_utf8(words, size, options):
    check(words, size, options)


@pytest.mark.parametrize(
    "options",
    [
        {"max_token_characters": 4},
        {"max_token_characters": 1},
        {"max_token_length": 5, "max_token_characters": 2},
        {"max_digits": 1},
        {"max_digits": 3, "within_scripts": True},
        {"within_scripts": True},
    ],
)
@pytest.mark.parametrize("scanner", [GPT2, WholeScanner()])
def test_no_token_is_past_a_limit(options, scanner):
    texts = [text.encode() for text in (*topics.topics.values(), *[MIXED] * 20)]
    if scanner is not GPT2:
        texts = [text[:60] for text in texts]
    tokens, merges = train(texts, scanner, 1500, **options)
    assert len(merges) > 20
    assert all(allowed(token, **options) for token in tokens if len(token) > 1)
    free = train(texts, scanner, 1500)[0]
    assert not all(allowed(token, **options) for token in free if len(token) > 1)


def test_limits_are_reached():
    texts = [MIXED.encode()] * 3
    tokens, _ = train(texts, GPT2, 500, max_digits=3)
    digits = {len(regex.findall(r"\p{Nd}", token.decode("utf-8", "ignore"))) for token in tokens}
    assert digits == {0, 1, 2, 3}
    tokens, _ = train(texts, WholeScanner(), 500, max_token_characters=5)
    assert max(len(token.decode("utf-8", "ignore")) for token in tokens) == 5
    tokens, _ = train(texts, GPT2, 500, within_scripts=True)
    for token in (" alpha", " γάμμα", "ひらがな", "жук", " 日本語", " naïve"):
        assert token.encode() in tokens


@pytest.mark.parametrize(
    ("option", "value"), [("max_token_length", 1), ("max_token_characters", 0), ("max_digits", -1)]
)
def test_limits_that_mean_nothing(option, value):
    with pytest.raises(ValueError, match=f"{option} {value}: it is None"):
        TrainerOptions(300, **{option: value})


def test_no_limits_are_none():
    assert TrainerOptions(300).limits is None
    assert np.array_equal(TrainerOptions(300, max_digits=2).limits[2:], [2, 0, 1])
