"""Schemes: which tokens a number becomes.

`TST` is Triadic Suffix Tokenization (Chetverina 2026, arXiv:2604.11582); `R2L`, `L2R` and `Digits`
are its cheap siblings without magnitudes. All have one interface, `Scheme`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import PADDING, Bytes, Offsets, joined
from encoders.numbers import MOST_DIGITS, Decoder, DecodeTables, Layout, NumberTokens, describe
from encoders.scan.numbers import EVERYTHING, NumberScanner, Protect
from tokenkit.errors import EncodeError, VocabularyError
from tokenkit.numbers.locales import STYLES, Locale
from tokenkit.text.inputs import Text, padded_text
from tokenkit.text.spans import Encoding, from_byte_spans

Option = Literal["A", "B"]
Mode = Literal["mark", "width", "pad"]

WHOLE_SUFFIXES = ("", "k", "m", "b", "t", "q")
FRACTION_SUFFIXES = ("p", "pp", "ppp", "pppp", "ppppp")

_NO_DIGITS = bytes(byte for byte in range(256) if byte not in b"0123456789")
_DIGITS, _SUFFIX, _LEADING, _TRAILING, _SEPARATOR = range(5)  # as `DecodeTables.kinds` counts


@dataclass(frozen=True, eq=False)
class NumberEncoding(Encoding):
    """Ids with their spans, and what embeddings of numbers need.

    ``power``: int16[n], the power of ten of a token's last digit, of a suffix that of its group;
    ``digit_position``: int16[n], digits of the same number before the token, -1 for a token without
    digits of a number; ``value``: float64[n], of the whole number without its sign, NaN elsewhere.
    """

    power: NDArray[np.int16]
    digit_position: NDArray[np.int16]
    value: NDArray[np.float64]


class Entry(NamedTuple):
    """A token of a scheme: how it is spelled, what it is, its place or count, and its digits."""

    spelling: str
    kind: int
    level: int
    digits: str = ""


@dataclass(frozen=True, kw_only=True)
class Scheme(ABC):
    """What all schemes share. ``locale``: how numbers are written; ``protect``: what is left to the
    base tokenizer although it has digits (see `Protect`)."""

    locale: Locale = "en"
    protect: Protect = EVERYTHING

    def __post_init__(self) -> None:
        if self.locale not in STYLES:
            raise ValueError(f"locale {self.locale!r}: it is one of {', '.join(STYLES)}")
        if not 0 <= self.protect <= EVERYTHING:
            raise ValueError(f"protect {self.protect!r} is no combination of Protect")

    # --- what a scheme is

    @property
    @abstractmethod
    def name(self) -> str:
        """What `prepare --numbers` and saved files call it."""

    @property
    def lossless(self) -> bool:
        """Whether decoding gives every number back as it was written."""
        return True

    @property
    @abstractmethod
    def spells_numbers(self) -> bool:
        """Whether each token has its digits, whatever stands around it."""

    @property
    @abstractmethod
    def entries(self) -> tuple[Entry, ...]:
        """All tokens, by id."""

    @abstractmethod
    def layout(self, first: int = 0) -> Layout:
        """For the kernels, where the scheme's ids begin at ``first``."""

    @property
    @abstractmethod
    def scanner(self) -> NumberScanner:
        """What finds the numbers."""

    @cached_property
    def vocab(self) -> tuple[str, ...]:
        """The tokens' spellings, by id from 0 on."""
        return tuple(entry.spelling for entry in self.entries)

    @property
    def separators(self) -> tuple[str, ...]:
        """The decimal point, and what stands between thousands."""
        style = STYLES[self.locale]
        return style.decimal, *style.separators

    # --- numbers to tokens

    def numbers(self, text: str) -> list[tuple[int, int]]:
        """Where the numbers of a text start and stop, in characters."""
        buffer = padded_text(text)
        spans = self.scanner.spans(buffer, np.array([0, len(buffer) - PADDING], np.int64))
        ids = np.zeros(len(spans), np.uint32)
        found = from_byte_spans(ids, spans[:, [0, 2]], text).char_spans
        return [(start, stop) for start, stop in found.tolist()]

    def encode(self, text: Text) -> NumberEncoding:
        """The tokens of all numbers of a text, and of nothing else; ids count from 0.

        Decimal points and thousands separators that stay text are no tokens of the scheme.
        """
        buffer = padded_text(text)
        bounds = np.array([0, len(buffer) - PADDING], np.int64)
        spans = self.scanner.spans(buffer, bounds)
        tokens = describe(buffer, spans, self.layout())
        own = tokens.ids >= 0
        ids = tokens.ids[own].astype(np.uint32)
        whole = from_byte_spans(ids, tokens.spans[own], _given(text))
        return NumberEncoding(
            whole.ids,
            whole.byte_spans,
            whole.char_spans,
            tokens.power[own],
            tokens.digits_before[own],
            self.values(buffer, spans)[tokens.number[own]],
        )

    def values(self, text: Bytes, spans: Offsets) -> NDArray[np.float64]:
        """float64[n]: what the numbers of ``spans`` are, as Python's `float` reads them."""
        found = np.empty(len(spans))
        for i, (start, point, stop) in enumerate(spans.tolist()):
            whole = text[start:point].tobytes().translate(None, _NO_DIGITS)
            found[i] = float(whole + b"." + text[point + 1 : stop].tobytes())
        return found

    # --- tokens to text

    def decode_tables(self, base: tuple[Bytes, Offsets]) -> DecodeTables:
        """To decode ids, the first of which are those of tokens with these bytes and offsets."""
        flat, offsets = joined([entry.digits.encode() for entry in self.entries])
        vocab = np.concatenate((base[0][: base[1][-1]], flat))
        separators = [mark.encode() for mark in STYLES[self.locale].separators]
        marks = np.zeros((len(separators) + 1, 4), np.uint8)
        for row, mark in zip(marks, separators, strict=False):
            row[: len(mark) + 1] = (len(mark), *mark)
        return DecodeTables(
            self.layout(len(base[1]) - 1),
            vocab,
            np.concatenate((base[1], base[1][-1] + offsets[1:])),
            np.array([entry.kind for entry in self.entries], np.int64),
            np.array([entry.level for entry in self.entries], np.int64),
            marks,
        )

    # --- the readable form

    def readable(self, number: str) -> str:
        """A number as its tokens spell it, with blanks between: ``1 . 123p 456pp``.

        A group behind another is shown with all its zeros: ``1k 005``. Raises EncodeError where
        ``number`` is not, as a whole, one number of this scheme.
        """
        buffer = padded_text(number)
        size = len(buffer) - PADDING
        spans = self.scanner.spans(buffer, np.array([0, size], np.int64))
        if spans[:, [0, 2]].tolist() != [[0, size]]:
            raise EncodeError(f"{number!r} is not one number of {self!r}")
        return " ".join(self._items(buffer, describe(buffer, spans, self.layout())))

    def _items(self, text: Bytes, tokens: NumberTokens) -> Iterable[str]:
        group, width, inner = self.layout().group, self.layout().zeros == 0, False
        rows = zip(tokens.ids.tolist(), tokens.spans.tolist(), tokens.power.tolist(), strict=True)
        for id_, (start, stop), power in rows:
            if id_ < 0:
                yield text[start:stop].tobytes().decode()
                continue
            entry = self.entries[id_]
            behind = inner and entry.kind == _DIGITS and power >= 0 and not width
            yield "0" * (group - len(entry.digits)) * behind + entry.spelling
            inner |= entry.kind == _DIGITS

    def parse(self, readable: str) -> str:
        """The number that `readable` shows so.

        Raises VocabularyError for what is no token of the scheme, nor point nor separator.
        """
        text = self.separators
        ids = [self._id_of(item, text) for item in readable.split(" ")]
        return Decoder(self._own_tables).push(np.array(ids, np.uint32), finish=True).decode()

    def _id_of(self, item: str, text: Sequence[str]) -> int:
        if item in text:
            return text.index(item)
        digits = item.rstrip("".join(WHOLE_SUFFIXES))
        for spelling in (item, str(int(digits)) + item[len(digits) :] if digits.isdigit() else ""):
            if spelling in self._ids:
                return len(text) + self._ids[spelling]
        raise VocabularyError(f"{item!r} is no token of {self!r}")

    @cached_property
    def _own_tables(self) -> DecodeTables:
        return self.decode_tables(joined([mark.encode() for mark in self.separators]))

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {spelling: id_ for id_, spelling in enumerate(self.vocab)}


