"""The stub answers with the attributes of vLLM's RequestOutput, CompletionOutput, Logprob and
FlatLogprobs; the model behind it is an n-gram model."""

import sys
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import pytest

from byteprob import ByteModel, ByteprobError, NgramModel
from byteprob.models.vllm import VllmModel
from tests.samples import documents, trained
from tokenkit.errors import MissingExtraError


@dataclass
class Logprob:
    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


@dataclass
class FlatLogprobs:
    start_indices: list = field(default_factory=list)
    end_indices: list = field(default_factory=list)
    token_ids: list = field(default_factory=list)
    logprobs: list = field(default_factory=list)
    ranks: list = field(default_factory=list)
    decoded_tokens: list = field(default_factory=list)


@dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: list
    cumulative_logprob: float
    logprobs: object


@dataclass
class RequestOutput:
    request_id: str
    prompt: str | None
    prompt_token_ids: list
    outputs: list
    finished: bool = True


@dataclass
class SamplingParams:
    max_tokens: int = 16
    temperature: float = 1.0
    logprobs: int | None = None
    flat_logprobs: bool = False
    detokenize: bool = True


@dataclass
class LLM:
    model: NgramModel
    max_logprobs: int = -1
    padded: int = 3
    requests: int = 0

    def generate(self, prompts, sampling_params=None, *, use_tqdm=True):
        assert sampling_params.max_tokens == 1
        assert sampling_params.logprobs == -1
        assert not use_tqdm
        self.requests += len(prompts)
        return [self._answer(prompt["prompt_token_ids"], sampling_params) for prompt in prompts]

    def _answer(self, prompt, params):
        logs = self.model.logits([tuple(prompt)], [None]).logits[0]
        logs = np.append(logs, [-99.0] * self.padded)
        order = np.argsort(-logs).tolist()
        if self.max_logprobs >= 0:
            order = order[: self.max_logprobs]
        ids = [order[0], *order]  # the drawn token, then the likeliest, as vLLM has them
        values, ranks = logs[ids].tolist(), [1, *range(1, len(order) + 1)]
        if params.flat_logprobs:
            found = FlatLogprobs([0], [len(ids)], ids, values, ranks, [None] * len(ids))
        else:
            found = [dict(zip(ids, map(Logprob, values, ranks), strict=True))]
        token = CompletionOutput(0, "", ids[:1], values[0], found)
        return RequestOutput("0", None, prompt, [token])


@pytest.fixture(name="ngram", scope="module")
def _ngram():
    tok = trained()
    return NgramModel.train(
        tok.encode_batch(documents()[:9]), vocab_size=tok.vocab_size, start=0, end=0
    )


def params(flat):
    return SamplingParams(1, 0.0, -1, flat, False)


@pytest.mark.parametrize("flat", [True, False])
def test_rows_are_those_of_the_model_behind(ngram, flat):
    llm = LLM(ngram)
    model = VllmModel(llm, ngram.vocab_size, (0,), params(flat))
    contexts = [(0,), (0, 7), (0, 300, 41)]
    found = model.logits(contexts, [None] * 3)
    assert found.logits.dtype == np.float32
    assert found.logits == pytest.approx(ngram.logits(contexts, [None] * 3).logits, rel=1e-6)
    assert llm.requests == 3
    assert model.state(contexts[2]) == contexts[2]


def test_bytes_are_those_of_the_model_behind(ngram):
    tok = trained()
    one = ByteModel(VllmModel(LLM(ngram), tok.vocab_size, (0,), params(True)), tok, "canonical")
    two = ByteModel(ngram, tok, "canonical")
    assert one.next_byte(b"The s").probs == pytest.approx(two.next_byte(b"The s").probs, rel=1e-4)


@pytest.mark.parametrize("flat", [True, False])
def test_too_few_log_probabilities_are_refused(ngram, flat):
    model = VllmModel(LLM(ngram, max_logprobs=20), ngram.vocab_size, (0,), params(flat))
    with pytest.raises(ByteprobError, match=r"1980 of 2000 ids.*max_logprobs=-1"):
        model.logits([(0,)], [None])


def test_no_log_probabilities_are_refused(ngram):
    llm = LLM(ngram)
    answer = llm._answer([0], params(True))
    answer.outputs[0].logprobs = None
    llm.generate = lambda *args, **kwargs: [answer]
    with pytest.raises(ByteprobError, match="2000 of 2000"):
        VllmModel(llm, ngram.vocab_size, (0,), params(True)).logits([(0,)], [None])


def test_parameters_are_vllms(ngram, monkeypatch):
    module = ModuleType("vllm")
    module.SamplingParams = SamplingParams
    monkeypatch.setitem(sys.modules, "vllm", module)
    model = VllmModel(LLM(ngram), ngram.vocab_size, (0,))
    assert model.logits([(0,)], [None]).logits.shape == (1, 2000)
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(MissingExtraError, match="vllm"):
        VllmModel(LLM(ngram), ngram.vocab_size, (0,))


def test_a_start_is_needed(ngram):
    with pytest.raises(ByteprobError, match="start"):
        VllmModel(LLM(ngram), ngram.vocab_size, (), params(True))
