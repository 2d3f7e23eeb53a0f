"""Every law finds the fault planted for it, and the faults that other libraries have."""

from dataclasses import replace
from functools import cache

import pytest
import sentencepiece
import tiktoken
import tokenizers
from hypothesis import find, given, settings

from tests.samples import documents, trained
from tokenkit import Tokenizer
from tokenkit.errors import TokenkitError
from tokenkit.testing import (
    LAWS,
    LawViolation,
    Subject,
    check_tokenizer,
    find_violations,
    laws,
    strategies,
    subject_of,
)

SPECIAL = {"<|end|>": 256}


def _scrub(text):
    return laws.as_utf8(text)


def _encode(text):
    return list(_scrub(text).encode())


def _bytes(ids):
    return b"".join(b"<|end|>" if id_ == 256 else bytes([id_]) for id_ in ids)


def _decode(ids):
    return _bytes(ids).decode("utf-8", "replace")


def _spans(text):
    spans = []
    for i, character in enumerate(_scrub(text)):
        spans += [(i, i + 1)] * len(character.encode())
    return _encode(text), spans


def _stream(ids):
    yield _decode(ids)


SOUND = Subject(
    name="one id a byte",
    encode=_encode,
    decode=_decode,
    ids=range(257),
    special_tokens=SPECIAL,
    token_bytes=lambda id_: _bytes([id_]),
    spans=_spans,
    encode_batch=lambda texts: [_encode(text) for text in texts],
    encode_bytes=list,
    decode_bytes=_bytes,
    stream=_stream,
    reload=lambda: SOUND,
    other_encoders={"count": lambda text: len(_encode(text))},
)


def _each(change):
    """The sound tokenizer with another encoder, everywhere."""
    return replace(
        SOUND,
        encode=change,
        encode_batch=lambda texts: [change(text) for text in texts],
        spans=None,
        reload=None,
        other_encoders={},
    )


def _with_special(text):
    parts = text.split("<|end|>")
    return [id_ for part in parts for id_ in (256, *_encode(part))][1:]


def _context(text):
    """Merges what belongs to two lines: the id of a line end depends on what went before."""
    return [id_ if id_ != 10 or i == 0 else 11 for i, id_ in enumerate(_encode(text))]


PLANTED = {
    "takes_any_text": replace(
        SOUND, other_encoders={"unstable": lambda text: text.encode()}  # refuses surrogates
    ),
    "round_trip": _each(lambda text: _encode(text.replace("  ", " "))),
    "normal_form": replace(
        SOUND, contract="normalizing", encode=lambda text: _encode(" " + text), spans=None,
        encode_batch=None, reload=None, other_encoders={},
    ),
    "bytes_round_trip": replace(
        SOUND, encode_bytes=lambda raw: list(raw.decode("utf-8", "replace").encode())
    ),
    "tokens_spell_text": replace(SOUND, token_bytes=lambda id_: _bytes([id_]).upper(), spans=None),
    "spans_are_ordered": replace(
        SOUND, token_bytes=None, spans=lambda t: (_encode(t), sorted(_spans(t)[1], reverse=True))
    ),
    "spans_cover_text": replace(
        SOUND, token_bytes=None, spans=lambda t: (_encode(t), [(s, s) for s, _ in _spans(t)[1]])
    ),
    "reencoding_settles": _each(lambda text: [120, *_encode(text)]),
    "batch_equals_single": replace(
        SOUND, encode_batch=lambda texts: [_encode(text)[: len(texts[0])] for text in texts]
    ),
    "chunks_equal_whole": _each(_context),
    "stream_equals_whole": replace(SOUND, stream=lambda ids: [_decode([id_]) for id_ in ids]),
    "saved_equals_loaded": replace(SOUND, reload=lambda: _each(lambda t: _encode(t.strip()))),
    "special_text_is_inert": _each(_with_special),
}  # fmt: skip


def _law(name):
    (law,) = (law for law in LAWS if law.name == name)
    return law


# The other faults break more than one law.
EXACT = sorted(
    set(PLANTED)
    - {"round_trip", "normal_form", "spans_are_ordered", "reencoding_settles", "chunks_equal_whole"}
)


def test_the_sound_one_breaks_nothing_and_every_law_binds_somewhere():
    checked = check_tokenizer(SOUND)
    assert {law.name for law in LAWS} - set(checked) == {"normal_form"}
    assert set(PLANTED) == {law.name for law in LAWS}
    assert all(law.statement for law in LAWS)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_and_the_input_is_small(name):
    violation = find_violations(PLANTED[name], laws=[_law(name)])[name]
    assert violation.law == name
    assert len(violation.example) <= 12
    message = str(violation)
    assert name in message
    assert ascii(violation.example) in message
    assert "expected" in message


@pytest.mark.parametrize("name", EXACT)
def test_a_planted_fault_breaks_its_own_law_only(name):
    assert set(find_violations(PLANTED[name], max_examples=30)) == {name}


def test_the_normal_form_is_the_one_declared():
    upper = replace(
        _each(lambda text: _encode(text.upper())), contract="normalizing", normalize=str.upper
    )
    check_tokenizer(upper)
    wrong = replace(upper, normalize=str.lower)
    assert set(find_violations(wrong)) == {"normal_form"}


