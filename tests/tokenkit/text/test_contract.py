"""A contract is claimed only where it holds."""

import pytest
import tokenizers
from hypothesis import given, settings
from tokenizers import AddedToken, normalizers, pre_tokenizers

from tests.samples import texts, trained
from tokenkit import Tokenizer


def changed(normalizer=None, pre=None, added=(), decoder=True):
    tok = tokenizers.Tokenizer.from_str(trained().to_bytes().decode())
    if normalizer:
        tok.normalizer = normalizer
    if pre:
        tok.pre_tokenizer = pre
    tok.add_tokens(list(added))
    if not decoder:
        tok.decoder = None
    return Tokenizer.from_bytes(tok.to_str().encode())


byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
TOKENIZERS = {
    "plain": (changed(), "lossless"),
    "added": (changed(added=[AddedToken("the", normalized=False)]), "lossless"),
    "digits": (
        changed(pre=pre_tokenizers.Sequence([pre_tokenizers.Digits(), byte_level])),
        "lossless",
    ),
    "NFC": (changed(normalizers.NFC()), "normalizing"),
    "lower": (changed(normalizers.Lowercase()), "normalizing"),
    "NFC around added": (
        changed(normalizers.NFC(), added=[AddedToken("e", normalized=False)]),
        "lossy",
    ),
    "stripping": (changed(added=[AddedToken("the", lstrip=True)]), "lossy"),
    "prefix": (changed(pre=pre_tokenizers.ByteLevel(add_prefix_space=True)), "lossy"),
    "dropping": (
        changed(pre=pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), byte_level])),
        "lossy",
    ),
    "no decoder": (changed(decoder=False), "lossy"),
}


@pytest.mark.parametrize("name", TOKENIZERS)
@given(text=texts)
@settings(max_examples=60)
def test_it_holds(name, text):
    tok, contract = TOKENIZERS[name]
    assert tok.contract == contract
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    decoded = tok.decode(tok.encode(text))
    if contract == "lossless":
        assert decoded == text == tok.normalize(text)
    elif contract == "normalizing":
        assert decoded == tok.normalize(text)


@pytest.mark.parametrize("name", [name for name, (_, c) in TOKENIZERS.items() if c == "lossy"])
def test_what_is_called_lossy_is(name):
    tok, _ = TOKENIZERS[name]
    probes = ["x  the", "e\u0301", "a b", "x"]
    assert any(tok.decode(tok.encode(text)) != tok.normalize(text) for text in probes)
