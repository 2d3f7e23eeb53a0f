"""Patchers on megabytes of real text, beside NumPy and `regex`."""

import gzip

import numpy as np
import pytest
import regex

from encoders.buffers import joined
from tokenkit.words import Entropy, NgramEntropy, Patcher, Space, Whitespace, Word

SIZE = 2_000_000


@pytest.fixture(params=["english", "legal", "financial", "code", "multilingual"], scope="module")
def texts(request, data_folder):
    with gzip.open(data_folder / "text" / f"{request.param}.txt.gz") as file:
        raw = file.read(SIZE)
    whole = raw.decode("utf-8", "ignore")
    return [whole[i : i + 5000] for i in range(0, len(whole), 5000)]


def test_space(texts):
    text, bounds = joined([t.encode() for t in texts])
    text = text[: bounds[-1]]
    letters = np.isin(text, np.frombuffer(b"0123456789abcdefghijklmnopqrstuvwxyz", np.uint8))
    letters |= np.isin(text, np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8))
    spacelike = ~(letters | ((text >= 0x80) & (text < 0xC0)))
    before = np.append(True, spacelike[:-1])
    before[bounds[:-1]] = True
    starts = np.append(False, spacelike & ~before)
    starts[bounds] = True
    found = Patcher(Space()).patch_batch(texts)
    assert np.array_equal(found.offsets, np.flatnonzero(starts))
    assert np.array_equal(found.bounds, bounds)


@pytest.mark.parametrize(
    ("whitespace", "pattern"),
    [(Whitespace.NEXT, r"\s*\S+|\s+"), (Whitespace.PREVIOUS, r"\S+\s*|\s+")],
)
def test_word(texts, whitespace, pattern):
    patcher = Patcher(Word(whitespace))
    for text in texts[:100]:
        assert [p.decode() for p in patcher.patches(text)] == regex.findall(pattern, text)


def test_the_threshold_holds_on_text_that_was_not_seen(texts):
    model = NgramEntropy.train(texts[::2], order=3, mean_patch_length=4.5)
    found = Patcher(Entropy(model)).patch_batch(texts[1::2]).lengths.values.mean()
    assert 3.4 < found < 6