def test_an_error_of_the_tokenizer_is_a_violation():
    def fail(texts):
        raise IndexError(texts)

    violation = find_violations(replace(SOUND, encode_batch=fail))["batch_equals_single"]
    assert "IndexError" in str(violation)
    assert isinstance(violation.__cause__, IndexError)


def test_long_inputs_are_shown_in_short():
    violation = LawViolation(SOUND, "round_trip", "a" * 10_000, "a" * 10_000, "a" * 9_000 + "b")
    assert len(str(violation)) < 1500
    assert "differ at 9000" in str(violation)


def test_only_known_tokenizers_have_a_subject():
    with pytest.raises(TokenkitError, match="Subject"):
        subject_of(object())


# --- the strategies reach what they are for


@pytest.mark.parametrize(
    "wanted",
    [
        lambda text: "\ud800" <= text[:1] <= "\udfff",
        lambda text: any(letter in text for letter in strategies.BYTE_MAP_LETTERS),
        lambda text: "\u2581" in text,
        lambda text: "\x00" in text or "\x18" in text,
        lambda text: "\xa0" in text,
        lambda text: "ﬁ" in text,
        lambda text: "  <|end|>" in text,
        lambda text: any(character.isdigit() for character in text),
    ],
)
def test_texts_reach(wanted):
    patient = settings(max_examples=20_000, database=None)  # one text in hundreds has an "ﬁ"
    assert wanted(find(strategies.texts(["<|end|>"]), wanted, settings=patient))


@given(strategies.ids(range(7)))
def test_ids_stay_below(ids):
    assert all(0 <= id_ < 7 for id_ in ids)


# --- our own tokenizers, and the faults of other libraries that are still there


@pytest.mark.parametrize("pattern", ["gpt2", "o200k"])
def test_trained_tokenizers_keep_all_laws(pattern):
    checked = check_tokenizer(trained(pattern), max_examples=40)
    assert len(checked) == len(LAWS) - 1


def test_tokenkit_with_an_added_token_of_byte_map_letters():
    peer = _byte_level()
    peer.add_tokens(["čau", "ilÖveyou"])
    ours = Tokenizer.from_bytes(peer.to_str().encode())
    check_tokenizer(ours, max_examples=40)


@cache
def _byte_level_json():
    tok = tokenizers.Tokenizer(tokenizers.models.BPE())
    tok.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=500,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tok.train_from_iterator(documents()[:5], trainer)
    return tok.to_str()


def _byte_level():
    return tokenizers.Tokenizer.from_str(_byte_level_json())


def test_tokenizers_refuses_surrogates():
    violations = find_violations(_byte_level())
    assert set(violations) == {"takes_any_text", "stream_equals_whole"}
    assert "TypeError" in violations["takes_any_text"].found
    # DecodeStream holds back what ends in U+FFFD, for good where that is the text's own.
    assert violations["stream_equals_whole"].example == "\ufffd"


def test_tokenizers_spoils_added_tokens_of_byte_map_letters():
    peer = _byte_level()
    peer.add_tokens(["čau"])
    violation = find_violations(peer)["round_trip"]
    assert violation.example == "čau"
    assert violation.found == "\rau"


def test_tokenizers_lets_a_special_token_eat_spaces():
    peer = _byte_level()
    peer.add_special_tokens([tokenizers.AddedToken("<m>", lstrip=True, rstrip=True)])
    violations = find_violations(peer)
    assert violations["round_trip"].example in (" <m>", "<m> ", "\n<m>")
    assert violations["round_trip"].found == "<m>"
    assert violations["special_text_is_inert"].example == "<m>"


def _tiny_tiktoken():
    ranks = {bytes([byte]): byte for byte in range(256)}
    return tiktoken.Encoding(
        "tiny", pat_str=r"\p{L}+|\s+|.", mergeable_ranks=ranks, special_tokens={"<|end|>": 256}
    )


def test_tiktoken_raises_on_a_lone_surrogate_in_encode_with_unstable():
    violations = find_violations(_tiny_tiktoken(), max_examples=30)
    assert set(violations) == {"takes_any_text"}
    assert "encode_with_unstable" in str(violations["takes_any_text"])
    assert "UnicodeEncodeError" in violations["takes_any_text"].found


@cache
def _sentencepiece_model(**options):
    model = bytearray()

    class Writer:
        def write(self, data):
            model.extend(data)

    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(documents()[3].splitlines()),
        model_writer=Writer(), vocab_size=600, model_type="bpe", byte_fallback=True,
        minloglevel=2, **options,
    )  # fmt: skip
    return bytes(model)


def test_sentencepiece_loses_spaces_by_default():
    processor = sentencepiece.SentencePieceProcessor(model_proto=_sentencepiece_model())
    violation = find_violations(processor)["round_trip"]
    assert violation.example.strip(" ") != violation.example or violation.example.isspace()


def test_sentencepiece_with_care_still_takes_u2581_for_a_space():
    careful = _sentencepiece_model(
        normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=careful)
    violation = find_violations(processor)["round_trip"]
    assert "\u2581" in violation.example
    assert violation.found == violation.example.replace("\u2581", " ")
