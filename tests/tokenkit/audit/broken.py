"""Tokenizers with one defect each, made from a sound one by editing its file."""

import json
from functools import cache

from tests.samples import trained
from tokenkit import Tokenizer


def spec():
    return json.loads(trained().to_bytes())


def loaded(spec):
    return Tokenizer.from_bytes(json.dumps(spec).encode())


def added(content, id_, **flags):
    names = ("special", "single_word", "lstrip", "rstrip", "normalized")
    return {"id": id_, "content": content, **dict.fromkeys(names, False), **flags}


@cache
def with_added(content, **flags):
    """With one more added token, its id behind all others."""
    found = spec()
    found["added_tokens"].append(added(content, len(found["model"]["vocab"]), **flags))
    return loaded(found)


@cache
def without_byte(letter):
    """Without the token of a byte, and what is merged from it."""
    found = spec()
    model = found["model"]
    model["vocab"] = {t: i for t, i in model["vocab"].items() if letter not in t}
    model["merges"] = [pair for pair in model["merges"] if letter not in "".join(pair)]
    return loaded(found)


@cache
def with_entry(token):
    """With one more entry of the model's vocabulary that nothing merges into."""
    found = spec()
    found["model"]["vocab"][token] = len(found["model"]["vocab"])
    return loaded(found)


@cache
def with_normalizer(kind):
    found = spec()
    found["normalizer"] = {"type": kind}
    return loaded(found)


@cache
def wordpiece():
    """A BERT-like tokenizer: other engine paths, spaces dropped, unknown words."""
    vocab = ["[PAD]", "[UNK]", "[CLS]", "the", "un", "##able", "##s", "a", "b", "##b", "1", "##2"]
    return loaded(
        {
            "version": "1.0",
            "added_tokens": [added("[UNK]", 1, special=True)],
            "normalizer": {
                "type": "BertNormalizer",
                "clean_text": True,
                "handle_chinese_chars": True,
                "strip_accents": None,
                "lowercase": True,
            },
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": None,
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False},
            "model": {
                "type": "WordPiece",
                "unk_token": "[UNK]",
                "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100,
                "vocab": {token: i for i, token in enumerate(vocab)},
            },
        }
    )


@cache
def on_the_library():
    """A pipeline that our kernels do not cover: `tokenizers` runs it."""
    found = spec()
    split = {"type": "Split", "pattern": {"Regex": r"\d{2}|\D+"}, "behavior": "Isolated"}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    steps = [{**split, "invert": False}, {**level, "use_regex": False}]
    found["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": steps}
    return loaded(found)
