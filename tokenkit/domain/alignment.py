"""Which places of one text are which of another: of a clean text and of its noisy reading, say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from encoders.align import Symbols, shortest_edits
from encoders.buffers import Offsets
from tokenkit.errors import AlignmentError
from tokenkit.text.inputs import sound
from tokenkit.text.spans import readable

Side = Literal["left", "right"]
Edit = tuple[int, int, str]


@dataclass(frozen=True, eq=False)
class Alignment:
    """Edits that make a target of a source; between the edits both are the same.

    ``source_spans`` and ``target_spans``: int64[n, 2], start and stop of each edit on both sides,
    in order, never overlapping. Place ``p`` is the bound before item ``p``, the last place is the
    length. Items are characters, or bytes after `in_bytes`.

    Raises AlignmentError where what lies between the edits cannot be the same.
    """

    source_length: int
    target_length: int
    source_spans: Offsets
    target_spans: Offsets

    def __post_init__(self) -> None:
        if self.source_spans.shape != self.target_spans.shape or self.source_spans.shape[1:] != (
            2,
        ):
            raise AlignmentError("spans of edits are two arrays of shape [n, 2]")
        source, target = (bounds[1:] - bounds[:-1] for bounds in self._bounds)
        if source.min() < 0 or target.min() < 0:
            raise AlignmentError("edits must be in order, without overlap and inside both texts")
        if (source[::2] != target[::2]).any():
            raise AlignmentError("between two edits both texts must be equally long")

    @cached_property
    def _bounds(self) -> tuple[Offsets, Offsets]:
        """Bounds of all stretches of both sides: unchanged, changed, unchanged, and so on."""
        sides = (
            (self.source_spans, self.source_length),
            (self.target_spans, self.target_length),
        )
        source, target = (np.concatenate(([0], spans.ravel(), [end])) for spans, end in sides)
        return source, target

    def __len__(self) -> int:
        """Number of edits."""
        return len(self.source_spans)

    @property
    def inverse(self) -> "Alignment":
        """The edits that make the source of the target."""
        return Alignment(
            self.target_length, self.source_length, self.target_spans, self.source_spans
        )

    def in_bytes(self, source: str, target: str) -> "Alignment":
        """The same edits of the UTF-8 of both texts. Raises AlignmentError for other texts."""
        _, source_at, _ = readable(sound(source))
        _, target_at, _ = readable(sound(target))
        if (len(source_at) - 1, len(target_at) - 1) != (self.source_length, self.target_length):
            raise AlignmentError(
                f"this aligns {self.source_length} with {self.target_length} characters, the "
                f"texts have {len(source_at) - 1} and {len(target_at) - 1}"
            )
        spans = source_at[self.source_spans], target_at[self.target_spans]
        return Alignment(int(source_at[-1]), int(target_at[-1]), *spans)

    def places(self, source: Sequence[int] | Offsets, side: Side = "left") -> Offsets:
        """Where places of the source are in the target, int64[n]; -1 where inside an edit.

        The ends of an edit go to its ends. Where text was inserted, one place becomes two:
        ``side`` says which of them is meant. Raises AlignmentError for a place outside the source.
        """
        at = self._checked(source)
        bounds, _ = self._bounds
        after = np.searchsorted(bounds, at)
        inside = (bounds[after] != at) & (after % 2 == 0)
        return np.where(inside, -1, self._nearest(at, side))

    def cover(self, source_spans: Sequence[Sequence[int]] | Offsets) -> Offsets:
        """The least spans of the target that hold all that spans of the source became, int64[n, 2].

        A span that cuts an edit gets all of it, and what was inserted at its ends.
        """
        at = self._checked(source_spans).reshape(-1, 2)
        ends = self._nearest(at[:, 0], "left"), self._nearest(at[:, 1], "right")
        return np.stack(ends, axis=1)

    def _checked(self, places: Any) -> Offsets:
        at = np.asarray(places, np.int64)
        if at.size and (at.min() < 0 or at.max() > self.source_length):
            raise AlignmentError(f"places of the source are 0 to {self.source_length}")
        return at

    def _nearest(self, at: Offsets, side: Side) -> Offsets:
        """Places of the target; those inside an edit go to its end on that ``side``."""
        source, target = self._bounds
        if side == "left":
            bound = np.searchsorted(source, at)  # the first at or behind the place
            short = source[bound] - at
            inside = (short > 0) & (bound % 2 == 0)
            return np.where(inside, target[bound - 1], target[bound] - short)
        bound = np.searchsorted(source, at, side="right") - 1  # the last at or before the place
        over = at - source[bound]
        inside = (over > 0) & (bound % 2 == 1)
        return np.where(
            inside, target[np.minimum(bound + 1, len(target) - 1)], target[bound] + over
        )

    def edits(self, target: str) -> list[Edit]:
        """Start and stop in the source, and what stands there in ``target``, for `apply_edits`."""
        text, spans = (
            sound(target),
            zip(self.source_spans.tolist(), self.target_spans.tolist(), strict=True),
        )
        return [(start, stop, text[a:b]) for (start, stop), (a, b) in spans]


def apply_edits(source: str, edits: Iterable[Edit]) -> str:
    """The text with spans replaced; ``edits`` are in order and never overlap."""
    text, parts, done = sound(source), [], 0
    for start, stop, replacement in edits:
        if not done <= start <= stop <= len(text):
            raise AlignmentError(f"edit {start}:{stop} overlaps the one before or leaves the text")
        parts += [text[done:start], replacement]
        done = stop
    return "".join([*parts, text[done:]])


def align(
    source: str | bytes | NDArray[Any],
    target: str | bytes | NDArray[Any],
    *,
    most: int | None = None,
) -> Alignment:
    """Align two sequences by a shortest script of insertions, deletions and substitutions.

    Texts are aligned by characters, bytes by bytes, arrays of ids by ids. Edits that touch are one
    edit, as nothing tells what in it stands for what. Of several shortest scripts it is always the
    same one. Time grows with the lengths and with the square of the edits (a million characters
    with 30,000 edits take some seconds), memory with the lengths.

    Raises AlignmentError where more than ``most`` edits are needed.
    """
    symbols = _symbols(source), _symbols(target)
    lengths = len(symbols[0]), len(symbols[1])
    edits = shortest_edits(*symbols, sum(lengths) if most is None else most)
    if edits is None:
        raise AlignmentError(f"the two texts are more than {most} edits apart")
    return Alignment(*lengths, edits[:, :2], edits[:, 2:])


def _symbols(items: str | bytes | NDArray[Any]) -> Symbols:
    if isinstance(items, str):
        return np.frombuffer(bytearray(sound(items).encode("utf-32-le")), np.uint32)
    if isinstance(items, bytes):
        return np.frombuffer(items, np.uint8).astype(np.uint32)
    return np.ascontiguousarray(items, np.uint32)
