"""What a pipeline does to the text itself: normalizers, and blanks that pre-tokenizers put in."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets, joined

Step: TypeAlias = Callable[[bytes, bool], bytes]
"""A document's bytes, and whether it begins its text, to the bytes that take their place."""

_KEEP_ASCII = {"NFC", "NFD", "NFKC", "NFKD", "StripAccents"}


@dataclass(frozen=True)
class Change:
    """Steps done to each document in turn; ``keeps_ascii`` where ASCII text stays as it is."""

    steps: tuple[Step, ...] = ()
    keeps_ascii: bool = True

    def one(self, text: bytes, first: bool = True) -> bytes:
        """One document changed."""
        if not (self.keeps_ascii and text.isascii()):
            for step in self.steps:
                text = step(text, first)
        return text

    def all(
        self,
        text: Bytes,
        bounds: Offsets,
        replaced: Offsets | None = None,
        first: NDArray[np.bool_] | None = None,
    ) -> tuple[Bytes, Offsets]:
        """A batch changed; without a copy where nothing changes.

        ``replaced``: int64[n], documents with an id there vanish, as the id stands for them;
        ``first``: bool[n], documents that begin a text (all unless given).
        """
        if not self.steps:
            return text, bounds
        if self.keeps_ascii and text[bounds[0] : bounds[-1]].max(initial=0) < 0x80:
            return text, bounds
        raw, begin = text[bounds[0] : bounds[-1]].tobytes(), int(bounds[0])
        documents = [
            b""
            if replaced is not None and replaced[i] >= 0
            else self.one(raw[start - begin : stop - begin], first is None or bool(first[i]))
            for i, (start, stop) in enumerate(pairwise(bounds.tolist()))
        ]
        return joined(documents)

    def spelling(self, text: str) -> str:
        """A text changed, as `str`."""
        return self.one(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")


def normalizer_from_json(normalizer: Mapping[str, Any] | None) -> Change:
    """The change that a ``normalizer`` makes: plain replacements here, the rest by `tokenizers`."""
    found: list[Step] = []
    by_library: list[Mapping[str, Any]] = []
    steps = _flat(normalizer)
    for step in steps:
        plain = _plain_step(step)
        if plain is None:
            by_library.append(step)
            continue
        if by_library:
            found.append(_library_step(by_library))
            by_library = []
        found.append(plain)
    if by_library:
        found.append(_library_step(by_library))
    return Change(tuple(found), all(step["type"] in _KEEP_ASCII for step in steps))


def _flat(normalizer: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if normalizer is None:
        return []
    if normalizer["type"] == "Sequence":
        return [step for entry in normalizer["normalizers"] for step in _flat(entry)]
    return [normalizer]


def _plain_step(step: Mapping[str, Any]) -> Step | None:
    if step["type"] == "Prepend":
        front = step["prepend"].encode()
        return lambda text, _: front + text if text else text
    if step["type"] == "Replace" and step["pattern"].get("String"):
        old, new = step["pattern"]["String"].encode(), step["content"].encode()
        return lambda text, _: text.replace(old, new)
    return None


def _library_step(steps: list[Mapping[str, Any]]) -> Step:
    import tokenizers

    shell: dict[str, Any] = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": steps},
        "model": {"type": "BPE", "vocab": {}, "merges": []},
    }
    library = tokenizers.Tokenizer.from_str(json.dumps(shell)).normalizer
    keeps_ascii = all(step["type"] in _KEEP_ASCII for step in steps)

    def run(text: bytes, first: bool) -> bytes:
        del first
        if keeps_ascii and text.isascii():
            return text
        changed: str = library.normalize_str(text.decode("utf-8", "replace"))
        return changed.encode()

    return run


def prefix_space() -> Change:
    """`ByteLevel` with ``add_prefix_space``: a blank in front of text that has none."""
    return Change((lambda text, _: b" " + text if text and text[:1] != b" " else text,), False)


def metaspace(scheme: str) -> Change:
    """`Metaspace`: blanks to U+2581, and one in front: "always", "first" in a text, or "never"."""
    mark = "\u2581".encode()

    def run(text: bytes, first: bool) -> bytes:
        marked = text.replace(b" ", mark)
        wanted = scheme == "always" or (scheme == "first" and first)
        return mark + marked if wanted and marked and not marked.startswith(mark) else marked

    return Change((run,), False)


def plain_blanks(dummy_prefix: bool) -> Change:
    """SentencePiece with the identity rule: blanks to U+2581, and one put in front."""
    mark = "\u2581".encode()
    front = mark if dummy_prefix else b""
    return Change((lambda text, _: front + text.replace(b" ", mark) if text else text,), False)


def by(normalize: Callable[[str], str]) -> Change:
    """A change that a library makes; bytes outside UTF-8 are U+FFFD to it."""
    return Change((lambda text, _: normalize(text.decode("utf-8", "replace")).encode(),), False)
