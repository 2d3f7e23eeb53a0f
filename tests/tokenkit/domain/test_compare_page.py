"""A comparison as a page and as JSON says what the comparison says, and nothing breaks it."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from tests.samples import documents, trained
from tokenkit.domain.compare import Options, compare
from tokenkit.domain.compare_json import as_json
from tokenkit.domain.compare_page import as_html, chart
from tokenkit.domain.measures import BOUNDARY_F1, FERTILITY, INFLATION, TOKENS_PER_CHARACTER
from tokenkit.domain.terms import count_terms

TOKENIZERS = {"<small> & co": trained(vocab_size=600), "large": trained()}
CORPORA = {"topics": documents()[:12], "more": documents()[12:24]}
TERMS = {"Law": ("res judicata", "<b>"), "Other": ("x",)}


def made(corpora, **options):
    return compare(TOKENIZERS, corpora, Options(resamples=50, **options))


@pytest.fixture(scope="module")
def comparison():
    return made(CORPORA)


@pytest.fixture(scope="module")
def terms():
    return count_terms(TOKENIZERS, TERMS)


def test_page(comparison, terms):
    page = as_html(comparison, terms, "large")
    assert "<small>" not in page
    assert "&lt;small&gt; &amp; co" in page
    assert not re.search(r"(src|href)=\"(http|/)", page)  # nothing outside it
    assert page.count("<svg") == 4
    value = comparison.estimate(TOKENS_PER_CHARACTER, "topics", "large").value
    assert f'<td class="n">{value:.4f}</td>' in page
    for heading in ("Compression", "Under OCR noise", "Terms", "All figures", "Corpora"):
        assert f"<h2>{heading}</h2>" in page
    assert "mean of corpora" in page


def test_page_without_noise_or_mean(terms):
    page = as_html(made({"one": ["just one document, read once"]}, noise=None), terms, "large")
    assert "OCR" not in page
    assert "mean of corpora" not in page
    assert page.count("<svg") == 2


def test_page_without_words(terms):
    page = as_html(made({"digits": ["12 345"], "more": ["6", "7"]}, noise=None), terms, "large")
    assert page.count("<svg") == 1  # no words, no fertility
    with pytest.raises(ValueError, match="no groups"):
        chart(made({"digits": ["12 345"]}), FERTILITY)


def test_charts_show_what_is_missing(comparison):
    for measure, sign in ((BOUNDARY_F1, -1), (INFLATION, 1)):
        drawn = chart(comparison, measure)
        ET.fromstring(drawn)
        value = comparison.estimate(measure, "topics", "large").value
        assert f"{sign * (value - 1):.3f}" in drawn


def test_json(comparison, terms):
    found = json.loads(json.dumps(as_json(comparison, terms, "large")))
    f1 = found["measures"]["boundary_f1"]
    assert list(f1) == ["topics", "more", "mean"]
    for corpus in ("topics", "more"):
        one = comparison.estimate(BOUNDARY_F1, corpus, "large")
        assert f1[corpus]["large"]["value"] == one.value
        assert f1[corpus]["large"]["low"] == one.low
        assert f1[corpus]["large"]["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert found["terms"]["Law"]["<b>"]["large"] == len(trained().encode("<b>"))
    assert found["corpora"]["topics"]["characters"] == sum(map(len, CORPORA["topics"]))
    assert found["tokenizers"]["large"]["used"]["topics"] > 0


def test_json_of_what_has_no_value(terms):
    found = as_json(made({"one": ["12 345"]}, noise=None), terms, "large")
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text)["measures"]["fertility"]["one"]["large"]["value"] is None
    assert found["measures"]["tokens_per_character"]["one"]["large"]["low"] is None
    assert found["noise_rate"] is None
