"""Each place where others go wrong (`shared/specs/byteprob.md`, section 5), by name."""

import json
import math

import numpy as np
import pytest

from byteprob import END, ByteModel, FunctionModel, ImpossiblePrefixError, UnsupportedTokenizerError
from tests.samples import documents
from tokenkit import Tokenizer

END_TOKEN = "<|endoftext|>"
ODD = ["  \n \n\n  x", "I'll 'll we're it's", "11 111 1111 1", "日本 é", "x\n\n"] * 9


def trained(pattern, size=700):
    return Tokenizer.train(
        [*documents()[:20], *ODD], vocab_size=size, pattern=pattern, special_tokens=[END_TOKEN]
    )


def walks(tok, *paths, padding=0):
    """A model that goes along each of ``paths`` (strings of ids) with the same probability."""
    end = tok.special_tokens[END_TOKEN]

    def row(context):
        begun = len(context) - 1
        logits = np.full(tok.vocab_size + padding, -np.inf)
        logits[tok.vocab_size :] = 60.0
        going = [path for path in paths if tuple(path[:begun]) == context[1:]]
        for path in going:
            next_id = path[begun] if begun < len(path) else end
            logits[next_id] = np.logaddexp(logits[next_id], 0.0)
        if not going:
            logits[end] = 0.0
        return logits

    return FunctionModel(lambda contexts: np.array([row(each) for each in contexts]), start=(end,))


def ids_of(tok, *tokens):
    return [tok.vocab[token] for token in tokens]


def follows(tok, text, ids, target="canonical"):
    """The distribution behind ``text`` of a model sure of ``ids``."""
    return ByteModel(walks(tok, ids), tok, target).next_byte(text)


# --- 1. white space under \s+(?!\S)


@pytest.mark.parametrize(
    ("pattern", "text", "at"),
    [("llama3", "  1", 2), ("o200k", "  1", 2), ("gpt2", "\n\ne", 2), ("cl100k", "x  1", 3)],
)
def test_white_space_that_splits_otherwise_once_more_follows(pattern, text, at):
    tok = trained(pattern)
    ids = tok.encode(text).tolist()
    begun, rest = text[:at], text[at]
    assert tok.encode(begun).tolist() != ids[: tok.count(begun)]
    assert follows(tok, begun.encode(), ids).probs[ord(rest)] == 1
    # What tokenizers that ask encode(decode(t)) == t keep, this one never makes.
    kept = [*tok.encode(begun).tolist(), *tok.encode(rest).tolist()]
    with pytest.raises(ImpossiblePrefixError):
        ByteModel(walks(tok, kept), tok, "canonical").at(text.encode())
    assert follows(tok, begun.encode(), kept, "marginal").probs[ord(rest)] == 1


@pytest.mark.parametrize("text", ["\n \n", " \n\n \n\n x", "a \n \n  b"])
@pytest.mark.parametrize("pattern", ["gpt2", "llama3", "o200k"])
def test_line_feeds_take_in_the_white_space_before_them(pattern, text):
    tok = trained(pattern)
    model = ByteModel(walks(tok, tok.encode(text).tolist()), tok, "canonical")
    assert model.score(text.encode(), ended=True).log_prob == pytest.approx(0, abs=1e-12)


# --- 2. contractions, groups of digits


@pytest.mark.parametrize("text", ["I're", "I'r", "I'real", "we'll", "it's", "it'sx"])
@pytest.mark.parametrize("pattern", ["gpt2", "llama3", "o200k"])
def test_contractions_stand_apart_only_once_they_are_whole(pattern, text):
    tok = trained(pattern)
    model = ByteModel(walks(tok, tok.encode(text).tolist()), tok, "canonical")
    cursor = model.at()
    for byte in text.encode():
        assert cursor.next_byte().probs[byte] == pytest.approx(1, abs=1e-12)
        cursor.push(byte)


