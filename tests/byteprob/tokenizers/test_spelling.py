"""Which tokenizers are taken, what their ids spell, and what is said of the others."""

import json

import numpy as np
import pytest
import tokenizers

from byteprob import END, ByteModel, FunctionModel, UnsupportedTokenizerError
from byteprob.errors import ImpossiblePrefixError
from byteprob.tokenizers.spelling import viability_of, vocabulary_of
from tests.byteprob.tokenizers.pieces import sentencepiece_model, trained
from tests.samples import documents
from tokenkit import Tokenizer

KINDS = ("bpe", "bpe-fallback", "unigram", "unigram-fallback", "char-fallback", "hf-bpe")
KINDS += ("hf-bpe-whole", "hf-unigram", "hf-unigram-whole", "llama")
TARGETS = ("marginal", "canonical", "canonical-renorm")


def random_model(tok, seed=0, padding=7):
    def row(context):
        random = np.random.default_rng([seed, len(context), *context[-3:]])
        return random.normal(0, 3, tok.vocab_size + padding)

    return FunctionModel(lambda contexts: np.array([row(c) for c in contexts]), start=(1,))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", TARGETS)
def test_symbols_sum_to_one_and_texts_have_probability(kind, target):
    tok = trained(kind)
    beam = 8 if target == "marginal" else None
    model = ByteModel(random_model(tok), tok, target, beam=beam)
    cursor = model.at()
    for byte in model.normal_form("ab  aé".encode()):
        dist = cursor.next_byte()
        assert dist.probs.sum() == pytest.approx(1, abs=1e-12)
        cursor.push(byte)
    assert -80 < cursor.log_prob < 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_mass_of_a_text_is_at_least_that_of_its_encoding(kind):
    tok = trained(kind)
    plain = random_model(tok)
    model = ByteModel(plain, tok, "canonical")
    counted = [*model.reading.vocabulary.ranges.order, *model.reading.vocabulary.counted]

    def path(ids):
        logs = 0.0
        for i, id_ in enumerate(ids):
            logits = plain.function([(1, *ids[:i])])[0]
            logs += logits[id_] - np.logaddexp.reduce(logits[counted])
        return logs

    front = np.logaddexp.reduce([path([i]) for i in _first(model)])
    for text in ("a", "ab ba", "éa  b"):
        ids = tok.encode(text).tolist()
        assert model.at(text.encode()).log_prob >= path(ids) - front - 1e-9


def _first(model):
    """Ids that may begin a text: all that begin with the blank in front, and are made."""
    ranges, viability = model.reading.vocabulary.ranges, model.reading.viability
    low, high = ranges.starting_with(model.reading.front)
    allowed = viability.following(viability.start)
    return [id_ for id_ in ranges.order[low:high].tolist() if allowed[id_]]


def test_the_end_behind_the_front_is_the_empty_text():
    tok = trained("llama")
    blank, end = tok.token_to_id("▁"), tok.special_tokens["</s>"]

    def row(context):
        logits = np.full(tok.vocab_size, -np.inf)
        logits[[blank, tok.token_to_id("▁a")]] = np.log([0.3, 0.1])
        logits[tok.token_to_id("b")] = np.log(0.6)
        if len(context) > 1:
            logits[:] = -np.inf
            logits[end] = 0.0
        return logits

    model = FunctionModel(lambda contexts: np.array([row(c) for c in contexts]), start=(1,))
    probs = ByteModel(model, tok).next_byte().probs
    assert probs[END] == pytest.approx(0.75)
    assert probs[ord("a")] == pytest.approx(0.25)
    assert probs[ord("b")] == 0  # no text begins without the blank


def test_unknown_characters_are_leak_and_have_no_probability():
    tok = trained("unigram")
    vocabulary = vocabulary_of(tok)
    unknown = tok.token_to_id("<unk>")
    assert unknown in vocabulary.counted
    assert unknown not in vocabulary.ends
    flat = FunctionModel(lambda contexts: np.zeros((len(contexts), tok.vocab_size)), start=(1,))
    model = ByteModel(flat, tok)
    size = len(vocabulary.ranges) + len(vocabulary.counted)
    low, high = vocabulary.ranges.starting_with(b" ")
    inner = high - low - 1  # tokens that go on behind the blank, which lose nothing yet
    lost = 1 / size / (1 + inner)
    assert model.next_byte().leak == pytest.approx(lost, rel=1e-9)
    with pytest.raises(ImpossiblePrefixError):
        model.at("日".encode())


def test_text_that_spells_a_special_token_is_its_characters():
    tok = Tokenizer.train(documents()[:9], vocab_size=300, special_tokens=["<|endoftext|>"])
    for target in ("canonical", "marginal"):
        text = b"<|endoftext|>"
        model = ByteModel(random_model(tok), tok, target, beam=4 if target == "marginal" else None)
        score = model.score(text)
        assert np.isfinite(score.log_prob)
        assert score.size == len(text)
        assert model.at(text).next_byte().probs.sum() == pytest.approx(1)


