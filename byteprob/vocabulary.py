"""What every id stands for: bytes, or the end of the text."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from byteprob.errors import UnsupportedTokenizerError
from encoders.buffers import Ids
from encoders.byte_ranges import ByteRanges


@dataclass(frozen=True, eq=False)
class ByteVocabulary:
    """``ranges``: the tokens with bytes, sorted. ``ends``: ids that end the text, uint32.

    Ids that are in neither, such as those that pad the logits, have no probability.
    """

    ranges: ByteRanges
    ends: Ids

    @staticmethod
    def of(tokens: Mapping[int, bytes], ends: Iterable[int] = ()) -> "ByteVocabulary":
        """From id to bytes, and the ids that end a text, which may not be among them.

        Raises UnsupportedTokenizerError for a token without bytes or an end that has some.
        """
        ends = sorted(set(ends))
        if empty := [id_ for id_, token in tokens.items() if not token]:
            raise UnsupportedTokenizerError(f"ids {empty[:5]} stand for no bytes: leave them out")
        if both := [id_ for id_ in ends if id_ in tokens]:
            raise UnsupportedTokenizerError(
                f"ids {both[:5]} end the text and have bytes: an end is never bytes"
            )
        return ByteVocabulary(ByteRanges.of(tokens), np.array(ends, np.uint32))

    def token(self, id_: int) -> bytes:
        """The bytes of an id."""
        ranges = self.ranges
        place = int(ranges.place[id_])
        return ranges.values[ranges.offsets[place] : ranges.offsets[place + 1]].tobytes()
