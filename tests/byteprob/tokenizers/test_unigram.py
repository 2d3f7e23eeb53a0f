"""What is viable under a unigram model is what its encoder makes, whatever the scores."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob.covers import Reading, beginning, pushed
from byteprob.tokenizers.spelling import viability_of, vocabulary_of
from byteprob.tokenizers.unigram import UnigramViability
from byteprob.vocabulary import ByteVocabulary
from encoders.buffers import joined
from encoders.scan import BLANKS, WholeScanner
from encoders.unigram import UnigramEncoder, unigram_tables
from tests.byteprob.tokenizers.pieces import (
    behind_a_blank,
    check_all_short,
    check_path,
    corpus,
    trained,
)
from tests.byteprob.toys import Oracle, ToyBpe, random_model

UNIGRAMS = ("unigram-fallback", "unigram", "hf-unigram", "hf-unigram-whole")
BYTES = [bytes([byte]) for byte in range(256)]


@st.composite
def models(draw):
    """Tokens over few letters with scores that tie often, in either precision; "旦" is no
    token and falls back to bytes, "日" perhaps too, and blanks perhaps begin pieces."""
    words = st.text("ab日 ", min_size=1, max_size=4)
    texts = draw(st.lists(words, unique=True, min_size=1, max_size=14))
    texts = list(dict.fromkeys([*"ab ", *texts]))
    scores = draw(
        st.lists(
            st.one_of(st.integers(-6, -1), st.sampled_from([-0.1, -0.2, -0.3, -0.7])),
            min_size=len(texts),
            max_size=len(texts),
        )
    )
    return texts, scores, draw(st.booleans()), draw(st.booleans())


def built(texts, scores, single, cut):
    tokens = [text.encode() for text in texts]
    size = len(tokens)
    byte_ids = np.arange(size + 1, size + 257, dtype=np.uint32)
    tables = unigram_tables(
        [*tokens, b"", *[b""] * 256],
        [*scores, 0.0, *[0.0] * 256],
        size,
        least=min(scores),
        single=single,
        byte_ids=byte_ids,
    )
    named = dict(enumerate(tokens)) | dict(enumerate(BYTES, size + 1))
    vocabulary = ByteVocabulary.of(named, unknown=[size])
    encoder = UnigramEncoder(tables, BLANKS if cut else WholeScanner(), carries=not cut)

    def encode(texts):
        ids, bounds = encoder.encode(*joined([text.encode() for text in texts]))
        return [ids[a:b].tolist() for a, b in pairwise(bounds)]

    return encode, UnigramViability(tables, vocabulary.ranges, cut_at_blanks=cut), vocabulary


@settings(max_examples=40)
@given(models())
def test_viable_is_what_begins_an_encoding(model):
    encode, viability, vocabulary = built(*model)
    assert check_all_short(encode, viability, vocabulary, "ab日旦 ", 4) > 30


def test_pieces_that_the_vocabulary_lacks_never_follow():
    absent = np.full(256, 0xFFFFFFFF, np.uint32)
    pieces = [b"a", b"", b"b", b"<s>"]
    tables = unigram_tables(
        pieces, [-1.0, 0.0, -1.0, -2.0], 1, least=-2.0, single=True, byte_ids=absent
    )
    ranges = ByteVocabulary.of({0: b"a"}, unknown=[1]).ranges
    viability = UnigramViability(tables, ranges, cut_at_blanks=False)
    assert viability.following(viability.start).tolist() == [1]


@settings(max_examples=40)
@given(models(), st.text("ab日旦 ", min_size=1, max_size=4), st.integers(1, 400))
def test_rounding_far_into_a_text_is_that_of_the_encoder(model, word, times):
    encode, viability, vocabulary = built(*model)
    text = word * times
    (ids,) = encode([text])
    assert check_path(viability, vocabulary, ids)
    check_path(viability, vocabulary, ids)
    state = viability.start
    for id_ in ids:
        state = viability.after(state, id_)
    allowed = viability.following(state)
    order = [id_ for id_ in vocabulary.ranges.order.tolist() if id_ < len(model[0])]
    rows = encode([text + model[0][id_] for id_ in order])
    expected = [row == [*ids, id_] for row, id_ in zip(rows, order, strict=True)]
    assert [bool(allowed[id_]) for id_ in order] == expected


@pytest.mark.parametrize("kind", UNIGRAMS)
def test_trained_models(kind):
    tok = trained(kind)
    vocabulary = vocabulary_of(tok)
    viability = viability_of(tok, vocabulary)
    encode = behind_a_blank(tok)
    alphabet = "aé ×" if "fallback" in kind else "abé "
    assert check_all_short(encode, viability, vocabulary, alphabet, 5, front=" ") > 1000
    for text in corpus()[:10]:
        assert check_path(viability, vocabulary, tok.encode(text).tolist())


class ToyUnigram:
    """For `tests.byteprob.toys.Oracle`; ties and tokens that are never best among its tokens."""

    alphabet = b"ab"
    texts = ("a", "b", "ab", "ba", "aab")
    scores = (-1, -2, -3, -2.5, -4)

    def __init__(self):
        self.encodes, _, _ = built(self.texts, self.scores, True, False)
        self.tokens = [text.encode() for text in self.texts]
        self.end = len(self.tokens)
        self.vocabulary = ByteVocabulary.of(dict(enumerate(self.tokens)), [self.end])
        tables = unigram_tables(self.tokens, self.scores, self.end, least=-9.0, single=True)
        self.viability = UnigramViability(tables, self.vocabulary.ranges, cut_at_blanks=False)

    def encode(self, text):
        return tuple(self.encodes([text.decode()])[0])

    def spelled(self, ids):
        return b"".join(self.tokens[id_] for id_ in ids)

    viable = ToyBpe.viable


@pytest.mark.parametrize("target", ["marginal", "canonical", "canonical-renorm"])
def test_every_target_is_its_definition(target):
    toy = ToyUnigram()
    listed = frozenset(toy.viable())
    model = random_model(toy, 3)
    viability = None if target == "marginal" else toy.viability
    how = Reading(model, toy.vocabulary, target, viability)
    oracle = Oracle(toy, model, target, listed)
    for prefix in (b"", b"a", b"ab", b"ba", b"aa", b"aab", b"abab"):
        covers = beginning(how)
        for byte in prefix:
            (covers,) = pushed(how, [covers], [byte])
        expected = oracle.next_byte(prefix)
        assert covers.log_mass == pytest.approx(np.log(oracle.mass(prefix)), abs=1e-12)
        probs = covers.next_byte(how).probs
        assert probs == pytest.approx(expected / expected.sum(), abs=1e-12)
