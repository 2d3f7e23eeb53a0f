"""Tables over all code points, from unicode.npz."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CODES = 0x110000


@cache
def stored() -> Mapping[str, NDArray[np.int64]]:
    """The arrays of unicode.npz, as `build_tables` writes them."""
    with np.load(Path(__file__).with_name("unicode.npz")) as file:
        return {name: file[name] for name in file.files}


@cache
def changes(name: str) -> dict[int, bytes]:
    """Code points that a map of `build_tables` changes, and their UTF-8 replacements."""
    arrays = stored()
    keys = np.cumsum(arrays[f"{name}_gaps"], dtype=np.int64).tolist()
    stops = np.cumsum(arrays[f"{name}_lengths"], dtype=np.int64).tolist()
    flat = arrays[f"{name}_bytes"].tobytes()
    values = [flat[a:b] for a, b in zip([0, *stops], stops, strict=False)]
    return dict(zip(keys, values, strict=True))


@dataclass(frozen=True, eq=False)
class Pages:
    """A table over code points: ``entries[pages[code >> 8] << 8 | code & 255]``.

    ``pages``: uint16[4352]; equal pages are kept once.
    """

    pages: NDArray[np.uint16]
    entries: NDArray[Any]


def paged(flat: NDArray[Any]) -> Pages:
    """A table in pages, from one entry for each of the 0x110000 code points."""
    blocks, pages = np.unique(flat.reshape(-1, 256), axis=0, return_inverse=True)
    return Pages(pages.astype(np.uint16).ravel(), np.ascontiguousarray(blocks).ravel())


@dataclass(frozen=True, eq=False)
class CharacterMap:
    """What characters become: ``blob[offsets[e]:offsets[e + 1]]`` for entry ``e`` of ``table``.

    Entries are int32; 0 leaves the character as it is.
    """

    table: Pages
    offsets: NDArray[np.int64]
    blob: NDArray[np.uint8]


def character_map(found: Mapping[int, bytes]) -> CharacterMap:
    """The tables of a map from code points to UTF-8."""
    values = {value: index for index, value in enumerate(dict.fromkeys(found.values()), 1)}
    flat = np.zeros(_CODES, np.int32)
    flat[list(found)] = [values[value] for value in found.values()]
    offsets = np.cumsum([0, 0, *map(len, values)], dtype=np.int64)
    blob = np.frombuffer(b"".join(values) + bytes(16), np.uint8)
    return CharacterMap(paged(flat), offsets, blob)


@dataclass(frozen=True, eq=False)
class FormTables:
    """The tables of the `normal_form` kernel, which says what they hold."""

    table: Pages
    offsets: NDArray[np.int64]
    parts: NDArray[np.uint32]
    pair_keys: NDArray[np.uint64]
    pair_values: NDArray[np.uint32]


_HANGUL = slice(0xAC00, 0xD7A4)
_PAIR_SLOTS = 4096


@cache
def form_tables(compatible: bool, compose: bool) -> FormTables:
    """Tables of a normal form."""
    arrays = stored()
    combining = np.zeros(_CODES, np.uint32)
    combining[arrays["ccc_codes"]] = arrays["ccc_values"]
    quick = combining.copy()
    decompositions = changes("nfkd" if compatible else "nfd")
    if compose:
        quick[list(changes("nfkc" if compatible else "nfc"))] = 255
        quick[arrays["pairs"][:, 1]] = 255
        quick[0x1161:0x1176] = quick[0x11A8:0x11C3] = 255
    else:
        quick[list(decompositions)] = 255
        quick[_HANGUL] = 255
    flat = quick | combining << 8
    flat[list(decompositions)] |= np.arange(1, len(decompositions) + 1, dtype=np.uint32) << 16
    texts = [value.decode() for value in decompositions.values()]
    offsets = np.cumsum([0, 0, *map(len, texts)], dtype=np.int64)
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
    return FormTables(
        paged(flat),
        offsets,
        (combining[codes] << 24 | codes).astype(np.uint32),
        *_pair_table(arrays["pairs"].astype(np.uint64)),
    )


def _pair_table(pairs: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    keys, values = np.zeros(_PAIR_SLOTS, np.uint64), np.zeros(_PAIR_SLOTS, np.uint32)
    for first, second, made in pairs.tolist():
        key = first << 21 | second
        slot = (key * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF) >> 52
        while keys[slot]:
            slot = (slot + 1) % _PAIR_SLOTS
        keys[slot], values[slot] = key, made
    return keys, values


@cache
def cluster_table() -> Pages:
    """Classes of grapheme clusters (uint8)."""
    arrays = stored()
    lengths = np.diff(arrays["cluster_starts"], append=_CODES)
    return paged(np.repeat(arrays["cluster_values"], lengths))
