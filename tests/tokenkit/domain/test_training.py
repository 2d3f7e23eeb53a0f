"""Recipes trained here: the merges of `tokenizers`, ids that it reads alike, nothing shadowed."""

import json
import re
from dataclasses import replace
from functools import cache

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import models, normalizers, pre_tokenizers, trainers

from encoders.scan import patterns
from tests.samples import documents
from tests.samples import texts as any_text
from tokenkit import Tokenizer
from tokenkit.domain import groups
from tokenkit.domain.groups import TokenGroup
from tokenkit.domain.noise import OcrNoise
from tokenkit.domain.recipe import LINES, DomainRecipe, Pruning, Source, Superwords
from tokenkit.domain.training import check_shadows
from tokenkit.errors import RecipeError

SOURCE = (
    "§ 5. As amended by Pub. L. 94–29, 42 U.S.C. 1983 et seq., in 1996 and 2023: (a) 12,345.50; "
    "(ii) see 123 F.3d 456 (1998).\n\n(B) ½ of the ﬁrst TABLE, N.A. v. Doe; the Board of the Bank."
)
TEXTS = (*documents()[:8], *[SOURCE] * 30)
GROUPS = (groups.ENUMERATIONS, groups.REPORTERS, groups.ABBREVIATIONS, groups.YEARS)
PLAIN = DomainRecipe(
    "plain",
    3000,
    groups=GROUPS,
    superwords=None,
    special_tokens=("<a>",),
    pad_to_power_of_two=False,
)
RECIPES = {
    "plain": PLAIN,
    "gpt2": replace(PLAIN, pattern=patterns.GPT2_PATTERN),
    "NFKC": replace(PLAIN, form="NFKC"),
    "lower case": replace(PLAIN, form="NFKC+Lowercase"),
    "one spelling": replace(PLAIN, both_spellings=False),
    "no groups": replace(PLAIN, groups=()),
    "characters": replace(
        PLAIN, groups=(), pattern=patterns.SHORT3_PATTERN, max_token_characters=3
    ),
    "noise": replace(PLAIN, noise=OcrNoise(rate=0.05)),
}
LONG = {
    "phrases": replace(PLAIN, superwords=Superwords()),
    "lines": replace(PLAIN, superwords=LINES),
    "pruned": replace(PLAIN, superwords=Superwords(), pruning=Pruning(1.3, 4)),
    "lines, NFKC": replace(PLAIN, superwords=LINES, form="NFKC"),
}


@cache
def trained(recipe):
    return recipe.train(TEXTS)


