import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob import ByteModel, ByteprobError, FunctionModel, NgramModel, UnsupportedTokenizerError
from byteprob.documents import bits_per_byte
from byteprob.token_models import Evaluated
from tests.samples import documents, trained
from tokenkit import Tokenizer

PATTERNS = ("gpt2", "llama3")
TEXTS = ("It's  the\n\n e", "we're 1234 ", "", "né\u2009日", "  \n")


def ngram(pattern="gpt2", order=3):
    tok = trained(pattern, 500)
    ids = tok.encode_batch(documents()[:12])
    return NgramModel.train(ids, vocab_size=tok.vocab_size, start=0, end=0, order=order), tok


def uneven(tok, seed=0):
    """Much probability outside the encodings, and ids beyond the vocabulary."""

    def row(context):
        random = np.random.default_rng([seed, len(context), *context[-2:]])
        return np.append(random.normal(0, 3, tok.vocab_size), [40.0] * 5)

    return FunctionModel(lambda contexts: np.array([row(c) for c in contexts]), start=(0,))


def restricted(tok):
    """Nothing outside the encodings: a model that is canonical only."""
    reading, plain = ByteModel(uneven(tok), tok, "canonical").reading, uneven(tok, 5)
    viability, ranges = reading.viability, reading.vocabulary.ranges

    def row(context):
        state = viability.start
        for id_ in context[1:]:
            state = viability.after(state, id_)
        allowed = np.zeros(tok.vocab_size + 5, bool)
        allowed[: len(ranges.every)] = viability.following(state)
        if viability.ends(state):
            allowed[list(tok.special_tokens.values())] = True
        return np.where(allowed, plain.function([context])[0], -np.inf)

    return FunctionModel(lambda contexts: np.array([row(c) for c in contexts]), start=(0,))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_bits_are_those_of_the_byte_model(pattern):
    model, tok = ngram(pattern)
    plain = FunctionModel(lambda contexts: model.logits(contexts, contexts).logits, (0,))
    for source in (model, plain, uneven(tok), restricted(tok)):
        found = bits_per_byte(source, tok, TEXTS)
        canonical = ByteModel(source, tok, "canonical")
        for text, bits in zip(TEXTS, found.bits, strict=True):
            right = canonical.score(text.encode(), ended=True).log_prob
            assert bits == pytest.approx(-right / math.log(2), abs=1e-9)


@settings(max_examples=15)
@given(st.lists(st.sampled_from(["the ", " a", "'s", "\n\n", "12", "é", "  ", "x"]), max_size=5))
def test_the_encoding_is_one_of_the_ways_to_a_text(parts):
    text, (model, tok) = "".join(parts), ngram()
    for source in (model, uneven(tok)):
        (bits,) = bits_per_byte(source, tok, [text]).bits
        canonical = ByteModel(source, tok, "canonical").score(text.encode(), ended=True)
        assert bits >= -canonical.log_prob / math.log(2) - 1e-9
        # Conditionals that are each normalised leave out the leak.
        assert canonical.chained >= canonical.log_prob - 1e-9


def test_marginal_bits_are_at_most_those_of_the_encoding():
    tok = Tokenizer.train(["abab ab ba"] * 9, vocab_size=262, special_tokens=["<|end|>"])
    source = uneven(tok)
    for text in (b"ab", b"aba a", b"ba b"):
        (bits,) = bits_per_byte(source, tok, [text]).bits
        marginal = ByteModel(source, tok, "marginal").score(text, ended=True)
        assert bits >= -marginal.log_prob / math.log(2) - 1e-9


