"""Laws of domain recipes, and recipes to try them on.

from tokenkit.testing.recipes import check_recipe
tokenizer = check_recipe(my_recipe, texts)
"""

import unicodedata
from collections.abc import Sequence

import tokenizers
from hypothesis import strategies as st

from encoders.scan import patterns
from tokenkit.domain.groups import KL3M_GROUPS, TokenGroup
from tokenkit.domain.noise import OcrNoise
from tokenkit.domain.recipe import LINES, DomainRecipe, Form, Pruning, Superwords
from tokenkit.testing.laws import LawViolation
from tokenkit.testing.subjects import subject_of
from tokenkit.text import Tokenizer

_FORMS: tuple[Form, ...] = ("lossless", "NFKC", "NFKC+Lowercase")


def recipes() -> st.SearchStrategy[DomainRecipe]:
    """Recipes of every option, small enough to train in milliseconds."""
    token = st.text("ab (.1é½", min_size=2, max_size=4)
    own = st.builds(
        TokenGroup,
        st.just("own"),
        st.lists(token, max_size=4, unique=True).map(tuple),
        st.sampled_from(("never", "also", "only")),
    )
    short = [group for group in KL3M_GROUPS if len(group) < 60]
    superwords = st.one_of(
        st.none(), st.just(LINES), st.builds(Superwords, share=st.sampled_from((0.1, 0.5, 0.9)))
    )
    return st.builds(
        DomainRecipe,
        st.just("made up"),
        st.sampled_from((1024, 2048)),
        form=st.sampled_from(_FORMS),
        pattern=st.sampled_from(
            (patterns.LLAMA3_PATTERN, patterns.GPT2_PATTERN, patterns.SHORT3_PATTERN)
        ),
        superwords=superwords,
        groups=st.lists(st.one_of(own, st.sampled_from(short)), max_size=3).map(tuple),
        both_spellings=st.booleans(),
        special_tokens=st.sampled_from(((), ("<|end|>",), ("<|end|>", "<|pad|>"))),
        min_frequency=st.integers(1, 3),
        max_token_characters=st.sampled_from((None, 1, 3)),
        noise=st.sampled_from((None, OcrNoise(rate=0.1))),
        pruning=st.sampled_from((None, Pruning(1.2, 2))),
        balance=st.sampled_from((0.0, 0.5, 1.0)),
        pad_to_power_of_two=st.booleans(),
    )


def check_recipe(recipe: DomainRecipe, texts: Sequence[str]) -> Tokenizer:
    """Train a recipe on texts, and check what every recipe promises of its tokenizer.

    That is: the size asked for at most; all bytes; no token twice, none that an added token
    shadows; every custom token found; the texts given back, in normal form; the ids that
    `tokenizers` reads, for texts without characters that Python's `unicodedata` does not have yet,
    which two versions of Unicode class differently. `check_tokenizer` checks the tokenizer
    further. Returns it.

    Raises LawViolation, and RecipeError where the recipe is refused.
    """
    tok = recipe.train(texts)
    subject = subject_of(tok)

    def hold(law: str, example: object, expected: object, found: object) -> None:
        if expected != found:
            raise LawViolation(subject, law, example, expected, found)

    spelled = [tok.id_to_bytes(id_) for id_ in range(tok.vocab_size)]
    hold("size", recipe.vocab_size, True, tok.vocab_size <= recipe.vocab_size)
    missing = {bytes([byte]) for byte in range(256)} - set(spelled)
    hold("every_byte", recipe.name, set(), missing)
    hold("no_token_twice", recipe.name, len(spelled), len(set(spelled)))
    added = [token.content.encode() for token in tok.added_tokens]
    for token in set(spelled) - set(added):
        hold("nothing_shadowed", token, [], [part for part in added if part in token])
    for custom in recipe.custom_tokens:
        hold("custom_tokens_found", custom, [tok.vocab[custom]], tok.encode(custom).tolist())
    peer = tokenizers.Tokenizer.from_str(tok.to_bytes().decode())
    for text in texts:
        ids = tok.encode(text, allowed_special="all").tolist()
        if all(unicodedata.category(character) != "Cn" for character in text):
            hold("ids_of_tokenizers", text, peer.encode(text, add_special_tokens=False).ids, ids)
        hold("given_back", text, tok.normalize(text), tok.decode(tok.encode(text)))
    return tok