def theirs(recipe):
    """The merges of the recipe's one stage, learned by `tokenizers`."""
    tok = tokenizers.Tokenizer(models.BPE())
    forms = {"NFKC": normalizers.NFKC(), "Lowercase": normalizers.Lowercase()}
    if recipe.form != "lossless":
        tok.normalizer = normalizers.Sequence([forms[step] for step in recipe.form.split("+")])
    steps = [
        pre_tokenizers.Split(tokenizers.Regex(recipe.pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ]
    if recipe.custom_tokens:
        longest_first = sorted(recipe.custom_tokens, key=len, reverse=True)
        customs = tokenizers.Regex("|".join(map(re.escape, longest_first)))
        steps.insert(0, pre_tokenizers.Split(customs, "removed"))
    tok.pre_tokenizer = pre_tokenizers.Sequence(steps)
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocab_size - len(recipe.custom_tokens),
        min_frequency=recipe.min_frequency,
        special_tokens=list(recipe.special_tokens),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tok.train_from_iterator(TEXTS, trainer)
    return json.loads(tok.to_str())["model"]


@pytest.mark.parametrize(
    "name", ["plain", "gpt2", "NFKC", "lower case", "one spelling", "no groups"]
)
def test_the_merges_are_those_of_tokenizers(name):
    ours = json.loads(trained(RECIPES[name]).to_bytes())["model"]
    expected = theirs(RECIPES[name])
    assert len(ours["merges"]) > 300
    assert ours["merges"] == [list(merge) for merge in expected["merges"]]
    assert ours["vocab"] == expected["vocab"]


def test_the_first_stage_of_superwords_is_that_of_tokenizers():
    recipe = LONG["lines"]
    model = json.loads(trained(recipe).to_bytes())["model"]
    room = recipe.vocab_size - len(recipe.custom_tokens)
    first = 257 + int((room - 257) * recipe.superwords.share)
    expected = theirs(replace(PLAIN, vocab_size=first + len(PLAIN.custom_tokens)))
    assert model["merges"][: len(expected["merges"])] == [list(m) for m in expected["merges"]]
    assert any("Ġ" in token.strip("Ġ") for token in model["vocab"])


@pytest.mark.parametrize("name", [*RECIPES, *LONG])
@given(
    text=st.one_of(
        any_text,
        st.lists(st.sampled_from([SOURCE, "(a)", " v.", "1999", "9", "ﬁ", "A"])).map("".join),
    )
)
def test_ids_are_those_of_tokenizers_and_decode_to_the_text(name, text):
    tok = trained((RECIPES | LONG)[name])
    assert tok.engine == "kernels"
    peer = _peer(tok.to_bytes())
    ids = tok.encode(text, allowed_special="all")
    assert ids.tolist() == peer.encode(text, add_special_tokens=False).ids
    assert tok.decode(ids) == tok.normalize(text)
    if "\ufffd" not in tok.normalize(text):
        assert peer.decode(ids.tolist(), skip_special_tokens=False) == tok.normalize(text)


@cache
def _peer(content):
    return tokenizers.Tokenizer.from_str(content.decode())


@pytest.mark.parametrize("name", [*RECIPES, *LONG])
def test_what_is_promised_of_every_recipe(name):
    recipe = (RECIPES | LONG)[name]
    tok = trained(recipe)
    assert tok.contract == ("lossless" if recipe.form == "lossless" else "normalizing")
    assert tok.vocab_size <= recipe.vocab_size
    spelled = [tok.id_to_bytes(id_) for id_ in range(tok.vocab_size)]
    assert {bytes([byte]) for byte in range(256)} <= set(spelled)
    assert len(set(spelled)) == len(spelled)
    custom = [token.encode() for token in recipe.custom_tokens]
    assert spelled[tok.vocab_size - len(custom) :] == custom
    model = spelled[1 : tok.vocab_size - len(custom)]
    assert not [token for token in model for part in custom if part in token]
    assert all(tok.encode(token).tolist() == [tok.vocab[token]] for token in recipe.custom_tokens)
    if recipe.max_token_characters:
        lengths = [len(token.decode(errors="replace")) for token in model]
        assert max(lengths) == recipe.max_token_characters


def test_the_result_does_not_depend_on_threads_or_seedless_runs():
    for recipe in (LONG["phrases"], RECIPES["noise"]):
        assert recipe.train(TEXTS, threads=3) == recipe.train(iter(TEXTS), threads=1)
    noisy = RECIPES["noise"]
    assert noisy.train(TEXTS, seed=1) != noisy.train(TEXTS, seed=2)


class TestPadding:
    recipe = replace(PLAIN, vocab_size=1024, pad_to_power_of_two=True, groups=())

    def test_enough_text_fills_the_size_without_padding(self):
        tok = self.recipe.train(TEXTS)
        assert tok.vocab_size == 1024
        assert not [token for token in tok.vocab if "reserved" in token]

    def test_little_text_is_padded_to_the_next_power_not_to_the_asked_size(self):
        tok = replace(self.recipe, vocab_size=8192).train(["abababab" * 9])
        assert tok.vocab_size == 512
        assert tok.vocab["<|reserved_0|>"] < 511
        assert tok.vocab[f"<|reserved_{511 - tok.vocab['<|reserved_0|>']}|>"] == 511
        assert all("reserved" in token or token == "<a>" for token in tok.special_tokens)
        assert tok.decode(tok.encode("ab <|reserved_0|>")) == "ab <|reserved_0|>"

    def test_no_text_at_all(self):
        assert replace(self.recipe, vocab_size=512).train([]).vocab_size == 512
        assert PLAIN.train().encode("ab").tolist() == [65, 66]


class TestSources:
    def test_a_rate_is_that_share_of_the_texts(self):
        sampled = PLAIN.train(Source(TEXTS, 0.5))
        assert sampled == PLAIN.train(TEXTS[1::2])

    def test_balanced_sources_count_alike(self):
        recipe = replace(PLAIN, vocab_size=258, groups=(), min_frequency=1)
        large, small = ["xy " * 1000], ["pq" * 20]
        assert "xy" in recipe.train(large, small).vocab
        assert "pq" in replace(recipe, balance=1.0).train(large, small).vocab

    def test_balance_among_equals_changes_nothing(self):
        plain = RECIPES["no groups"]
        assert replace(plain, balance=1.0).train(TEXTS, TEXTS) == plain.train(TEXTS, TEXTS)


def test_pruning_learns_nothing_from_the_texts_kept_apart():
    recipe = replace(PLAIN, vocab_size=400, groups=(), pruning=Pruning(1.0, 2))
    assert recipe.train(TEXTS) == replace(recipe, pruning=None).train(TEXTS[::2])


def test_pruning_drops_what_the_texts_kept_apart_do_not_use():
    recipe = replace(PLAIN, vocab_size=259, groups=(), min_frequency=1)
    texts = ["ababab", "xy", "ababab", "xy", "ababab xyxy", "xy"]
    assert "ab" in recipe.train(texts).vocab
    found = replace(recipe, pruning=Pruning(1.02, 2)).train(texts)
    assert "xy" in found.vocab
    assert found.vocab_size == 259


class TestShadows:
    def test_parts_of_tokens_are_found(self):
        with pytest.raises(RecipeError, match=r"added token ' the' would shadow b' then'"):
            check_shadows([b"a", b" then"], [" the"])

    def test_equal_and_single_tokens_are_none(self):
        check_shadows([b"a", b" the", b"<a>"], [" the", "<a>", "xa"])
        check_shadows([], ["a"])
        check_shadows([b"ab"], [])

    def test_special_tokens_in_words(self):
        recipe = replace(PLAIN, groups=(), special_tokens=("th",))
        with pytest.raises(RecipeError, match="added token 'th' would shadow"):
            recipe.train(TEXTS)


def test_custom_tokens_leave_their_room_to_other_merges():
    group = TokenGroup("x", ("ab ab",))
    recipe = replace(PLAIN, vocab_size=300, groups=(group,))
    tok = recipe.train(["ab ab" * 50 + "cd" * 3])
    assert "cd" in tok.vocab
    assert not {"ab", "Ġab"} & set(tok.vocab)
    assert isinstance(tok, Tokenizer)
