"""The laws of recipes hold for whatever recipe, and find one that breaks them."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.samples import documents
from tokenkit import Tokenizer
from tokenkit.domain.recipe import DOMAIN, DomainRecipe
from tokenkit.errors import RecipeError
from tokenkit.testing import LawViolation, check_tokenizer
from tokenkit.testing.recipes import check_recipe, recipes

TEXTS = st.lists(
    st.one_of(st.text(max_size=20), st.text("ab (a).1é½ A\n", max_size=60)), max_size=8
)


@settings(max_examples=25)
@given(recipe=recipes(), texts=TEXTS)
def test_every_recipe_keeps_its_promises(recipe, texts):
    check_recipe(recipe, texts)


def test_a_tokenizer_of_a_recipe_keeps_the_laws_of_tokenizers():
    tok = check_recipe(replace(DOMAIN, vocab_size=4096), documents()[:20])
    assert len(check_tokenizer(tok, max_examples=30)) > 8


def test_a_broken_promise_is_told(monkeypatch):
    small = DomainRecipe("x", 512, superwords=None)
    monkeypatch.setattr(DomainRecipe, "train", lambda *_: Tokenizer.train(["ab"], vocab_size=256))
    assert check_recipe(replace(small, special_tokens=()), ["ab"]).vocab_size == 256
    monkeypatch.setattr(
        DomainRecipe,
        "train",
        lambda *_: Tokenizer.train(["abc"], vocab_size=700, initial_alphabet=""),
    )
    with pytest.raises(LawViolation, match="every_byte"):
        check_recipe(small, ["abc"])


def test_a_refused_recipe_is_refused():
    with pytest.raises(RecipeError, match="shadow"):
        check_recipe(DomainRecipe("x", 512, special_tokens=("th",)), ["then " * 9])
