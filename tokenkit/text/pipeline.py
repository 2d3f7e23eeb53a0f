"""Which kernels run the stages of a tokenizer.json before its model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from encoders import scan
from encoders.bpe import BpeTables
from encoders.scan import Behaviour, RegexScanner, Scanner, SequenceScanner, WholeScanner
from encoders.unigram import UnigramTables
from tokenkit.text.changes import Change, metaspace, normalizer_from_json, prefix_space

_BLANK = "\u2581"


class NotCoveredError(Exception):
    """The kernels do not run this pipeline; the message says what of it."""


@dataclass(frozen=True)
class Pipeline:
    """Text is normalised, then prepared (after added tokens are found), then split."""

    normalize: Change
    prepare: Change
    scanner: Scanner
    tokens_as_normalized: bool = False
    """Whether added tokens that are looked for in normalized text are spelled as they stand there,
    and not to be normalized themselves."""


def is_byte_level(pre_tokenizer: Mapping[str, Any] | None) -> bool:
    """Whether the model's symbols are bytes spelled as letters."""
    steps = _steps(pre_tokenizer)
    return bool(steps) and steps[-1]["type"] == "ByteLevel"


def pipeline_from_json(head: Mapping[str, Any]) -> Pipeline:
    """The pipeline before the model. Raises NotCoveredError where kernels do not run it."""
    normalize = normalizer_from_json(head.get("normalizer"))
    steps = _steps(head.get("pre_tokenizer"))
    if len(steps) == 1 and steps[0]["type"] == "Metaspace":
        step = steps[0]
        if step["replacement"] != _BLANK:
            raise NotCoveredError(f"Metaspace with {step['replacement']!r}")
        scheme = step.get("prepend_scheme") or (
            "always" if step.get("add_prefix_space", True) else "never"
        )
        scanner: Scanner = scan.METASPACE if step.get("split", True) else WholeScanner()
        return Pipeline(normalize, metaspace(scheme), scanner)
    if any(step["type"] == "Metaspace" for step in steps):
        raise NotCoveredError("Metaspace among other pre-tokenizers")
    prepare = Change()
    scanners: list[Scanner] = []
    for step in steps:
        if step["type"] != "ByteLevel":
            scanners.append(_scanner(step))
            continue
        if step is not steps[-1]:
            raise NotCoveredError("ByteLevel before other pre-tokenizers")
        if step.get("add_prefix_space", True):
            if len(steps) > 1:
                raise NotCoveredError("ByteLevel with add_prefix_space after other pre-tokenizers")
            prepare = prefix_space()
        if step.get("use_regex", True):
            scanners.append(scan.BYTE_LEVEL)
    if len(scanners) == 1:
        return Pipeline(normalize, prepare, scanners[0])
    scanner = SequenceScanner(tuple(scanners)) if scanners else WholeScanner()
    return Pipeline(normalize, prepare, scanner)


def _steps(pre_tokenizer: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if pre_tokenizer is None:
        return []
    if pre_tokenizer["type"] == "Sequence":
        return [step for entry in pre_tokenizer["pretokenizers"] for step in _steps(entry)]
    return [pre_tokenizer]


_SIMPLE = {
    "Whitespace": scan.WHITESPACE,
    "WhitespaceSplit": scan.WHITESPACE_SPLIT,
    "BertPreTokenizer": scan.BERT,
}


def _scanner(step: Mapping[str, Any]) -> Scanner:
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
        if isinstance(found, RegexScanner):
            raise NotCoveredError(f"a Split on the pattern {pattern!r}, which Oniguruma reads")
        if not isolated:
            raise NotCoveredError(f"a Split with behaviour {step['behavior']}")
        return found
    if kind == "Digits":
        return scan.DIGITS_INDIVIDUAL if step["individual_digits"] else scan.DIGITS
    if kind == "Punctuation" and step.get("behavior", "Isolated") == "Isolated":
        return scan.PUNCTUATION
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    raise NotCoveredError(f"pre-tokenizer {kind}")


def cut_at_blanks(tables: BpeTables | UnigramTables) -> Scanner:
    """How to split text that a pipeline leaves whole: before runs of U+2581 where that is safe.

    It is where no token holds U+2581 behind anything else: then no token crosses such a cut, ids
    stay the same, and pieces are words that the cache knows instead of whole documents.
    """
    flat, offsets = tables.vocab, tables.offsets
    if isinstance(tables, BpeTables):
        by_character, unknown, *_ = tables.options.tolist()
        places_differ = (tables.char_values != tables.char_values[:1]).any()
        if not by_character or places_differ or (tables.merges == unknown).any():
            return WholeScanner()
    at = np.flatnonzero((flat[:-2] == 0xE2) & (flat[1:-1] == 0x96) & (flat[2:] == 0x81))
    begins = np.zeros(len(flat) + 1, np.bool_)
    begins[offsets] = True
    alone = at[begins[at] & begins[at + 3]]
    behind = at[~begins[at]]
    safe = len(alone) > 0 and np.isin(behind - 3, at).all()
    return scan.METASPACE_RUNS if safe else WholeScanner()
