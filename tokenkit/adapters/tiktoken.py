"""A `tiktoken.Encoding` look-alike over our Tokenizer, for code written against tiktoken.

All public methods but ``encode_with_unstable``, which tiktoken itself calls unstable; `byteprob`
has exact completions of a prefix.
"""

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tokenkit.text import Tokenizer

Names = Literal["all"] | Collection[str]


class Encoding:
    """Tiktoken's Encoding: its defaults, its results and the types of its errors."""

    def __init__(self, name: str, tokenizer: Tokenizer) -> None:
        """``name`` is what the encoding calls itself."""
        self.name = name
        self.tokenizer = tokenizer

    def __repr__(self) -> str:
        return f"<Encoding {self.name!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.tokenizer)

    # --- encoding

    def encode_ordinary(self, text: str) -> list[int]:
        """Tokens of a text, special tokens being ordinary text."""
        found: list[int] = self.tokenizer.encode(text).tolist()
        return found

    def encode(
        self,
        text: str,
        *,
        allowed_special: Names = frozenset(),
        disallowed_special: Names = "all",
    ) -> list[int]:
        """Tokens of a text. Raises ValueError where it holds a disallowed special token."""
        found: list[int] = self.encode_to_numpy(
            text, allowed_special=allowed_special, disallowed_special=disallowed_special
        ).tolist()
        return found

    def encode_to_numpy(
        self,
        text: str,
        *,
        allowed_special: Names = frozenset(),
        disallowed_special: Names = "all",
    ) -> NDArray[np.uint32]:
        """As `encode`, as uint32[n]."""
        allowed, disallowed = self._special(allowed_special, disallowed_special)
        _refuse(text, disallowed)
        return self.tokenizer.encode(text, allowed_special=allowed)

    def encode_ordinary_batch(
        self, text: Sequence[str], *, num_threads: int = 8
    ) -> list[list[int]]:
        """`encode_ordinary` of many texts on threads."""
        return self.tokenizer.encode_batch(text, threads=num_threads).to_lists()

    def encode_batch(
        self,
        text: Sequence[str],
        *,
        num_threads: int = 8,
        allowed_special: Names = frozenset(),
        disallowed_special: Names = "all",
    ) -> list[list[int]]:
        """`encode` of many texts on threads."""
        allowed, disallowed = self._special(allowed_special, disallowed_special)
        for one in text:
            _refuse(one, disallowed)
        rows = self.tokenizer.encode_batch(text, threads=num_threads, allowed_special=allowed)
        return rows.to_lists()

    def encode_single_token(self, text_or_bytes: str | bytes) -> int:
        """The one token that this is, special or not. Raises KeyError where it is none."""
        raw = text_or_bytes.encode() if isinstance(text_or_bytes, str) else bytes(text_or_bytes)
        return self._id_of[raw]

    def _special(self, allowed: Names, disallowed: Names) -> tuple[set[str], set[str]]:
        known = self.special_tokens_set
        wanted = known if allowed == "all" else set(allowed)
        refused = known - wanted if disallowed == "all" else set(disallowed)
        return wanted & known, refused

    # --- decoding

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """Bytes of tokens. Raises KeyError for what is no token."""
        self._require(tokens)
        return self.tokenizer.decode_bytes(tokens)

    def decode(self, tokens: Sequence[int], errors: str = "replace") -> str:
        """Text of tokens; ``errors`` as in `bytes.decode`. Raises KeyError for what is no token."""
        return self.decode_bytes(tokens).decode("utf-8", errors)

    def decode_single_token_bytes(self, token: int) -> bytes:
        """Bytes of one token. Raises KeyError for what is no token."""
        if 0 <= token < len(self._bytes_of) and (raw := self._bytes_of[token]):
            return raw
        raise KeyError(f"{token} is no token of {self.name!r}")

    def decode_tokens_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        """Bytes of each token."""
        return [self.decode_single_token_bytes(token) for token in tokens]

    def decode_with_offsets(self, tokens: Sequence[int]) -> tuple[str, list[int]]:
        """Text of tokens, and the character in which each token begins.

        Raises UnicodeDecodeError where the tokens are not UTF-8.
        """
        offsets, characters = [], 0
        for token in self.decode_tokens_bytes(tokens):
            inside = 0x80 <= token[0] < 0xC0
            offsets.append(max(0, characters - inside))
            characters += sum(not 0x80 <= byte < 0xC0 for byte in token)
        return self.decode(tokens, "strict"), offsets

    def decode_batch(
        self, batch: Sequence[Sequence[int]], *, errors: str = "replace", num_threads: int = 8
    ) -> list[str]:
        """Texts of many lists of tokens. One thread is enough, whatever ``num_threads`` says."""
        del num_threads
        return [self.decode(tokens, errors) for tokens in batch]

    def decode_bytes_batch(
        self, batch: Sequence[Sequence[int]], *, num_threads: int = 8
    ) -> list[bytes]:
        """Bytes of many lists of tokens."""
        del num_threads
        return [self.decode_bytes(tokens) for tokens in batch]

    # --- what it is

    @property
    def max_token_value(self) -> int:
        """The highest token."""
        return self.tokenizer.vocab_size - 1

    @property
    def n_vocab(self) -> int:
        """One more than the highest token."""
        return self.max_token_value + 1

    @property
    def eot_token(self) -> int:
        """The token ``<|endoftext|>``. Raises KeyError where there is none."""
        return self.tokenizer.special_tokens["<|endoftext|>"]

    @cached_property
    def special_tokens_set(self) -> set[str]:
        """Spellings of the special tokens."""
        return set(self.tokenizer.special_tokens)

    def is_special_token(self, token: int) -> bool:
        """Whether a token is special."""
        return token in self.tokenizer.special_tokens.values()

    def token_byte_values(self) -> list[bytes]:
        """Bytes of all tokens that are not special, sorted."""
        special = set(self.tokenizer.special_tokens.values())
        return sorted(raw for id_, raw in enumerate(self._bytes_of) if raw and id_ not in special)

    @cached_property
    def _bytes_of(self) -> list[bytes]:
        """Bytes of each id; empty where there is no token."""
        return [self.tokenizer.id_to_bytes(id_) for id_ in range(self.n_vocab)]

    @cached_property
    def _id_of(self) -> dict[bytes, int]:
        return {raw: id_ for id_, raw in enumerate(self._bytes_of) if raw}

    @cached_property
    def _is_token(self) -> NDArray[np.bool_]:
        return np.array([bool(raw) for raw in self._bytes_of])

    def _require(self, tokens: Sequence[int]) -> None:
        ids = np.asarray(tokens, np.int64)
        inside = (ids >= 0) & (ids < self.n_vocab)
        right = inside & self._is_token[np.where(inside, ids, 0)]
        if not right.all():
            raise KeyError(f"{ids[~right][0]} is no token of {self.name!r}")


def _refuse(text: str, disallowed: set[str]) -> None:
    for token in disallowed:
        if token in text:
            raise ValueError(
                f"the text holds the special token {token!r}, which is disallowed. To encode it as "
                f"a token, pass allowed_special={{{token!r}}}; to encode it as ordinary text, "
                "disallowed_special=()"
            )
