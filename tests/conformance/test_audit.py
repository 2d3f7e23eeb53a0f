"""The audit finds, by itself, every defect that the specification records."""

import gzip
import random

import pytest
import tiktoken

from tokenkit import Tokenizer
from tokenkit.audit import Category, Vocabulary, audit, audit_added_tokens, categories
from tokenkit.audit.checks import added_tokens_of
from tokenkit.audit.contexts import BEFORE, BEHIND
from tokenkit.audit.cuts import class_of, cut_rules
from tokenkit.audit.reach import dead_tokens
from tokenkit.text.formats.tiktoken import NAMED_PATTERNS


@pytest.fixture(scope="module")
def load(data_folder):
    return lambda name: Tokenizer.from_file(data_folder / "vocab" / f"{name}.tokenizer.json.gz")


@pytest.mark.parametrize(
    ("name", "partial", "twins", "pairs", "alone"),
    [
        ("r50k_base", 344, 16.9, 29.5, 0),
        ("cl100k_base", 773, 15.9, 28.5, 0),
        ("o200k_base", 1562, 14.0, 28.9, 12),
    ],
)
def test_the_table_of_the_specification(load, name, partial, twins, pairs, alone):
    found = audit(load(name), checks=["undecodable", "twins", "alternatives", "unreachable"])
    assert found["undecodable"].count == partial
    assert round(100 * found["twins"].facts["share of vocabulary"], 1) == twins
    assert round(100 * found["alternatives"].facts["share of vocabulary"], 1) == pairs
    assert found["unreachable"].facts["not by themselves"] == alone
    assert found["unreachable"].count == 0  # each of the twelve is made inside some text


def test_tiktoken_makes_the_twelve_in_context_too(load, data_folder):
    tokenizer = load("o200k_base")
    vocabulary = Vocabulary.of(tokenizer)
    said = categories(vocabulary)
    twelve = [i for i, c in enumerate(said) if c is Category.UNREACHABLE_MULTI_TOKEN]
    assert len(twelve) == 12
    ranks = {token: id_ for id_, token in enumerate(vocabulary.tokens) if token}
    peer = tiktoken.Encoding(
        "o200k", pat_str=NAMED_PATTERNS["o200k"], mergeable_ranks=ranks, special_tokens={}
    )
    for id_ in twelve:
        text = vocabulary.texts[id_]
        assert peer.encode(text) != [id_]
        assert any(
            id_ in peer.encode(before + text + behind) for before in BEFORE for behind in BEHIND
        )


def test_kl3m_001_32k(load):
    tokenizer = load("kl3m-001-32k")
    report = audit(tokenizer)
    spaced = [i for i in report["shadowed"].ids if tokenizer.id_to_token(i).startswith("Ġ")]
    assert len(spaced) == 13_516 == sum(t.startswith("Ġ") for t in tokenizer.vocab)
    assert set(spaced) <= set(report["unreachable"].ids)
    assert report["shadowed"].severity == report["unreachable"].severity == "error"
    assert report["shadowed"].examples[0].spelling == "“ ”"
    assert report["whitespace"].severity == "warning"


def test_kl3m_character_vocabulary(load):
    tokenizer = load("kl3m-004-char-4k-cased")
    report = audit(tokenizer)
    assert [e.spelling for e in report["missing_bytes"].examples] == ["0x18", "0xFF"]
    spelling = "because of its spelling, which is no byte letters"
    assert report["unreachable"].facts[spelling] == 68
    assert report["lost_characters"].examples[0].spelling == "“\\x18”"
    assert tokenizer.decode(tokenizer.encode("a\x18b")) == "ab"
    assert report["offset_gaps"].examples[0].spelling == "“a\\x18b”"
    assert report["normalizer_collisions"].count > 3000
    assert [f.check for f in report.failures(["error"])] == [
        "missing_bytes", "lost_characters", "shadowed", "unreachable",
    ]  # fmt: skip


def test_kl3m_128k_added_tokens(data_folder):
    path = data_folder / "vocab" / "kl3m-004-128k-cased.tokenizer_config.json.gz"
    found = audit_added_tokens(added_tokens_of(path))["whitespace"]
    assert (found.count, found.facts["longest"], found.severity) == (1905, 946, "warning")


@pytest.mark.parametrize("name", ["r50k_base", "cl100k_base", "o200k_base"])
def test_good_vocabularies_have_no_errors(load, name):
    report = audit(load(name))
    assert [f.check for f in report.failures(["error"])] == []
    assert report["chunk_safety"].facts["letter|line feed"] == "safe"


def test_no_text_of_the_data_folder_revives_a_dead_token(load, data_folder):
    tokenizer = load("kl3m-001-32k")
    dead = set(dead_tokens(Vocabulary.of(tokenizer)))
    for name in ("legal", "code", "multilingual"):
        with gzip.open(data_folder / "text" / f"{name}.txt.gz") as file:
            text = file.read(3_000_000)
        assert not dead & set(tokenizer.encode(text, allowed_special="all").tolist())


@pytest.mark.parametrize("name", ["r50k_base", "cl100k_base", "o200k_base"])
def test_cuts_said_to_be_safe_are_in_real_text(load, data_folder, name):
    tokenizer = load(name)
    rules = {(r.before, r.behind): r for r in cut_rules(Vocabulary.of(tokenizer))}
    draw, cuts = random.Random(0), []
    for corpus in ("english", "code", "multilingual", "financial"):
        with gzip.open(data_folder / "text" / f"{corpus}.txt.gz") as file:
            text = file.read(4_000_000).decode("utf-8", "ignore")
        for at in draw.sample(range(40, len(text) - 40), 30_000):
            rule = rules.get((class_of(text[at - 1]), class_of(text[at])))
            if rule and rule.safe:
                cuts.append((text[at - 40 : at], text[at : at + 40]))
    assert len(cuts) > 10_000
    left, right = (tokenizer.encode_batch(part).to_lists() for part in zip(*cuts, strict=True))
    whole = tokenizer.encode_batch(["".join(cut) for cut in cuts]).to_lists()
    assert [cut for cut, a, b, c in zip(cuts, left, right, whole, strict=True) if a + b != c] == []
