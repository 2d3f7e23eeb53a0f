"""Normalizers that look at one character at a time, so that a text may be cut between any two.

Only `BertNormalizer` with ``strip_accents`` may not, as it makes NFD on the way: cut it where NFD
may be cut. `Lowercase`, `StripAccents` and `Nmt` are idempotent; so is `BertNormalizer` without
``handle_chinese_chars``, which puts in new blanks each time. `ByteLevel` is not.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from encoders.buffers import Bytes, Offsets
from encoders.normalize.forms import Nfd
from encoders.normalize.running import Normalized, Normalizer, in_turn, run
from encoders.normalize.tables import CharacterMap, changes, character_map


@dataclass(frozen=True, eq=False)
class _Characters:
    """A map; ``lower``: it makes ASCII small; ``controls``: it changes ASCII controls."""

    tables: CharacterMap
    lower: bool = False
    controls: bool = False

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        from encoders.normalize import _kernels

        tables = self.tables
        arguments = (tables.table.pages, tables.table.entries, tables.offsets, tables.blob)
        return run(
            _kernels.map_characters,
            text,
            bounds,
            (*arguments, self.lower, self.controls),
            align=align,
        )


@cache
def _lowercase() -> _Characters:
    return _Characters(character_map(changes("lower")), lower=True)


@cache
def _strip_accents() -> _Characters:
    return _Characters(character_map(changes("marks")))


@cache
def _nmt() -> _Characters:
    return _Characters(character_map(changes("nmt")), controls=True)


@dataclass(frozen=True)
class Lowercase:
    """Every character by its own mapping, as Rust's `char::to_lowercase`.

    A capital sigma becomes σ everywhere, where Python's `str.lower` would look at its neighbours.
    """

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        return _lowercase().normalize(text, bounds, align=align)


@dataclass(frozen=True)
class StripAccents:
    """Without combining marks; letters that are not decomposed keep theirs."""

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        return _strip_accents().normalize(text, bounds, align=align)


@dataclass(frozen=True)
class Nmt:
    """Controls go; other kinds of white space and invisible characters become blanks."""

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        return _nmt().normalize(text, bounds, align=align)


@dataclass(frozen=True)
class BertNormalizer:
    """BERT's: clean, blanks around ideographs, NFD without nonspacing marks, small letters.

    ``strip_accents`` None does as ``lowercase``.
    """

    clean_text: bool = True
    handle_chinese_chars: bool = True
    strip_accents: bool | None = None
    lowercase: bool = True

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        return in_turn(_bert(self), text, bounds, align=align)


@cache
def _bert(of: BertNormalizer) -> tuple[Normalizer, ...]:
    # No character is in two of these maps in a way that the second would see what the first made.
    found: dict[int, bytes] = {}
    if of.handle_chinese_chars:
        found |= {code: b" " + chr(code).encode() + b" " for code in changes("chinese")}
    if of.clean_text:
        found |= changes("clean")
    lower = changes("lower") if of.lowercase else {}
    if not (of.lowercase if of.strip_accents is None else of.strip_accents):
        tables = character_map(lower | found)
        return (_Characters(tables, of.lowercase, of.clean_text),) if lower or found else ()
    first = (_Characters(character_map(found), controls=of.clean_text),) if found else ()
    unmarked = _Characters(character_map(lower | changes("accents")), lower=of.lowercase)
    return *first, Nfd(), unmarked


@dataclass(frozen=True)
class ByteLevel:
    """Every byte as the letter that GPT-2's byte map gives it."""

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        from encoders.normalize import _kernels

        return run(_kernels.map_bytes, text, bounds, (_byte_table(),), align=align, growth=1.5)


@cache
def _byte_table() -> np.ndarray[tuple[int], np.dtype[np.uint16]]:
    table = np.empty(256, np.uint16)
    moved = 0x100
    for byte in range(256):
        shown = 0x21 <= byte <= 0x7E or 0xA1 <= byte <= 0xAC or byte >= 0xAE
        letter = chr(byte if shown else moved).encode()
        moved += not shown
        table[byte] = int.from_bytes(letter, "little")
    return table
