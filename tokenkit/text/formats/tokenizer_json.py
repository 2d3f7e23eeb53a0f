"""Hugging Face tokenizer.json."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders import scan
from encoders.bpe import tables_from_merges
from encoders.bpe.tables import ABSENT
from encoders.scan import Behaviour, RegexScanner, Scanner, SequenceScanner, WholeScanner
from tokenkit.errors import FormatError
from tokenkit.text import byte_map
from tokenkit.text.formats.plan import Plan, fingerprint_of

_KEEPS_ASCII = {"NFC", "NFD", "NFKC", "NFKD", "StripAccents"}


class NotCoveredError(Exception):
    """The kernels do not run this pipeline; the message says what of it."""


def read(content: bytes) -> Plan:
    """Read a tokenizer.json. Raises FormatError where it is not one."""
    try:
        spec = json.loads(content)
        model = dict(spec["model"])
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"not a tokenizer.json: {error!r}") from None
    head = {key: value for key, value in spec.items() if key != "model"}
    head["model"] = {k: v for k, v in model.items() if k not in ("vocab", "merges")}
    fingerprint = fingerprint_of(spec)
    try:
        scanner_from_json(spec.get("pre_tokenizer"))
        _check_normalizer(spec.get("normalizer"))
        return _kernel_plan(spec, head, fingerprint)
    except NotCoveredError as reason:
        return Plan(head, fingerprint, reason=str(reason), content=content)


def _kernel_plan(spec: dict[str, Any], head: dict[str, Any], fingerprint: str) -> Plan:
    model = spec["model"]
    if model.get("type", "BPE") != "BPE":
        raise NotCoveredError(f"model {model['type']}")
    for option in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"):
        if model.get(option):
            raise NotCoveredError(f"BPE with {option}")
    vocab: dict[str, int] = model["vocab"]
    size = 1 + max(vocab.values(), default=-1)
    tokens = [b""] * size
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
    tables = tables_from_merges(
        tokens,
        _merges(model["merges"], vocab),
        byte_ids,
        ignore_merges=bool(model.get("ignore_merges")),
    )
    return Plan(head, fingerprint, tables, odd)


def _merges(merges: list[Any], vocab: dict[str, int]) -> NDArray[np.uint32]:
    pairs = [m.split(" ") if isinstance(m, str) else m for m in merges]
    try:
        rows = [(vocab[left], vocab[right], vocab[left + right]) for left, right in pairs]
    except (KeyError, ValueError) as error:
        raise FormatError(f"a merge names a token outside the vocabulary: {error}") from None
    return np.array(rows, np.uint32).reshape(-1, 3)


def scanner_from_json(pre_tokenizer: Mapping[str, Any] | None) -> Scanner:
    """The scanner of a byte-level pre-tokenizer. Raises NotCoveredError for others."""
    if pre_tokenizer is None:
        raise NotCoveredError("no pre-tokenizer")
    steps = [pre_tokenizer]
    if pre_tokenizer["type"] == "Sequence":
        steps = pre_tokenizer["pretokenizers"]
    if not steps or steps[-1]["type"] != "ByteLevel":
        raise NotCoveredError("a pre-tokenizer that does not end in ByteLevel")
    if steps[-1].get("add_prefix_space", True):
        raise NotCoveredError("ByteLevel with add_prefix_space")
    scanners = [_step(step) for step in steps[:-1]]
    if steps[-1].get("use_regex", True):
        scanners.append(scan.BYTE_LEVEL)
    if not scanners:
        return WholeScanner()
    return scanners[0] if len(scanners) == 1 else SequenceScanner(tuple(scanners))


def _step(step: Mapping[str, Any]) -> Scanner:
    kind = step["type"]
    if kind == "Split":
        ((pattern_kind, pattern),) = step["pattern"].items()
        if pattern_kind == "String":
            import regex

            return RegexScanner(regex.escape(pattern), Behaviour(step["behavior"]), step["invert"])
        found = scan.scanner_for(pattern)
        isolated = step["behavior"] == "Isolated" or (
            # The known patterns match every character, so that no gap is left to remove.
            step["behavior"] == "Removed" and step["invert"]
        )
        if not isinstance(found, RegexScanner) and isolated:
            return found
        if isinstance(found, RegexScanner):
            raise NotCoveredError(f"a Split on the pattern {pattern!r}, which Oniguruma reads")
        raise NotCoveredError(f"a Split with behaviour {step['behavior']}")
    if kind == "Digits":
        return scan.DIGITS_INDIVIDUAL if step["individual_digits"] else scan.DIGITS
    if kind == "Punctuation" and step.get("behavior", "Isolated") == "Isolated":
        return scan.PUNCTUATION
    simple = {
        "Whitespace": scan.WHITESPACE,
        "WhitespaceSplit": scan.WHITESPACE_SPLIT,
        "BertPreTokenizer": scan.BERT,
    }
    if kind in simple:
        return simple[kind]
    raise NotCoveredError(f"pre-tokenizer {kind}")


def _check_normalizer(normalizer: Mapping[str, Any] | None) -> None:
    for step in normalizer_steps(normalizer):
        if step["type"] not in _KEEPS_ASCII | {"Lowercase"}:
            raise NotCoveredError(f"normalizer {step['type']}")


def normalizer_steps(normalizer: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The single normalizers of a possibly nested sequence."""
    if normalizer is None:
        return []
    if normalizer["type"] == "Sequence":
        return [s for entry in normalizer["normalizers"] for s in normalizer_steps(entry)]
    return [normalizer]


def normalizer_from_json(
    normalizer: Mapping[str, Any] | None,
) -> tuple[Callable[[str], str] | None, bool]:
    """The normaliser as a function, run by `tokenizers`, and whether it keeps ASCII text."""
    steps = normalizer_steps(normalizer)
    if not steps:
        return None, True
    import tokenizers

    shell: dict[str, Any] = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": normalizer,
        "model": {"type": "BPE", "vocab": {}, "merges": []},
    }
    library = tokenizers.Tokenizer.from_str(json.dumps(shell)).normalizer
    return library.normalize_str, all(step["type"] in _KEEPS_ASCII for step in steps)
