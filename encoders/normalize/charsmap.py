"""Normalizers of SentencePiece models: a character map, as its two readers apply it.

Neither is idempotent in general (a rule may make what another rule takes). Text may be cut before
printable ASCII, for `Precompiled` also where it follows printable ASCII only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets
from encoders.normalize.edits import Prepend, WellFormed
from encoders.normalize.running import Normalized, in_turn, run
from encoders.normalize.tables import cluster_table


class _Charsmap(NamedTuple):
    units: NDArray[np.uint32]
    blob: NDArray[np.uint8]
    plain: bool
    widest: int
    begins: NDArray[np.uint8]


def _read(charsmap: bytes) -> _Charsmap:
    """The trie and the replacements; ``plain`` as the kernels take it. Raises ValueError."""
    if not charsmap:
        none = np.zeros(1 << 16, np.uint8)
        return _Charsmap(np.zeros(256, np.uint32), np.zeros(16, np.uint8), True, 4, none)
    size = int.from_bytes(charsmap[:4], "little")
    if len(charsmap) < 4 or size % 4 or not 0 < size < len(charsmap) - 4:
        raise ValueError(f"not a precompiled_charsmap: {len(charsmap)} bytes, a trie of {size}")
    units = np.frombuffer(charsmap, np.uint32, size // 4, 4).copy()
    blob = charsmap[4 + size :]
    if int(units.max()) & 0x7FFFFFFF == 0:
        raise ValueError("not a precompiled_charsmap: its trie is empty")
    widest = max(4, *map(len, blob.split(b"\0")))
    flat = np.frombuffer(blob + bytes(16), np.uint8)
    begins, ends = _first_bytes(units)
    # Whether no key is or begins with a printable ASCII character before an ASCII one.
    printable = slice(0x20, 0x7F)
    plain = not (ends[printable].any() or begins.reshape(256, 256)[printable, :0x80].any())
    return _Charsmap(units, flat, plain, widest, begins)


def _first_bytes(units: NDArray[np.uint32]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """uint8[65536]: which two bytes keys begin with; bool[256]: which bytes are keys."""

    def offset(node: int) -> int:
        unit = int(units[node])
        return unit >> 10 << ((unit & 512) >> 6)

    def child(node: int, byte: int) -> int:
        """The node below, or 0: the root is below none."""
        node ^= byte
        return node if node < len(units) and int(units[node]) & 0x800000FF == byte else 0

    begins, ends = np.zeros((256, 256), np.uint8), np.zeros(256, np.bool_)
    for byte in range(1, 256):
        node = child(offset(0), byte)
        if node:
            ends[byte] = int(units[node]) >> 8 & 1
            below = node ^ offset(node)
            begins[byte, [after for after in range(1, 256) if child(below, after)]] = 1
    return begins.ravel(), ends


@dataclass(frozen=True)
class Precompiled:
    """A charsmap as `tokenizers` applies it.

    A grapheme cluster of less than six bytes, or else each character, becomes what the *shortest*
    key that begins it stands for: what the key does not cover is dropped. (Source: the crate
    spm_precompiled.) Raises ValueError where ``charsmap`` is none.
    """

    charsmap: bytes

    @cached_property
    def _tables(self) -> _Charsmap:
        return _read(self.charsmap)

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        from encoders.normalize import _charsmap_kernels

        tables, classes = self._tables, cluster_table()
        arguments = (
            tables.units,
            tables.blob,
            classes.pages,
            classes.entries,
            tables.plain,
            tables.widest,
        )
        return run(_charsmap_kernels.by_clusters, text, bounds, arguments, align=align)


@dataclass(frozen=True)
class SentencePiece:
    """A SentencePiece model's normalizer: the *longest* key at each place, then blanks.

    The options are those of its ``normalizer_spec``; ``kept`` are the user-defined symbols, which
    stay as they are. An empty ``charsmap`` is the identity rule. As in the library, a byte outside
    UTF-8 becomes U+FFFD, which is itself not changed. Raises ValueError where ``charsmap`` is none.
    """

    charsmap: bytes
    add_dummy_prefix: bool = True
    remove_extra_whitespaces: bool = True
    escape_whitespaces: bool = True
    treat_whitespace_as_suffix: bool = False
    kept: tuple[bytes, ...] = ()

    @cached_property
    def _tables(self) -> _Charsmap:
        return _read(self.charsmap)

    @property
    def _only_puts_a_blank_before(self) -> bool:
        changes = self.charsmap or self.remove_extra_whitespaces or self.escape_whitespaces
        behind = self.add_dummy_prefix and self.treat_whitespace_as_suffix
        return not (changes or behind)

    @cached_property
    def _kept(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        return _trie(self.kept)

    @cached_property
    def _begins(self) -> NDArray[np.uint8]:
        begins = self._tables.begins.copy()
        for symbol in self.kept:
            begins[symbol[0] << 8 : (symbol[0] << 8) + 256] = 1
        return begins

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        if self._only_puts_a_blank_before:
            before = (Prepend(" "),) if self.add_dummy_prefix else ()
            return in_turn((WellFormed(), *before), text, bounds, align=align)
        from encoders.normalize import _charsmap_kernels

        tables = self._tables
        arguments = (
            tables.units,
            tables.blob,
            *self._kept,
            tables.plain and not self.kept,
            self._begins,
            max(tables.widest, *map(len, (b"", *self.kept))),
            np.frombuffer("▁".encode() if self.escape_whitespaces else b" ", np.uint8),
            self.remove_extra_whitespaces,
            self.add_dummy_prefix and not self.treat_whitespace_as_suffix,
            self.add_dummy_prefix and self.treat_whitespace_as_suffix,
        )
        growth = 1.4 if self.escape_whitespaces else 1.0
        kernel = _charsmap_kernels.by_prefixes
        return run(kernel, text, bounds, arguments, align=align, growth=growth)


def _trie(symbols: Sequence[bytes]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    from encoders.match import Matcher

    matcher = Matcher.build(symbols)
    return matcher.trie, matcher.token_at
