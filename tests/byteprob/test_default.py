import os
from hashlib import sha256

import pytest

from byteprob import ByteModel, default_model
from byteprob.default.build import built
from corpora import SAMPLES
from tests.samples import documents

MADE_FROM = "bef0473c4e3689429fbf7754392e9ce6d3e26c4106cb83694206ea9770d4325a"
"""sha256 of the texts that the files in the package were made of (Python 3.11.7)."""


def test_the_default_is_the_one_that_was_made():
    model, tokenizer = default_model()
    assert model.fingerprint == "c870b432b6fb036778d4d32bbe7d4f2b9eb58afc22af44750f4864b0603f973e"
    assert tokenizer.fingerprint == (
        "72adc0e39d99555a281fdda7e43e27678be36792c52ffcf5dc36c700057e79d9"
    )
    assert tokenizer.vocab_size == model.vocab_size == 4096


def test_the_default_knows_code_and_english():
    source = ByteModel(*default_model(), "canonical")
    assert source.next_byte(b"import sy").top(1)[0][0] == ord("s")
    assert source.next_byte(b"def __ini").top(1)[0][0] == ord("t")
    assert source.score(b"This is a list of the functions.", ended=True).bits_per_byte < 3.5


def test_building_is_reproducible():
    one, two = built(documents()[:9], 400), built(documents()[:9], 400)
    assert one[0].fingerprint == two[0].fingerprint
    assert one[1].fingerprint == two[1].fingerprint


@pytest.mark.skipif("CI" in os.environ, reason="makes the default model anew, in 10 s")
def test_the_files_are_what_building_makes():
    samples = {sample.name: sample for sample in SAMPLES}
    texts = [
        document.text.encode("utf-8", "replace").decode()
        for name in ("reference", "code")
        for document in samples[name].documents()
        if document.text.strip()
    ]
    if sha256("\0".join(texts).encode()).hexdigest() != MADE_FROM:
        pytest.skip("the standard library here is not the one that the default was made of")
    model, tokenizer = built(texts)
    assert (model.fingerprint, tokenizer.fingerprint) == tuple(
        each.fingerprint for each in default_model()
    )
