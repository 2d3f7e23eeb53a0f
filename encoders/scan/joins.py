"""Cutting text where no token of a vocabulary goes on from one character to the next.

Models of characters take whole texts. A token is a run of characters, so that where two of them
are neighbours in no token every segmentation has a cut, and each part can be encoded by itself:
it is then short enough to be one that came before.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets
from encoders.scan.scanners import CHUNK


@dataclass(frozen=True, eq=False)
class JoinScanner:
    """Pieces that no token goes across. ``bits`` and the others: see ``scan_joins``."""

    ascii_joins: NDArray[np.uint8]
    bits: NDArray[np.uint64]
    known: NDArray[np.uint8]
    blank: int
    each_blank: bool = False
    cuts_at_lines: bool = False

    @staticmethod
    def of(
        tokens: Bytes,
        offsets: Offsets,
        *,
        known: NDArray[np.uint8] | None = None,
        blank: int = 0x2581,
        each_blank: bool = False,
    ) -> "JoinScanner":
        """From the tokens' UTF-8 end to end.

        ``known``: uint8[128], which ASCII characters have a token, where unknown ones fuse and are
        not to be parted; None where they do not. ``blank``: the code point that stands for one.
        """
        from encoders.scan import _join_kernels

        pairs = _neighbours(tokens, offsets)
        ascii_joins = np.zeros(1 << 14, np.uint8)
        plain = pairs[(pairs < 0x80).all(axis=1)]
        ascii_joins[plain[:, 0] << 7 | plain[:, 1]] = 1
        # A byte of memory for each bit that is set, so that few others seem to be.
        bits = np.zeros(max(64, 1 << len(pairs).bit_length()) // 4, np.uint64)
        safe = np.empty(0, np.uint8) if known is None else known
        scanner = JoinScanner(ascii_joins, bits, safe, blank, each_blank)
        _join_kernels.fill_joins(pairs, bits, scanner._shift)
        return scanner

    @property
    def _shift(self) -> np.uint64:
        return np.uint64(64 - (64 * len(self.bits)).bit_length() + 1)

    def chunks(self, text: Bytes, bounds: Offsets) -> Iterator[Offsets]:
        """See `Scanner.chunks`."""
        from encoders.scan import _join_kernels

        ends = np.empty(min(CHUNK, int(bounds[-1] - bounds[0])) + 1, np.int64)
        document, position, last = 0, int(bounds[0]), len(bounds) - 1
        while document < last:
            count, document, position = _join_kernels.scan_joins(
                text,
                bounds,
                document,
                position,
                ends,
                self.ascii_joins,
                self.bits,
                self._shift,
                self.known,
                self.blank,
                self.each_blank,
            )
            if count:
                yield ends[:count]


def _neighbours(tokens: Bytes, offsets: Offsets) -> NDArray[np.int64]:
    """int64[n, 2]: all pairs of code points that are neighbours in a token."""
    raw = tokens[offsets[0] : offsets[-1]].tobytes()
    text = [
        raw[a:b].decode("utf-8", "replace")
        for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    ]
    # A character that is none keeps tokens apart.
    codes = np.frombuffer("\0".join(text).encode("utf-32-le"), np.uint32).astype(np.int64)
    both = codes[:-1] << 21 | codes[1:]
    both = np.unique(both[(codes[:-1] > 0) & (codes[1:] > 0)])
    return np.stack((both >> 21, both & 0x1FFFFF), axis=1)
