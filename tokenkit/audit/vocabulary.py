"""A tokenizer as the checks look at it: its tokens, and what texts become them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets, joined
from encoders.segment import Segmenter
from tokenkit.audit.contexts import BEFORE, BEHIND, START, UNKNOWN, completions
from tokenkit.audit.findings import Example, shown
from tokenkit.text import Tokenizer
from tokenkit.text.added import AddedToken
from tokenkit.tokens import Ragged


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """All tokens with what they stand for, and what follows from it. ``of`` makes one."""

    tokenizer: Tokenizer
    tokens: tuple[bytes, ...]
    """By id, the bytes in the middle of a text; empty where the id has no token."""

    @staticmethod
    def of(tokenizer: Tokenizer) -> "Vocabulary":
        """The vocabulary of any tokenizer, whatever engine runs it."""
        tokens = [tokenizer.id_to_bytes(id_) for id_ in range(tokenizer.vocab_size)]
        for added in tokenizer.added_tokens:
            tokens[added.id] = added.content.encode("utf-8", "surrogatepass")
        return Vocabulary(tokenizer, tuple(tokens))

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def texts(self) -> tuple[str | None, ...]:
        """By id, the token as text; None where its bytes are no UTF-8."""
        return tuple(map(_as_text, self.tokens))

    @cached_property
    def flat(self) -> tuple[Bytes, Offsets]:
        """All tokens end to end, as kernels take them."""
        return joined(self.tokens)

    @cached_property
    def segmenter(self) -> Segmenter:
        """The tokens as a lattice over texts."""
        return Segmenter.of(self.tokens)

    @cached_property
    def added(self) -> Mapping[int, AddedToken]:
        """Added tokens by id."""
        return {token.id: token for token in self.tokenizer.added_tokens}

    # --- encoding

    def encode(self, texts: Sequence[str] | Sequence[bytes]) -> Ragged:
        """Ids of many texts on this thread, with every special token recognised."""
        return self.tokenizer.encode_batch(texts, threads=1, allowed_special="all")

    def encode_plain(self, texts: Sequence[str] | Sequence[bytes]) -> Ragged:
        """The same with special tokens as the ordinary text that they are where not allowed."""
        return self.tokenizer.encode_batch(texts, threads=1)

    @cached_property
    def alone(self) -> Ragged:
        """By id, what the token's text becomes by itself; U+FFFD is read for what is no UTF-8."""
        texts = [
            raw if text is not None else raw.decode("utf-8", "replace").encode()
            for raw, text in zip(self.tokens, self.texts, strict=True)
        ]
        if not self.changes_beginnings:
            return self.encode(texts)
        (start,) = self.encode([START]).to_lists()
        rows = self.encode([START.encode() + text for text in texts]).to_lists()
        kept = [row[len(start) :] if row[: len(start)] == start else row for row in rows]
        return Ragged.from_rows(kept)

    @cached_property
    def changes_beginnings(self) -> bool:
        """Whether a text gets a blank in front, as SentencePiece puts there."""
        ids = self.encode(["test"]).values.tolist()
        return b"".join(self.tokens[id_] for id_ in ids) != b"test"

    @cached_property
    def standalone(self) -> NDArray[np.bool_]:
        """bool[V]: whether a token's own text becomes it."""
        found: NDArray[np.bool_] = self.alone.lengths == 1
        found[found] = self.alone.values[self.alone.offsets[:-1][found]] == np.flatnonzero(found)
        return found

    @cached_property
    def emitted(self) -> NDArray[np.bool_]:
        """bool[V]: tokens that some text becomes: their own, or one of those tried around them."""
        found = self.standalone.copy()
        found[self.encode([UNKNOWN, f"a {UNKNOWN} b"]).values] = True
        found[self.alone.values] = True
        self._try_neighbours(found)
        parts = [id_ for id_ in np.flatnonzero(~found).tolist() if self.texts[id_] is None]
        around = [text for id_ in parts for text in completions(self.tokens[id_])]
        found[self.encode_plain(around).values] = True
        return found

    def shadow_of(self, id_: int) -> int | None:
        """The added token that takes part of a token's text before the model sees it."""
        token = self.tokens[id_]
        for other in self.alone[id_].tolist():
            # An unknown token is an added one too, but it takes nothing: the model puts it there.
            if other != id_ and other in self.added and self.tokens[other] in token:
                return int(other)
        return None

    def _try_neighbours(self, found: NDArray[np.bool_]) -> None:
        missing = [
            id_
            for id_ in np.flatnonzero(~found).tolist()
            if self.texts[id_] and not self._surely_dead(id_)
        ]
        for before in BEFORE:
            for behind in BEHIND:
                texts = [f"{before}{self.texts[id_]}{behind}" for id_ in missing]
                found[self.encode_plain(texts).values] = True
            missing = [id_ for id_ in missing if not found[id_]]

    def _surely_dead(self, id_: int) -> bool:
        """Whether an added token takes part of it in any text.

        Where an added token lies in the token's text, the leftmost-longest search ends up with a
        match on its first byte: this one, a longer one, or one that began before.
        """
        shadow = self.shadow_of(id_)
        if shadow is None:
            return False
        added, normalizes = self.added[shadow], bool(self.tokenizer.head.get("normalizer"))
        return not (added.special or added.single_word or (added.normalized and normalizes))

    # --- showing

    def example(self, id_: int, note: str = "") -> Example:
        """The token as an example."""
        return Example(id_, shown(self.tokens[id_]), note)

    def spelled(self, ids: Sequence[int]) -> str:
        """Tokens beside one another, each in quotes."""
        return " ".join(shown(self.tokens[id_]) for id_ in ids)


def _as_text(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
