"""Looking ahead changes how often a model is asked, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob import ByteModel, Counted, FunctionModel
from byteprob.models import look_ahead
from byteprob.models.look_ahead import LookAhead
from tests.samples import documents
from tokenkit import Tokenizer

TOK = Tokenizer.train(
    documents()[:20], vocab_size=700, pattern="llama3", special_tokens=["<|endoftext|>"]
)
TEXT = documents()[0].encode()[:60]
SIZE = TOK.vocab_size


class Recorded:
    """Random logits that know a text; with handles, which must come back with the children."""

    start = (0,)

    def __init__(self, sure):
        self.sure, self.text = sure, (0, *TOK.encode(TEXT.decode()).tolist())

    def row(self, context):
        row = np.random.default_rng([len(context), *context[-3:]]).normal(0, 2, SIZE)
        if context == self.text[: len(context)] and len(context) < len(self.text):
            row[self.text[len(context)]] += self.sure
        return row

    def logits(self, contexts, parents):
        assert len(set(contexts)) == len(contexts)
        for context, parent in zip(contexts, parents, strict=True):
            assert parent is None or parent == context[: len(parent)] != context
        found = np.array([self.row(context) for context in contexts])
        return look_ahead.Evaluated(found, list(contexts))

    def state(self, context):
        return context


def walked(model, text):
    cursor, found = model.at(), []
    for byte in text:
        cursor.push(byte)
        found.append(cursor.next_byte().log_probs)
    return np.array(found)


@settings(max_examples=12)
@given(
    st.sampled_from([("canonical", None), ("canonical-renorm", None), ("marginal", 4)]),
    st.floats(0, 12),
    st.floats(0.01, 1),
    st.integers(0, 40),
)
def test_nothing_else_changes(target, sure, least, wrong):
    text = TEXT[:wrong] + b"Q x" + TEXT[wrong : wrong + 9]
    target, beam = target
    plain = ByteModel(Recorded(sure), TOK, target, beam=beam)
    ahead = ByteModel(LookAhead(Recorded(sure), TOK, least=least), TOK, target, beam=beam)
    assert np.array_equal(walked(plain, text), walked(ahead, text))
    prefixes = [text[:9], text[:4], text[:9], b"", TEXT[:30]]
    for one, other in zip(plain.next_bytes(prefixes), ahead.next_bytes(prefixes), strict=True):
        assert np.array_equal(one.log_probs, other.log_probs)


def test_a_call_a_token_where_the_model_is_sure():
    plain, counted = Counted(Recorded(12)), Counted(Recorded(12))
    walked(ByteModel(plain, TOK, "canonical"), TEXT)
    walked(ByteModel(LookAhead(counted, TOK), TOK, "canonical"), TEXT)
    tokens = len(TOK.encode(TEXT.decode()))
    assert plain.calls > len(TEXT)
    assert counted.calls < 1.2 * tokens < 0.5 * plain.calls
    assert counted.evaluations < 1.2 * plain.evaluations


def test_only_guesses_that_are_likely_enough_are_asked_for():
    counts = []
    for least in (0.001, 0.5, 1.0):
        counted = Counted(Recorded(3))
        walked(ByteModel(LookAhead(counted, TOK, least=least), TOK, "canonical"), TEXT)
        counts.append((counted.evaluations, counted.calls))
    evaluations, calls = zip(*counts, strict=True)
    assert evaluations[0] > evaluations[1] > evaluations[2]
    assert calls[0] < calls[1] < calls[2]


def test_no_more_is_kept_than_said():
    model = LookAhead(Recorded(3), TOK)
    walked(ByteModel(model, TOK, "marginal", beam=5), TEXT * 3)
    assert len(model._known) == look_ahead._KEPT


def test_impossible_tokens_and_ids_without_bytes_lead_nowhere():
    def rows(contexts):
        found = np.full((len(contexts), SIZE + 3), -np.inf)
        found[:, TOK.token_to_id("a")] = 0.0
        return found

    model = LookAhead(FunctionModel(rows, start=(SIZE + 2,)), TOK)
    assert ByteModel(model, TOK, "canonical").next_byte(b"aa").top(1) == [(ord("a"), 1.0)]
    end = TOK.special_tokens["<|endoftext|>"]
    for last in (end, SIZE + 1, TOK.token_to_id("b")):
        context = (*model.start, last)
        assert model.logits([context], [None]).logits.shape == (1, SIZE + 3)


@pytest.mark.parametrize("least", [0.0, 1.1, float("nan")])
def test_a_guess_has_a_probability(least):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        LookAhead(Recorded(0), TOK, least=least)
