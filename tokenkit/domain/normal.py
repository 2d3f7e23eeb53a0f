"""Normal forms of texts, and which of their bytes are which character's."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from encoders.buffers import Bytes, Offsets, joined
from encoders.normalize import (
    Alignment,
    Lowercase,
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
    Normalized,
    Normalizer,
)
from tokenkit.text.changes import normalizer_from_json

_OF_CHARACTERS = (Lowercase, Nfc, Nfd, Nfkc, Nfkd)


@dataclass(frozen=True, eq=False)
class NormalForm:
    """Texts end to end as a tokenizer sees them; text ``i`` is ``text[bounds[i]:bounds[i + 1]]``.

    ``alignment``: which character each byte came from; None where nothing changed. ``mixed``: the
    texts in which it does not tell, as several characters changed together.
    """

    text: Bytes
    bounds: Offsets
    alignment: Alignment | None
    mixed: frozenset[int]


def normal_form(entry: Mapping[str, Any] | None, text: Bytes, bounds: Offsets) -> NormalForm:
    """What a ``normalizer`` of a tokenizer.json makes of texts.

    Only Unicode's normal forms and lower case are known here: the texts are as they came where it
    has other steps.
    """
    steps = normalizer_from_json(entry).steps
    alignment: Alignment | None = None
    mixed: set[int] = set()
    for step in steps if all(isinstance(step, _OF_CHARACTERS) for step in steps) else ():
        after = step.normalize(text, bounds, align=True)
        if after.alignment is not None:
            fine, lost = _by_character(step, after.alignment, after, text)
            alignment = replace(fine, before=alignment)
            mixed.update((np.searchsorted(after.bounds, lost, side="right") - 1).tolist())
        text, bounds = after.text, after.bounds
    return NormalForm(text, bounds, alignment, frozenset(mixed))


def _by_character(
    step: Normalizer, alignment: Alignment, after: Normalized, text: Bytes
) -> tuple[Alignment, list[int]]:
    """The alignment with a stretch for each character that changed, and where it has none.

    A changed stretch holds neighbours too, and may be long. Where each of its characters would
    become its part by itself, these are the stretches.
    """
    normalized, original = [0], [int(alignment.original[0])]
    known: dict[str, bytes] = {}
    lost = []
    stretches = (
        side[1:-1].reshape(-1, 2).tolist() for side in (alignment.normalized, alignment.original)
    )
    for (new, new_stop), (old, old_stop) in zip(*stretches, strict=True):
        characters = text[old:old_stop].tobytes().decode()
        for character in set(characters) - known.keys():
            known[character] = _alone(step, character)
        parts = [known[character] for character in characters]
        if b"".join(parts) != after.text[new:new_stop].tobytes():
            lost.append(new)
            normalized += [new, new_stop]
            original += [old, old_stop]
            continue
        for character, part in zip(characters, parts, strict=True):
            normalized += [new, new := new + len(part)]
            original += [old, old := old + len(character.encode())]
    normalized.append(int(alignment.normalized[-1]))
    original.append(int(alignment.original[-1]))
    return Alignment(np.array(normalized, np.int64), np.array(original, np.int64)), lost


def _alone(step: Normalizer, character: str) -> bytes:
    text, bounds, _ = step.normalize(*joined([character.encode()]))
    return text[: bounds[-1]].tobytes()