def test_padding_does_not_matter_and_ids_without_token_have_nothing():
    spec = json.loads(Tokenizer.train(["ab ab"] * 9, vocab_size=258).to_bytes())
    spec["model"]["vocab"]["zz"] = 270  # ids before it have no token
    tok = Tokenizer.from_bytes(json.dumps(spec).encode())
    assert tok.vocab_size == 271
    assert len(vocabulary_of(tok).ranges) == 259
    few, many = (ByteModel(random_model(tok, padding=pad), tok, beam=8) for pad in (0, 50))
    assert (few.next_byte(b"a").probs == many.next_byte(b"a").probs).all()


def test_wordpiece_is_refused_and_the_step_named():
    found = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    found.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=60, special_tokens=["[UNK]"], show_progress=False
    )
    found.train_from_iterator(["ab ba aab"] * 9, trainer)
    tok = Tokenizer.from_bytes(found.to_str().encode())
    with pytest.raises(UnsupportedTokenizerError, match="WordPiece drops the blanks"):
        vocabulary_of(tok)


def refused(change, match, kind="llama"):
    spec = json.loads(trained(kind).to_bytes())
    change(spec)
    with pytest.raises(UnsupportedTokenizerError, match=match):
        vocabulary_of(Tokenizer.from_bytes(json.dumps(spec).encode()))


def test_what_loses_bytes_is_named():
    refused(lambda spec: spec.update(pre_tokenizer={"type": "WhitespaceSplit"}), "drops blanks")
    refused(lambda spec: spec.update(decoder=None), "spell")
    vanishing = {"byte_fallback": False, "unk_token": None}
    refused(lambda spec: spec["model"].update(vanishing), "vanish")


def test_blanks_put_behind_texts_are_refused():
    tok = sentencepiece_model(model_type="bpe", treat_whitespace_as_suffix=True)
    with pytest.raises(UnsupportedTokenizerError, match="behind every text"):
        vocabulary_of(tok)


def test_symbols_that_are_cut_out_of_texts_have_no_canonical_target():
    tok = sentencepiece_model(model_type="bpe", user_defined_symbols=["<sep>"])
    vocabulary = vocabulary_of(tok)
    assert vocabulary.token(tok.token_to_id("<sep>")) == b"<sep>"
    with pytest.raises(UnsupportedTokenizerError, match="<sep>"):
        viability_of(tok, vocabulary)


def with_steps(*steps, **model):
    spec = json.loads(Tokenizer.train(documents()[:9], vocab_size=400).to_bytes())
    spec["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": steps}
    spec["model"] |= model
    return Tokenizer.from_bytes(json.dumps(spec).encode())


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}


@pytest.mark.parametrize(
    "steps",
    [
        [BYTE_LEVEL | {"use_regex": False}],
        [{"type": "Digits", "individual_digits": True}, BYTE_LEVEL | {"use_regex": True}],
        [{"type": "Punctuation", "behavior": "Isolated"}, BYTE_LEVEL | {"use_regex": False}],
    ],
    ids=["none", "digits", "punctuation"],
)
def test_any_splits_of_the_engine_have_a_canonical_target(steps):
    tok = with_steps(*steps)
    model = ByteModel(random_model(tok), tok, "canonical")
    assert model.score(b"It's 1234, (or) 5!").log_prob < 0


def test_splits_that_are_not_known_are_refused():
    ranks = Tokenizer.train(documents()[:9], vocab_size=400).to_bytes(as_ranks=True)
    tok = Tokenizer.from_bytes(ranks, pattern=r"[a-y]+|(?s:.)")
    with pytest.raises(UnsupportedTokenizerError, match=r"how far it looks ahead.*marginal"):
        viability_of(tok, vocabulary_of(tok))


SPLITS_KNOWN = {"r50k_base", "cl100k_base"}


@pytest.mark.parametrize("name", ["r50k_base", "cl100k_base", "kl3m-001-32k"])
def test_real_tokenizers_give_a_model_or_the_right_refusal(data_folder, name):
    tok = Tokenizer.from_file(data_folder / "vocab" / f"{name}.tokenizer.json.gz")
    model = ByteModel(random_model(tok), tok, beam=2)
    assert model.next_byte(b"th").probs.sum() == pytest.approx(1)
    assert not model.normalizes
    if name in SPLITS_KNOWN:
        assert viability_of(tok, model.reading.vocabulary).ends
    else:
        with pytest.raises(UnsupportedTokenizerError, match="added token"):
            viability_of(tok, model.reading.vocabulary)


def test_a_real_tokenizer_without_some_bytes_is_refused(data_folder):
    tok = Tokenizer.from_file(data_folder / "vocab" / "kl3m-004-char-4k-cased.tokenizer.json.gz")
    with pytest.raises(UnsupportedTokenizerError, match="no tokens and vanish"):  # 0x18 and 0xFF
        vocabulary_of(tok)
