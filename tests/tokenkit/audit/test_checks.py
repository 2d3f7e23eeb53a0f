"""Each check finds the defect that was put in, and nothing in a sound tokenizer."""

import gzip
import io
import json

import pytest
import sentencepiece
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import documents, trained
from tests.tokenkit.audit import broken
from tokenkit import Tokenizer
from tokenkit.audit import CHECKS, Category, Vocabulary, audit, audit_added_tokens, categories
from tokenkit.audit.characters import characters, normal_forms
from tokenkit.audit.checks import added_tokens_of
from tokenkit.audit.contexts import completions
from tokenkit.errors import AuditError, FormatError
from tokenkit.text.added import AddedToken


def one(tokenizer, check):
    return audit(tokenizer, checks=[check])[check]


def test_a_sound_tokenizer_has_no_errors():
    report = audit(trained(), name="sound")
    assert set(report.checks) == set(CHECKS)
    assert report.name == "sound"
    assert report.vocab_size == trained().vocab_size
    assert {f.check for f in report.findings if f.severity in ("warning", "error")} <= {
        "number_fragmentation"
    }
    partial = [
        t for t in Vocabulary.of(trained()).tokens if t != t.decode("utf-8", "ignore").encode()
    ]
    assert report["undecodable"].count == len(partial) >= 128
    assert report["undecodable"].facts["in no UTF-8 text"] == 13  # C0, C1, F5 to FF


def test_unknown_checks_are_refused():
    with pytest.raises(AuditError, match="'nonsense' is no check"):
        audit(trained(), checks=["nonsense"])


def test_shadowed():
    tokenizer = broken.with_added(" ")
    space = tokenizer.vocab[" "]
    expected = [i for t, i in trained().vocab.items() if "Ġ" in t]
    found = one(tokenizer, "shadowed")
    assert sorted(expected) == list(found.ids)
    assert (found.severity, found.count) == ("error", len(expected))
    assert found.examples[0].id == space
    assert one(tokenizer, "unreachable").facts["because of an added token"] == len(expected)


def test_a_special_token_shadows_nothing_while_it_is_not_allowed():
    tokenizer = broken.with_added("th", special=True)
    assert one(tokenizer, "shadowed").count == one(tokenizer, "unreachable").count == 0
    assert one(broken.with_added("th"), "shadowed").count > 10


def test_an_added_token_that_nothing_holds_shadows_nothing():
    assert one(broken.with_added("<never>"), "shadowed").count == 0


def test_unreachable_by_spelling():
    found = one(broken.with_entry("\x18"), "unreachable")
    assert found.count == 1
    assert "spelling" in found.examples[0].note


def test_unreachable_by_merges():
    token = "qxzj"
    found = one(broken.with_entry(token), "unreachable")
    assert [example.spelling for example in found.examples] == [f"“{token}”"]
    assert "split or merges" in found.examples[0].note


def test_unreachable_by_the_normalizer():
    found = one(broken.with_normalizer("Lowercase"), "unreachable")
    capitals = {i for t, i in trained().vocab.items() if t.lower() != t and t.isascii()}
    capitals -= set(trained().special_tokens.values())
    assert capitals <= set(found.ids)
    assert found.facts["because of the normalizer"] >= len(capitals)


def test_missing_byte():
    tokenizer = broken.without_byte("Ę")  # 0x18
    assert [e.spelling for e in one(tokenizer, "missing_bytes").examples] == ["0x18"]
    lost = one(tokenizer, "lost_characters")
    assert (lost.count, lost.severity) == (1, "error")
    assert lost.examples[0].spelling == "“\\x18”"
    assert lost.examples[0].note == "comes back as “”"
    gaps = one(tokenizer, "offset_gaps")
    assert gaps.examples[0].spelling == "“a\\x18b”"


def test_characters_are_all_assigned_ones():
    assert "\x18" in characters()
    assert "\U0001f600" in characters()
    assert not {"\ud800", "\ue000", "\u0378"} & set(characters())


def test_duplicates():
    found = one(broken.with_added("\n"), "duplicates")
    assert found.count == 1
    assert found.ids == (trained().vocab["Ċ"], trained().vocab_size)


def test_garbled_added_token_as_the_library_decodes_it():
    tokenizer = broken.with_added("čau")
    found = one(tokenizer, "garbled_added")
    assert found.ids == (tokenizer.vocab["čau"],)
    peer = tokenizers.Tokenizer.from_str(tokenizer.to_bytes().decode())
    assert peer.decode(list(found.ids), skip_special_tokens=False) == "\rau"
    assert found.examples[0].note == "decoded as “\\rau”"
    assert not one(broken.with_added("hello"), "garbled_added").count


