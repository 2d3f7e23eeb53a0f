import math
import sys
from functools import cache

import numpy as np
import pytest

from byteprob import ByteModel, ByteprobError, bits_per_byte
from byteprob.models.hf import TransformersModel, _windows
from byteprob.models.key_values import Forward
from byteprob.tokenizers.spelling import vocabulary_of
from tests.samples import trained
from tokenkit.errors import MissingExtraError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SIZE, LIMIT, WINDOW = 320, 64, 12
KINDS = ("gpt2", "llama", "qwen2", "gemma3", "mistral")


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Several take longer over models as small as these."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@cache
def tiny(kind, double=True):
    """Random, but far enough from uniform that a wrong mask shows."""
    common = {
        "vocab_size": SIZE,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": LIMIT,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": None,
    }
    gemma = {"head_dim": 8, "sliding_window": WINDOW}
    config = {
        "gpt2": lambda: transformers.GPT2Config(
            vocab_size=SIZE, n_embd=16, n_layer=2, n_head=4, n_positions=LIMIT, bos_token_id=0
        ),
        "llama": lambda: transformers.LlamaConfig(**common),
        "qwen2": lambda: transformers.Qwen2Config(**common),
        "gemma2": lambda: transformers.Gemma2Config(**common, **gemma),
        "gemma3": lambda: transformers.Gemma3TextConfig(**common, **gemma),
        "mistral": lambda: transformers.MistralConfig(**common, sliding_window=WINDOW),
        "bloom": lambda: transformers.BloomConfig(
            vocab_size=SIZE, hidden_size=16, n_layer=2, n_head=4, bos_token_id=0
        ),
        "mpt": lambda: transformers.MptConfig(
            vocab_size=SIZE, d_model=16, n_layers=2, n_heads=4, max_seq_len=LIMIT
        ),
    }[kind]()
    torch.manual_seed(len(kind))
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(3)
    return model.double() if double else model


@cache
def adapted(kind):
    return TransformersModel(tiny(kind))


def fresh(model, context):
    with torch.no_grad():
        return model(torch.tensor([context])).logits[0, -1].numpy()


def forwards(model, monkeypatch):
    """How many ids each forward from now on takes."""
    found, forward = [], model._model.forward
    model._parameters  # of the true forward  # noqa: B018

    def counted(*args, **inputs):
        if "input_ids" in inputs:  # as the adapter calls, and `fresh` does not
            found.append(inputs["input_ids"].numel())
        return forward(*args, **inputs)

    monkeypatch.setattr(model._model, "forward", counted)
    return found


@pytest.mark.parametrize(("kind", "within"), [*((kind, 1e-10) for kind in KINDS), ("gemma2", 1e-4)])
def test_logits_are_those_of_a_fresh_forward(kind, within):
    """Trees of ragged depths, within and beyond sliding windows. Gemma 2 computes its attention in
    float32 whatever its dtype, so that even fresh forwards of other shapes differ."""
    model, random = adapted(kind), np.random.default_rng(1)
    contexts, parents = [model.start, (*model.start, 5, 9, 9)], [None, None]
    for _ in range(13):
        found = model.logits(contexts, parents)
        assert found.logits.dtype == np.float64
        for context, row in zip(contexts, found.logits, strict=True):
            assert row == pytest.approx(fresh(model._model, context), abs=within)
        chosen = random.integers(0, len(contexts), 3)
        contexts = [(*contexts[i], int(random.integers(SIZE))) for i in chosen]
        parents = [found.handles[i] for i in chosen]


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_each_token_is_evaluated_once_and_a_batch_in_one_forward(kind, monkeypatch):
    model = TransformersModel(tiny(kind))
    seen = forwards(model, monkeypatch)
    contexts, parents = [model.start], [None]
    for _ in range(6):
        found = model.logits(contexts, parents)
        contexts = [(*context, id_) for context in contexts[:2] for id_ in (7, 8)]
        parents = [handle for handle in list(found.handles)[:2] for _ in range(2)]
    assert seen == [1, 2, 4, 4, 4, 4]


def test_what_nobody_holds_is_forgotten():
    model = TransformersModel(tiny("gpt2"))
    root = model.logits([model.start], [None]).handles[0]
    assert model.held == 1
    left, right = model.logits([(0, 3), (0, 4)], [root, root]).handles
    assert model.held == 3
    del root  # its children need it
    assert model.held == 3
    del left
    assert model.held == 2
    for id_ in range(40):  # slots are used again
        right = model.logits([(0, 4, id_)], [right]).handles[0] if id_ < 1 else right
        model.logits([(0, 4, 0, id_)], [right])
    assert model.held == 3
    assert len(model._pool._uses) <= 8
    again = model.logits([(0, 4, 0, 9)], [right]).logits[0]
    assert again == pytest.approx(fresh(model._model, (0, 4, 0, 9)), abs=1e-10)
    del right
    assert model.held == 0


