"""Normalizers that replace, strip or put in text, and sequences of normalizers."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets, padded
from encoders.normalize.running import Normalized, Normalizer, each_document, in_turn, run
from encoders.utf8 import first_invalid, mended

_BLANKS = " {2,}"
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Replace:
    """Every occurrence of a string, from the left and not overlapping; an empty one never occurs.

    Neither idempotent nor safe to cut, in general.
    """

    pattern: str
    content: str

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        pattern, content = self.pattern.encode(), self.content.encode()
        return _replace(pattern, content, -1, text, bounds, align=align)


def _replace(
    pattern: bytes, content: bytes, greedy: int, text: Bytes, bounds: Offsets, *, align: bool
) -> Normalized:
    from encoders.normalize import _kernels

    if not pattern:
        return Normalized(text, bounds, None)
    arguments = (padded(pattern), len(pattern), padded(content), len(content), greedy)
    # Room for content at every ninth byte; the kernel asks for more.
    growth = 1 + max(0, len(content) - len(pattern)) / 9
    return run(_kernels.replace, text, bounds, arguments, align=align, growth=growth)


@dataclass(frozen=True)
class ReplaceRegex:
    """Every match of a regular expression, as Oniguruma in the `tokenizers` library reads it.

    Runs of two and more blanks have a kernel; other patterns run in that library, where bytes
    outside UTF-8 become U+FFFD. Raises ValueError for what is no expression.
    """

    pattern: str
    content: str

    @cached_property
    def _library(self) -> "tokenizers.normalizers.Replace":  # type: ignore[name-defined] # noqa: F821
        import tokenizers

        try:
            return tokenizers.normalizers.Replace(tokenizers.Regex(self.pattern), self.content)
        except Exception as error:  # the library raises no narrower class
            raise ValueError(f"not a regular expression: {self.pattern!r}: {error}") from None

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        if self.pattern == _BLANKS:
            return _replace(b"  ", self.content.encode(), 32, text, bounds, align=align)
        return each_document(self._one, text, bounds, align=align)

    def _one(self, document: bytes) -> bytes:
        given = document.decode("utf-8", "replace")
        changed: str = self._library.normalize_str(given)
        return document if changed == given else changed.encode()


@dataclass(frozen=True)
class Prepend:
    """Text in front of every document that is not empty. Not idempotent."""

    prepend: str

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        every = np.ones(len(bounds) - 1, np.bool_)
        return put_before(text, bounds, self.prepend.encode(), every, align=align)


def put_before(
    text: Bytes, bounds: Offsets, front: bytes, which: Flags, *, align: bool = False
) -> Normalized:
    """``front`` before those documents (bool[n]) that are not empty."""
    return _assemble(text, bounds, bounds[:-1], bounds[1:], front, which, align=align)


def emptied(text: Bytes, bounds: Offsets, which: Flags) -> Normalized:
    """Nothing in place of those documents (bool[n])."""
    stops = np.where(which, bounds[:-1], bounds[1:])
    return _assemble(text, bounds, bounds[:-1], stops, b"", ~which, align=False)


@dataclass(frozen=True)
class Strip:
    """Without white space (Unicode's White_Space) at the ends of documents. Idempotent."""

    left: bool = True
    right: bool = True

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        from encoders.normalize import _kernels

        starts, stops = np.empty((2, len(bounds) - 1), np.int64)
        _kernels.trim(text, bounds, self.left, self.right, starts, stops)
        if (starts == bounds[:-1]).all() and (stops == bounds[1:]).all():
            return Normalized(text, bounds, None)
        none = np.zeros(len(starts), np.bool_)
        return _assemble(text, bounds, starts, stops, b"", none, align=align)


def _assemble(
    text: Bytes,
    bounds: Offsets,
    starts: Offsets,
    stops: Offsets,
    front: bytes,
    fronted: Flags,
    *,
    align: bool,
) -> Normalized:
    from encoders.normalize import _kernels

    arguments = (starts, stops, padded(front), len(front), fronted)
    growth = 1 + len(front) * (len(bounds) - 1) / max(1, int(bounds[-1] - bounds[0]))
    return run(_kernels.assemble, text, bounds, arguments, align=align, growth=growth)


@dataclass(frozen=True)
class WellFormed:
    """U+FFFD for every byte outside UTF-8, each by itself. Idempotent."""

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        if (first_invalid(text, bounds[:-1], bounds[1:]) < 0).all():
            return Normalized(text, bounds, None)
        return each_document(mended, text, bounds, align=align)


@dataclass(frozen=True)
class Sequence:
    """Normalizers in turn."""

    steps: tuple[Normalizer, ...]

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        return in_turn(self.steps, text, bounds, align=align)
