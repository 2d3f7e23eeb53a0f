"""Ids of added tokens are those that `tokenizers` gives them, also where a file says otherwise."""

import json

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import trained
from tokenkit import Tokenizer
from tokenkit.errors import FormatError


@st.composite
def files(draw):
    """A tokenizer.json with added tokens of any ids, some of them tokens of the model too."""
    spec = json.loads(trained(vocab_size=300).to_bytes())
    own = draw(st.sampled_from([[], ["the"], ["a", "Ġ"]]))
    names = draw(st.permutations(["<x>", "<yy>", "zz", *own]))
    ids = st.integers(0, 400)
    spec["added_tokens"] = [
        {
            **dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False),
            "id": draw(ids),
            "content": name,
            "special": draw(st.booleans()),
        }
        for name in names[: draw(st.integers(1, len(names)))]
    ]
    return json.dumps(spec)


@given(files(), st.lists(st.sampled_from(["<x>", "<yy>", "zz", "the", " a", "Ġ"]), max_size=5))
def test_ids_are_those_of_the_library(content, parts):
    theirs = tokenizers.Tokenizer.from_str(content)
    ours = Tokenizer.from_bytes(content.encode())
    text = "".join(parts)
    assert ours.encode(text, allowed_special="all").tolist() == theirs.encode(text).ids
    for token in ours.added_tokens:
        assert token.id == theirs.token_to_id(token.content)


def test_a_unigram_models_own_ids_are_kept():
    model = tokenizers.models.Unigram([("<unk>", 0.0), ("a", -1.0), ("b", -2.0)], 0)
    spec = json.loads(tokenizers.Tokenizer(model).to_str())
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    spec["added_tokens"] = [
        {"id": 9, "content": "b", "special": True, **flags},
        {"id": 3, "content": "<s>", "special": True, **flags},
    ]
    ours = Tokenizer.from_bytes(json.dumps(spec).encode())
    assert [(token.content, token.id) for token in ours.added_tokens] == [("b", 2), ("<s>", 3)]


@pytest.mark.parametrize("entry", [{"id": 1}, {"content": 3, "id": 1}, "<x>"])
def test_a_damaged_entry_is_told(entry):
    spec = json.loads(trained(vocab_size=300).to_bytes())
    spec["added_tokens"] = [entry]
    with pytest.raises(FormatError, match=r"added_tokens\[0\]"):
        Tokenizer.from_bytes(json.dumps(spec).encode())