def test_many_new_tokens_go_through_in_parts(monkeypatch):
    monkeypatch.setattr("byteprob.models.hf._PACKED", 7)
    model = TransformersModel(tiny("llama"))
    seen = forwards(model, monkeypatch)
    contexts = [(0, *range(20)), (0, 4), (0, *range(50, 59))]
    found = model.logits(contexts, [None] * 3)
    assert max(seen) <= 7
    assert sum(seen) == 33
    for context, row in zip(contexts, found.logits, strict=True):
        assert row == pytest.approx(fresh(model._model, context), abs=1e-10)


@pytest.mark.parametrize(("kind", "within"), [("gpt2", 1e-10), ("bloom", 1e-6)])
def test_without_reuse_any_architecture_goes(kind, within):
    """BLOOM too computes attention in float32."""
    model = TransformersModel(tiny(kind), start=(0,), reuse=False)
    contexts = [(0, 4, 5), (0,), (0, *range(20))]
    found = model.logits(contexts, [None] * 3)
    assert list(found.handles) == [None] * 3
    for context, row in zip(contexts, found.logits, strict=True):
        assert row == pytest.approx(fresh(model._model, context), abs=within)


@pytest.mark.parametrize("kind", ["bloom", "mpt"])
def test_what_takes_no_tree_is_refused(kind):
    """MPT takes any mask, but counts distances in the row and not in the context."""
    with pytest.raises(ByteprobError, match="reuse=False"):
        TransformersModel(tiny(kind), start=(0,))


def test_a_model_that_was_asked_can_still_be_trained():
    model = tiny("llama")
    TransformersModel(model).logits([(0, 4, 5)], [None])
    model(torch.tensor([[0, 4]])).logits.sum().backward()
    assert all(weights.grad is not None for weights in model.parameters())
    model.zero_grad()


