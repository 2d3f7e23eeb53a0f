"""The picture of the docs is what the model that comes with byteprob gives."""

import re
from pathlib import Path

import pytest

from byteprob import ByteModel, default_model

ROOT = Path(__file__).parents[2]


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    import byteprob_picture

    return byteprob_picture


def texts(svg):
    return re.findall(r"<text[^>]*>([^<]*)", svg)


def test_the_picture_is_what_comes_next(example):
    shown, prompts = texts(example.drawing()), list(example.PROMPTS)
    model = ByteModel(*default_model(), "canonical")
    for dist in model.next_bytes([prompt.encode() for prompt in prompts]):
        ((symbol, prob),) = dist.top(1)
        at = shown.index(f"{prob:.3f}")
        assert shown[at - 1] == chr(symbol)
    assert shown.count("tokens of the prompt") == len(prompts)


def test_the_docs_have_it(example):
    drawn, published = texts(example.drawing()), texts((ROOT / "docs/byteprob.svg").read_text())
    assert len(drawn) == len(published)
    for now, before in zip(drawn, published, strict=True):
        if re.fullmatch(r"\d\.\d{3}", now):
            assert float(now) == pytest.approx(float(before), abs=0.002)
        else:
            assert now == before
