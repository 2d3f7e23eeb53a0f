"""Normal forms are those of the tokenizer, and their characters are told apart."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.buffers import joined
from tokenkit.domain.normal import normal_form

NFKC, LOWERCASE = {"type": "NFKC"}, {"type": "Lowercase"}
strange = st.text("aBé\u0301½ﬁ\xa0\u2009Å日")


def formed(entry, texts):
    return normal_form(entry, *joined([text.encode() for text in texts]))


@given(st.lists(strange, max_size=4))
def test_text(texts):
    found = formed(NFKC, texts)
    for i, text in enumerate(texts):
        raw = found.text[found.bounds[i] : found.bounds[i + 1]].tobytes()
        assert raw.decode() == unicodedata.normalize("NFKC", text)


@given(strange)
def test_characters_that_change_alone(text):
    """Each byte comes from the character that it would come from by itself."""
    found = formed(NFKC, [text])
    parts = [unicodedata.normalize("NFKC", character) for character in text]
    alone = "".join(parts) == unicodedata.normalize("NFKC", text)
    if alone:
        assert not found.mixed
    if not alone or found.alignment is None:
        return
    at, read = 0, 0
    for character, part in zip(text, parts, strict=True):
        size, width = len(part.encode()), len(character.encode())
        places = np.arange(at, at + size)
        starts, stops = found.alignment.starts(places), found.alignment.stops(places + 1)
        if character == part:
            assert set(starts.tolist()) <= set(range(read, read + width))
        else:
            assert (starts == read).all()
            assert (stops == read + width).all()
        at, read = at + size, read + width


def test_mixed():
    found = formed(NFKC, ["plain", "e\u0301", "½", "", "\u1100\u1161"])
    assert found.mixed == {1, 4}


@pytest.mark.parametrize(
    "entry", [None, {"type": "Strip", "strip_left": True, "strip_right": True}]
)
def test_other_steps_are_not_known(entry):
    text, bounds = joined([b" a "])
    found = normal_form(entry, text, bounds)
    assert found.text is text
    assert found.alignment is None


def test_two_steps():
    steps = {"type": "Sequence", "normalizers": [NFKC, LOWERCASE]}
    found = formed(steps, ["ＡB"])
    assert found.text[: found.bounds[-1]].tobytes() == b"ab"
    assert found.alignment.starts(np.array([0, 1])).tolist() == [0, 3]