def test_a_wrong_mask_is_noticed(monkeypatch):
    right = Forward.mask.fget
    monkeypatch.setattr(Forward, "mask", property(lambda self: np.zeros_like(right(self))))
    with pytest.raises(ByteprobError, match="deviations"):
        TransformersModel(tiny("llama"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("packed", [1024, 5])
def test_documents_are_scored_in_packed_forwards(kind, packed, monkeypatch):
    monkeypatch.setattr("byteprob.models.hf._PACKED", packed)
    monkeypatch.setattr("byteprob.models.hf._SUMMED", 100 * packed)
    tok = trained(vocab_size=300)
    vocabulary, model = vocabulary_of(tok), adapted(kind)
    documents = [
        (0, *tok.encode(text).tolist()) for text in ("It is so.", "", "The quick brown fox")
    ]
    assert len(documents[0]) < WINDOW < len(documents[2])
    found = model.document_log_probs(documents, vocabulary)
    known = np.concatenate([vocabulary.ranges.order, vocabulary.counted])
    for document, log_probs in zip(documents, found, strict=True):
        assert len(log_probs) == len(document)
        for n, log_prob in enumerate(log_probs, 1):
            logits = fresh(model._model, document[:n])
            total = np.logaddexp.reduce(logits[known])
            end = np.logaddexp.reduce(logits[vocabulary.ends])
            right = logits[document[n]] if n < len(document) else end
            assert log_prob == pytest.approx(right - total, abs=1e-9)
    assert model.held == 0


def test_documents_beyond_the_limit_go_on_by_half_a_window():
    tok = trained(vocab_size=300)
    vocabulary, model = vocabulary_of(tok), adapted("llama")
    body = tok.encode("The quick brown fox jumps over the lazy dog. " * 4).tolist()
    assert len(body) > 2 * LIMIT
    (found,) = model.document_log_probs([(0, *body)], vocabulary)
    known = np.concatenate([vocabulary.ranges.order, vocabulary.counted])
    for n in range(len(body) + 1):
        # The windows of 63 ids begin at 0 and then end at 63 + 32, 63 + 64, ...
        stop = 63 if n <= 63 else min(len(body), 63 + 32 * -(-(n - 63) // 32))
        logits = fresh(model._model, (0, *body[max(0, stop - 63) : n]))
        right = logits[body[n]] if n < len(body) else np.logaddexp.reduce(logits[vocabulary.ends])
        assert found[n] == pytest.approx(right - np.logaddexp.reduce(logits[known]), abs=1e-9)


@pytest.mark.parametrize("size", [0, 1, 6, 7, 8, 30])
@pytest.mark.parametrize("room", [1, 2, 7])
def test_windows_score_each_id_once_and_the_end(size, room):
    scored = []
    for begin, stop, first in _windows(size, room):
        assert 0 <= stop - begin <= room
        assert first == 0 or first - begin >= room // 2
        scored += range(first, stop + 1)
    assert scored == list(range(size + 1))


def test_bytes_of_a_transformer_are_those_of_fresh_forwards():
    tok = trained(vocab_size=SIZE)
    reused, plain = adapted("qwen2"), TransformersModel(tiny("qwen2"), reuse=False)
    one, two = ByteModel(reused, tok, "canonical"), ByteModel(plain, tok, "canonical")
    for text in (b"", b"It's", b"a  b\n"):
        right = two.next_byte(text).log_probs
        assert one.next_byte(text).log_probs == pytest.approx(right, abs=1e-9)
    assert reused.held == 0


def test_bits_of_documents_are_those_of_the_byte_model():
    tok, model = trained(vocab_size=300), adapted("gpt2")
    texts = ("It's  the\n\n e", "we're 1234 ", "", "né\u2009日", "  \n")
    canonical = ByteModel(model, tok, "canonical")
    for text, bits in zip(texts, bits_per_byte(model, tok, texts).bits, strict=True):
        right = canonical.score(text.encode(), ended=True).log_prob
        assert bits == pytest.approx(-right / math.log(2), abs=1e-9)
    with pytest.raises(ByteprobError, match="tokenizer has 2000 ids, and the model 320"):
        bits_per_byte(model, trained(), ["a"])


def test_the_start_is_bos_or_end_and_else_asked_for():
    config = transformers.LlamaConfig(**{**tiny("llama").config.to_dict(), "bos_token_id": None})
    assert TransformersModel(transformers.LlamaForCausalLM(config)).start == (1,)
    config.eos_token_id = [4, 5]
    assert TransformersModel(transformers.LlamaForCausalLM(config)).start == (4,)
    config.eos_token_id = None
    with pytest.raises(ByteprobError, match="pass start="):
        TransformersModel(transformers.LlamaForCausalLM(config))
    assert TransformersModel(transformers.LlamaForCausalLM(config), start=(9, 8)).start == (9, 8)
    for start in ((), (SIZE,)):
        with pytest.raises(ByteprobError, match="pass start="):
            TransformersModel(transformers.LlamaForCausalLM(config), start=start)


def test_contexts_that_are_too_long_and_strange_parents_are_named():
    model = adapted("gpt2")
    with pytest.raises(ByteprobError, match=f"{LIMIT + 1} ids.*{LIMIT}"):
        model.logits([(0,) * (LIMIT + 1)], [None])
    handle = model.logits([(0, 1)], [None]).handles[0]
    with pytest.raises(ByteprobError, match="parent"):
        model.logits([(0, 1)], [handle])


def test_half_precision_comes_back_as_float32():
    model = TransformersModel(tiny("llama", double=False).to(torch.bfloat16))
    found = model.logits([(0,), (0, 4)], [None, None]).logits
    assert found.dtype == np.float32
    assert found[1] == pytest.approx(fresh(model._model.float(), (0, 4)), abs=1)


def test_local_folders_load_and_bad_ones_say_so(tmp_path, monkeypatch):
    with pytest.raises(ByteprobError, match=r"tokenizer\.json"):
        TransformersModel.from_directory(tmp_path)
    tok = trained(vocab_size=SIZE)
    config = transformers.LlamaConfig(
        **{**tiny("llama").config.to_dict(), "bos_token_id": None, "eos_token_id": 1}
    )
    tok.save(tmp_path / "tokenizer.json")
    config.save_pretrained(tmp_path)
    with pytest.raises(ByteprobError, match="no model that can be read"):
        TransformersModel.from_directory(tmp_path)
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path)
    model, again = TransformersModel.from_directory(tmp_path)
    assert again == tok
    assert model.start == (tok.special_tokens["<|endoftext|>"],)  # as Qwen's have it
    assert ByteModel(model, again, "canonical").next_byte(b"a").probs.sum() == pytest.approx(1)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"\[hf\]"):
        TransformersModel.from_directory(tmp_path)