def _given(text: Text) -> str | bytes:
    return text if isinstance(text, str) else bytes(text)


def _check_group(group: int) -> None:
    if group not in (1, 2, 3, 4):
        raise ValueError(f"group {group}: a token has 1 to 4 digits")


def _every_width(group: int) -> list[str]:
    """Strings of 1 to ``group`` digits, the shorter first."""
    return [f"{value:0{n}}" for n in range(1, group + 1) for value in range(10**n)]


@dataclass(frozen=True, kw_only=True)
class TST(Scheme):
    """Triadic Suffix Tokenization: groups of digits with their magnitudes.

    Groups of the whole part, counted from the point to the left, have the suffixes k m b t q;
    those of the fraction, to the right, p to ppppp. ``option``: "B" fuses digits and suffix to one
    token, "A" makes two. ``group``: digits in a group. ``mode`` tells what becomes of zeros:

    - "mark": whole groups drop leading zeros, the last of the fraction is filled up with zeros, and
      what of this was not so written is told by markers (``<lz1>``, ``<tz2>``).
    - "width": groups of every width have tokens of their own.
    - "pad": the paper's, with its official vocabulary. Zeros and thousands separators are lost.

    Numbers of more than six groups before the point or five behind are left to the base tokenizer.
    """

    option: Option = "B"
    mode: Mode = "mark"
    group: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_group(self.group)
        if self.option not in ("A", "B"):
            raise ValueError(f"option {self.option!r} is neither 'A' nor 'B'")
        if self.mode not in ("mark", "width", "pad"):
            raise ValueError(f"mode {self.mode!r} is none of 'mark', 'width' and 'pad'")

    @property
    def name(self) -> str:
        """See `Scheme`."""
        return "tst" if self.option == "B" else "tst-a"

    @property
    def lossless(self) -> bool:
        """See `Scheme`."""
        return self.mode != "pad"

    @property
    def spells_numbers(self) -> bool:
        """See `Scheme`."""
        return self.mode == "width" and not self._separators_marked

    @cached_property
    def scanner(self) -> NumberScanner:
        """See `Scheme`."""
        whole, fraction = len(WHOLE_SUFFIXES) * self.group, len(FRACTION_SUFFIXES) * self.group
        return NumberScanner(STYLES[self.locale].notation, self.protect, whole, fraction)

    @property
    def _separators_marked(self) -> bool:
        """Whether thousands separators may fall within a group."""
        style = STYLES[self.locale]
        aligned = self.group == 1 or (self.group == 3 and not style.notation.indian)
        return self.mode != "pad" and bool(style.separators) and not aligned

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """See `Scheme`."""
        return (*self._groups, *self._suffixes, *self._markers)

    @cached_property
    def _groups(self) -> list[Entry]:
        size = 10**self.group
        if self.mode == "width":
            whole = fraction = _every_width(self.group)
        else:
            whole = [str(value) for value in range(size)]
            # The official file ends each order of the fraction with its zero.
            fraction = [f"{value % size:0{self.group}}" for value in range(1, size + 1)]
        if self.option == "A":
            short = [f"{value:0{self.group}}" for value in range(size // 10)]
            every = whole if self.mode == "width" or self.group == 1 else whole + short
            return [Entry(digits, _DIGITS, 0, digits) for digits in every]
        orders = [(level, suffix, whole) for level, suffix in enumerate(WHOLE_SUFFIXES)]
        orders += [(~place, suffix, fraction) for place, suffix in enumerate(FRACTION_SUFFIXES)]
        return [
            Entry(digits + suffix, _DIGITS, level, digits)
            for level, suffix, strings in orders
            for digits in strings
        ]

    @property
    def _suffixes(self) -> list[Entry]:
        if self.option == "B":
            return []
        whole = [Entry(s, _SUFFIX, level) for level, s in enumerate(WHOLE_SUFFIXES) if s]
        return whole + [Entry(s, _SUFFIX, ~place) for place, s in enumerate(FRACTION_SUFFIXES)]

    @property
    def _markers(self) -> list[Entry]:
        zeros = range(1, self.group if self.mode == "mark" else 1)
        found = [Entry(f"<lz{n}>", _LEADING, n) for n in zeros]
        found += [Entry(f"<tz{n}>", _TRAILING, n) for n in zeros]
        count = len(STYLES[self.locale].separators) if self._separators_marked else 0
        return found + [Entry(f"<sep{n}>", _SEPARATOR, n) for n in range(1, count + 1)]

    def layout(self, first: int = 0) -> Layout:
        """See `Scheme`."""
        suffixes = len(self._groups)
        leading = suffixes + len(self._suffixes)
        zeros = self.group - 1 if self.mode == "mark" else 0
        return Layout(
            group=self.group,
            form=1 if self.option == "B" else 2,
            zeros=("width", "mark", "pad").index(self.mode),
            leftward=False,
            separators=2 if self.mode == "pad" else int(self._separators_marked),
            indian=STYLES[self.locale].notation.indian,
            first=first,
            suffixes=suffixes,
            leading=leading,
            trailing=leading + zeros,
            marks=leading + 2 * zeros,
        )


@dataclass(frozen=True, kw_only=True)
class _Plain(Scheme):
    """Groups of digits without magnitudes; a thousands separator parts groups."""

    group: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_group(self.group)

    @property
    def spells_numbers(self) -> bool:
        """See `Scheme`."""
        return True

    @cached_property
    def scanner(self) -> NumberScanner:
        """See `Scheme`."""
        notation = STYLES[self.locale].notation
        return NumberScanner(notation, self.protect, MOST_DIGITS, MOST_DIGITS)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """See `Scheme`."""
        return tuple(Entry(digits, _DIGITS, 0, digits) for digits in _every_width(self.group))

    def layout(self, first: int = 0) -> Layout:
        """See `Scheme`."""
        end = len(self.entries)
        left = isinstance(self, L2R)
        return Layout(self.group, 0, 0, left, 0, False, first, end, end, end, end)


@dataclass(frozen=True, kw_only=True)
class R2L(_Plain):
    """Groups counted from the point (Singh and Strouse 2024, arXiv:2402.14903): ``1 234 567``."""

    @property
    def name(self) -> str:
        """See `Scheme`."""
        return "r2l"


@dataclass(frozen=True, kw_only=True)
class L2R(_Plain):
    """Groups counted from the left, as ``\\p{N}{1,3}`` of cl100k and Llama 3: ``123 456 7``."""

    @property
    def name(self) -> str:
        """See `Scheme`."""
        return "l2r"


@dataclass(frozen=True, kw_only=True)
class Digits(_Plain):
    """Every digit a token."""

    group: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.group != 1:
            raise ValueError("a token of Digits has 1 digit: R2L and L2R have more")

    @property
    def name(self) -> str:
        """See `Scheme`."""
        return "digits"