@pytest.mark.parametrize(("special", "severity"), [(True, "note"), (False, "warning")])
def test_stripping(special, severity):
    found = one(broken.with_added("<m>", lstrip=True, special=special), "stripping")
    assert (found.count, found.severity) == (1, severity)


def test_whitespace():
    found = one(broken.with_added(" " * 500), "whitespace")
    assert found.severity == "warning"
    assert found.facts["longest"] == 500
    assert found.examples[0].spelling == "“ ” × 500"


def test_normalizer_collisions():
    found = one(broken.with_normalizer("NFKC"), "normalizer_collisions")
    by_form = {e.spelling: e.note for e in found.examples}
    assert found.count > 3000
    assert "“ℂ”" in by_form["“C”"]
    lower = one(broken.with_normalizer("Lowercase"), "normalizer_collisions")
    assert lower.severity == "warning"  # the vocabulary has capitals
    assert trained().vocab["A"] in lower.ids
    assert not one(trained(), "normalizer_collisions").count


@pytest.mark.parametrize(
    "make",
    [
        lambda: broken.with_normalizer("NFKC"),
        lambda: broken.with_normalizer("NFD"),
        lambda: broken.with_normalizer("Lowercase"),
        broken.wordpiece,
    ],
)
def test_normal_forms_of_many_texts_are_those_of_each(make):
    tokenizer = make()
    given = ["", "|", "|a1b|"[:4], "a|", "ΑΣ", "\n", *characters()[:300], *characters()[300::97]]
    assert normal_forms(tokenizer, given) == [tokenizer.normalize(text) for text in given]


def test_save_drift_is_seen(monkeypatch):
    other = broken.with_added("the").to_bytes()
    tokenizer = broken.with_added("fox")
    monkeypatch.setattr(type(tokenizer), "to_bytes", lambda self, as_ranks=False: other)
    found = one(tokenizer, "save_drift")
    assert found.severity == "error"
    assert found.facts["saved by tokenkit"] > 0


def test_numbers():
    assert one(trained(), "number_fragmentation").count > 0
    found = spec_with_digits()
    assert found.severity == "ok"
    assert found.facts["7 digits"] == "1+1+1+1+1+1+1 in 100.0%"


def spec_with_digits():
    found = broken.spec()
    found["model"]["merges"] = []
    return one(broken.loaded(found), "number_fragmentation")


def test_chunk_safety_advises_a_cut_that_gpt2_keeps():
    found = one(trained(), "chunk_safety")
    assert found.facts["letter|line feed"] == "safe"
    assert "line feed|letter" not in found.facts  # two line feeds before a letter are two pieces
    assert "letter|letter" not in found.facts


@pytest.mark.parametrize("make", [broken.wordpiece, broken.on_the_library])
def test_any_tokenizer_is_audited(make):
    tokenizer = make()
    report = audit(tokenizer)
    assert set(report.checks) == set(CHECKS)
    assert json.loads(json.dumps(report.to_json()))["engine"] == tokenizer.engine


def test_the_engine_need_not_be_ours():
    tokenizer = broken.on_the_library()
    assert tokenizer.engine == "tokenizers"
    assert one(tokenizer, "missing_bytes").count == 0
    assert one(tokenizer, "save_drift").count == 0


def test_wordpiece_loses_what_is_not_in_its_alphabet():
    tokenizer = broken.wordpiece()
    assert one(tokenizer, "missing_bytes").severity == "warning"
    assert one(tokenizer, "lost_characters").severity == "error"
    assert one(tokenizer, "offset_gaps").facts["of them white space"] > 0
    unreachable = one(tokenizer, "unreachable")
    assert tokenizer.vocab["##able"] not in unreachable.ids  # in a word it is made
    assert tokenizer.vocab["[PAD]"] in unreachable.ids  # no added token, and split at brackets


# --- reach, as Magikarp tells it


def magikarp(peer, ids, special):
    """Its `categorize_token`, written anew on the library it runs on."""
    found = []
    for id_ in ids:
        text = peer.decode([id_], skip_special_tokens=False)
        again = peer.encode(text, add_special_tokens=False).ids
        if again == [id_]:
            found.append(Category.OK_SPECIAL if id_ in special else Category.OK)
        elif (
            len(text) >= 3
            and text[0] in "[<"
            and text[-1] in "]>"
            and any(letter.isalpha() for letter in text)
        ):
            found.append(Category.UNREACHABLE_SPECIAL)
        elif "\ufffd" in text:
            found.append(Category.UNDECODEABLE)
        elif len(again) == 1:
            found.append(Category.UNREACHABLE_SINGLE_TOKEN)
        else:
            found.append(Category.UNREACHABLE_MULTI_TOKEN)
    return tuple(found)


