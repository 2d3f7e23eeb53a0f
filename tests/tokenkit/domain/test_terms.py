"""Counts of terms are those that the KL3M paper's repository keeps."""

import csv

import pytest

from tests.samples import trained
from tokenkit import Tokenizer
from tokenkit.domain.terms import PAPER_TERMS, count_terms, read_terms
from tokenkit.errors import ComparisonError

AT_HAND = {
    "kl3m-001-32k": "kl3m-001-32k",
    "kl3m-004-char-4k-cased": "kl3m-004-char-4k-cased",
    "gpt2": "r50k_base",
    "gpt-4o": "o200k_base",
}


def published(data_folder):
    with (data_folder / "vocab" / "domain_term_counts.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_terms_are_the_published_ones(data_folder):
    rows = published(data_folder)
    assert [(row["Domain"], row["Term"]) for row in rows] == [
        (field, term) for field, terms in PAPER_TERMS.items() for term in terms
    ]


@pytest.mark.parametrize("column", AT_HAND)
def test_published_counts(data_folder, column):
    path = data_folder / "vocab" / f"{AT_HAND[column]}.tokenizer.json.gz"
    found = count_terms({column: Tokenizer.from_file(path)}).counts[column]
    expected = {field: [] for field in PAPER_TERMS}
    for row in published(data_folder):
        expected[row["Domain"]].append(int(row[column]))
    assert found == expected


def test_counts_and_means():
    terms = {"few": ("the", "the the", "\ud800"), "one": ("x",)}
    found = count_terms({"a": trained(), "b": trained(vocab_size=300)}, terms)
    for name, tokenizer in (("a", trained()), ("b", trained(vocab_size=300))):
        expected = [len(tokenizer.encode(term)) for term in terms["few"]]
        assert found.counts[name]["few"] == expected
        assert found.mean(name, "few") == pytest.approx(sum(expected) / 3)


def test_special_tokens_are_text():
    found = count_terms({"a": trained()}, {"x": ("<|endoftext|>",)})
    assert found.counts["a"]["x"][0] > 1


def test_a_file_of_terms(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("Law\tres judicata\nEBITDA\r\n\n  Law \tprima facie\n", encoding="utf-8")
    assert read_terms(path) == {"Law": ["res judicata", "prima facie"], "mine": ["EBITDA"]}


def test_files_without_terms(tmp_path):
    (tmp_path / "empty").write_text("\n \n")
    (tmp_path / "wrong").write_bytes(b"\xff\xfe")
    for name, named in (("empty", "no terms"), ("wrong", "cannot read"), ("none", "cannot read")):
        with pytest.raises(ComparisonError, match=named):
            read_terms(tmp_path / name)
