"""What is viable under BPE over characters is what its encoder makes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings

from byteprob.tokenizers.character_bpe import CharacterBpeViability
from byteprob.tokenizers.spelling import viability_of, vocabulary_of
from byteprob.vocabulary import ByteVocabulary
from encoders.bpe import BpeEncoder
from encoders.buffers import joined
from encoders.scan import WholeScanner
from tests.byteprob.tokenizers.pieces import (
    behind_a_blank,
    check_all_short,
    check_path,
    corpus,
    trained,
)
from tests.encoders.bpe.test_junctions import of_characters, scored_pieces

KINDS = ("bpe-fallback", "bpe", "char-fallback", "hf-bpe", "hf-bpe-whole", "llama")


@settings(max_examples=30)
@given(scored_pieces())
def test_viable_is_what_begins_an_encoding(pieces):
    texts, _, tables = of_characters(*pieces)
    vocabulary = ByteVocabulary.of({id_: text.encode() for id_, text in enumerate(texts)})
    viability = CharacterBpeViability(tables, vocabulary.ranges, cut_at_blanks=False)
    encoder = BpeEncoder(tables, WholeScanner())

    def encode(texts):
        ids, bounds = encoder.encode(*joined([text.encode() for text in texts]))
        return [ids[a:b].tolist() for a, b in pairwise(bounds)]

    check_all_short(encode, viability, vocabulary, "".join(pieces[0]), 6)


@pytest.mark.parametrize("kind", KINDS)
def test_trained_models(kind):
    tok = trained(kind)
    vocabulary = vocabulary_of(tok)
    viability = viability_of(tok, vocabulary)
    alphabet = "aé ×" if "fallback" in kind or kind == "llama" else "abé "
    encode = behind_a_blank(tok)
    assert check_all_short(encode, viability, vocabulary, alphabet, 5, front=" ") > 1000
    for text in corpus()[:10]:
        assert check_path(viability, vocabulary, tok.encode(text).tolist())


def test_a_piece_and_a_byte_may_be_the_same():
    tok = trained("bpe-fallback")
    vocabulary = vocabulary_of(tok)
    viability = viability_of(tok, vocabulary)
    low, high = vocabulary.ranges.ending(vocabulary.ranges.starting_with(b"a"), 1)
    ids = vocabulary.ranges.order[low:high].tolist()
    assert {tok.id_to_token(id_) for id_ in ids} == {"a", "<0x61>"}
    allowed = [id_ for id_ in ids if viability.following(viability.start)[id_]]
    assert [tok.id_to_token(id_) for id_ in allowed] == ["a"]
    assert np.diff(vocabulary.ranges.place[ids]).tolist() == [1]
