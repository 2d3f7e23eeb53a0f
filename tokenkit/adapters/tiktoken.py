"""A `tiktoken.Encoding` look-alike over our Tokenizer, for code written against tiktoken."""

from collections.abc import Collection, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tokenkit.errors import DisallowedSpecialTokenError
from tokenkit.text import Tokenizer, byte_map

Names = Literal["all"] | Collection[str]


class Encoding:
    """The public methods of tiktoken's Encoding, with its errors and its defaults."""

    def __init__(self, name: str, tokenizer: Tokenizer) -> None:
        """``name`` is what the encoding calls itself."""
        self.name = name
        self.tokenizer = tokenizer

    def __repr__(self) -> str:
        return f"<Encoding {self.name!r}>"

    @property
    def n_vocab(self) -> int:
        """One more than the highest token."""
        return self.tokenizer.vocab_size

    @property
    def max_token_value(self) -> int:
        """The highest token."""
        return self.n_vocab - 1

    @property
    def special_tokens_set(self) -> set[str]:
        """Spellings of the special tokens."""
        return set(self.tokenizer.special_tokens)

    @property
    def eot_token(self) -> int:
        """The token ``<|endoftext|>``. Raises KeyError where there is none."""
        return self.tokenizer.special_tokens["<|endoftext|>"]

    def is_special_token(self, token: int) -> bool:
        """Whether a token is special."""
        return token in self.tokenizer.special_tokens.values()

    def encode_ordinary(self, text: str) -> list[int]:
        """Tokens of a text, special tokens being ordinary text."""
        return self.tokenizer.encode(text).tolist()

    def encode(
        self,
        text: str,
        *,
        allowed_special: Names = frozenset(),
        disallowed_special: Names = "all",
    ) -> list[int]:
        """Tokens of a text. Raises ValueError where it holds a disallowed special token."""
        return self.encode_to_numpy(
            text, allowed_special=allowed_special, disallowed_special=disallowed_special
        ).tolist()

    def encode_to_numpy(
        self,
        text: str,
        *,
        allowed_special: Names = frozenset(),
        disallowed_special: Names = "all",
    ) -> NDArray[np.uint32]:
        """As `encode`, as uint32[n]."""
        known = self.special_tokens_set
        allowed = known if allowed_special == "all" else set(allowed_special) & known
        disallowed = known - allowed if disallowed_special == "all" else set(disallowed_special)
        try:
            return self.tokenizer.encode(
                text, allowed_special=allowed, disallowed_special=disallowed - allowed
            )
        except DisallowedSpecialTokenError as error:
            raise ValueError(str(error)) from None

    def encode_ordinary_batch(self, text: Sequence[str], *, num_threads: int = 8) -> list[list[int]]:
        """`encode_ordinary` of many texts on threads."""
        return self.tokenizer.encode_batch(text, threads=num_threads).to_lists()

    def encode_batch(
        self, text: Sequence[str], *, num_threads: int = 8, **special: Any
    ) -> list[list[int]]:
        """`encode` of many texts."""
        del num_threads
        return [self.encode(one, **special) for one in text]

    def encode_single_token(self, text_or_bytes: str | bytes) -> int:
        """The one token that this is. Raises KeyError where it is none."""
        raw = text_or_bytes.encode() if isinstance(text_or_bytes, str) else text_or_bytes
        special = self.tokenizer.special_tokens.get(raw.decode("utf-8", "replace"))
        if special is not None:
            return special
        return self.tokenizer.vocab[byte_map.from_bytes(raw)]

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """Bytes of tokens."""
        return self.tokenizer.decode_bytes(tokens)

    def decode(self, tokens: Sequence[int], errors: str = "replace") -> str:
        """Text of tokens."""
        return self.tokenizer.decode(tokens, errors=errors)

    def decode_single_token_bytes(self, token: int) -> bytes:
        """Bytes of one token. Raises KeyError outside the vocabulary."""
        if not 0 <= token < self.n_vocab:
            raise KeyError(token)
        return self.tokenizer.id_to_bytes(token)

    def decode_tokens_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        """Bytes of each token."""
        return [self.decode_single_token_bytes(token) for token in tokens]

    def decode_with_offsets(self, tokens: Sequence[int]) -> tuple[str, list[int]]:
        """Text of tokens, and the character at which each token begins."""
        offsets, characters = [], 0
        for token in self.decode_tokens_bytes(tokens):
            continues = bool(token) and 0x80 <= token[0] < 0xC0
            offsets.append(max(0, characters - continues))
            characters += sum(not 0x80 <= byte < 0xC0 for byte in token)
        return self.decode_bytes(tokens).decode("utf-8", "strict"), offsets

    def decode_batch(
        self, batch: Sequence[Sequence[int]], *, errors: str = "replace", num_threads: int = 8
    ) -> list[str]:
        """Texts of many lists of tokens."""
        del num_threads
        return [self.decode(tokens, errors) for tokens in batch]

    def decode_bytes_batch(
        self, batch: Sequence[Sequence[int]], *, num_threads: int = 8
    ) -> list[bytes]:
        """Bytes of many lists of tokens."""
        del num_threads
        return [self.decode_bytes(tokens) for tokens in batch]

    def token_byte_values(self) -> list[bytes]:
        """Bytes of all ordinary tokens, sorted, as tiktoken has them."""
        special = set(self.tokenizer.special_tokens.values())
        tokens = (self.tokenizer.id_to_bytes(i) for i in range(self.n_vocab) if i not in special)
        return sorted(token for token in tokens if token)
