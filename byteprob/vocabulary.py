"""What every id stands for: bytes, or the end of the text."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from byteprob.errors import ByteprobError, UnsupportedTokenizerError
from encoders.buffers import Ids
from encoders.byte_ranges import ByteRanges


@dataclass(frozen=True, eq=False)
class ByteVocabulary:
    """``ranges``: the tokens with bytes, sorted. ``ends``: ids that end the text, uint32.
    ``counted``: those, and ids that stand for no bytes that are known, such as the unknown token:
    what the model gives to these belongs to no text, and is part of the leak.

    Other ids, such as those that pad the logits, have no probability.
    """

    ranges: ByteRanges
    ends: Ids
    counted: Ids

    @staticmethod
    def of(
        tokens: Mapping[int, bytes], ends: Iterable[int] = (), unknown: Iterable[int] = ()
    ) -> "ByteVocabulary":
        """From id to bytes, the ids that end a text, and those without known bytes; an id is one
        of the three.

        Raises UnsupportedTokenizerError for a token without bytes or another id that has some.
        """
        ends, unknown = sorted(set(ends)), sorted(set(unknown))
        if empty := [id_ for id_, token in tokens.items() if not token]:
            raise UnsupportedTokenizerError(f"ids {empty[:5]} stand for no bytes: leave them out")
        if both := [id_ for id_ in ends if id_ in tokens]:
            raise UnsupportedTokenizerError(
                f"ids {both[:5]} end the text and have bytes: an end is never bytes"
            )
        if both := [id_ for id_ in unknown if id_ in tokens or id_ in ends]:
            raise UnsupportedTokenizerError(
                f"ids {both[:5]} are unknown and yet stand for something"
            )
        counted = np.array([*ends, *unknown], np.uint32)
        return ByteVocabulary(ByteRanges.of(tokens), np.array(ends, np.uint32), counted)

    @cached_property
    def ids(self) -> int:
        """One more than the highest id that has a probability."""
        return 1 + int(max(self.ranges.order.max(initial=0), self.counted.max(initial=0)))

    def check(self, columns: int) -> None:
        """Raises ByteprobError for logits of fewer ids than that."""
        if columns < self.ids:
            raise ByteprobError(f"the tokenizer has {self.ids} ids, and the model {columns}")

    def token(self, id_: int) -> bytes:
        """The bytes of an id."""
        return self.ranges.token(id_)
