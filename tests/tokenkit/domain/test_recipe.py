"""A recipe says what it makes, and refuses what cannot be made."""

import pickle
from dataclasses import replace
from itertools import pairwise

import pytest

from tokenkit.domain.groups import ENUMERATIONS, TokenGroup
from tokenkit.domain.recipe import (
    CHARACTERS_8K,
    DOMAIN,
    KL3M,
    LEGAL,
    RECIPES,
    DomainRecipe,
    Pruning,
    Source,
    Superwords,
)
from tokenkit.errors import RecipeError


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_named_recipes(recipe):
    assert len(set(recipe.custom_tokens)) == len(recipe.custom_tokens)
    assert pickle.loads(pickle.dumps(recipe)) == recipe
    assert hash(recipe) == hash(replace(recipe))


def test_names_are_different():
    assert len({recipe.name for recipe in RECIPES}) == len(RECIPES)


def test_the_domain_recipe_is_the_union():
    assert all(set(recipe.custom_tokens) <= set(DOMAIN.custom_tokens) for recipe in RECIPES[:3])
    assert CHARACTERS_8K.max_token_characters == 3


def test_custom_tokens_come_in_both_spellings_unless_told():
    recipe = DomainRecipe("x", groups=(ENUMERATIONS,))
    assert {"(a)", " (a)"} <= set(recipe.custom_tokens)
    assert " (a)" not in replace(recipe, both_spellings=False).custom_tokens
    assert {"U.S.C.", " U.S.C.", " v."} <= set(LEGAL.custom_tokens)
    assert "v." not in LEGAL.custom_tokens
    assert "v." in KL3M.custom_tokens


def test_custom_tokens_are_in_normal_form_once():
    group = TokenGroup("x", ("<TABLE", "<table", "½x"))
    assert DomainRecipe("x", groups=(group,)).custom_tokens == ("<TABLE", "<table", "½x")
    assert replace(KL3M, groups=(group,)).custom_tokens == ("<TABLE", "<table", "1⁄2x")
    folded = replace(KL3M, groups=(group,), form="NFKC+Lowercase")
    assert folded.custom_tokens == ("<table", "1⁄2x")


def test_special_tokens_are_not_custom_too():
    recipe = DomainRecipe("x", groups=(TokenGroup("x", ("<|end|>", "xy")),))
    assert recipe.custom_tokens == ("xy",)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"vocab_size": 40_000}, "40000 is no power of two: take 32768 or 65536"),
        ({"vocab_size": 256}, "256 is less than 269: 256 bytes, 13 special and 0 custom"),
        ({"form": "NFC"}, "form 'NFC': it is lossless, NFKC, NFKC.Lowercase"),
        ({"special_tokens": ("<a>", "<a>")}, "different texts"),
        ({"balance": 1.5}, "balance is from 0 to 1, not 1.5"),
        ({"special_tokens": ("",)}, "different texts"),
        ({"groups": (TokenGroup("x", (" ",)),)}, "' ' would shadow every token"),
    ],
)
def test_errors_of_recipes(wrong, said):
    with pytest.raises(RecipeError, match=said):
        DomainRecipe("x", **wrong)


def test_sizes_that_are_not_padded():
    assert DomainRecipe("x", 40_000, pad_to_power_of_two=False).vocab_size == 40_000


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, float("nan")])
def test_errors_of_superwords(share):
    with pytest.raises(RecipeError, match="share is between 0 and 1"):
        Superwords(share=share)


@pytest.mark.parametrize("wrong", [{"surplus": 0.9}, {"surplus": float("nan")}, {"every": 1}])
def test_errors_of_pruning(wrong):
    with pytest.raises(RecipeError, match="at least"):
        Pruning(**wrong)


@pytest.mark.parametrize("rate", [0.0, -1.0, 1.1, float("nan")])
def test_errors_of_sources(rate):
    with pytest.raises(RecipeError, match="sampling rate"):
        Source([], rate)


@pytest.mark.parametrize(
    ("rate", "kept"), [(1.0, 100), (0.5, 50), (0.25, 25), (0.01, 1), (0.1, 10), (1 / 3, 33)]
)
def test_sampling_is_even_and_exact(rate, kept):
    sampled = list(Source([str(i) for i in range(100)], rate).sampled())
    assert len(sampled) == kept
    gaps = {int(b) - int(a) for a, b in pairwise(sampled)}
    assert len(gaps) <= 2
