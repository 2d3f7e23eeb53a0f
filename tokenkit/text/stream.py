"""Decoding ids as a model makes them."""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tokenkit.text.tokenizer import Tokenizer


class DecodeStream:
    """Decodes ids as they come; never gives out part of a character.

    What it gives out, joined, is what `Tokenizer.decode` makes of all ids at once, unless byte
    fallback tokens make text that later ones turn out not to continue.
    """

    def __init__(
        self, tokenizer: "Tokenizer", bytes_join: bool, skip_special_tokens: bool = False
    ) -> None:
        """Not for users: see `Tokenizer.decode_stream`. ``bytes_join``: its tokens are bytes."""
        self._tokenizer = tokenizer
        self._skip = skip_special_tokens
        self._bytes_join = bytes_join
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        # Where a token's text depends on those before it: ids given out last, and ids held back.
        self._context: list[int] = []
        self._held: list[int] = []

    def push(self, ids: int | Sequence[int]) -> str:
        """The text that these ids complete."""
        row = [int(ids)] if isinstance(ids, int | np.integer) else ids
        if self._bytes_join:
            return self._utf8.decode(self._bytes(row))
        return "".join(self._push_in_context(int(id_)) for id_ in row)

    def finish(self) -> str:
        """What is left: U+FFFD for an incomplete character, or nothing."""
        if self._bytes_join:
            return self._utf8.decode(b"", final=True)
        rest = self._fresh() if self._held else ""
        self._context, self._held = [], []
        return rest

    def pull(self, ids: Iterable[int]) -> Iterator[str]:
        """The texts of a stream of ids, each as soon as it is complete."""
        for id_ in ids:
            if text := self.push(id_):
                yield text
        if text := self.finish():
            yield text

    def _bytes(self, ids: Sequence[int]) -> bytes:
        return self._tokenizer.decode_bytes(ids, skip_special_tokens=self._skip)

    def _text(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=self._skip)

    def _push_in_context(self, id_: int) -> str:
        self._held.append(id_)
        try:
            self._bytes(self._held).decode()
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data":
                return ""
        text = self._fresh()
        if text:
            # Decoders treat blanks at the very beginning otherwise, so blanks alone are no context.
            seen = bool(self._text(self._held).strip())
            self._context = self._held if seen else self._context + self._held
            self._held = []
        return text

    def _fresh(self) -> str:
        before, after = self._text(self._context), self._text(self._context + self._held)
        return after[len(before) :] if after.startswith(before) else ""
