"""Every patcher keeps the laws, and does what its source says."""

import re

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from encoders.patches import marks_at
from tests.samples import documents, trained
from tokenkit import Tokenizer
from tokenkit.errors import PatchError
from tokenkit.testing import strategies
from tokenkit.testing.words import PatchLawViolation, batches, check_patcher, rules
from tokenkit.words import Patcher, Regex, Space, Static, TokenEnds, Whitespace, Word

EVERY_RULE = [
    Static(1),
    Static(5),
    Space(),
    *map(Word, Whitespace),
    Regex("gpt2"),
    Regex(r"\d+|\s"),
    TokenEnds(trained()),
]


@pytest.mark.parametrize("rule", EVERY_RULE, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize(
    ("longest", "snap"), [(None, False), (None, True), (1, False), (7, False), (4, True)]
)
def test_laws(rule, longest, snap):
    check_patcher(Patcher(rule, longest, snap), max_examples=12)


@given(batches(), rules(), st.integers(4, 9))
def test_limits_only_add_patches(texts, rule, longest):
    free, limited = Patcher(rule), Patcher(rule, longest)
    for text in texts:
        assert set(free.starts(text).tolist()) <= set(limited.starts(text).tolist())


class EveryFifthOfTheBatch:
    """Cuts by place in the batch, not in the text."""

    def marks(self, text, bounds):
        return marks_at(np.arange(0, bounds[-1], 5), bounds)


def test_a_rule_that_depends_on_the_batch_is_found():
    with pytest.raises(PatchLawViolation, match="breaks the law 'batch_equals_single'"):
        check_patcher(Patcher(EveryFifthOfTheBatch()), max_examples=30)


@pytest.mark.parametrize(
    ("starts", "law"),
    [
        (lambda self, text: np.arange(len(text)), "batch_equals_single"),
        (lambda self, text: np.zeros(2, np.int64), "starts_ascend"),
        (lambda self, text: np.empty(0, np.int64), "starts_ascend"),
    ],
)
def test_the_laws_can_fail(starts, law, monkeypatch):
    monkeypatch.setattr(Patcher, "starts", starts)
    with pytest.raises(PatchLawViolation, match=law):
        check_patcher(Patcher(Word()), max_examples=30)


def test_the_laws_of_the_options_can_fail(monkeypatch):
    monkeypatch.setattr("tokenkit.words.patchers.refined", lambda offsets, *_: offsets)
    for patcher, law in (
        (Patcher(Word(), max_patch_length=3), "no_patch_is_longer"),
        (Patcher(Static(2), snap_utf8=True), "no_character_is_cut"),
    ):
        with pytest.raises(PatchLawViolation, match=law):
            check_patcher(patcher, max_examples=50)


def test_a_rule_that_marks_nothing_leaves_texts_whole():
    class Nothing:
        def marks(self, text, bounds):
            return np.zeros((int(bounds[-1]) >> 6) + 2, np.uint64)

    assert Patcher(Nothing()).patches("a b") == [b"a b"]
    check_patcher(Patcher(Nothing()), max_examples=20)


def space_starts_of_blt(tokens):
    """`find_space_patch_start_ids` of BLT by its rule, on ids with offset 4: two forced starts,
    then each place behind a spacelike id that has no spacelike id before it."""
    torch = pytest.importorskip("torch")
    byte = torch.tensor(tokens) - 4
    letter = ((byte | 0x20) >= ord("a")) & ((byte | 0x20) <= ord("z")) & (byte < 0x80)
    digit = (byte >= ord("0")) & (byte <= ord("9"))
    spacelike = (byte < 0) | ~(letter | digit | ((byte >= 0x80) & (byte < 0xC0)))
    ends = spacelike.clone()
    ends[1:] &= ~spacelike[:-1]
    return [0, 1, *(torch.nonzero(ends[1:]).flatten() + 2).tolist()]


@given(
    st.one_of(
        strategies.raw_bytes(), strategies.texts().map(lambda t: t.encode("utf-8", "replace"))
    )
)
def test_space_is_that_of_blt(text):
    if not text:
        return
    theirs = space_starts_of_blt([1, *(byte + 4 for byte in text)])  # bos, which is theirs alone
    ours = [0, *(Patcher(Space()).starts(text) + 1).tolist()]
    assert ours == [start for start in theirs if start < len(text) + 1]


@pytest.mark.parametrize(
    ("whitespace", "pattern"),
    [
        (Whitespace.NEXT, r"\s*\S+|\s+"),
        (Whitespace.PREVIOUS, r"\S+\s*|\s+"),
        (Whitespace.OWN, r"\S+|\s+"),
    ],
)
def test_words_are_those_of_a_regex(whitespace, pattern):
    patcher = Patcher(Word(whitespace))
    for text in (*documents()[:20], *strategies.corners()):
        clean = text.encode("utf-8", "replace").decode()
        expected = [match.encode() for match in regex.findall(pattern, clean)]
        assert patcher.patches(clean) == expected


def test_regex_is_a_split():
    text = "a1 22b  333"
    assert Patcher(Regex(r"\d+")).patches(text) == [
        part.encode() for part in re.split(r"(\d+)", text) if part
    ]
    with pytest.raises(PatchError, match="is not a pattern"):
        Patcher(Regex("(")).starts("x")


def test_token_ends_are_tokens():
    tok = trained()
    for text in documents()[:5]:
        assert Patcher(TokenEnds(tok)).patches(text) == [
            tok.id_to_bytes(i) for i in tok.encode(text)
        ]


def test_token_ends_of_a_tokenizer_that_normalises():
    import tokenizers

    peer = tokenizers.Tokenizer.from_str(trained().to_bytes().decode())
    peer.normalizer = tokenizers.normalizers.NFKC()
    tok = Tokenizer.from_bytes(peer.to_str().encode())
    assert tok.contract != "lossless"
    patcher = Patcher(TokenEnds(tok))
    check_patcher(patcher, max_examples=30)
    text = "The ﬁrst word ½"
    spans = tok.encode_with_offsets(text).byte_spans
    assert patcher.starts(text).tolist() == sorted({0, *spans[:, 0].tolist()})


def test_a_buffer_is_not_copied():
    content = b"..one two" + bytes(64)
    for text in (np.frombuffer(bytearray(content), np.uint8), np.frombuffer(content, np.uint8)):
        batch = Patcher(Word()).patch_buffer(text, np.array([2, 9], np.int64))
        assert [patch.tobytes() for patch in batch[0]] == [b"one", b" two"]
        assert np.shares_memory(batch.values, text) == text.flags.writeable


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Patcher(Space(), 0), "at least 1"),
        (lambda: Patcher(Space(), 3, True), "at least 4 with snap_utf8"),
        (lambda: Static(0), "stride of at least 1"),
    ],
)
def test_what_is_impossible_is_refused(make, message):
    with pytest.raises(PatchError, match=message):
        make()
