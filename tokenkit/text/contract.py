"""What a tokenizer promises of decoding what it encoded."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

Contract = Literal["lossless", "normalizing", "lossy"]


def contract_of(
    head: Mapping[str, Any], has_every_byte: Callable[[], bool], bytes_join: bool
) -> Contract:
    """The promise that a tokenizer.json allows, from its parts.

    "lossless": text comes back as it was; "normalizing": its normal form does; "lossy": no such
    promise. It is claimed only where every stage keeps every byte: byte-level with all 256 bytes
    in the vocabulary, nothing dropped between pieces, no space put in front, no added token that
    takes white space with it.
    """
    steps = _flat(head.get("pre_tokenizer"), "pretokenizers")
    kept = (
        bytes_join
        and bool(steps)
        and steps[-1]["type"] == "ByteLevel"
        and not steps[-1].get("add_prefix_space", True)
        and all(_keeps_all(step) for step in steps[:-1])
        and not any(_strips(token) for token in head.get("added_tokens") or ())
        and has_every_byte()
    )
    if not kept:
        return "lossy"
    if not head.get("normalizer"):
        return "lossless"
    # A token found before normalisation parts the text that is normalised.
    parted = any(
        not token["special"] and not token["normalized"] for token in head.get("added_tokens") or ()
    )
    return "lossy" if parted else "normalizing"


def _strips(token: Mapping[str, Any]) -> bool:
    return not token["special"] and bool(token["lstrip"] or token["rstrip"])


def _keeps_all(step: Mapping[str, Any]) -> bool:
    if step["type"] in ("Split", "Punctuation"):
        return bool(step.get("behavior", "Isolated") != "Removed")
    return bool(step["type"] == "Digits")


def _flat(entry: Mapping[str, Any] | None, key: str) -> list[Mapping[str, Any]]:
    if entry is None:
        return []
    if entry["type"] != "Sequence":
        return [entry]
    return [inner for each in entry[key] for inner in _flat(each, key)]
