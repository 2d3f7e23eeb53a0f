"""Seeded OCR noise that knows exactly what it changed."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from encoders.buffers import Offsets
from encoders.noise import Readings, corrupt
from tokenkit.domain.alignment import Alignment
from tokenkit.errors import NoiseError
from tokenkit.text.inputs import sound

Confusion = tuple[str, str, float]
"""One or two characters, the one or two that they are taken for, and the odds of that."""

_LONGEST = 2
_USUAL = "rn m, m rn, cl d, e c, c e, l 1, 1 l, l I, I l, O 0, 0 O"
_OTHERS = """
    w vv, vv w, d cl, h li, li h, n ri, ri n, u ii, ii u, k lc, lc k, in m, nn m, ni m, tl d, ll U,
    o c, a o, o a, a e, e o, s a, O Q, Q O, D O, O D, C G, G C, C O,
    l i, i l, t l, l t, f t, t f, i j, j i, r t, I T, T I, l !, i !, J I, I 1, 1 I,
    n u, u n, h b, b h, v y, y v, n h, r n, g q, q g, p q, k h, x k, y g,
    E F, F E, P F, R B, B R, K R, M N, N M, V Y, Y V, H N, X K, L I,
    o 0, 0 o, S 5, 5 S, B 8, 8 B, Z 2, 2 Z, z 2, 2 z, G 6, 6 G, b 6, g 9, 9 g, s 5, A 4, 4 A,
    3 8, 8 3, 5 6, 6 5, 7 1, 1 7, 0 6, 9 0,
    c C, C c, o O, O o, s S, S s, u U, U u, v V, V v, w W, W w, x X, X x, z Z, Z z, k K, K k, p P,
    . ',', ',' ., : ;, ; :, ' `, - ~, - ., § S, § $, $ S, ( C, ) J, / l, & 8
"""


def _pairs(table: str, odds: float) -> tuple[Confusion, ...]:
    found = re.findall(r"('.'|\S{1,2}) ('.'|\S{1,2})(?:,\s|\s*$)", table)
    return tuple((a.strip("'") or a, b.strip("'") or b, odds) for a, b in found)


OCR_CONFUSIONS: tuple[Confusion, ...] = _pairs(_USUAL, 3.0) + _pairs(_OTHERS, 1.0)
"""Look-alikes of Latin print. The odds are ours and rough: the usual suspects weigh three times."""


@dataclass(frozen=True, eq=False)
class Noisy:
    """A text as read with noise. ``alignment``: exactly what became what, in characters."""

    clean: str
    text: str
    alignment: Alignment


@dataclass(frozen=True)
class OcrNoise:
    """A channel that misreads each character with probability ``rate``.

    What a misread character becomes is drawn among what may happen to it, by odds: it is taken for
    a look-alike (``confuse``, if ``confusions`` has one; which, by their own odds); it is lost
    (``drop``, or ``join`` for a space); one of ``specks`` appears before it (``insert``); a space
    appears before it (``split``, within a word only). Two characters that are taken together count
    as one. The same text, seed and number in the batch give the same noise on every machine.

    Raises NoiseError for a rate that is no probability, odds below 0, and confusions that are not
    of one or two characters.
    """

    rate: float = 0.03
    confusions: tuple[Confusion, ...] = OCR_CONFUSIONS
    confuse: float = 8.0
    drop: float = 1.0
    join: float = 1.0
    insert: float = 1.0
    split: float = 0.5
    specks: str = ".,'`-~^*_:|"

    def __post_init__(self) -> None:
        if not 0.0 <= self.rate <= 1.0:
            raise NoiseError(f"rate is a probability per character, not {self.rate}")
        for odds in (*self._odds, *(odds for _, _, odds in self.confusions)):
            if not 0.0 <= odds < math.inf:
                raise NoiseError(f"odds are numbers from 0 up, not {odds}")
        for source, target, _ in self.confusions:
            sizes = len(source), len(target)
            if min(sizes) < 1 or max(sizes) > _LONGEST or "\0" in source + target:
                raise NoiseError(f"{source!r} for {target!r}: a confusion is of 1 or 2 characters")
        if self.insert and not self.specks:
            raise NoiseError("insert needs specks to insert")

    @property
    def _odds(self) -> tuple[float, ...]:
        return self.confuse, self.join, self.drop, self.insert, self.split

    @cached_property
    def _readings(self) -> Readings:
        rules = sorted(
            (source.ljust(2, "\0") + target.ljust(2, "\0"), odds)
            for source, target, odds in self.confusions
        )
        return Readings(
            _codes("".join(rule for rule, _ in rules)).reshape(-1, 4),
            np.array([odds for _, odds in rules], np.float64),
            np.array(self._odds, np.float64),
            _codes(self.specks or " "),
        )

    def per_sentence(self, errors: float, texts: Iterable[str]) -> "OcrNoise":
        """The same channel at the rate that gives ``errors`` a sentence of ``texts`` on average."""
        counts = [(len(sentences(text)), len(text)) for text in texts]
        found, characters = (
            (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
        )
        if not found:
            raise NoiseError("there is no sentence to take errors per sentence from")
        return replace(self, rate=min(1.0, errors * found / characters))

    def read(self, text: str, seed: int = 0) -> Noisy:
        """A text as it is misread; lone surrogates are read as `Tokenizer` does."""
        return self.read_batch([text], seed)[0]

    def read_batch(self, texts: Sequence[str], seed: int = 0) -> list[Noisy]:
        """Many texts, each misread in its own way."""
        clean = [sound(text) for text in texts]
        bounds = _bounds(clean)
        codes, ends, edits, edit_ends = corrupt(
            _codes("".join(clean)), bounds, self._readings, self.rate, seed
        )
        noisy = codes.tobytes().decode("utf-32-le")
        found = []
        for i, text in enumerate(clean):
            spans = edits[edit_ends[i] : edit_ends[i + 1]]
            size = int(ends[i + 1] - ends[i])
            alignment = Alignment(len(text), size, spans[:, :2], spans[:, 2:])
            found.append(Noisy(text, noisy[ends[i] : ends[i + 1]], alignment))
        return found


_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]’”]*\s+(?=[\"'(\[‘“]*[A-Z0-9§])|\n\s*\n")


def sentences(text: str) -> list[str]:
    """The sentences of a text, roughly: cut behind ``.``, ``!`` or ``?`` and space where a capital
    or a digit follows, and at blank lines. Abbreviations are cut too."""
    return [part for part in map(str.strip, _SENTENCE_END.split(text)) if part]


def _codes(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _bounds(texts: Sequence[str]) -> Offsets:
    return np.concatenate(([0], np.cumsum([len(text) for text in texts]))).astype(np.int64)
