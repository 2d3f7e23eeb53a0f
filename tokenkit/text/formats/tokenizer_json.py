"""Hugging Face tokenizer.json."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.bpe import BpeTables, tables_from_merges
from encoders.buffers import ABSENT
from encoders.unigram import UnigramTables, unigram_tables
from encoders.wordpiece import WordPieceTables, wordpiece_tables
from tokenkit.errors import FormatError
from tokenkit.text import byte_map
from tokenkit.text.changes import MARK
from tokenkit.text.formats.plan import Plan, fingerprint_of
from tokenkit.text.pipeline import (
    NotCoveredError,
    is_byte_level,
    marks_blanks,
    pipeline_from_json,
)


def read(content: bytes) -> Plan:
    """Read a tokenizer.json. Raises FormatError where it is not one."""
    try:
        spec = json.loads(content)
        model = dict(spec["model"])
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"not a tokenizer.json: {error!r}") from None
    head = {key: value for key, value in spec.items() if key != "model"}
    head["model"] = {k: v for k, v in model.items() if k not in ("vocab", "merges")}
    if spec.get("added_tokens"):
        head["added_tokens"] = _with_ids(spec["added_tokens"], model.get("vocab", {}))
    fingerprint = fingerprint_of(spec)
    try:
        pipeline_from_json(head)
        return _kernel_plan(spec, head, fingerprint)
    except NotCoveredError as reason:
        return Plan(head, fingerprint, reason=str(reason), content=content)


def _with_ids(
    added: list[dict[str, Any]], vocab: Mapping[str, int] | list[tuple[str, float]]
) -> list[dict[str, Any]]:
    """Added tokens with the ids that `tokenizers` gives them, whatever the file says: the model's
    own, or the next behind it in the order of the file.

    Raises FormatError for an entry that spells no token.
    """
    for place, entry in enumerate(added):
        if not isinstance(entry, dict) or not isinstance(entry.get("content"), str):
            raise FormatError(f"added_tokens[{place}] has no content that is a text: {entry!r}")
    if isinstance(vocab, list):
        vocab = {token: id_ for id_, (token, *_) in enumerate(vocab)}
    given: dict[str, int] = {}
    following = len(vocab)
    for entry in added:
        content = entry["content"]
        if content not in given:
            given[content] = vocab.get(content, following)
            following = max(following, given[content] + 1)
    return [{**entry, "id": given[entry["content"]]} for entry in added]


def _kernel_plan(spec: dict[str, Any], head: dict[str, Any], fingerprint: str) -> Plan:
    model = spec["model"]
    if model.get("type") == "Unigram" and not is_byte_level(spec.get("pre_tokenizer")):
        blanks = _may_have_blanks(head, (token for token, _ in model["vocab"]))
        return Plan(head, fingerprint, _unigram(model, blanks), {}, blanks=blanks)
    if model.get("type") == "WordPiece" and not is_byte_level(spec.get("pre_tokenizer")):
        return Plan(head, fingerprint, _wordpiece(model), {})
    if model.get("type", "BPE") != "BPE":
        raise NotCoveredError(f"model {model['type']}")
    if model.get("dropout"):
        raise NotCoveredError("BPE with dropout")
    vocab: dict[str, int] = model["vocab"]
    unknown = model.get("unk_token")
    if unknown is not None and unknown not in vocab:
        raise NotCoveredError("an unknown token outside the vocabulary")
    if is_byte_level(spec.get("pre_tokenizer")):
        return Plan(head, fingerprint, *_byte_level(model, vocab))
    blanks = _may_have_blanks(head, vocab)
    return Plan(head, fingerprint, *_by_character(model, vocab, blanks), blanks=blanks)


def _may_have_blanks(head: Mapping[str, Any], tokens: Iterable[str]) -> bool:
    """Whether a blank can stand for U+2581 in the tables."""
    model, texts = head["model"], set(tokens)
    affixes = model.get("continuing_subword_prefix") or model.get("end_of_word_suffix")
    has_blank = any(" " in text for text in texts)
    return marks_blanks(head) and MARK in texts and not has_blank and not affixes


def _byte_level(model: dict[str, Any], vocab: dict[str, int]) -> tuple[BpeTables, dict[int, bytes]]:
    for option in ("continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"):
        if model.get(option):
            raise NotCoveredError(f"byte-level BPE with {option}")
    tokens = [b""] * (1 + max(vocab.values(), default=-1))
    odd: dict[int, bytes] = {}
    known = byte_map.all_to_bytes(vocab)
    if known is not None:
        for id_, token in zip(vocab.values(), known, strict=True):
            tokens[id_] = token
    else:
        for text, id_ in vocab.items():
            raw = byte_map.to_bytes(text)
            if raw is None:
                odd[id_] = text.encode("utf-8", "surrogatepass")
            else:
                tokens[id_] = raw
    byte_ids = np.full(256, ABSENT, np.uint32)
    for byte, character in byte_map.CHARACTER_OF.items():
        byte_ids[byte] = vocab.get(character, ABSENT)
    if model.get("unk_token") and (byte_ids == ABSENT).any():
        raise NotCoveredError("byte-level BPE with an unknown token and without some bytes")
    merges = _merges(model["merges"], vocab, 0)
    ignore = bool(model.get("ignore_merges"))
    return tables_from_merges(tokens, merges, byte_ids, ignore_merges=ignore), odd


def _by_character(
    model: dict[str, Any], vocab: dict[str, int], blanks: bool
) -> tuple[BpeTables, dict[int, bytes]]:
    mark = " " if blanks else MARK
    prefix = model.get("continuing_subword_prefix") or ""
    suffix = model.get("end_of_word_suffix") or ""
    ignore = bool(model.get("ignore_merges"))
    if ignore and (prefix or suffix):
        raise NotCoveredError("ignore_merges with affixes")
    byte_ids = np.full(256, ABSENT, np.uint32)
    if model.get("byte_fallback"):
        found = [vocab.get(f"<0x{byte:02X}>") for byte in range(256)]
        if None in found and any(id_ is not None for id_ in found):
            raise NotCoveredError("byte_fallback without some bytes")
        byte_ids[:] = [ABSENT if id_ is None else id_ for id_ in found]
    tokens = [b""] * (1 + max(vocab.values(), default=-1))
    odd: dict[int, bytes] = {}
    for text, id_ in vocab.items():
        bare = text.removesuffix(suffix)
        if prefix and len(bare) > len(prefix):
            bare = bare.removeprefix(prefix)
        tokens[id_] = bare.replace(MARK, mark).encode("utf-8", "surrogatepass")
        if bare != text:
            odd[id_] = text.encode("utf-8", "surrogatepass")
    characters = [
        {c.replace(MARK, mark).encode("utf-8", "surrogatepass"): id_ for c, id_ in found.items()}
        for found in _alphabets(vocab, prefix, suffix)
    ]
    tables = tables_from_merges(
        tokens,
        _merges(model["merges"], vocab, len(prefix)),
        byte_ids,
        ignore_merges=ignore,
        characters=characters,
        unknown=vocab[model["unk_token"]] if model.get("unk_token") is not None else None,
        fuse_unknown=bool(model.get("fuse_unk")),
    )
    return tables, odd


def _wordpiece(model: dict[str, Any]) -> WordPieceTables:
    vocab: dict[str, int] = model["vocab"]
    if model["unk_token"] not in vocab:
        raise NotCoveredError("an unknown token outside the vocabulary")
    return wordpiece_tables(
        vocab,
        vocab[model["unk_token"]],
        prefix=model["continuing_subword_prefix"],
        most=int(model["max_input_chars_per_word"]),
    )


def _unigram(model: dict[str, Any], blanks: bool) -> UnigramTables:
    mark = " " if blanks else MARK
    texts = [token.replace(MARK, mark) for token, _ in model["vocab"]]
    tokens = [text.encode("utf-8", "surrogatepass") for text in texts]
    scores = [float(score) for _, score in model["vocab"]]
    if model.get("unk_id") is None:
        raise NotCoveredError("a unigram model without unknown token")
    if len(set(tokens)) < len(tokens):
        raise NotCoveredError("a unigram model that has a token twice")
    byte_ids = np.full(256, ABSENT, np.uint32)
    if model.get("byte_fallback"):
        ids = {token: id_ for id_, token in enumerate(tokens)}
        byte_ids[:] = [ids.get(b"<0x%02X>" % byte, ABSENT) for byte in range(256)]
    unknown, least = int(model["unk_id"]), min(scores)
    return unigram_tables(tokens, scores, unknown, least=least, single=False, byte_ids=byte_ids)


def _alphabets(vocab: dict[str, int], prefix: str, suffix: str) -> list[dict[str, int]]:
    """Symbols of single characters that are alone, first, last and inner in a piece."""
    places = (("", suffix), ("", ""), (prefix, suffix), (prefix, ""))
    return [_characters(vocab, before, behind) for before, behind in places]


def _characters(vocab: dict[str, int], prefix: str, suffix: str) -> dict[str, int]:
    """Symbols of single characters, spelled with what goes before and behind."""
    length = len(prefix) + 1 + len(suffix)
    return {
        token[len(prefix)]: id_
        for token, id_ in vocab.items()
        if len(token) == length and token.startswith(prefix) and token.endswith(suffix)
    }


def _merges(merges: list[Any], vocab: dict[str, int], prefix: int) -> NDArray[np.uint32]:
    """(left, right, merged) ids; a right part loses its first ``prefix`` characters."""
    pairs = [m.split(" ") if isinstance(m, str) else m for m in merges]
    try:
        rows = [(vocab[left], vocab[right], vocab[left + right[prefix:]]) for left, right in pairs]
    except (KeyError, ValueError) as error:
        raise FormatError(f"a merge names a token outside the vocabulary: {error}") from None
    return np.array(rows, np.uint32).reshape(-1, 3)
