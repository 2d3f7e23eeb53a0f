"""All the ways to write a text in a vocabulary, of which a tokenizer uses one.

A model may emit any of them: they decode alike, and it was trained on a single one. The paper
"Say Anything but This" (arXiv 2601.14658) calls what follows from that phantom edits.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import joined
from encoders.segment import SATURATED, Segmenter
from tokenkit.audit.findings import Example, Finding, shown
from tokenkit.audit.vocabulary import Vocabulary
from tokenkit.errors import AuditError
from tokenkit.text import Tokenizer
from tokenkit.text.inputs import Text, as_bytes
from tokenkit.tokens import Ragged

_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Encodings:
    """The encodings of texts over the tokens of one vocabulary. ``of`` makes one.

    A text stands in the middle of a longer one: tokens count with the bytes that they have there.
    """

    segmenter: Segmenter
    tokens: tuple[bytes, ...]

    @staticmethod
    def of(tokenizer: Tokenizer) -> "Encodings":
        """Special tokens count too where their spelling is in the text."""
        vocabulary = Vocabulary.of(tokenizer)
        return Encodings(vocabulary.segmenter, vocabulary.tokens)

    def counts(self, texts: Sequence[Text]) -> NDArray[np.uint64]:
        """uint64[n]: encodings of each text; 2**64 - 1 for so many or more. `count` is exact."""
        return self.segmenter.counts(*joined([as_bytes(text) for text in texts]))

    def count(self, text: Text) -> int:
        """The number of encodings of a text, however large."""
        found = int(self.counts([text])[0])
        return found if found < SATURATED else self._ways(bytes(as_bytes(text)))[1][0]

    def sample(self, text: Text, count: int, *, seed: int = 0) -> Ragged:
        """``count`` encodings of a text, each drawn with equal probability from all of them.

        Ids are uint32. The same seed gives the same ones. Raises AuditError for a text that has
        no encoding.
        """
        raw = bytes(as_bytes(text))
        edges, ways = self._ways(raw)
        if not ways[0]:
            raise AuditError(f"{shown(raw[:40])} has no encoding in this vocabulary")
        draw = random.Random(seed)
        rows = []
        for _ in range(count):
            at, row = 0, []
            while at < len(raw):
                ticket = draw.randrange(ways[at])
                for stop, id_ in edges[at]:
                    ids = self._alike.get(self.tokens[id_], (id_,))
                    if ticket < len(ids) * ways[stop]:
                        row.append(ids[ticket // ways[stop]])
                        at = stop
                        break
                    ticket -= len(ids) * ways[stop]
            rows.append(row)
        return Ragged.from_rows(rows)

    @cached_property
    def _alike(self) -> dict[bytes, tuple[int, ...]]:
        """Ids with the same bytes, where there are several."""
        found: dict[bytes, tuple[int, ...]] = {}
        for id_ in np.flatnonzero(self.segmenter.weights > 1).tolist():
            found[self.tokens[id_]] = (*found.get(self.tokens[id_], ()), id_)
        return found

    def _ways(self, raw: bytes) -> tuple[list[list[tuple[int, int]]], list[int]]:
        """By place in a text: the tokens that begin there (stop, id), and the encodings of what is
        left from there."""
        edges: list[list[tuple[int, int]]] = [[] for _ in range(len(raw) + 1)]
        for start, stop, id_ in self.segmenter.edges(raw).tolist():
            edges[start].append((stop, id_))
        weights = self.segmenter.weights
        ways = [0] * len(raw) + [1]
        for at in range(len(raw) - 1, -1, -1):
            ways[at] = sum(int(weights[id_]) * ways[stop] for stop, id_ in edges[at])
        return edges, ways


def alternatives(vocabulary: Vocabulary) -> Finding:
    """Words that other tokens spell as well."""
    size = max(len(vocabulary), 1)
    counts = vocabulary.segmenter.counts(*vocabulary.flat)
    pairs = vocabulary.segmenter.pairs(*vocabulary.flat)
    words = [id_ for id_, text in enumerate(vocabulary.texts) if text and text.isalpha()]
    parted = [id_ for id_ in words if pairs[id_]]
    present = counts[[bool(token) for token in vocabulary.tokens]]
    several = int((present > 1).sum())
    return Finding(
        check="alternatives",
        severity="note" if several else "ok",
        count=several,
        title=f"{several:,} tokens ({several / size:.1%}) that other tokens spell too; "
        f"{len(parted) / size:.1%} are words that two others spell",
        why="A model can write the same text in ways it was never trained on (phantom edits).",
        advice="Mask `phantom_ids` while decoding; compare texts and not ids.",
        examples=tuple(
            Example(id_, shown(vocabulary.tokens[id_]), f"{_many(counts[id_])} encodings")
            for id_ in parted[:: len(parted) // _SHOWN + 1]
        ),
        facts={
            "words that two tokens spell": len(parted),
            "share of vocabulary": len(parted) / size,
            "encodings of the median token": float(np.median(present)) if len(present) else 0.0,
            "encodings of the richest": _many(present.max(initial=0)),
        },
    )


def _many(count: np.uint64) -> str:
    return "2**64 or more" if count == SATURATED else f"{count:,}"


def twins(vocabulary: Vocabulary) -> Finding:
    """Tokens that differ by a blank in front only."""
    known = {text for text in vocabulary.texts if text}
    pairs = [
        id_
        for id_, text in enumerate(vocabulary.texts)
        if text and text[0] == " " and text[1:] in known
    ]
    share = len(pairs) / max(len(vocabulary), 1)
    return Finding(
        check="twins",
        severity="note" if pairs else "ok",
        count=len(pairs),
        title=f"{len(pairs):,} tokens ({share:.1%}) with a twin that lacks the blank in front",
        why="A model that swaps them writes a text that reads the same (phantom edits).",
        advice="Compare words without the white space around them; mask twins while decoding.",
        examples=tuple(vocabulary.example(id_) for id_ in pairs[:: len(pairs) // _SHOWN + 1]),
        facts={"share of vocabulary": share},
    )
