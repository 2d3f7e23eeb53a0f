"""Laws of alignments, of what makes them, and misread texts to try corrections on.

from tokenkit.testing.alignments import check_aligner, check_channel, misread
check_aligner(my_align)
check_channel(my_channel.read_batch)
"""

from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import strategies as st

from tokenkit.domain.alignment import Alignment, apply_edits
from tokenkit.domain.noise import Noisy, OcrNoise
from tokenkit.testing import strategies
from tokenkit.testing.laws import as_utf8
from tokenkit.testing.searching import search

Aligner = Callable[[str, str], Alignment]
Channel = Callable[[Sequence[str], int], Sequence[Noisy]]
"""Texts and a seed to these texts misread."""


class AlignmentLawViolation(AssertionError):  # noqa: N818 - named as the laws' violations are
    """An alignment broke a law; the message names the law and the smallest example."""


def misread(channel: OcrNoise | None = None) -> st.SearchStrategy[Noisy]:
    """Texts of all kinds, misread; by channels of any rate unless one is given."""
    rates = st.floats(0.0, 1.0).map(lambda rate: OcrNoise(rate=rate))
    channels = rates if channel is None else st.just(channel)
    drawn = st.tuples(channels, strategies.texts(), st.integers(0, 2**32))
    return drawn.map(lambda made: made[0].read(made[1], made[2]))


def edits_make_the_target(source: str, target: str, alignment: Alignment) -> str:
    """The edits applied to the source give the target, and those of the inverse the source."""
    sides = (source, target, alignment), (target, source, alignment.inverse)
    for one, other, way in sides:
        made = apply_edits(one, way.edits(other))
        if made != as_utf8(other):
            return f"of {one!r} it makes {made!r}, not {other!r}"
    return ""


def places_ascend(source: str, target: str, alignment: Alignment) -> str:
    """Places keep their order, and begin and end where the texts do."""
    every = np.arange(alignment.source_length + 1)
    left, right = alignment.places(every, "left"), alignment.places(every, "right")
    known = left[left >= 0]
    ends = (left[0], right[-1]) != (0, alignment.target_length)
    if ends or (left > right).any() or (np.diff(known) < 0).any():
        return f"{source!r} and {target!r} have places {left.tolist()} and {right.tolist()}"
    return ""


def places_come_back(source: str, target: str, alignment: Alignment) -> str:
    """What is unchanged on one side is so on the other, at the place that leads back."""
    for start, character in enumerate(as_utf8(source)):
        first, last = alignment.cover([(start, start + 1)])[0].tolist()
        back = alignment.inverse.cover([(first, last)])[0].tolist()
        if not back[0] <= start < back[1]:
            return f"{character!r} at {start} of {source!r} became {target[first:last]!r}"
    return ""


AlignmentLaw = Callable[[str, str, Alignment], str]
ALIGNMENT_LAWS: tuple[AlignmentLaw, ...] = (edits_make_the_target, places_ascend, places_come_back)
"""Each tells how it is broken, and nothing where it holds."""


def check_alignment(source: str, target: str, alignment: Alignment) -> None:
    """Hold one alignment to the laws. Raises AlignmentLawViolation."""
    for law in ALIGNMENT_LAWS:
        if problem := law(source, target, alignment):
            raise AlignmentLawViolation(f"the law {law.__name__!r} is broken: {problem}")


def check_aligner(aligner: Aligner, *, max_examples: int = 100) -> None:
    """Hold what aligns two texts to the laws, on texts near each other and far apart.

    Raises AlignmentLawViolation with the smallest example found.
    """
    near = misread().map(lambda noisy: (noisy.clean, noisy.text))
    pairs = st.one_of(near, st.tuples(strategies.texts(), strategies.texts()))

    def hold(pair: tuple[str, str]) -> None:
        check_alignment(*pair, aligner(*pair))

    search(pairs, hold, max_examples)


def check_channel(channel: Channel, *, max_examples: int = 100) -> None:
    """Hold a channel to the laws: what it says that it changed, and the same for the same seed.

    Raises AlignmentLawViolation with the smallest example found.
    """

    def hold(drawn: tuple[list[str], int]) -> None:
        texts, seed = drawn
        first, again = channel(texts, seed), channel(texts, seed)
        if [one.clean for one in first] != [as_utf8(text) for text in texts]:
            raise AlignmentLawViolation(f"{texts!r} are not the clean texts")
        if [one.text for one in first] != [one.text for one in again]:
            raise AlignmentLawViolation(f"seed {seed} reads {texts!r} in two ways")
        for one in first:
            check_alignment(one.clean, one.text, one.alignment)

    batches = st.lists(strategies.texts(), max_size=3)
    search(st.tuples(batches, st.integers(0, 2**32)), hold, max_examples)
