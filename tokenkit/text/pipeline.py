"""Which kernels run the stages of a tokenizer.json before its model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders import scan
from encoders.buffers import ABSENT, Bytes, Offsets
from encoders.scan import (
    Behaviour,
    JoinScanner,
    RegexScanner,
    Scanner,
    SequenceScanner,
    WholeScanner,
)
from encoders.unigram import UnigramTables
from encoders.wordpiece import WordPieceTables
from tokenkit.text.changes import (
    MARK,
    Change,
    ends_in_marks,
    metaspace,
    normalizer_from_json,
    of_well_formed,
    prefix_space,
    with_blanks,
)
from tokenkit.text.formats.plan import Tables


class NotCoveredError(Exception):
    """The kernels do not run this pipeline; the message says what of it."""


@dataclass(frozen=True)
class Pipeline:
    """Text is normalised, then prepared (after added tokens are found), then split."""

    normalize: Change
    prepare: Change
    scanner: Scanner
    carries: bool = False
    """Whether a text is one piece to the model, whatever the scanner cuts it into."""
    tokens_as_normalized: bool = False
    """Whether added tokens that are looked for in normalized text are spelled as they stand there,
    and not to be normalized themselves."""


def is_byte_level(pre_tokenizer: Mapping[str, Any] | None) -> bool:
    """Whether the model's symbols are bytes spelled as letters."""
    steps = _steps(pre_tokenizer)
    return bool(steps) and steps[-1]["type"] == "ByteLevel"


def marks_blanks(head: Mapping[str, Any]) -> bool:
    """Whether the model sees U+2581 for every blank, so that a blank may stand for it."""
    steps = _steps(head.get("pre_tokenizer"))
    if not steps:
        return ends_in_marks(head.get("normalizer"))
    return len(steps) == 1 and steps[0]["type"] == "Metaspace"


def pipeline_from_json(head: Mapping[str, Any], *, blanks: bool = False) -> Pipeline:
    """The pipeline before the model; with ``blanks``, one that leaves blanks where `marks_blanks`
    and the tables of the model have blanks for U+2581.

    Raises NotCoveredError where kernels do not run it.
    """
    normalize = normalizer_from_json(head.get("normalizer"))
    steps = _steps(head.get("pre_tokenizer"))
    if normalize.steps or not is_byte_level(head.get("pre_tokenizer")):
        normalize = of_well_formed(normalize)
    if len(steps) == 1 and steps[0]["type"] == "Metaspace":
        step = steps[0]
        if step["replacement"] != MARK:
            raise NotCoveredError(f"Metaspace with {step['replacement']!r}")
        scheme = step.get("prepend_scheme") or (
            "always" if step.get("add_prefix_space", True) else "never"
        )
        scanner: Scanner = WholeScanner()
        if step.get("split", True):
            scanner = scan.BLANKS if blanks else scan.METASPACE
        return Pipeline(normalize, metaspace(scheme, blanks=blanks), scanner)
    if any(step["type"] == "Metaspace" for step in steps):
        raise NotCoveredError("Metaspace among other pre-tokenizers")
    if blanks:
        normalize = with_blanks(normalize)
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


def cut_between_tokens(tables: Tables, scanner: Scanner, *, blanks: bool) -> Scanner:
    """The scanner, or one that cuts finer without a change to any id, so that more of the pieces
    are such as came before: where no token goes across (see `encoders.scan.joins`)."""
    if isinstance(tables, WordPieceTables):
        return scanner
    whole = isinstance(scanner, WholeScanner)
    # Unknown characters that become bytes do not fuse, and may be parted.
    fallback = bool((tables.byte_ids != ABSENT).all())
    blank = ord(" " if blanks else MARK)
    if isinstance(tables, UnigramTables):
        if not whole:
            return scanner  # each of its pieces begins anew, and others would too
        known = None if fallback else _known(tables.vocab, tables.offsets)
        return JoinScanner.of(tables.vocab, tables.offsets, known=known, blank=blank)
    if not (whole or scanner in (scan.METASPACE, scan.BLANKS)):
        return scanner
    by_character, unknown, fuses, _ = tables.options.tolist()
    places_differ = (tables.char_values != tables.char_values[:1]).any()
    # What is unknown and vanishes makes neighbours of what was around it.
    vanishes = unknown == ABSENT and not fallback
    if not by_character or places_differ or vanishes or (tables.merges == unknown).any():
        return scanner
    fused = fuses and not fallback
    known = _known(tables.char_keys, tables.char_offsets) if fused else None
    return JoinScanner.of(
        tables.vocab, tables.offsets, known=known, blank=blank, each_blank=not whole
    )


def _known(tokens: Bytes, offsets: Offsets) -> NDArray[np.uint8]:
    """uint8[128]: which ASCII characters are tokens by themselves."""
    found = np.zeros(128, np.uint8)
    single = tokens[offsets[:-1][np.diff(offsets) == 1]]
    found[single[single < 0x80]] = 1
    return found
