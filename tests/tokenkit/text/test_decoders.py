"""Every decoder equals that of `tokenizers` on tokens made to provoke it."""

import json

import pytest
import tokenizers
from hypothesis import assume, given
from hypothesis import strategies as st
from tokenizers import decoders

from tokenkit import Tokenizer
from tokenkit.errors import FormatError
from tokenkit.text.decoders import byte_of, decoder_from_json

TOKENS = [
    *("▁Hel", "lo", "▁", "▁▁", "▁a▁", "▁x ", " x "),
    *("<0xE2>", "<0x82>", "<0xAC>", "<0xFF>", "<0x41>", "<0x+1>", "<0x 1>", "<0xG1>", "<0x1>"),
    *("##ing", "##", "##a##b", "Ġa", "Ã©", "Ċ", "čau", "é", "a</w>", "b</w></w>", "</w>"),
    *("<pad>", "|", "do", " do not", " n't", " .", "'m", " ", ""),
]
DECODERS = [
    decoders.ByteLevel(),
    decoders.Metaspace(),
    decoders.Metaspace(prepend_scheme="never"),
    decoders.Metaspace(prepend_scheme="first", split=False),
    decoders.Metaspace(replacement="x"),
    decoders.WordPiece(),
    decoders.WordPiece(cleanup=False),
    decoders.WordPiece(prefix="▁"),
    decoders.ByteFallback(),
    decoders.Fuse(),
    decoders.Strip(" ", 1, 0),
    decoders.Strip("▁", 1, 1),
    decoders.BPEDecoder(),
    decoders.BPEDecoder(suffix="o"),
    decoders.CTC(),
    decoders.CTC(cleanup=False),
    decoders.Replace("▁", " "),
    decoders.Replace(tokenizers.Regex("[ab]+"), "_"),
    decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    ),
    decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", 1, 1)]),
    decoders.Sequence([decoders.ByteFallback(), decoders.ByteLevel()]),
    decoders.Sequence([]),
]
rows = st.lists(st.sampled_from(TOKENS) | st.text(max_size=4), max_size=7)


try:
    decoders.Strip("x", 1, 1).decode(["x"])
except BaseException as error:  # the class can be had in no other way
    PanicException = type(error)


def entry(decoder):
    return json.loads(decoder.__getstate__())


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda d: json.dumps(entry(d))[:60])
class TestDecoders:
    @given(tokens=rows)
    def test_equal_to_tokenizers(self, decoder, tokens):
        try:
            expected = decoder.decode(tokens)
        except PanicException:  # Strip does where both ends want the same character
            assert "Strip" in json.dumps(entry(decoder))
            return
        assert decoder_from_json(entry(decoder)).text(tokens, [False] * len(tokens)) == expected

    @given(tokens=rows)
    def test_raw_bytes_are_the_text(self, decoder, tokens):
        ours = decoder_from_json(entry(decoder))
        text = ours.text(tokens, [False] * len(tokens))
        if "\ufffd" not in text:
            assert ours.raw(tokens, [False] * len(tokens)).decode() == text


def test_without_decoder_tokens_are_parted_by_blanks():
    assert decoder_from_json(None).text(["a", "b"], [False, False]) == "a b"


def test_an_unknown_decoder_is_named():
    with pytest.raises(FormatError, match="'Nope'"):
        decoder_from_json({"type": "Nope"})


def test_bytes_outside_utf8_are_kept_by_raw():
    ours = decoder_from_json(entry(DECODERS[-4]))
    tokens = ["▁a", "<0xE2>", "<0x82>", "b"]
    assert ours.raw(tokens, [False] * 4) == b"a\xe2\x82b"
    assert ours.text(tokens, [False] * 4) == "a\ufffd\ufffdb"


def test_a_token_alone_is_as_in_the_middle_of_text():
    llama = decoder_from_json(entry(DECODERS[-4]))
    assert llama.token("▁a", False) == b" a"
    assert llama.token("<0xE2>", False) == b"\xe2"
    bert = decoder_from_json(entry(decoders.WordPiece()))
    assert bert.token("##ing", False) == b"ing"
    assert bert.token("ing", False) == b" ing"
    assert decoder_from_json(entry(decoders.ByteLevel())).token("čau", True) == "čau".encode()


def test_byte_tokens():
    assert byte_of("<0x0A>") == 10
    assert byte_of("<0x0>") is None
    assert byte_of("x0x0Ax") is None


def metaspace():
    """A SentencePiece-like tokenizer with byte fallback, as Llama 2 has it."""
    letters = [f"<0x{byte:02X}>" for byte in range(256)] + [
        "▁",
        *"abcdehilmnorstux",
        "▁a",
        "he",
        "▁he",
    ]
    vocab = {token: id_ for id_, token in enumerate(["<unk>", *letters])}
    tok = tokenizers.Tokenizer(
        tokenizers.models.BPE(
            vocab,
            [("▁", "a"), ("h", "e"), ("▁", "he")],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tok.normalizer = tokenizers.normalizers.Sequence(
        [tokenizers.normalizers.Prepend("▁"), tokenizers.normalizers.Replace(" ", "▁")]
    )
    tok.decoder = DECODERS[-4]
    tok.add_special_tokens(["<s>"])
    return tok


@given(text=st.text(alphabet="abh é日▁ ") | st.text())
def test_decode_and_stream_of_byte_fallback(text):
    peer = metaspace()
    tok = Tokenizer.from_bytes(peer.to_str().encode())
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assume("<s>" not in text)  # ordinary text to us, a token to the peer
    ids = tok.encode(text)
    assert ids.tolist() == peer.encode(text).ids
    assert tok.decode(ids) == peer.decode(ids.tolist())
    assert "".join(tok.decode_stream().pull(ids.tolist())) == tok.decode(ids)
    if not text.startswith("▁"):
        assert tok.decode(ids) == text.replace("▁", " ")


@given(ids=st.lists(st.integers(0, 280)))
def test_decode_any_ids_of_byte_fallback(ids):
    peer = metaspace()
    tok = Tokenizer.from_bytes(peer.to_str().encode())
    ids = [id_ for id_ in ids if id_ < tok.vocab_size]
    assert tok.decode(ids) == peer.decode(ids, skip_special_tokens=False)
    assert tok.decode(ids, skip_special_tokens=True) == peer.decode(ids)
