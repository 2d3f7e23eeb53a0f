"""Phantom edits are found where they were put, and masked ids are all that would make one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.samples import trained
from tests.tokenkit.audit.words import ids, tokenizer
from tokenkit.audit import Encodings
from tokenkit.audit.phantom import Artifact, compare, phantom_ids
from tokenkit.errors import TokenkitError

texts = st.text("the and.\n's A", max_size=30)


@pytest.mark.parametrize(
    ("before", "after", "artifact"),
    [
        ([" February"], ["February"], Artifact.WHITESPACE_BOUNDARY),
        ([" February"], ["  ", "February"], Artifact.WHITESPACE_BOUNDARY),
        ([" cats"], [" ", "cats"], Artifact.WHITESPACE_DETACHED),
        (["cat", ".\n", "cat"], ["cat", ".", "\n", "cat"], Artifact.WHITESPACE_DETACHED),
        (["the", " cats"], ["the", "\n", "cats"], Artifact.NEWLINE_FOR_SPACE),
        (["talking"], ["ta", "lking"], Artifact.RESEGMENTED),
        (["February"], ["Feb", "ruary"], Artifact.PROPER_NOUN),
        ([" Obama", "."], [" ", "Oba", "ma", "."], Artifact.PROPER_NOUN),
        (["talking"], ["talk", "ing"], Artifact.MORPHOLOGY),
        (["international"], ["inter", "nation", "al"], Artifact.MORPHOLOGY),
        (["NASA"], ["NAS", "A"], Artifact.ACRONYM),
        (["cats"], ["cat", "s"], Artifact.TAIL),
        (["cat's"], ["cat", "'s"], Artifact.TAIL),
    ],
)
def test_artifacts(before, after, artifact):
    comparison = compare(tokenizer(), ids(*before), ids(*after))
    assert [edit.artifact for edit in comparison.edits][:1] == [artifact]
    back = compare(tokenizer(), ids(*after), ids(*before))
    assert [edit.artifact for edit in back.edits][:1] == [artifact]
    assert comparison.same_text


def test_positions_and_outcomes():
    before = ids("the", " cats", " of the", " talking", "NASA")
    after = ids("the", " ", "cats", " of the", " talk", "ing", "NASA")
    (cats, talking) = compare(tokenizer(), before, after).edits
    assert (cats.word, cats.before, cats.after) == ("cats", (1, 2), (1, 3))
    assert talking.word == "talkingNASA"
    assert cats.before_ids == tuple(ids(" cats"))
    assert cats.after_ids == tuple(ids(" ", "cats"))
    assert not cats.one_to_one
    outcomes = compare(tokenizer(), before, after).words
    assert outcomes == (
        ("the", "kept"), ("cats", "phantom"), ("of", "kept"), ("the", "kept"),
        ("talkingNASA", "phantom"),
    )  # fmt: skip


def test_one_to_one():
    (edit,) = compare(tokenizer(), ids("the", " February"), ids("the", " ", "February")).edits
    assert not edit.one_to_one
    (edit,) = compare(tokenizer(), ids(" February"), ids("February")).edits
    assert edit.one_to_one


def test_a_real_edit_is_none():
    comparison = compare(
        tokenizer(), ids("the", " cats", " talking"), ids("the", " NASA", " talking")
    )
    assert comparison.edits == ()
    assert comparison.replaced == (("cats", "NASA"),)
    assert not comparison.same_text
    assert comparison.words == (("the", "kept"), ("cats", "replaced"), ("talking", "kept"))


def test_a_token_over_two_words_goes_with_both():
    one, two = ids("cat", " of the", " cats"), ids("cat", " o", "f", " the", " cats")
    (edit,) = compare(tokenizer(), one, two).edits
    assert edit.word == "of the"
    # Where the other word is replaced, the shared token had to go: no phantom.
    three = ids("cat", " o", "f", " NASA", " cats")
    comparison = compare(tokenizer(), one, three)
    assert comparison.edits == ()
    assert comparison.replaced == (("the", "NASA"),)


@example("  ", 1)
@given(texts, st.integers(0, 5))
def test_equal_texts_differ_by_phantom_edits_only(text, seed):
    tok = trained()
    other = Encodings.of(tok).sample(text, 1, seed=seed)[0]
    ids_ = tok.encode(text)
    comparison = compare(tok, ids_, other)
    assert comparison.same_text
    assert len(comparison.words) == len(text.split())
    for edit in comparison.edits:
        assert edit.before_ids == tuple(ids_[slice(*edit.before)].tolist())
        assert edit.after_ids == tuple(other[slice(*edit.after)].tolist())
        assert edit.before_ids != edit.after_ids
    if not comparison.edits:
        # Only the white space at the very end belongs to no word.
        kept = max(len(tok.encode(text.rstrip())) - 1, 0)
        assert ids_[:kept].tolist() == other[:kept].tolist()


@given(texts)
def test_no_edit_of_equal_ids(text):
    ids_ = trained().encode(text)
    comparison = compare(trained(), ids_, ids_)
    assert (comparison.edits, comparison.replaced) == ((), ())
    assert all(outcome == "kept" for _, outcome in comparison.words)


@given(st.lists(st.integers(0, 1999), max_size=12), st.lists(st.integers(0, 1999), max_size=12))
def test_any_two_sequences_compare(before, after):
    comparison = compare(trained(), before, after)
    assert len(comparison.words) == len(trained().decode_bytes(before).split())


def test_an_unknown_id_is_refused():
    with pytest.raises(TokenkitError):
        compare(trained(), [10**6], [])


# --- masking


def test_phantom_ids_of_a_word():
    def masked(span, spelled=""):
        found = phantom_ids(tokenizer(), span, spelled)
        return {tokenizer().id_to_bytes(i).decode() for i in found.tolist()}

    assert masked("February") == masked(" February ") == {"February", " February"}
    assert masked("February", "Feb") == {"ruary"}
    assert masked("cat") == {"cat", " cat", "cat's"}  # what follows is no letter
    assert masked("cats", "cat") == {"s"}
    assert masked("nonsense") == set()


@pytest.mark.parametrize(("span", "spelled"), [("", ""), (" ", ""), ("cat", "x"), ("cat", "cat")])
def test_spans_that_cannot_be(span, spelled):
    with pytest.raises(ValueError, match="no beginning"):
        phantom_ids(tokenizer(), span, spelled)


@given(
    st.text("theandéA", min_size=1, max_size=8),
    st.sampled_from(["", " ", "\n", "  "]),
    st.integers(0, 20),
)
def test_every_encoding_of_a_span_ends_in_a_masked_id(span, blank, seed):
    tok = trained()
    row = Encodings.of(tok).sample(blank + span, 1, seed=seed)[0].tolist()
    spelled = tok.decode_bytes(row[:-1]).lstrip()
    try:
        written = spelled.decode()
    except UnicodeDecodeError:
        return  # cut inside a character, which a text cannot say
    assert row[-1] in phantom_ids(tok, span, written)
