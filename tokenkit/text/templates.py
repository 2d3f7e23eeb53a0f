"""What is put around the ids of a text or a pair: BOS, EOS, separators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from encoders.buffers import Ids
from tokenkit.errors import FormatError
from tokenkit.tokens import Ragged

Part = int | str
"""An id, or "A" or "B" for the ids of the first or second text."""


@dataclass(frozen=True)
class Template:
    """``single`` and ``pair``: parts in order; the type ids of each part beside them."""

    single: tuple[Part, ...] = ("A",)
    pair: tuple[Part, ...] = ("A", "B")
    single_types: tuple[int, ...] = (0,)
    pair_types: tuple[int, ...] = (0, 1)

    @property
    def prefix(self) -> list[int]:
        """Ids before a single text."""
        return [part for part in self.single[: self.single.index("A")] if isinstance(part, int)]

    @property
    def suffix(self) -> list[int]:
        """Ids after a single text."""
        return [part for part in self.single[self.single.index("A") + 1 :] if isinstance(part, int)]

    @property
    def added_to_single(self) -> int:
        """Number of ids that `apply` adds."""
        return sum(isinstance(part, int) for part in self.single)

    @property
    def added_to_pair(self) -> int:
        """Number of ids that `apply_pair` adds."""
        return sum(isinstance(part, int) for part in self.pair)

    def apply(self, ids: Ids) -> Ids:
        """A single text with what belongs around it."""
        if self.single == ("A",):
            return ids
        return np.concatenate(
            [np.array(self.prefix, np.uint32), ids, np.array(self.suffix, np.uint32)]
        )

    def apply_batch(self, batch: Ragged) -> Ragged:
        """`apply` on every row."""
        if self.single == ("A",):
            return batch
        prefix, suffix = self.prefix, self.suffix
        extra = len(prefix) + len(suffix)
        offsets = batch.offsets + extra * np.arange(len(batch.offsets))
        values = np.empty(int(offsets[-1]), np.uint32)
        body = np.ones(len(values), np.bool_)
        for i, id_ in enumerate(prefix):
            values[offsets[:-1] + i] = id_
            body[offsets[:-1] + i] = False
        for i, id_ in enumerate(reversed(suffix)):
            values[offsets[1:] - 1 - i] = id_
            body[offsets[1:] - 1 - i] = False
        values[body] = batch.values
        return Ragged(values, offsets)

    def apply_pair(self, first: Ids, second: Ids) -> tuple[Ids, Ids]:
        """Ids of a pair and their type ids."""
        texts = {"A": first, "B": second}
        parts = [texts[p] if isinstance(p, str) else np.array([p], np.uint32) for p in self.pair]
        types = [
            np.full(len(part), type_, np.uint32)
            for part, type_ in zip(parts, self.pair_types, strict=True)
        ]
        return np.concatenate(parts), np.concatenate(types)


def template_from_json(post_processor: dict[str, Any] | None) -> Template:
    """The template of a tokenizer.json's ``post_processor``.

    Raises FormatError for a post-processor of another kind than TemplateProcessing,
    BertProcessing, RobertaProcessing, ByteLevel or a Sequence of those.
    """
    if post_processor is None or post_processor["type"] == "ByteLevel":
        return Template()
    kind = post_processor["type"]
    if kind == "Sequence":
        found = [template_from_json(entry) for entry in post_processor["processors"]]
        real = [template for template in found if template != Template()]
        if len(real) > 1:
            raise FormatError("a Sequence of several templates is not supported")
        return real[0] if real else Template()
    if kind in ("BertProcessing", "RobertaProcessing"):
        cls, sep = post_processor["cls"][1], post_processor["sep"][1]
        if kind == "BertProcessing":
            return Template((cls, "A", sep), (cls, "A", sep, "B", sep), (0, 0, 0), (0, 0, 0, 1, 1))
        return Template((cls, "A", sep), (cls, "A", sep, sep, "B", sep), (0,) * 3, (0,) * 6)
    if kind == "TemplateProcessing":
        single = _parts(post_processor["single"], post_processor["special_tokens"])
        pair = _parts(post_processor["pair"], post_processor["special_tokens"])
        return Template(single[0], pair[0], single[1], pair[1])
    raise FormatError(f"post-processor {kind!r} is not supported")


def _parts(
    entries: Sequence[dict[str, Any]], special: dict[str, Any]
) -> tuple[tuple[Part, ...], tuple[int, ...]]:
    parts: list[Part] = []
    types: list[int] = []
    for entry in entries:
        ((kind, body),) = entry.items()
        found = [body["id"]] if kind == "Sequence" else special[body["id"]]["ids"]
        parts += found
        types += [body["type_id"]] * len(found)
    return tuple(parts), tuple(types)
