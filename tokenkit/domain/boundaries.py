"""How well a tokenizer's cuts stand noise: boundary F1 and token inflation."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass

import numpy as np

from encoders.buffers import Offsets
from tokenkit.domain.alignment import Alignment
from tokenkit.domain.noise import Noisy
from tokenkit.text import Encoding, Tokenizer


@dataclass(frozen=True)
class Stability:
    """Tokens of clean texts and of their noisy readings, counted; they add up over texts.

    ``kept``: boundaries of the clean text that are boundaries of the noisy one, at the place where
    the alignment puts them. A boundary inside an edit has no such place and is lost. The ends of a
    text are no boundaries.
    """

    clean_tokens: int = 0
    noisy_tokens: int = 0
    clean_boundaries: int = 0
    noisy_boundaries: int = 0
    kept: int = 0

    def __add__(self, other: "Stability") -> "Stability":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Stability(*(a + b for a, b in pairs))

    @property
    def f1(self) -> float:
        """Boundary F1: harmonic mean of the shares of clean and of noisy boundaries kept."""
        both = self.clean_boundaries + self.noisy_boundaries
        return 2 * self.kept / both if both else 1.0

    @property
    def inflation(self) -> float:
        """Noisy tokens for each clean token."""
        return self.noisy_tokens / self.clean_tokens if self.clean_tokens else 1.0


def boundaries(encoding: Encoding, length: int) -> Offsets:
    """Places between tokens, in bytes of a text of ``length`` bytes: int64[n], ascending."""
    at = np.unique(encoding.byte_spans)
    return at[(at > 0) & (at < length)]


def stability(tokenizer: Tokenizer, noisy: Noisy) -> Stability:
    """How the cuts of one text change under noise, with the alignment that made the noise.

    Special tokens are ordinary text here. Boundaries are compared in bytes, so that those inside a
    character count too.
    """
    before = tokenizer.encode_with_offsets(noisy.clean)
    after = tokenizer.encode_with_offsets(noisy.text)
    alignment = noisy.alignment.in_bytes(noisy.clean, noisy.text)
    clean = boundaries(before, alignment.source_length)
    found = boundaries(after, alignment.target_length)
    return Stability(
        len(before.ids), len(after.ids), len(clean), len(found), kept(clean, found, alignment)
    )


def kept(clean: Offsets, noisy: Offsets, alignment: Alignment) -> int:
    """Number of ``noisy`` places on which the alignment puts a place of ``clean``."""
    return len(np.intersect1d(alignment.places(clean), noisy))


def total(parts: Iterable[Stability]) -> Stability:
    """The sum over texts."""
    return sum(parts, Stability())