@pytest.mark.parametrize(
    "make",
    [
        trained,
        lambda: broken.with_added(" "),
        lambda: broken.with_added("\n"),
        lambda: broken.with_entry("qxzj"),
        lambda: broken.with_normalizer("Lowercase"),
        broken.on_the_library,
    ],
)
def test_categories_are_those_of_magikarp(make):
    tokenizer = make()
    peer = tokenizers.Tokenizer.from_str(tokenizer.to_bytes().decode())
    special = set(tokenizer.special_tokens.values())
    expected = magikarp(peer, range(tokenizer.vocab_size), special)
    assert categories(Vocabulary.of(tokenizer)) == expected


@given(
    st.binary(min_size=1, max_size=6)
    | st.text(min_size=1, max_size=3).map(lambda t: t.encode("utf-8", "surrogatepass")[1:])
)
def test_completions_are_texts_that_hold_the_token(token):
    for text in completions(token):
        text.decode()
        assert token in text


@pytest.mark.parametrize("token", [b"\xff", b"\xc0", b"a\xc0", b"\x80\x80\x80\x80", b"\xe4a"])
def test_what_no_text_holds_has_no_completion(token):
    assert completions(token) == []


@given(st.characters(exclude_categories=["Cs"]).filter(lambda c: ord(c) > 0x7F), st.data())
def test_any_part_of_a_character_that_it_begins_with_has_one(character, data):
    raw = character.encode()
    assert completions(raw[: data.draw(st.integers(1, len(raw)))])


# --- added tokens alone


def test_added_tokens_alone(tmp_path):
    tokens = [AddedToken("\n" * n, n, normalized=True) for n in range(2, 300)]
    report = audit_added_tokens([*tokens, AddedToken("čau", 1), AddedToken("<m>", 0, rstrip=True)])
    assert report["whitespace"].count == 298
    assert report["whitespace"].severity == "warning"
    assert report["garbled_added"].ids == (1,)
    assert report["stripping"].ids == (0,)
    assert audit_added_tokens([]).worst == "ok"


def test_added_tokens_of_a_config(tmp_path):
    entries = {"7": {"content": "<a>", "special": True}, "8": {"content": "b", "lstrip": True}}
    content = json.dumps({"added_tokens_decoder": entries}).encode()
    path = tmp_path / "tokenizer_config.json"
    for written in (content, gzip.compress(content)):
        path.write_bytes(written)
        found = added_tokens_of(path)
        assert found == (AddedToken("<a>", 7, special=True), AddedToken("b", 8, lstrip=True))
    for other in (
        trained().to_bytes(),
        b"IQ== 0\n",
        b"{",
        b"{}",
        b"",
        b'{"added_tokens_decoder": 3}',
    ):
        path.write_bytes(other)
        assert added_tokens_of(path) is None
    path.write_bytes(gzip.compress(content)[:-9])
    with pytest.raises(FormatError, match="tokenizer_config"):
        added_tokens_of(path)


# --- SentencePiece models


PLAIN = {
    "normalization_rule_name": "identity",
    "add_dummy_prefix": False,
    "remove_extra_whitespaces": False,
}


def piece_model(**options):
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line for text in documents()[:10] for line in text.splitlines()),
        model_writer=written,
        vocab_size=600,
        minloglevel=2,
        **options,
    )
    return Tokenizer.from_bytes(written.getvalue())


def test_sentencepiece_with_byte_fallback():
    tokenizer = piece_model(model_type="bpe", byte_fallback=True, **PLAIN)
    report = audit(tokenizer)
    assert [e.spelling for e in report["lost_characters"].examples] == ["“▁”"]  # becomes a blank
    dead = {tokenizer.id_to_token(id_) for id_ in report["unreachable"].ids}
    assert "<0x61>" in dead  # "a" has a token of its own
    assert "<0x00>" not in dead
    assert all(token.startswith("<") for token in dead)
    for check in ("missing_bytes", "duplicates", "save_drift"):
        assert report[check].severity == "ok"
    assert not report.failures(["error"])


def test_sentencepiece_with_defaults():
    report = audit(piece_model(model_type="unigram"))
    assert report["missing_bytes"].severity == "warning"
    assert report["lost_characters"].severity == "error"  # what it was not trained on is unknown
    assert report["offset_gaps"].facts["of them white space"] > 0
    assert report["normalizer_collisions"].count > 3000
    assert not report["unreachable"].count
