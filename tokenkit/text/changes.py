"""What a pipeline does to the text itself: normalizers, and blanks that pre-tokenizers put in."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders import normalize
from encoders.buffers import Bytes, Offsets, joined
from encoders.normalize import Normalizer
from tokenkit.errors import FormatError

MARK = "\u2581"
MARKS_FOR_BLANKS = normalize.Replace(" ", MARK)
BLANKS_FOR_MARKS = normalize.Replace(MARK, " ")


@dataclass(frozen=True)
class Front:
    """What is put before documents: not those that are empty or begin with ``unless``, and with
    ``first`` only those that begin a text."""

    text: bytes
    unless: bytes
    first: bool = False

    def before(self, text: Bytes, bounds: Offsets, first: NDArray[np.bool_] | None) -> NDArray[Any]:
        """bool[n]: which documents it is put before."""
        begins = np.diff(bounds) >= len(self.unless)
        for offset, byte in enumerate(self.unless):
            begins[begins] = text[bounds[:-1][begins] + offset] == byte
        return ~begins & first if self.first and first is not None else ~begins


@dataclass(frozen=True)
class Change:
    """Normalizers in turn, then something put in front."""

    steps: tuple[Normalizer, ...] = ()
    front: Front | None = None

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
        if replaced is not None and (self.steps or self.front):
            text, bounds, _ = normalize.emptied(text, bounds, replaced >= 0)
        for step in self.steps:
            text, bounds, _ = step.normalize(text, bounds)
        if self.front:
            which = self.front.before(text, bounds, first)
            text, bounds, _ = normalize.put_before(text, bounds, self.front.text, which)
        return text, bounds

    def spelling(self, text: str) -> str:
        """A text changed, as `str`."""
        changed, bounds = self.all(*joined([text.encode("utf-8", "surrogatepass")]))
        return changed[bounds[0] : bounds[-1]].tobytes().decode("utf-8", "replace")


def normalizer_from_json(normalizer: Mapping[str, Any] | None) -> Change:
    """The change that a ``normalizer`` makes. Raises FormatError for one of an unknown kind."""
    return Change(tuple(_normalizer(step) for step in _flat(normalizer)))


def of_well_formed(change: Change) -> Change:
    """A change, after U+FFFD has come in place of what is not UTF-8."""
    return Change((normalize.WellFormed(), *change.steps), change.front)


def _flat(normalizer: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if normalizer is None:
        return []
    if normalizer["type"] == "Sequence":
        return [step for entry in normalizer["normalizers"] for step in _flat(entry)]
    return [normalizer]


def _normalizer(step: Mapping[str, Any]) -> Normalizer:
    make = _NORMALIZERS.get(step["type"])
    if make is None:
        raise FormatError(f"normalizer {step['type']!r} is not one of `tokenizers`")
    return make(step)


def _replace(step: Mapping[str, Any]) -> Normalizer:
    ((kind, pattern),) = step["pattern"].items()
    make = normalize.Replace if kind == "String" else normalize.ReplaceRegex
    return make(pattern, step["content"])


def _bert(step: Mapping[str, Any]) -> Normalizer:
    return normalize.BertNormalizer(
        step["clean_text"], step["handle_chinese_chars"], step["strip_accents"], step["lowercase"]
    )


def _precompiled(step: Mapping[str, Any]) -> Normalizer:
    return normalize.Precompiled(base64.b64decode(step["precompiled_charsmap"]))


_NORMALIZERS: dict[str, Callable[[Mapping[str, Any]], Normalizer]] = {
    "NFC": lambda _: normalize.Nfc(),
    "NFD": lambda _: normalize.Nfd(),
    "NFKC": lambda _: normalize.Nfkc(),
    "NFKD": lambda _: normalize.Nfkd(),
    "Lowercase": lambda _: normalize.Lowercase(),
    "StripAccents": lambda _: normalize.StripAccents(),
    "Nmt": lambda _: normalize.Nmt(),
    "ByteLevel": lambda _: normalize.ByteLevel(),
    "Strip": lambda step: normalize.Strip(step["strip_left"], step["strip_right"]),
    "Prepend": lambda step: normalize.Prepend(step["prepend"]),
    "Replace": _replace,
    "BertNormalizer": _bert,
    "Precompiled": _precompiled,
}


def prefix_space() -> Change:
    """`ByteLevel` with ``add_prefix_space``: a blank in front of text that has none."""
    return Change(front=Front(b" ", unless=b" "))


def metaspace(scheme: str, *, blanks: bool) -> Change:
    """`Metaspace`: blanks to U+2581, and one in front: "always", "first" in a text, or "never".

    With ``blanks`` it is the other way round, U+2581 to blanks.
    """
    mark = b" " if blanks else MARK.encode()
    front = None if scheme == "never" else Front(mark, unless=mark, first=scheme == "first")
    return Change((BLANKS_FOR_MARKS if blanks else MARKS_FOR_BLANKS,), front)


def ends_in_marks(normalizer: Mapping[str, Any] | None) -> bool:
    """Whether no blank is left in normalised text, as each has become U+2581."""
    return normalizer_from_json(normalizer).steps[-1:] == (MARKS_FOR_BLANKS,)


def with_blanks(change: Change) -> Change:
    """A change of `ends_in_marks`, with blanks in place of every U+2581."""
    return Change((*change.steps[:-1], BLANKS_FOR_MARKS), change.front)
