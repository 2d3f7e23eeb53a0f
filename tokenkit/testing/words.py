"""Laws of patchers and of layouts, and the bytes to try them on.

from tokenkit.testing.words import check_layout, check_patcher
check_patcher(Patcher(MyRule()))
check_layout(MyLayout)
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Protocol, Self

import numpy as np
from hypothesis import strategies as st

from tokenkit.testing import strategies
from tokenkit.testing.searching import search
from tokenkit.words import (
    Patcher,
    Patches,
    Regex,
    Rule,
    Space,
    Static,
    Whitespace,
    Word,
)


class PatchLawViolation(AssertionError):  # noqa: N818 - it is what the field calls it
    """A patcher or a layout broke a law; the message names both and the smallest example."""


class Layout(Protocol):
    """What `check_layout` takes: a class with ``of`` and its inverse."""

    @classmethod
    def of(cls, patches: Patches, /) -> Self:
        """The layout of a batch."""
        ...

    def patches(self) -> Patches:
        """The batch of the layout."""
        ...


def batches() -> st.SearchStrategy[list[bytes]]:
    """Batches of texts and of bytes that are none; empty ones among them."""
    texts = strategies.texts().map(lambda text: text.encode("utf-8", "surrogatepass"))
    return st.lists(st.one_of(strategies.raw_bytes(), texts), max_size=4)


def rules() -> st.SearchStrategy[Rule]:
    """All rules that need neither weights nor a tokenizer."""
    return st.one_of(
        st.integers(1, 9).map(Static),
        st.just(Space()),
        st.sampled_from(Whitespace).map(Word),
        st.sampled_from(["gpt2", "o200k", r"\d+|\s", "(?=b)", "x*"]).map(Regex),
    )


def patch_rows() -> st.SearchStrategy[Patches]:
    """Patches of any bytes anywhere, framed or not; empty rows among them."""
    rows = st.lists(st.lists(st.binary(min_size=1, max_size=9), max_size=6), max_size=5)
    bare = rows.map(Patches.of)
    return st.one_of(bare, bare.map(lambda patches: patches.framed()))


def patches_are_the_text(patcher: Patcher, texts: list[bytes]) -> str:
    """The patches of a text are its bytes, one after another."""
    found = patcher.patch_batch(texts)
    for text, row in zip(texts, found, strict=True):
        if b"".join(patch.tobytes() for patch in row) != text:
            return f"{text!r} became {row.to_lists()}"
    return ""


def starts_ascend(patcher: Patcher, texts: list[bytes]) -> str:
    """The first patch starts at 0 and each further one behind the one before it."""
    for text in texts:
        starts = patcher.starts(text)
        first = [0] if text else []
        if starts.dtype != np.int64 or starts[:1].tolist() != first or (np.diff(starts) <= 0).any():
            return f"{text!r} has starts {starts.tolist()}"
    return ""


def batch_equals_single(patcher: Patcher, texts: list[bytes]) -> str:
    """A text has the same patches alone and in a batch."""
    for text, found in zip(texts, patcher.patch_batch(texts).starts, strict=True):
        alone = patcher.starts(text)
        if not np.array_equal(found, alone):
            return f"{text!r} has starts {alone.tolist()}, in a batch {found.tolist()}"
    return ""


def no_patch_is_longer(patcher: Patcher, texts: list[bytes]) -> str:
    """No patch has more bytes than ``max_patch_length``."""
    longest = int(patcher.patch_batch(texts).lengths.values.max(initial=0))
    most = patcher.max_patch_length
    return f"a patch of {longest} bytes" if most is not None and longest > most else ""


def no_character_is_cut(patcher: Patcher, texts: list[bytes]) -> str:
    """With ``snap_utf8`` no patch begins inside a well-formed character."""
    for text in texts if patcher.snap_utf8 else []:
        characters = text.decode("utf-8", "surrogateescape")
        sizes = [len(character.encode("utf-8", "surrogateescape")) for character in characters]
        whole = {0, *accumulate(sizes)}
        inside = [start for start in patcher.starts(text).tolist() if start not in whole]
        if inside:
            return f"{text!r} has a patch that begins at {inside[0]}"
    return ""


PatcherLaw = Callable[[Patcher, list[bytes]], str]
PATCHER_LAWS: tuple[PatcherLaw, ...] = (
    patches_are_the_text,
    starts_ascend,
    batch_equals_single,
    no_patch_is_longer,
    no_character_is_cut,
)
"""Each tells how it is broken, and nothing where it holds."""


def check_patcher(
    patcher: Patcher, *, laws: Sequence[PatcherLaw] = PATCHER_LAWS, max_examples: int = 100
) -> None:
    """Hold a patcher to laws, on the corners of `strategies` and by Hypothesis.

    Raises PatchLawViolation with the smallest batch found.
    """

    def hold(texts: list[bytes]) -> None:
        for law in laws:
            if problem := law(patcher, texts):
                raise PatchLawViolation(f"{patcher} breaks the law {law.__name__!r}: {problem}")

    search(batches(), hold, max_examples)
    hold([corner.encode("utf-8", "surrogatepass") for corner in strategies.corners()])


def check_layout(layout: type[Layout], *, max_examples: int = 100) -> None:
    """Hold a layout to ``layout.of(patches).patches() == patches``.

    Raises PatchLawViolation with the smallest batch found.
    """

    def hold(patches: Patches) -> None:
        if layout.of(patches).patches() != patches:
            rows = [row.to_lists() for row in patches]
            raise PatchLawViolation(f"{layout.__name__} does not give back {rows}")

    search(patch_rows(), hold, max_examples)
