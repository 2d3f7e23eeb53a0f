"""Where patches begin: the rules that need no weights."""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Protocol

import numpy as np

from encoders.buffers import Bytes, Offsets
from encoders.patches import Marks, add_marks, marks_at, spacelike_marks, stride_marks, word_marks
from encoders.scan import Scanner, scanner_for
from tokenkit.errors import PatchError
from tokenkit.text import Tokenizer
from tokenkit.text.formats.tiktoken import NAMED_PATTERNS


class Rule(Protocol):
    """Says where patches begin."""

    def marks(self, text: Bytes, bounds: Offsets) -> Marks:
        """Marks (`encoders.patches.marks_at`) of where patches begin in a batch of documents.

        ``text``: uint8 with `encoders.buffers.PADDING` spare bytes; ``bounds``: int64[n + 1] from 0
        on. A document begins a patch, marked or not; marks behind the last document are ignored.
        """
        ...


@dataclass(frozen=True)
class Static:
    """A patch every ``stride`` bytes, as in MegaByte (Yu et al. 2023); the last may be shorter.

    ``stride=1`` is one patch for each byte. Raises PatchError where ``stride`` is not positive.
    """

    stride: int

    def __post_init__(self) -> None:
        if self.stride < 1:
            raise PatchError(f"patches of {self.stride} bytes: give a stride of at least 1")

    def marks(self, text: Bytes, bounds: Offsets) -> Marks:
        """See `Rule.marks`."""
        del text
        return stride_marks(bounds, self.stride)


@dataclass(frozen=True)
class Space:
    """SpaceByte (Slagle 2024, section 2): a patch ends with a spacelike byte that has none before
    it.

    Spacelike are all bytes but ASCII letters, digits and UTF-8 continuation bytes. A document
    begins as if a spacelike BOS stood before it, which is how SpaceByte and BLT run.
    """

    def marks(self, text: Bytes, bounds: Offsets) -> Marks:
        """See `Rule.marks`."""
        return spacelike_marks(text, bounds)


class Whitespace(Enum):
    """Where the white space between two words goes."""

    NEXT = "next"
    """With the word behind it; at the end of a document it is a patch."""
    PREVIOUS = "previous"
    """With the word before it; at the beginning of a document it is a patch."""
    OWN = "own"
    """Each run of it is a patch."""


@dataclass(frozen=True)
class Word:
    r"""A patch for each word (``\S+``) and the white space that goes with it.

    White space is Unicode's White_Space. Nothing is collapsed: it stays in the patches, byte for
    byte.
    """

    whitespace: Whitespace = Whitespace.NEXT

    def marks(self, text: Bytes, bounds: Offsets) -> Marks:
        """See `Rule.marks`."""
        before_space = self.whitespace is not Whitespace.PREVIOUS
        before_word = self.whitespace is not Whitespace.NEXT
        return word_marks(text, bounds, before_space, before_word)


@dataclass(frozen=True)
class Regex:
    """A patch for each match of a pattern, and one for each stretch between matches.

    ``pattern``: a name of `tokenkit.text.formats.tiktoken.NAMED_PATTERNS` ("gpt2", "o200k", …), or
    a pattern of the `regex` library. Those that tokenizers use run as kernels. Bytes that are not
    UTF-8 match as U+FFFD would, one each.
    """

    pattern: str

    @cached_property
    def _scanner(self) -> Scanner:
        return scanner_for(NAMED_PATTERNS.get(self.pattern, self.pattern))

    def marks(self, text: Bytes, bounds: Offsets) -> Marks:
        """See `Rule.marks`. Raises PatchError where the pattern is none."""
        import regex

        marks = marks_at(bounds, bounds)
        try:
            for ends in self._scanner.chunks(text, bounds):
                add_marks(np.where(ends < 0, ~ends, ends), marks)
        except regex.error as error:
            raise PatchError(f"{self.pattern!r} is not a pattern: {error}") from None
        return marks


@dataclass(frozen=True)
class TokenEnds:
    """A patch for each token of a tokenizer, as Bolmo and the BPE patching of BLT have it.

    Where a token's bytes are not those of the text (a normalizer, SentencePiece), a patch begins
    with the token's span.
    """

    tokenizer: Tokenizer

    @cached_property
    def _sizes(self) -> Offsets:
        """Bytes of each token."""
        tok = self.tokenizer
        return np.array([len(tok.id_to_bytes(i)) for i in range(tok.vocab_size)], np.int64)

    def marks(self, text: Bytes, bounds: Offsets) -> Marks:
        """See `Rule.marks`."""
        if self.tokenizer.contract == "lossless":
            ids = self.tokenizer.encode_buffer(text, bounds)
            ends = np.concatenate((np.zeros(1, np.int64), np.cumsum(self._sizes[ids.values])))
            if np.array_equal(ends[ids.offsets], bounds):
                return marks_at(ends, bounds)
        return marks_at(self._spans(text, bounds), bounds)

    def _spans(self, text: Bytes, bounds: Offsets) -> Offsets:
        """Where the spans of tokens begin, one document after another."""
        found = [np.empty(0, np.int64)]
        for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            encoding = self.tokenizer.encode_with_offsets(text[start:stop].tobytes())
            found.append(start + encoding.byte_spans[:, 0])
        return np.concatenate(found)