def test_digits_in_groups_from_the_right_are_refused_not_guessed():
    tok = trained(r"\d{1,3}(?=(?:\d{3})*\b)|\D+")
    with pytest.raises(UnsupportedTokenizerError, match="marginal"):
        ByteModel(walks(tok, []), tok, "canonical")
    text = "1234567"
    model = ByteModel(walks(tok, tok.encode(text).tolist()), tok, "marginal")
    assert model.score(text.encode()).log_prob == pytest.approx(0, abs=1e-12)


def test_digits_in_groups_from_the_left_are_retracted():
    tok = trained("llama3")
    one, two, three = (tok.encode(text).tolist() for text in ("1", "11", "111"))
    model = ByteModel(walks(tok, one, two, three, [*one, *two]), tok, "canonical")
    assert model.at(b"11").log_prob == pytest.approx(math.log(2 / 4))  # 1|11 is no encoding


# --- 3. ignore_merges, tokens that merging never makes


def test_tokens_that_a_piece_becomes_outright():
    spec = json.loads(trained("llama3").to_bytes())
    spec["model"]["ignore_merges"] = True
    vocab = spec["model"]["vocab"]
    vocab["Ġqzj"] = max(vocab.values()) + 1 + len(spec["added_tokens"])
    tok = Tokenizer.from_bytes(json.dumps(spec).encode())
    whole, parts = ids_of(tok, "Ġqzj"), tok.encode(" q").tolist() + tok.encode("zj").tolist()
    assert tok.encode(" qzj").tolist() == whole
    ended = ByteModel(walks(tok, whole, parts), tok, "canonical").next_byte(b" qzj")
    assert ended.probs[END] == 1  # behind the parts no text ends
    assert ended.leak == pytest.approx(1 / 2)
    longer = tok.encode(" qzjk").tolist()
    assert longer[0] != whole[0]
    assert follows(tok, b" qzj", longer).probs[ord("k")] == 1


# --- 4. characters


def test_tokens_that_end_inside_a_character():
    tok = trained("gpt2", 400)
    text = "日".encode()
    ids = tok.encode("日").tolist()
    assert len(ids) > 1  # so that some end inside
    model = ByteModel(walks(tok, ids), tok, "canonical")
    for i in range(3):
        assert model.next_byte(text[:i]).probs[text[i]] == 1
    assert model.next_byte(text).probs[END] == 1
    assert model.next_byte(text[:2]).probs[END] == 0


def test_mass_on_bytes_that_are_no_text_is_kept_by_one_target_and_leaks_from_the_others():
    tok = trained("gpt2", 400)
    wrong = ids_of(tok, "æ", "a")
    model = walks(tok, wrong, tok.encode("æ").tolist())
    assert ByteModel(model, tok, "marginal").next_byte(b"\xe6").probs[ord("a")] == 1
    with pytest.raises(ImpossiblePrefixError):
        ByteModel(model, tok, "canonical").at(b"\xe6a")


# --- 7. end of text, special tokens, padded logits


@pytest.mark.parametrize("target", ["marginal", "canonical", "canonical-renorm"])
def test_special_tokens_are_no_bytes_and_their_names_are_text(target):
    tok = trained("gpt2")
    text = END_TOKEN.encode()
    ids = tok.encode(END_TOKEN).tolist()
    assert tok.special_tokens[END_TOKEN] not in ids
    model = ByteModel(walks(tok, [], ids), tok, target)
    first = model.next_byte()
    assert first.probs[END] == pytest.approx(1 / 2)
    assert first.probs[ord("<")] == pytest.approx(1 / 2)  # counted once
    assert model.score(text, ended=True).log_prob == pytest.approx(math.log(1 / 2))


@pytest.mark.parametrize("target", ["marginal", "canonical", "canonical-renorm"])
def test_logits_beyond_the_vocabulary_are_ignored(target):
    tok = trained("gpt2")
    ids = tok.encode("ab").tolist()
    found = ByteModel(walks(tok, ids, padding=61), tok, target).next_byte(b"a")
    assert found.probs[ord("b")] == pytest.approx(1)
    assert found.leak == pytest.approx(0, abs=1e-12)
