"""What scanners tell apart: texts of one shape are cut alike, whatever stands around them."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob.tokenizers.shapes import Shapes
from byteprob.tokenizers.sights import Sight, sight_of
from encoders.buffers import joined
from encoders.scan import patterns
from encoders.scan.classes import LETTER, SPACE
from encoders.scan.scanners import RegexScanner, SequenceScanner, WholeScanner
from tests.byteprob.tokenizers.scanners import SCANNERS

TEXTS = 400
CONTRACTIONS = ("'s", "'re", "'ll", "'v", "'L", "'S", "'Re", "'lL")


def ends(scanner, texts):
    """Where each text has its cuts."""
    text, bounds = joined(texts)
    found = np.concatenate([part.copy() for part in scanner.chunks(text, bounds)])
    return [
        {*(found[(found > start) & (found <= stop)] - start).tolist()}
        for start, stop in itertools.pairwise(bounds.tolist())
    ]


def cuts(scanner, texts):
    """Of texts in parts: which have a cut behind them; None where one is cut in two."""
    found = ends(scanner, [b"".join(parts) for parts in texts])
    stops = [list(itertools.accumulate(map(len, parts))) for parts in texts]
    return [
        [stop in row for stop in all_] if row <= {*all_} else None
        for row, all_ in zip(found, stops, strict=True)
    ]


def some(draw, scanner, letters):
    """Texts of few letters in parts, which mostly end at cuts, at times inside characters."""
    units = [*letters, *(CONTRACTIONS if "'" in letters else ())]
    texts = []
    for _ in range(TEXTS):
        few = draw.sample(units, draw.randint(1, min(len(units), 4)))
        text = "".join(draw.choice(few) * draw.choice((1, 1, 1, 2, 4)) for _ in range(5))
        texts.append(text.encode())
    for text, found in zip(texts, ends(scanner, texts), strict=True):
        places = {at for at in found if draw.random() < 0.9}
        places.update(draw.sample(range(len(text) + 1), draw.randint(0, 2)))
        yield [text[a:b] for a, b in itertools.pairwise([0, *sorted(places), len(text)])]


def alike(sight, parts):
    """The parts as their shapes, and as what these are behind one another."""
    shapes, behind = Shapes(sight), []
    for shape in map(shapes.of, parts):
        behind.append(shapes.of(shape, before=b"".join(behind)))
    return [*map(shapes.of, parts)], behind


@pytest.mark.parametrize("name", SCANNERS)
@settings(max_examples=4)
@given(seed=st.integers(0, 1 << 32))
def test_texts_of_one_shape_are_cut_alike(name, seed):
    draw, (scanner, letters) = random.Random(seed), SCANNERS[name]
    texts = [*some(draw, scanner, letters)]
    shapes, behind = zip(*(alike(sight_of(scanner), parts) for parts in texts), strict=True)
    expected = cuts(scanner, texts)
    for parts, own, other, bits, like in zip(
        texts, shapes, expected, cuts(scanner, shapes), cuts(scanner, behind), strict=True
    ):
        assert bits == other, (parts, own)
        assert like == other, (parts, own)


def test_kinds_are_the_members_of_all_sets():
    sight = Sight((LETTER, SPACE), ("xyz", " "))
    kinds = sight.kinds
    alike_ = ["aé日", "xyz", "\t\u2009\n", " ", "1!\u0301\x00"]
    assert [len({int(kinds[ord(one)]) for one in group}) for group in alike_] == [1] * 5
    assert len({int(kinds[ord(group[0])]) for group in alike_}) == 5 == len(sight.standing)
    assert kinds[[ord(one) for one in sight.standing]].tolist() == [*range(5)]


def test_sets_of_kinds_fit_into_words():
    for scanner, _ in SCANNERS.values():
        assert len(sight_of(scanner).standing) < 64


def test_what_is_dropped_or_not_known_has_no_sight():
    other = RegexScanner("a+")
    assert sight_of(other) is None
    assert sight_of(SequenceScanner((WholeScanner(), other))) is None
    assert sight_of(SequenceScanner((patterns.LLAMA3, patterns.GPT2))) is None
    for part in (patterns.DIGITS, patterns.SHORT3):
        assert sight_of(SequenceScanner((*patterns.DEEPSEEK_V3.scanners[:2], part))) is None
    assert sight_of(patterns.WHITESPACE) is None
    assert sight_of(patterns.BERT) is None
    assert sight_of(patterns.METASPACE) is None
