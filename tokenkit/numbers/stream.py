"""Decoding ids, numbers among them, as a model makes them."""

import codecs
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from encoders.buffers import Ids
from encoders.numbers import Decoder, DecodeTables
from tokenkit.errors import DecodeError
from tokenkit.text.inputs import to_ids


class NumericStream:
    """As `DecodeStream`. What it gives out, joined, is what `NumericTokenizer.decode` makes."""

    def __init__(self, tables: DecodeTables, skipped: Ids) -> None:
        """Not for users: see `NumericTokenizer.decode_stream`. ``skipped``: ids left out."""
        self._decoder = Decoder(tables)
        self._skipped = skipped
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, ids: int | Sequence[int]) -> str:
        """The text that these ids complete."""
        row = [int(ids)] if isinstance(ids, int | np.integer) else ids
        return self._utf8.decode(self.push_bytes(to_ids(row)))

    def finish(self) -> str:
        """What is left."""
        return self._utf8.decode(self.finish_bytes(), final=True)

    def push_bytes(self, ids: Ids) -> bytes:
        """As `push`, in bytes. Use one of the two only."""
        kept = ids[~np.isin(ids, self._skipped)] if len(self._skipped) else ids
        try:
            return self._decoder.push(kept)
        except IndexError as error:
            raise DecodeError(str(error)) from None

    def finish_bytes(self) -> bytes:
        """As `finish`, in bytes."""
        return self._decoder.push(np.empty(0, np.uint32), finish=True)

    def pull(self, ids: Iterable[int]) -> Iterator[str]:
        """The texts of a stream of ids, each as soon as it is complete."""
        for id_ in ids:
            if text := self.push(id_):
                yield text
        if text := self.finish():
            yield text
