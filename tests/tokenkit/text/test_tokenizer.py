"""The Tokenizer keeps its laws and agrees with `tokenizers` and `tiktoken`."""

import gzip
import json
import pickle
import re
import threading

import numpy as np
import pytest
import tiktoken
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import (
    AddedToken,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from encoders.scan.patterns import CL100K_PATTERN, GPT2_PATTERN, O200K_PATTERN
from tests.samples import documents, texts, trained
from tokenkit import Ragged, Tokenizer
from tokenkit.errors import (
    DecodeError,
    DisallowedSpecialTokenError,
    EncodeError,
    FormatError,
    VocabularyError,
)
from tokenkit.text.formats.tiktoken import NAMED_PATTERNS, write_ranks

PATTERNS = ["gpt2", "cl100k", "o200k", "llama3", "qwen2"]


def peer_of(tok):
    return tokenizers.Tokenizer.from_str(tok.to_bytes().decode())


def clean(text):
    """The text as every library sees it: without lone surrogates."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@pytest.mark.parametrize("pattern", PATTERNS)
class TestLaws:
    @given(text=texts)
    def test_round_trip(self, pattern, text):
        tok = trained(pattern)
        assert tok.engine == "kernels"
        assert tok.contract == "lossless"
        assert tok.decode(tok.encode(text)) == clean(text)
        assert tok.decode(tok.encode(text, allowed_special="all")) == clean(text)

    @given(raw=st.binary(max_size=100))
    def test_any_bytes_round_trip(self, pattern, raw):
        tok = trained(pattern)
        assert tok.decode_bytes(tok.encode(raw)) == raw

    @given(batch=st.lists(texts, max_size=6), special=st.sampled_from(["all", (), ("<|pad|>",)]))
    def test_batch_equals_single(self, pattern, batch, special):
        tok = trained(pattern)
        expected = [tok.encode(text, allowed_special=special).tolist() for text in batch]
        assert tok.encode_batch(batch, allowed_special=special).to_lists() == expected

    @given(text=texts)
    def test_equal_to_tokenizers(self, pattern, text):
        tok, text = trained(pattern), clean(text)
        peer = peer_of(tok)
        expected = peer.encode(text, add_special_tokens=False).ids
        assert tok.encode(text, allowed_special="all").tolist() == expected
        peer.encode_special_tokens = True
        expected = peer.encode(text, add_special_tokens=False).ids
        assert tok.encode(text).tolist() == expected

    @given(text=texts)
    def test_spans(self, pattern, text):
        tok, text = trained(pattern), clean(text)
        found = tok.encode_with_offsets(text, allowed_special="all")
        raw = text.encode()
        edges = found.byte_spans.tolist()
        assert [raw[a:b] for a, b in edges] == [tok.id_to_bytes(i) for i in found.ids.tolist()]
        assert [a for a, _ in edges] == [0, *(b for _, b in edges[:-1])][: len(edges)]
        theirs = peer_of(tok).encode(text, add_special_tokens=False).offsets
        assert [tuple(span) for span in found.char_spans.tolist()] == theirs

    @given(text=texts, cuts=st.lists(st.integers(1, 5)))
    def test_streams_never_break_characters(self, pattern, text, cuts):
        tok, text = trained(pattern), clean(text)
        ids = tok.encode(text).tolist()
        stream, parts = tok.decode_stream(), []
        while ids:
            step = cuts.pop() if cuts else 1
            parts.append(stream.push(ids[:step]))
            ids = ids[step:]
        assert "".join(parts) + stream.finish() == text
        assert all("\ufffd" not in part or "\ufffd" in text for part in parts)


def test_stream_pull():
    tok = trained()
    assert "".join(tok.decode_stream().pull(tok.encode("日本語 text"))) == "日本語 text"
    assert tok.decode_stream().push(int(tok.encode("a")[0])) == "a"


@pytest.mark.parametrize("pattern", ["r50k", "cl100k", "o200k"])
class TestTiktoken:
    @staticmethod
    def pair(pattern):
        ranked = trained({"r50k": "gpt2"}.get(pattern, pattern))
        tokens = [bytes([b]) for b in range(256)]
        tokens += [ranked.id_to_bytes(i) for i in range(258, ranked.vocab_size)]
        content = write_ranks(tokens)
        special = {"<|endoftext|>": len(tokens), "<|fim|>": len(tokens) + 1}
        ours = Tokenizer.from_bytes(content, pattern=pattern, special_tokens=special)
        regexes = {"r50k": GPT2_PATTERN, "cl100k": CL100K_PATTERN, "o200k": O200K_PATTERN}
        theirs = tiktoken.Encoding(
            pattern,
            pat_str=regexes[pattern],
            mergeable_ranks={token: rank for rank, token in enumerate(tokens)},
            special_tokens=special,
        )
        return ours, theirs

    @given(text=texts)
    def test_equal_ids(self, pattern, text):
        ours, theirs = self.pair(pattern)
        assert ours.encode(text).tolist() == theirs.encode_ordinary(text)
        expected = theirs.encode(text, allowed_special="all")
        assert ours.encode(text, allowed_special="all").tolist() == expected

    @given(text=texts)
    @settings(max_examples=30)
    def test_its_saved_form_is_equal_in_tokenizers(self, pattern, text):
        ours, _ = self.pair(pattern)
        text = clean(text)
        peer = peer_of(ours)
        assert peer.encode(text).ids == ours.encode(text, allowed_special="all").tolist()
        assert Tokenizer.from_bytes(ours.to_bytes()) == ours

    def test_surrogates_as_tiktoken(self, pattern):
        ours, theirs = self.pair(pattern)
        for text in ("\ud800", "a\udfffb", "\ud83d\ude00", "\ude00\ud83d"):
            assert ours.encode(text).tolist() == theirs.encode_ordinary(text)

    def test_a_disallowed_special_token_is_named(self, pattern):
        ours, _ = self.pair(pattern)
        with pytest.raises(DisallowedSpecialTokenError, match=r"'<\|fim\|>' at byte 3"):
            ours.encode("abc<|fim|>", disallowed_special="all")
        assert len(ours.encode("<|fim|>", allowed_special="all", disallowed_special="all")) == 1


def build(normalizer=None, pre=None, added=(), post=None, vocab=1500, model_options=None):
    tok = tokenizers.Tokenizer(models.BPE(**(model_options or {})))
    tok.normalizer = normalizer
    tok.pre_tokenizer = pre or pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tok.train_from_iterator(documents()[:15], trainer)
    tok.add_tokens([token for token in added if not token.special])
    tok.add_special_tokens([token for token in added if token.special])
    if post:
        tok.post_processor = post
    return tok


BYTE_LEVEL = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
ADDED = [
    AddedToken("<s>", special=True, normalized=False),
    AddedToken("<sep>", special=True, lstrip=True, rstrip=True, normalized=False),
    AddedToken("word", single_word=True, normalized=True),
    AddedToken("wordy", normalized=False),
    AddedToken("Čau", normalized=True),
    AddedToken("  ", normalized=False),
    AddedToken("\n", normalized=True, lstrip=True),
    AddedToken("½½", normalized=True),
]
PIPELINES = {
    "plain": build(),
    "digits": build(
        pre=pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), BYTE_LEVEL])
    ),
    "whitespace": build(pre=pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), BYTE_LEVEL])),
    "punctuation": build(
        pre=pre_tokenizers.Sequence(
            [pre_tokenizers.Punctuation(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    ),
    "no split": build(pre=BYTE_LEVEL),
    "NFC": build(normalizers.NFC()),
    "NFKC": build(normalizers.NFKC()),
    "NFD, no accents, lower": build(
        normalizers.Sequence(
            [normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]
        )
    ),
    "added": build(added=ADDED),
    "added, normalised": build(normalizers.NFKC(), added=ADDED),
    "ignore merges": build(model_options={"ignore_merges": True}),
    "prefix space": build(pre=pre_tokenizers.ByteLevel(add_prefix_space=True)),
    "metaspace": build(pre=pre_tokenizers.Metaspace()),
    "replace": build(normalizers.Replace("a", "b")),
    # This runs on the library, and must say so.
    "unknown regex": build(
        pre=pre_tokenizers.Sequence(
            [pre_tokenizers.Split(tokenizers.Regex("a+"), "isolated"), BYTE_LEVEL]
        )
    ),
}
ON_LIBRARY = {"unknown regex"}
odd_texts = st.one_of(
    texts,
    st.lists(
        st.sampled_from(
            [
                *"ab \n.é",
                "<s>",
                "<sep>",
                " word ",
                "word",
                "wordy",
                "Čau",
                "  ",
                "½",
                "½½",
                "e\u0301",
                "ﬁ",
                "\u1e9b\u0323",
                "한",
            ]
        )
    ).map("".join),
)


def as_bytes(text):
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("name", PIPELINES)
class TestPipelines:
    @given(text=odd_texts)
    @settings(max_examples=150)
    def test_equal_to_tokenizers(self, name, text):
        peer = PIPELINES[name]
        tok = self.ours(name)
        text = clean(text)
        expected = peer.encode(text, add_special_tokens=False).ids
        assert tok.encode(text, allowed_special="all").tolist() == expected

    @given(raw=st.lists(st.binary(max_size=4) | odd_texts.map(as_bytes)).map(b"".join))
    @settings(max_examples=60)
    def test_bytes_outside_utf8(self, name, raw):
        tok = self.ours(name)
        ids = tok.encode(raw)
        if tok.contract == "lossless" and tok.engine == "kernels":
            assert tok.decode_bytes(ids) == raw
        spec = json.loads(PIPELINES[name].to_str())
        metaspace = spec["pre_tokenizer"]["type"] == "Metaspace"
        if spec["normalizer"] or metaspace or tok.engine != "kernels":
            text = raw.decode("utf-8", "surrogateescape")
            text = re.sub("[\udc80-\udcff]", "\ufffd", text)
            assert ids.tolist() == tok.encode(text).tolist()
        if tok.contract != "lossy":
            assert tok.encode_with_offsets(raw).ids.tolist() == ids.tolist()

    def test_the_engine_is_told(self, name):
        tok = self.ours(name)
        assert tok.engine == ("tokenizers" if name in ON_LIBRARY else "kernels")
        assert bool(tok.engine_reason) == (name in ON_LIBRARY)

    def test_saving_loses_nothing(self, name, tmp_path):
        self.ours(name).save(tmp_path / "saved.json")
        saved = tokenizers.Tokenizer.from_file(str(tmp_path / "saved.json"))
        assert json.loads(saved.to_str()) == json.loads(PIPELINES[name].to_str())

    def test_vocabulary(self, name):
        tok, peer = self.ours(name), PIPELINES[name]
        assert dict(tok.vocab) == peer.get_vocab()
        assert tok.vocab_size == max(peer.get_vocab().values()) + 1
        for token, id_ in list(peer.get_vocab().items())[::50]:
            assert tok.token_to_id(token) == id_
            assert tok.id_to_token(id_) == token

    @staticmethod
    def ours(name, made={}):  # noqa: B006 - one object a pipeline is the point
        if name not in made:
            made[name] = Tokenizer.from_bytes(PIPELINES[name].to_str().encode())
        return made[name]


POSTS = {
    "template": processors.TemplateProcessing(
        single="<s> $A <sep>",
        pair="<s> $A <sep> $B:1 <sep>:1",
        special_tokens=[("<s>", 1500), ("<sep>", 1501)],
    ),
    "bert": processors.BertProcessing(("<sep>", 1501), ("<s>", 1500)),
    "roberta": processors.RobertaProcessing(
        ("<sep>", 1501), ("<s>", 1500), trim_offsets=False, add_prefix_space=False
    ),
    "byte level": processors.ByteLevel(trim_offsets=False),
}


@pytest.mark.parametrize("name", POSTS)
def test_templates(name):
    peer = build(added=ADDED[:2], post=POSTS[name])
    assert peer.token_to_id("<s>") == 1500
    tok = Tokenizer.from_bytes(peer.to_str().encode())
    for first, second in [("one text", "and two"), ("", "x"), ("a", "")]:
        single = peer.encode(first)
        assert tok.encode(first, add_special_tokens=True).tolist() == single.ids
        pair = peer.encode(first, second)
        ids, types = tok.encode_pair(first, second)
        assert ids.tolist() == pair.ids
        assert types.tolist() == pair.type_ids
    batch = tok.encode_batch(["one text", "", "a"], add_special_tokens=True)
    assert batch.to_lists() == [peer.encode(t).ids for t in ("one text", "", "a")]


def test_added_tokens_with_byte_map_letters_decode_as_written():
    """The `tokenizers` library decodes them through its byte map (its issues 1392 and 1996)."""
    peer = build(added=[AddedToken("čau", normalized=False)])
    tok = Tokenizer.from_bytes(peer.to_str().encode())
    ids = tok.encode("čau")
    assert tok.decode(ids) == "čau"
    assert peer.decode(ids.tolist()) != "čau"


class TestObjects:
    def test_pickles_small_and_equal(self, tmp_path):
        path = tmp_path / "tok.json"
        trained().save(path)
        tok = Tokenizer.from_file(path)
        frozen = pickle.dumps(tok)
        assert len(frozen) < 1000
        assert pickle.loads(frozen) == tok == trained()
        assert pickle.loads(pickle.dumps(trained())) == trained()
        assert hash(tok) == hash(trained())

    def test_a_changed_file_is_noticed(self, tmp_path):
        path = tmp_path / "tok.json"
        trained().save(path)
        frozen = pickle.dumps(Tokenizer.from_file(path))
        trained("o200k").save(path)
        with pytest.raises(FormatError, match="has changed"):
            pickle.loads(frozen)

    def test_gzip(self, tmp_path):
        path = tmp_path / "tok.json.gz"
        path.write_bytes(gzip.compress(trained().to_bytes()))
        assert Tokenizer.from_file(path) == trained()

    def test_threads_share_one(self):
        tok, wrong = trained(), []
        expected = [tok.encode(text).tolist() for text in documents()]

        def work():
            for text, ids in zip(documents(), expected, strict=True):
                if tok.encode(text).tolist() != ids:
                    wrong.append(text)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def test_several_threads_give_the_same(self):
        tok = trained()
        assert tok.encode_batch(documents(), threads=3) == tok.encode_batch(documents())
        assert isinstance(tok.encode_batch([]), Ragged)

    def test_buffers(self):
        tok = trained()
        raw = b"some text"
        for given_ in (raw, bytearray(raw), memoryview(raw)):
            assert tok.encode(given_).tolist() == tok.encode("some text").tolist()

    def test_the_cache_gives_the_same(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TOKENKIT_CACHE", str(tmp_path))
        monkeypatch.setattr("tokenkit.text.cache._WORTH_KEEPING", 0)
        path = tmp_path / "tok.json"
        trained("o200k").save(path)
        first = Tokenizer.from_file(path)
        (stored,) = tmp_path.glob("*.plan")
        again = Tokenizer.from_file(path)
        text = documents()[3]
        assert again == first
        assert again.encode(text).tolist() == first.encode(text).tolist()
        stored.write_bytes(stored.read_bytes()[:-1000])
        assert Tokenizer.from_file(path).encode(text).tolist() == first.encode(text).tolist()

    def test_a_cache_that_cannot_be_written_changes_nothing(self, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("TOKENKIT_CACHE", str(tmp_path / "file" / "below"))
        monkeypatch.setattr("tokenkit.text.cache._WORTH_KEEPING", 0)
        assert Tokenizer.from_bytes(trained().to_bytes()) == trained()


class TestDropout:
    def test_it_changes_ids_and_keeps_text(self):
        tok, text = trained(), documents()[0][:2000]
        ids = tok.encode(text, dropout=0.2, seed=3)
        assert len(ids) > len(tok.encode(text))
        assert tok.decode(ids) == text
        assert ids.tolist() == tok.encode(text, dropout=0.2, seed=3).tolist()
        assert ids.tolist() != tok.encode(text, dropout=0.2, seed=4).tolist()

    def test_added_tokens_stay_whole(self):
        tok = Tokenizer.from_bytes(PIPELINES["added"].to_str().encode())
        ids = tok.encode("a word<s>", dropout=0.9, seed=1, allowed_special="all").tolist()
        assert {tok.token_to_id("<s>"), tok.token_to_id("word")} <= set(ids)

    def test_no_probability(self):
        with pytest.raises(EncodeError, match="unigram"):
            trained().encode("x", alpha=1.5)
        with pytest.raises(EncodeError, match=r"not 1\.5"):
            trained().encode("x", dropout=1.5)


class TestErrors:
    def test_not_a_tokenizer(self, tmp_path):
        path = tmp_path / "x"
        for content in (b"", b"hello", b"{}", b'{"model": 3}', b"\x00\x01", b"\x0a\xff\xff"):
            path.write_bytes(content)
            with pytest.raises(FormatError, match=str(path)):
                Tokenizer.from_file(path)

    def test_a_rank_file_needs_a_pattern(self):
        with pytest.raises(FormatError, match="cl100k"):
            Tokenizer.from_bytes(b"IQ== 0\nIg== 1\n")

    def test_a_bad_rank_line_is_named(self):
        content = write_ranks([bytes([b]) for b in range(256)]) + b"!!! 256\n"
        with pytest.raises(FormatError, match="line 257"):
            Tokenizer.from_bytes(content, pattern="gpt2")

    def test_a_missing_byte_is_named(self):
        content = write_ranks([bytes([b]) for b in range(255)])
        with pytest.raises(FormatError, match="0xFF"):
            Tokenizer.from_bytes(content, pattern="gpt2")

    def test_ids_out_of_range(self):
        tok = trained()
        with pytest.raises(DecodeError, match="id 999999 at position 1"):
            tok.decode([5, 999_999])
        for ids in ([-1], [1.5], [2**32], ["a"]):
            with pytest.raises(VocabularyError):
                tok.decode(ids)
        with pytest.raises(VocabularyError):
            tok.id_to_bytes(-1)
        assert tok.id_to_token(10**6) is None
        assert tok.token_to_id("no such token") is None

    def test_an_unknown_special_token(self):
        with pytest.raises(VocabularyError, match="'<nope>'"):
            trained().encode("x", allowed_special={"<nope>"})


def test_skip_special_and_counts():
    tok = trained()
    ids = tok.encode("a<|endoftext|>b", allowed_special="all")
    assert tok.decode(ids, skip_special_tokens=True) == "ab"
    assert tok.count("a<|endoftext|>b", allowed_special="all") == len(ids) == 3
    assert tok.decode_batch([ids, []]) == ["a<|endoftext|>b", ""]


def test_named_patterns_all_train():
    assert set(PATTERNS) <= set(NAMED_PATTERNS)
    assert np.array_equal(trained("cl100k").encode(""), np.empty(0, np.uint32))


def test_white_space_of_an_added_token_ends_at_a_byte_outside_utf8():
    tok = Tokenizer.from_bytes(PIPELINES["added"].to_str().encode())
    assert tok.decode_bytes(tok.encode(b"a \x80\n")) == b"a \x80\n"
    assert tok.decode_bytes(tok.encode(b"a\x80 \n")) == b"a\x80\n"
