"""Small tokenizers over characters, trained here, and what is viable by encoding every text."""

import io
import itertools
import json
import random
from functools import cache

import sentencepiece
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from tokenkit import Tokenizer

SPECIAL = ["<unk>", "<s>", "</s>"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def corpus():
    draw = random.Random(5)
    words = ["".join(draw.choices("aabcé", k=draw.randint(1, 6))) for _ in range(60)]
    return [" ".join(draw.choices(words, k=8)) for _ in range(120)]


@cache
def trained(kind):
    """``kind``: "bpe", "unigram" or "char" of SentencePiece, with "-fallback" or without; or of
    `tokenizers`: "hf-bpe", "hf-unigram" behind Metaspace, with "-whole" where it does not split,
    and "llama", BPE with byte fallback whose normalizer puts the blank."""
    if kind.startswith("hf-unigram"):
        return _hf_unigram(split="whole" not in kind)
    if kind.startswith("hf-bpe"):
        return _hf_bpe(split="whole" not in kind)
    if kind == "llama":
        return _llama()
    model, *fallback = kind.split("-")
    return sentencepiece_model(model_type=model, byte_fallback=bool(fallback))


def sentencepiece_model(texts=None, **options):
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts or corpus()),
        model_writer=out,
        minloglevel=2,
        hard_vocab_limit=False,
        **{
            "vocab_size": 60 + 256 * options.get("byte_fallback", False),
            "normalization_rule_name": "identity",
            "remove_extra_whitespaces": False,
            **options,
        },
    )
    return Tokenizer.from_bytes(out.getvalue())


def _hf_bpe(split):
    found = tokenizers.Tokenizer(models.BPE(unk_token="<unk>"))
    found.pre_tokenizer = pre_tokenizers.Metaspace(split=split)
    found.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=60, special_tokens=SPECIAL, show_progress=False)
    found.train_from_iterator(corpus(), trainer)
    return Tokenizer.from_bytes(found.to_str().encode())


def _hf_unigram(split):
    found = tokenizers.Tokenizer(models.Unigram())
    found.pre_tokenizer = pre_tokenizers.Metaspace(split=split)
    found.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=60, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
    )
    found.train_from_iterator(corpus(), trainer)
    return Tokenizer.from_bytes(found.to_str().encode())


def _llama():
    plain = json.loads(_hf_bpe(split=False).to_bytes())
    model = plain["model"]
    tokens = [*SPECIAL, *BYTES, *(token for token in model["vocab"] if token not in SPECIAL)]
    model["vocab"] = {token: id_ for id_, token in enumerate(tokens)}
    model |= {"byte_fallback": True, "fuse_unk": True}
    plain["pre_tokenizer"] = None
    plain["normalizer"] = json.loads(
        normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        .__getstate__()
        .decode()
    )
    plain["decoder"] = {
        "type": "Sequence",
        "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"},
            {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        ],
    }
    return Tokenizer.from_bytes(json.dumps(plain).encode())


def behind_a_blank(tok):
    """Encodes texts as they are to the model behind the blank that comes before them."""
    puts = "" if tok.encode(" a").tolist() != tok.encode("a").tolist() else " "
    return lambda texts: tok.encode_batch([puts + text for text in texts]).to_lists()


def check_all_short(encode, viability, vocabulary, alphabet, longest, front=""):
    """Walk all viable strings of tokens whose texts, of few letters, have at most ``longest``
    behind the front: they must be those that begin an encoding. Returns how many were compared.

    ``encode``: list of texts, without the front, to lists of ids.
    """
    ranges, letters = vocabulary.ranges, {*alphabet.encode(), *front.encode()}
    few = {int(i): vocabulary.token(int(i)) for i in ranges.order}
    few = {id_: raw for id_, raw in few.items() if set(raw) <= letters}
    texts = [
        "".join(text)
        for length in range(longest + 1)
        for text in itertools.product(alphabet, repeat=length)
    ]
    begun, whole = {()}, set()
    for row in encode(texts):
        whole.add(tuple(row))
        begun.update(tuple(row[:size]) for size in range(len(row) + 1))
    compared, states = 0, {(): (b"", viability.start)}
    while states:
        longer = {}
        for ids, (spelled, state) in states.items():
            if len(spelled) > len(front):
                assert viability.ends(state) == (ids in whole), (ids, spelled)
            allowed = viability.following(state)
            for id_, raw in few.items():
                text = spelled + raw
                if not (text + front.encode()).startswith(front.encode()) or _outside(
                    text[len(front) :], alphabet, longest
                ):
                    continue
                assert bool(allowed[id_]) == ((*ids, id_) in begun), (ids, spelled, raw)
                compared += 1
                if allowed[id_]:
                    longer[*ids, id_] = text, viability.after(state, id_)
        states = longer
    return compared


def _outside(text, alphabet, longest):
    """Whether no text of these letters begins so, or only longer ones."""
    whole = text.decode("utf-8", "ignore")
    rest = text[len(whole.encode()) :]
    begun = not rest or any(letter.encode().startswith(rest) for letter in alphabet)
    return not begun or not set(whole) <= set(alphabet) or len(whole) + bool(rest) > longest


def check_path(viability, vocabulary, ids):
    """Whether a string of tokens may follow one another, and the text may end behind them."""
    state = viability.start
    for id_ in ids:
        if not viability.following(state)[id_]:
            return False
        state = viability.after(state, id_)
    return viability.ends(state)
