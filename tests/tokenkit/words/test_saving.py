"""Patchers come back from their files, and only from their own."""

import json

import pytest

from tests.samples import documents, trained
from tokenkit.errors import FormatError, PatchError
from tokenkit.words import (
    Entropy,
    NgramEntropy,
    Patcher,
    Regex,
    Space,
    Static,
    TokenEnds,
    Whitespace,
    Word,
    load_patcher,
    save_patcher,
)
from tokenkit.words.saving import fingerprint_of

MODEL = NgramEntropy.train(documents()[:20], order=2)
PATCHERS = [
    Patcher(Static(7)),
    Patcher(Space(), max_patch_length=16),
    Patcher(Word(Whitespace.OWN), snap_utf8=True),
    Patcher(Regex(r"\d+|é")),
    Patcher(TokenEnds(trained())),
    Patcher(Entropy(MODEL, 1.25, rise=0.5), 12, True),
    Patcher(Entropy(MODEL)),
]


@pytest.mark.parametrize("patcher", PATCHERS, ids=lambda p: type(p.rule).__name__)
def test_round_trip(patcher, tmp_path):
    save_patcher(patcher, tmp_path)
    again = load_patcher(tmp_path)
    assert fingerprint_of(again) == fingerprint_of(patcher)
    assert (again.max_patch_length, again.snap_utf8) == (
        patcher.max_patch_length,
        patcher.snap_utf8,
    )
    batch = documents()[20:25]
    assert again.patch_batch(batch) == patcher.patch_batch(batch)


def test_fingerprints_tell_patchers_apart():
    assert len({fingerprint_of(patcher) for patcher in PATCHERS}) == len(PATCHERS)


@pytest.mark.parametrize("patcher", PATCHERS[4:6], ids=["tokenizer", "model"])
def test_another_model_is_refused(patcher, tmp_path):
    save_patcher(patcher, tmp_path)
    if isinstance(patcher.rule, Entropy):
        MODEL.for_mean_length(documents()[:5], 9).save(tmp_path / "entropy.npz")
    else:
        trained(vocab_size=500).save(tmp_path / "tokenizer.json")
    with pytest.raises(FormatError, match="is not the one"):
        load_patcher(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"rule": 1, "max_patch_length": null, "snap_utf8": false}',
        b'{"rule": {"kind": "static", "stride": 0}, "max_patch_length": null, "snap_utf8": false}',
        b'{"rule": {"kind": "space"}, "max_patch_length": "x", "snap_utf8": false}',
        b'{"rule": {"kind": "word", "whitespace": 7}, "max_patch_length": 9, "snap_utf8": false}',
    ],
)
def test_what_is_no_patcher_is_refused(content, tmp_path):
    (tmp_path / "patcher.json").write_bytes(content)
    with pytest.raises(FormatError, match=r"patcher\.json is not a patcher"):
        load_patcher(tmp_path)
    with pytest.raises(FormatError):
        load_patcher(tmp_path / "nowhere")


def test_a_rule_of_ones_own_cannot_be_saved(tmp_path):
    class Own:
        def marks(self, text, bounds): ...

    with pytest.raises(PatchError, match="a rule of your own"):
        save_patcher(Patcher(Own()), tmp_path)


def test_the_file_can_be_read(tmp_path):
    save_patcher(PATCHERS[1], tmp_path)
    assert json.loads((tmp_path / "patcher.json").read_text()) == {
        "version": 1,
        "rule": {"kind": "space"},
        "max_patch_length": 16,
        "snap_utf8": False,
    }
