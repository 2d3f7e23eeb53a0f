"""Middles between a prefix and a suffix: their layouts, and their law."""

import math
from collections import Counter

import numpy as np
import pytest

from byteprob import ByteModel, ByteprobError, FunctionModel, infill, middle_log_prob
from byteprob.infill import CODE_LLAMA, QWEN_CODER
from tests.samples import documents
from tokenkit import Tokenizer

FORMATS = ("psm", "spm", "suffix-first")
NAMES = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
PREFIX, SUFFIX = b"the an", b"d\n"


@pytest.fixture(scope="module")
def tok():
    return Tokenizer.train(
        documents()[:20], vocab_size=400, pattern="gpt2", special_tokens=["<|end|>", *NAMES]
    )


def remembering(tok, seen):
    """Random logits, of few likely tokens, for the last three ids; contexts are kept in a list."""
    likely = tok.encode(b" an and is").tolist()

    def row(context):
        seen.append(context)
        logits = np.random.default_rng([len(context), *context[-3:]]).normal(-9, 1, tok.vocab_size)
        logits[likely] += 9
        logits[tok.special_tokens["<|end|>"]] += 8
        return logits

    return FunctionModel(lambda contexts: np.array([row(c) for c in contexts]), start=(0,))


def laid_out(tok, form):
    pre, suf, mid = (tok.special_tokens[name] for name in NAMES)
    before, after = tok.encode(PREFIX).tolist(), tok.encode(SUFFIX).tolist()
    return {
        "psm": (0, pre, *before, suf, *after, mid),
        "spm": (0, pre, suf, *after, mid),
        "suffix-first": (0, suf, *after, pre, *before, mid),
    }[form]


@pytest.mark.parametrize("form", FORMATS)
def test_parts_stand_behind_their_sentinels(tok, form):
    seen = []
    model = ByteModel(remembering(tok, seen), tok, "canonical-renorm")
    infill(model, tok, PREFIX, SUFFIX, sentinels=QWEN_CODER, format=form, size=4, seed=1)
    expected = laid_out(tok, form)
    assert min(seen, key=len) == expected
    assert all(context[: len(expected)] == expected for context in seen)


@pytest.mark.parametrize("form", FORMATS)
def test_the_mass_of_middles(tok, form):
    """Under each layout the middle is what a model behind the fixed ids says it is."""
    plain = remembering(tok, [])
    model = ByteModel(plain, tok, "canonical-renorm")
    behind = ByteModel(
        FunctionModel(plain.function, start=laid_out(tok, form)), tok, "canonical-renorm"
    )
    before = PREFIX if form == "spm" else b""
    for middle in (b"", b"d", b"d is", b"\xff"):
        for ended in (True, False):
            found = middle_log_prob(
                model, tok, PREFIX, SUFFIX, middle, sentinels=QWEN_CODER, format=form, ended=ended
            )
            expected = behind.score(before + middle, ended=ended).log_prob
            assert found == pytest.approx(expected - behind.at(before).log_prob, abs=1e-9)


def test_middles_are_drawn_with_their_probability(tok):
    model = ByteModel(remembering(tok, []), tok, "canonical-renorm")
    draws = 400
    counts = Counter(
        infill(model, tok, PREFIX, SUFFIX, sentinels=QWEN_CODER, format="spm", size=1, seed=seed)
        for seed in range(draws)
    )
    behind = model.behind(laid_out(tok, "spm")[1:])
    dist = behind.next_byte(PREFIX).probs
    square, rest = 0.0, 1.0
    for text, count in counts.items():
        share = float(dist[text[0]] if text else dist[256])
        if draws * share > 5:
            square += (count - draws * share) ** 2 / (draws * share)
            rest -= share
    assert rest < 0.2
    assert square < 35  # beyond the 0.9999 quantile of chi square with 8 degrees of freedom
    naive = behind.behind(tuple(tok.encode(PREFIX).tolist())).next_byte().probs
    assert 0.5 * np.abs(naive - dist).sum() > 0.2


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("method", ["exact", "healing", "naive"])
def test_every_method_gives_a_middle_of_the_size(tok, form, method):
    model = ByteModel(remembering(tok, []), tok, "canonical")
    found = [
        infill(
            model,
            tok,
            PREFIX,
            SUFFIX,
            sentinels=QWEN_CODER,
            format=form,
            method=method,
            size=3,
            temperature=0.0,
            seed=seed,
        )
        for seed in (1, 2)
    ]
    assert found[0] == found[1]
    assert len(found[0]) <= 3


def test_healing_moves_the_last_token_over_the_sentinel(tok):
    seen = []
    model = ByteModel(remembering(tok, seen), tok, "canonical-renorm")
    infill(
        model, tok, PREFIX, SUFFIX, sentinels=QWEN_CODER, method="healing", size=2, temperature=0
    )
    *before, last = tok.encode(PREFIX).tolist()
    pre, suf, mid = (tok.special_tokens[name] for name in NAMES)
    fixed = (0, pre, *before, suf, *tok.encode(SUFFIX).tolist(), mid)
    longest = max(seen, key=len)
    assert longest[: len(fixed)] == fixed
    spelled = b"".join(tok.id_to_bytes(id_) for id_ in longest[len(fixed) :])
    assert spelled.startswith(tok.id_to_bytes(last)) or tok.id_to_bytes(last).startswith(spelled)


def test_a_middle_ends_where_the_suffix_begins(tok):
    always = FunctionModel(
        lambda contexts: np.array(
            [[0.0 if id_ == tok.encode(b"d")[0] else -99.0 for id_ in range(tok.vocab_size)]]
            * len(contexts)
        ),
        start=(0,),
    )
    model = ByteModel(always, tok, "marginal")
    how = {"sentinels": QWEN_CODER, "size": 5, "seed": 1}
    assert infill(model, tok, b"x", b"dd!", **how) == b"ddddd"
    assert infill(model, tok, b"x", b"dd!", until_suffix=2, **how) == b""
    assert infill(model, tok, b"x", b"dd!", until_suffix=3, **how) == b"ddddd"


def test_sentinels_that_are_not_there_are_refused(tok):
    model = ByteModel(remembering(tok, []), tok)
    with pytest.raises(ByteprobError, match="PRE"):
        infill(model, tok, b"a", b"b", sentinels=CODE_LLAMA)
    assert middle_log_prob(model, tok, b"", b"", b"o", sentinels=QWEN_CODER) > -math.inf
