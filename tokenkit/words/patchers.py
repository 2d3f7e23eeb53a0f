"""The patcher: a rule of where patches begin, and what holds for every rule."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from encoders.buffers import Bytes, Offsets, joined
from encoders.patches import patch_offsets, refined
from tokenkit.errors import PatchError
from tokenkit.text.inputs import Text, as_bytes
from tokenkit.words.patches import Patches
from tokenkit.words.rules import Rule

_WIDEST = 4  # bytes of a UTF-8 character


@dataclass(frozen=True)
class Patcher:
    """Cuts bytes into patches, without loss: the patches of a text are its bytes.

    ``rule``: where they begin. ``max_patch_length``: longer ones are cut from their beginning on
    into patches of so many bytes, as BLT does. ``snap_utf8``: a patch that would begin inside a
    well-formed UTF-8 character begins where the character does. Both together cut long patches
    before the character that would not fit.

    Raises PatchError where ``max_patch_length`` is not positive, or cannot hold a character that
    ``snap_utf8`` keeps whole.
    """

    rule: Rule
    max_patch_length: int | None = None
    snap_utf8: bool = False

    def __post_init__(self) -> None:
        least = _WIDEST if self.snap_utf8 else 1
        if self.max_patch_length is not None and self.max_patch_length < least:
            raise PatchError(
                f"max_patch_length {self.max_patch_length}: give at least {least}"
                + " with snap_utf8" * self.snap_utf8
            )

    def starts(self, text: Text) -> Offsets:
        """Where the patches of one text begin: int64[patches], ascending from 0, in bytes.

        Empty for an empty text. A `str` with lone surrogates is read as by `Tokenizer`.
        """
        return self.patch_batch([text]).offsets[:-1]

    def patches(self, text: Text) -> list[bytes]:
        """The patches of one text."""
        batch = self.patch_batch([text])
        return [patch.tobytes() for patch in batch[0]]

    def patch_batch(self, texts: Sequence[Text]) -> Patches:
        """The patches of many texts, a row for each."""
        return self.patch_buffer(*joined([as_bytes(text) for text in texts]))

    def patch_buffer(self, text: Bytes, bounds: Offsets) -> Patches:
        """The patches of documents that lie in one buffer, without a copy unless it is read-only.

        ``text``: uint8 with `encoders.buffers.PADDING` spare bytes behind the last document;
        ``bounds``: int64[n + 1], ascending; document ``i`` is ``text[bounds[i]:bounds[i + 1]]``.
        """
        # Read-only memory would have every kernel compiled once more.
        text = np.require(text[bounds[0] :], np.uint8, ["C", "W"])
        bounds = bounds - bounds[0]
        offsets = patch_offsets(self.rule.marks(text, bounds), bounds)
        if self.max_patch_length is not None or self.snap_utf8:
            offsets = refined(offsets, text, bounds, self.max_patch_length, self.snap_utf8)
        return Patches(text[: bounds[-1]], offsets, np.searchsorted(offsets, bounds))
