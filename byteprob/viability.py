"""Which tokens a tokenizer may put after others: the canonical targets leave out the rest."""

from collections.abc import Hashable
from typing import Any, Protocol

from encoders.byte_ranges import Mask


class Viability(Protocol):
    """The strings of tokens that begin the encoding of some text, grown token by token.

    A state stands for all that is left to know of a string of tokens: equal states have the same
    continuations. What a state is is the implementation's own affair.
    """

    @property
    def start(self) -> Hashable:
        """The state of no tokens."""
        ...

    def following(self, state: Any) -> Mask:
        """Which ids may follow: uint8[largest id with bytes + 1], 0 or 1."""
        ...

    def ends(self, state: Any) -> bool:
        """Whether the tokens so far are the whole encoding of a text."""
        ...

    def after(self, state: Any, id_: int) -> Hashable:
        """The state after an id that `following` allows."""
        ...
