"""Words and lengths of documents, against Python's own."""

import unicodedata
from itertools import groupby

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import documents, texts, trained
from tokenkit.domain.cuts import cut
from tokenkit.domain.material import Material

surrogates = st.text(alphabet="a \ud83d\ude00\udfffé")
many = st.lists(texts | surrogates | st.text("aé\u0301 1日"), max_size=6)


def words(text):
    """Runs of letters and marks, with where they begin in bytes."""
    at, found = 0, []
    for letters, run in groupby(text, lambda c: unicodedata.category(c)[0] in "LM"):
        word = "".join(run)
        if letters:
            found.append((at, word))
        at += len(word.encode())
    return found


@given(many)
def test_counts(many):
    material = Material.of(many)
    clean = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in many]
    clean = [text for text in clean if text]
    assert list(material.documents) == clean
    assert material.characters.tolist() == [len(text) for text in clean]
    assert material.bytes.tolist() == [len(text.encode()) for text in clean]
    assert material.spaced_words.tolist() == [len(text.split()) for text in clean]


@given(many)
def test_words_and_their_parts(many):
    material, tokenizer = Material.of(many), trained()
    expected, parts, start = [], [], 0
    for i, text in enumerate(material.documents):
        ends = np.cumsum([len(tokenizer.id_to_bytes(id_)) for id_ in tokenizer.encode(text)])
        for at, word in words(text):
            size = len(word.encode())
            expected.append((i, start + at, start + at + size))
            parts.append(1 + sum(at < end < at + size for end in ends.tolist()))
        start += len(text.encode())
    spans = material.word_spans.tolist()
    assert [(i, *span) for i, span in zip(material.word_documents, spans, strict=True)] == expected
    cuts = cut(tokenizer, material.documents)
    found = material.parts(cuts)
    assert found.tolist() == parts
    sums = [
        sum(n for n, (j, _, _) in zip(parts, expected, strict=True) if j == i)
        for i in range(len(many))
    ]
    assert material.per_document(found).tolist() == sums[: len(material.documents)]


def test_a_word_cut_by_hand():
    material = Material.of(["naïve, no?"])
    cuts = cut(trained(vocab_size=258), material.documents)  # only bytes
    assert material.parts(cuts).tolist() == [6, 2]
    assert len(Material.of(documents()[:3]).word_spans) > 100
