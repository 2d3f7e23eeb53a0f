"""How well a tokenizer's cuts stand noise: boundary F1 and token inflation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from encoders.buffers import Offsets
from tokenkit.domain.alignment import Alignment
from tokenkit.domain.cuts import AnyTokenizer, Flags, counted, cut
from tokenkit.domain.noise import Noisy


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
        return Stability(
            self.clean_tokens + other.clean_tokens,
            self.noisy_tokens + other.noisy_tokens,
            self.clean_boundaries + other.clean_boundaries,
            self.noisy_boundaries + other.noisy_boundaries,
            self.kept + other.kept,
        )

    @property
    def f1(self) -> float:
        """Boundary F1: harmonic mean of the shares of clean and of noisy boundaries kept."""
        both = self.clean_boundaries + self.noisy_boundaries
        return 2 * self.kept / both if both else 1.0

    @property
    def inflation(self) -> float:
        """Noisy tokens for each clean token."""
        return self.noisy_tokens / self.clean_tokens if self.clean_tokens else 1.0


def stability(tokenizer: AnyTokenizer, noisy: Noisy) -> Stability:
    """How the cuts of one text change under noise, with the alignment that made the noise."""
    return stabilities(tokenizer, [noisy])[0]


def stabilities(
    tokenizer: AnyTokenizer, noisy: Sequence[Noisy], alignment: Alignment | None = None
) -> list[Stability]:
    """The same for each of many texts, which is faster.

    Special tokens are ordinary text here. Boundaries are compared in bytes, so that those inside a
    character count too. ``alignment``: `joined_alignment` of the texts, where it is known already.
    """
    alignment = joined_alignment(noisy) if alignment is None else alignment
    before = cut(tokenizer, [one.clean for one in noisy])
    after = cut(tokenizer, [one.text for one in noisy])
    both = moved(before.flags, alignment) & after.flags
    columns: list[Offsets] = [
        before.ids.lengths,
        after.ids.lengths,
        counted(before.flags, before.bounds),
        counted(after.flags, after.bounds),
        counted(both, after.bounds),
    ]
    return [Stability(*row) for row in np.stack(columns, axis=1).tolist()]


def total(parts: Iterable[Stability]) -> Stability:
    """The sum over texts."""
    return sum(parts, Stability())


def joined_alignment(noisy: Sequence[Noisy]) -> Alignment:
    """The alignment, in bytes, of all clean texts end to end with all noisy ones end to end."""
    sides = []
    for lengths, spans in (
        ([len(one.clean) for one in noisy], [one.alignment.source_spans for one in noisy]),
        ([len(one.text) for one in noisy], [one.alignment.target_spans for one in noisy]),
    ):
        starts = np.cumsum([0, *lengths])
        shifts = np.repeat(starts[:-1], [len(part) for part in spans])
        both = np.concatenate([np.empty((0, 2), np.int64), *spans]) + shifts[:, None]
        sides.append((int(starts[-1]), both))
    (source, source_spans), (target, target_spans) = sides
    clean, text = "".join(one.clean for one in noisy), "".join(one.text for one in noisy)
    return Alignment(source, target, source_spans, target_spans).in_bytes(clean, text)


def moved(cuts: Flags, alignment: Alignment) -> Flags:
    """Flags of places of the source, at the places where the alignment has them in the target."""
    places = alignment.places(np.flatnonzero(cuts))
    found = np.zeros(alignment.target_length + 1, np.bool_)
    found[places[places >= 0]] = True
    return found
