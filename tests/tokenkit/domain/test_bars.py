"""What recipes save on whole documents that were held out, here on a part of the training text.

`python -m benchmarks domain` measures the whole of it.
"""

from functools import cache

import pytest

from benchmarks.held_out import DOMAINS, split
from tokenkit import Tokenizer
from tokenkit.domain.boundaries import stabilities, total
from tokenkit.domain.noise import OcrNoise, sentences
from tokenkit.domain.recipe import CHARACTERS_8K, DOMAIN, Source

TESTED = 150_000  # characters of each domain


@cache
def held_out(domain):
    return [text[:20_000] for text in split(domain).test[: TESTED // 2000]]


def length(tok, texts):
    return sum(len(tok.encode(text)) for text in texts)


def test_no_document_is_on_both_sides(data_folder):
    for domain in DOMAINS:
        found = split(domain)
        assert not set(found.train) & set(found.test)
        assert sum(map(len, found.test)) > 900_000
        assert len(found.test) >= 9


def test_fewer_tokens_than_o200k_in_every_domain(data_folder):
    rival = Tokenizer.from_file(data_folder / "vocab" / "o200k_base.tokenizer.json.gz")
    tok = DOMAIN.train(*(Source(split(domain).train, 0.2) for domain in DOMAINS))
    for domain in DOMAINS:
        texts = held_out(domain)
        assert length(tok, texts) < 0.85 * length(rival, texts)
        assert tok.decode(tok.encode(texts[0])) == texts[0]


def test_short_tokens_stand_noise(data_folder):
    tok = CHARACTERS_8K.train(*(Source(split(domain).train, 0.1) for domain in DOMAINS))
    found = [s for domain in DOMAINS for text in held_out(domain) for s in sentences(text)]
    lines = [line for line in found if 40 <= len(line) <= 400][:1500]
    noise = OcrNoise().per_sentence(4, lines)
    scored = total(stabilities(tok, noise.read_batch(lines, seed=7)))
    assert scored.f1 >= 0.975
    assert scored.inflation < 1.01
    assert scored.clean_tokens < sum(map(len, lines)) / 1.9


@pytest.mark.parametrize("domain", DOMAINS)
def test_documents_are_whole(data_folder, domain):
    found = split(domain)
    begins = {"legal": ("#", "\n\nE"), "financial": ("UNITED",), "government": ("",)}[domain]
    assert all(
        text.lstrip("\n").upper().startswith(tuple(b.strip() for b in begins))
        for text in found.test
    )
