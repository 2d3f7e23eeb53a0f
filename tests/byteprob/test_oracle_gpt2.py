"""Oracle B with a network: a tiny random GPT-2 in float64, covers by recursion, viability by
encoding every token with every other behind it."""

import itertools
import math
from functools import cache

import numpy as np
import pytest

from byteprob import END, ByteModel, TransformersModel
from tests.samples import documents
from tokenkit import Tokenizer

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

END_TOKEN = "<|endoftext|>"
PREFIXES = (b"", b"e", b" t", b"\n\n", b" \n", b"I'", b"11", "é".encode()[:1], "日".encode()[:2])
BEHIND = (b"", b"a", b" ", b"\n", b"1", b"'s", b".", "é".encode(), b" a", b"\na", b"  ")
EDGES = (0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF)
TAILS = [bytes(tail) for n in (1, 2, 3) for tail in itertools.product(EDGES, repeat=n)]


@cache
def trained(pattern):
    odd = ["e\n\n \n te  I'll é 日 11 111 1", "it's 're"] * 30
    return Tokenizer.train(
        [*documents()[:4], *odd], vocab_size=290, pattern=pattern, special_tokens=[END_TOKEN]
    )


class Brute:
    """All of it from the definitions, nothing from byteprob."""

    def __init__(self, tok, network):
        self.tok, self.network = tok, network
        self.end = tok.special_tokens[END_TOKEN]
        self.tokens = {i: tok.id_to_bytes(i) for i in range(tok.vocab_size) if i != self.end}
        self.probs, self.viable = cache(self._probs), cache(self._viable)

    def _probs(self, ids):
        with torch.no_grad():
            logits = self.network(torch.tensor([[self.end, *ids]])).logits[0, -1]
        return torch.softmax(logits[: self.tok.vocab_size], -1).numpy()

    def spelled(self, ids):
        return b"".join(self.tokens[id_] for id_ in ids)

    def _viable(self, ids):
        """Which ids some text has behind ``ids``, the end among them."""
        begun = self.spelled(ids)
        found = (
            {self.end} if self._is_text(begun) and self._encoded([begun])[0] == [*ids] else set()
        )
        behind = [*BEHIND, *self.tokens.values()]
        texts = []
        for raw in self.tokens.values():
            whole = self._is_text(begun + raw)
            more = behind if whole else [tail + on for tail in TAILS for on in (b"", b"a")]
            texts += [begun + raw + on for on in more]
        for row in self._encoded([text for text in texts if self._is_text(text)]):
            if tuple(row[: len(ids)]) == ids and len(row) > len(ids):
                found.add(row[len(ids)])
        return found

    def _is_text(self, raw):
        return raw.decode("utf-8", "ignore").encode() == raw

    def _encoded(self, texts):
        return self.tok.encode_batch(texts, threads=1).to_lists()

    def steps(self, target, ids):
        """(id, factor of P) of all that may follow."""
        probs = self.probs(ids)
        if target == "marginal":
            return list(enumerate(probs))
        allowed = sorted(self.viable(ids))
        total = probs[allowed].sum() if target == "canonical-renorm" else 1.0
        return [(id_, probs[id_] / total) for id_ in allowed]

    def next_byte(self, target, prefix):
        found = np.zeros(257)

        def go(ids, weight):
            done = len(self.spelled(ids))
            rest = prefix[done:]
            for id_, share in self.steps(target, ids):
                raw = self.tokens.get(id_, b"")
                if id_ == self.end:
                    found[END] += weight * share * (not rest)
                elif len(raw) > len(rest) and raw.startswith(rest):
                    found[raw[len(rest)]] += weight * share
                elif rest.startswith(raw):
                    go((*ids, id_), weight * share)

        go((), 1.0)
        return found


@pytest.mark.parametrize(
    ("pattern", "target"),
    [
        ("gpt2", "marginal"),
        ("gpt2", "canonical"),
        ("llama3", "canonical"),
        ("llama3", "canonical-renorm"),
    ],
)
def test_a_network_is_read_as_the_definitions_say(pattern, target):
    tok = trained(pattern)
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=tok.vocab_size + 6, n_positions=32, n_embd=32, n_layer=2, n_head=2
    )
    config.initializer_range = 0.5
    network = transformers.GPT2LMHeadModel(config).double().eval()
    brute = Brute(tok, network)
    model = ByteModel(TransformersModel(network, (tok.special_tokens[END_TOKEN],)), tok, target)
    for prefix in PREFIXES:
        expected = brute.next_byte(target, prefix)
        found = model.next_byte(prefix)
        assert found.probs == pytest.approx(expected / expected.sum(), abs=1e-10), prefix
        mass = model.at(prefix).log_prob + math.log1p(-found.leak)
        assert mass == pytest.approx(math.log(expected.sum()), abs=1e-9)
    logits = network(torch.tensor([[0]])).logits
    assert logits.std() > 0.5  # not a uniform distribution
