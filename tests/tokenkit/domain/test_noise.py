"""The channel says exactly what it changed, and misreads as often as asked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import documents, texts
from tokenkit.domain.alignment import apply_edits
from tokenkit.domain.noise import OCR_CONFUSIONS, OcrNoise, sentences
from tokenkit.errors import NoiseError, TokenkitError

surrogates = st.text(alphabet="a \ud83d\ude00\udfffé")
channels = st.builds(
    OcrNoise,
    rate=st.floats(0, 1),
    confusions=st.lists(
        st.tuples(
            st.text("abcr ", min_size=1, max_size=2),
            st.text("abé\U0001f600", min_size=1, max_size=2),
            st.floats(0, 5),
        ),
        max_size=6,
    ).map(tuple),
    confuse=st.floats(0, 9),
    drop=st.floats(0, 9),
    join=st.floats(0, 9),
    insert=st.floats(0, 9),
    split=st.floats(0, 9),
    specks=st.text("·~\U0001f600", min_size=1),
)


def sound(text):
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@given(
    texts=st.lists(texts | surrogates, max_size=5), channel=channels, seed=st.integers(-5, 2**70)
)
def test_the_edits_are_what_was_done(texts, channel, seed):
    found = channel.read_batch(texts, seed)
    assert [noisy.clean for noisy in found] == [sound(text) for text in texts]
    for noisy in found:
        assert apply_edits(noisy.clean, noisy.alignment.edits(noisy.text)) == noisy.text
        inverse = noisy.alignment.inverse
        assert apply_edits(noisy.text, inverse.edits(noisy.clean)) == noisy.clean


@given(texts=st.lists(texts, min_size=1, max_size=4), channel=channels, seed=st.integers(0, 99))
def test_the_same_seed_gives_the_same_noise(texts, channel, seed):
    first = channel.read_batch(texts, seed)
    assert [a.text for a in channel.read_batch(texts, seed)] == [a.text for a in first]
    # A text's noise does not depend on what follows, nor on what stands before it.
    assert channel.read(texts[0], seed).text == first[0].text
    others = channel.read_batch(["x" * 9, *texts[1:]], seed)
    assert [a.text for a in others[1:]] == [a.text for a in first[1:]]


def reference(channel, text, place):
    """What may become of the character at ``place``: a plain statement of the class's docstring."""
    character, space = text[place], text[place] <= " " or text[place] == "\xa0"
    fitting = [
        (s, t, odds) for s, t, odds in channel.confusions if text.startswith(s, place) and odds
    ]
    found = {(s, t): channel.confuse * odds / sum(o for *_, o in fitting) for s, t, odds in fitting}
    found[character, ""] = channel.join if space else channel.drop
    for speck in channel.specks:
        found["", speck] = channel.insert / len(channel.specks)
    if place and not space and not (text[place - 1] <= " " or text[place - 1] == "\xa0"):
        found["", " "] = channel.split
    return found


@given(text=texts.filter(bool), channel=channels.filter(lambda channel: channel.rate > 0.1))
def test_only_what_may_happen_happens(text, channel):
    noisy = channel.read(text)
    for start, stop, instead in noisy.alignment.edits(noisy.text):
        assert reference(channel, noisy.clean, start)[noisy.clean[start:stop], instead] > 0


def test_odds_are_kept():
    channel = OcrNoise(rate=0.5, confusions=(("ab", "x", 3.0), ("a", "y", 1.0)))
    noisy = channel.read("ab\n" * 200_000)
    counts = {}
    for start, stop, instead in noisy.alignment.edits(noisy.text):
        if start % 3 == 0:
            key = noisy.clean[start:stop], "*" if instead in channel.specks and instead else instead
            counts[key] = counts.get(key, 0) + 1
    total = sum(counts.values())
    assert total == pytest.approx(100_000, rel=0.02)
    expected = {("ab", "x"): 6, ("a", "y"): 2, ("a", ""): 1, ("", "*"): 1}
    assert counts.keys() == expected.keys()
    for key, odds in expected.items():
        assert counts[key] / total == pytest.approx(odds / 10, abs=0.01)


def test_errors_per_sentence():
    corpus = documents()[:40]
    channel = OcrNoise().per_sentence(4.0, corpus)
    errors = sum(len(noisy.alignment) for noisy in channel.read_batch(corpus))
    assert errors / sum(len(sentences(text)) for text in corpus) == pytest.approx(4.0, rel=0.05)


def test_sentences():
    text = 'One is. "Two?" (Three!) No 4.5 here.\n\nfour\n \n§ 5. Yes'
    expected = ["One is.", '"Two?', "(Three!", "No 4.5 here.", "four", "§ 5.", "Yes"]
    assert sentences(text) == expected
    assert sentences(" \n ") == []


def test_extremes():
    assert OcrNoise().read("").text == ""
    assert OcrNoise().read_batch([]) == []
    text = "".join(documents()[:3])
    assert OcrNoise(rate=0.0).read(text).text == text
    everything = OcrNoise(rate=1.0, confuse=0, insert=0, split=0).read(text)
    assert everything.text == ""
    nothing = OcrNoise(rate=1.0, confuse=0, insert=0, split=0, drop=0, join=0).read(text)
    assert nothing.text == text
    assert len(nothing.alignment) == 0


def test_the_confusions_are_sound():
    pairs = [(source, target) for source, target, _ in OCR_CONFUSIONS]
    assert len(pairs) == len(set(pairs))
    assert all(source != target for source, target in pairs)
    assert {("rn", "m"), ("O", "0"), (",", "."), (".", ","), ("c", "e")} <= set(pairs)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"rate": 1.5}, "1.5"),
        ({"rate": float("nan")}, "nan"),
        ({"drop": -1.0}, "-1.0"),
        ({"confusions": (("abc", "x", 1.0),)}, "abc"),
        ({"confusions": (("", "x", 1.0),)}, "''"),
        ({"confusions": (("a", "b", float("inf")),)}, "inf"),
        ({"specks": ""}, "specks"),
    ],
)
def test_what_is_no_channel(wrong, named):
    with pytest.raises(NoiseError, match=named):
        OcrNoise(**wrong)
    assert issubclass(NoiseError, TokenkitError)
    with pytest.raises(NoiseError, match="no sentence"):
        OcrNoise().per_sentence(4.0, ["", " "])


def test_lengths_add_up():
    noisy = OcrNoise().read_batch(documents()[:5])
    for one in noisy:
        assert (one.alignment.source_length, one.alignment.target_length) == (
            len(one.clean),
            len(one.text),
        )
        assert np.diff(one.alignment.source_spans.ravel()).min(initial=0) >= 0