def test_figures_add_up():
    model, tok = ngram()
    texts = ["It is so. é", "", "日本 x"]
    found = bits_per_byte(model, tok, texts)
    each = [bits_per_byte(model, tok, [text]) for text in texts]
    assert len(found) == 3
    assert found.bits == pytest.approx([one.bits[0] for one in each], abs=1e-12)
    assert found.sizes.tolist() == [12, 0, 8]
    assert found.characters.tolist() == [11, 0, 4]
    assert found.tokens.tolist() == [len(tok.encode(text)) for text in texts]
    assert found.per_byte == pytest.approx(found.bits.sum() / 20)
    assert found.of_each[0] == pytest.approx(found.bits[0] / 12)
    assert np.isnan(found.of_each[1])
    assert math.isnan(each[1].per_byte)

    costs = [_costs(model, tok.encode(text).tolist()) for text in texts]
    assert found.bits == pytest.approx([sum(cost) for cost in costs])
    assert found.open == pytest.approx(sum(sum(cost[:-1]) for cost in costs) / 20)
    assert found.shifted == pytest.approx(sum(sum(cost[1:-1]) for cost in costs) / 20)
    tokens = sum(len(cost) - 1 for cost in costs)
    assert found.per_token == pytest.approx(sum(sum(cost[:-1]) for cost in costs) / tokens)
    assert found.per_character == pytest.approx(found.bits.sum() / 15)
    assert found.shifted < found.open < found.per_byte < found.per_character


def _costs(model, ids):
    text = (0, *ids)
    rows = model.logits([text[: n + 1] for n in range(len(text))], [None] * len(text)).logits
    known = [*ids, 0]
    ends = [np.logaddexp(row[0], row[1]) for row in rows]  # both special tokens end a text
    found = [-row[id_] for row, id_ in zip(rows, known, strict=True)]
    return (np.array([*found[:-1], -ends[-1]]) / math.log(2)).tolist()


def test_a_blank_at_the_end_costs():
    model, tok = ngram()
    bare, blank = bits_per_byte(model, tok, ["It is so.", "It is so. "]).bits
    assert blank > bare + 1


def test_ids_come_one_by_one_where_there_are_handles():
    model, tok = ngram()
    asked = []

    class Chained:
        start = model.start

        def logits(self, contexts, parents):
            asked.append((contexts, list(parents)))
            return Evaluated(model.logits(contexts, parents).logits, list(contexts))

        def state(self, context):
            return context

    found = bits_per_byte(Chained(), tok, ["It is so."])
    assert found.bits == pytest.approx(bits_per_byte(model, tok, ["It is so."]).bits)
    before = None
    for contexts, parents in asked:
        assert len(contexts) == 1
        assert parents == [before]
        before = contexts[0]


def test_an_impossible_document_has_infinite_bits():
    tok = trained(vocab_size=300)
    never = tok.encode("e")[0]
    logits = np.zeros(tok.vocab_size)
    logits[never] = -np.inf
    model = FunctionModel(lambda contexts: np.array([logits] * len(contexts)), (0,))
    assert bits_per_byte(model, tok, ["e", "a"]).bits.tolist() == [
        math.inf,
        pytest.approx(math.log2(299) * 2 - 1),
    ]


def test_no_documents_have_no_figures():
    model, tok = ngram()
    found = bits_per_byte(model, tok, [])
    assert len(found) == 0
    assert math.isnan(found.per_byte)


def test_tokenizers_that_change_texts_are_refused():
    lossy = Tokenizer.train(["ab"], vocab_size=9, initial_alphabet="ab", special_tokens=["<e>"])
    with pytest.raises(UnsupportedTokenizerError, match="give back"):
        bits_per_byte(uneven(lossy), lossy, ["ab"])


def test_a_tokenizer_of_more_ids_than_the_model_is_named():
    model, small = ngram()
    for source, ids in ((model, 500), (uneven(small), 505)):
        with pytest.raises(ByteprobError, match=f"tokenizer has 2000 ids, and the model {ids}"):
            bits_per_byte(source, trained(), ["a"])


def test_texts_that_are_normalised_to_others_are_named():
    import json

    plain = trained(vocab_size=300)
    head = json.loads(plain.to_bytes())
    head["normalizer"] = {"type": "NFC"}
    tok = Tokenizer.from_bytes(json.dumps(head).encode())
    assert bits_per_byte(uneven(tok), tok, ["é"]).bits[0] > 0
    with pytest.raises(ByteprobError, match="normalise it"):
        bits_per_byte(uneven(tok), tok, ["e\u0301"])
