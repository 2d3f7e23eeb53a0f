"""Corpora as a comparison takes them: documents, and where their words are."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Offsets
from tokenkit.domain.cuts import Cuts
from tokenkit.text.inputs import sound

_CODE_POINTS = 0x110000


@dataclass(frozen=True, eq=False)
class Material:
    """Documents of one kind, with what is counted in them whatever the tokenizer.

    Lone surrogates are U+FFFD, as `Tokenizer` reads them.
    """

    documents: tuple[str, ...]

    @staticmethod
    def of(documents: Iterable[str]) -> "Material":
        """Of any texts; empty ones are left out."""
        return Material(tuple(sound(text) for text in documents if text))

    @cached_property
    def characters(self) -> Offsets:
        """int64[documents]."""
        return np.array([len(text) for text in self.documents], np.int64)

    @cached_property
    def spaced_words(self) -> Offsets:
        """Words that white space parts, int64[documents]."""
        return np.array([len(text.split()) for text in self.documents], np.int64)

    @cached_property
    def bytes(self) -> Offsets:
        """Of UTF-8, int64[documents]."""
        return np.diff(self._byte_at[self._bounds])

    @cached_property
    def word_spans(self) -> Offsets:
        """Runs of letters in all documents end to end, in bytes: int64[words, 2]."""
        letters = _letters(self._codes)
        # Neither the last character of a document nor the first is next to another document's.
        first, last = self._bounds[:-1], self._bounds[1:] - 1
        before, after = np.roll(letters, 1), np.roll(letters, -1)
        before[first] = after[last] = False
        starts, stops = np.flatnonzero(letters & ~before), np.flatnonzero(letters & ~after) + 1
        return self._byte_at[np.stack((starts, stops), axis=1)]

    @cached_property
    def word_documents(self) -> Offsets:
        """The document of each word, int64[words]."""
        bounds = self._byte_at[self._bounds]
        return np.searchsorted(bounds, self.word_spans[:, 0], side="right") - 1

    def per_document(self, values: NDArray[np.int64]) -> Offsets:
        """Sums of what was counted in each word, int64[documents]."""
        sums = np.bincount(self.word_documents, values, minlength=len(self.documents))
        return np.rint(sums).astype(np.int64)

    def parts(self, cuts: Cuts) -> Offsets:
        """How many tokens each word lies in, int64[words]; ``cuts`` are those of the documents."""
        running = np.concatenate(([0], np.cumsum(cuts.flags, dtype=np.int64)))
        starts, stops = self.word_spans.T
        parts: Offsets = 1 + running[stops] - running[starts + 1]
        return parts

    @cached_property
    def _codes(self) -> NDArray[np.uint32]:
        return np.frombuffer("".join(self.documents).encode("utf-32-le"), np.uint32)

    @cached_property
    def _bounds(self) -> Offsets:
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(self.characters)))

    @cached_property
    def _byte_at(self) -> Offsets:
        """Where each character begins, and the end: int64[characters + 1]."""
        codes = self._codes
        widths = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(widths)))


def _letters(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which code points are letters or marks (Unicode general categories L and M)."""
    table = np.zeros(_CODE_POINTS, np.bool_)
    for code in np.flatnonzero(np.bincount(codes, minlength=1)).tolist():
        table[code] = unicodedata.category(chr(code))[0] in "LM"
    found: NDArray[np.bool_] = table[codes]
    return found
