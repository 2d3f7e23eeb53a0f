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
from encoders.scan.scanners import run


@dataclass(frozen=True, eq=False)
class JoinScanner:
    """Pieces that no token goes across. ``bits`` and the others: see ``scan_joins``."""

    ascii_cuts: NDArray[np.bool_]
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
        plain = pairs[(pairs < 0x80).all(axis=1)]
        # A byte of memory for each bit that is set, so that few others seem to be.
        bits = np.zeros(max(64, 1 << len(pairs).bit_length()) // 4, np.uint64)
        safe = np.empty(0, np.uint8) if known is None else known
        cuts = _ascii_cuts(plain, known, blank, each_blank=each_blank)
        scanner = JoinScanner(cuts, bits, safe, blank, each_blank)
        _join_kernels.fill_joins(pairs, bits, scanner._shift)
        return scanner

    @property
    def _shift(self) -> np.uint64:
        return np.uint64(64 - (64 * len(self.bits)).bit_length() + 1)

    def chunks(self, text: Bytes, bounds: Offsets) -> Iterator[Offsets]:
        """See `Scanner.chunks`."""
        from encoders.scan import _join_kernels

        yield from run(
            _join_kernels.scan_joins,
            text,
            bounds,
            self.ascii_cuts,
            self.bits,
            self._shift,
            self.known,
            self.blank,
            self.each_blank,
        )


def _ascii_cuts(
    joins: NDArray[np.int64], known: NDArray[np.uint8] | None, blank: int, *, each_blank: bool
) -> NDArray[np.bool_]:
    """bool[128 * 128]: whether there is a cut between two ASCII characters.

    Never between letters, so that 64 bytes can be looked at together: few letters follow one
    another in no token.
    """
    cuts = np.ones((128, 128), np.bool_)
    if known is not None:
        safe = known.astype(np.bool_)
        safe[blank:][:1] = True
        cuts &= safe[:, None] | safe
    cuts[joins[:, 0], joins[:, 1]] = False
    letters = np.array([chr(code).isalpha() for code in range(128)])
    cuts[np.ix_(letters, letters)] = False
    if each_blank and blank < len(cuts):
        cuts[:, blank] = True
    return cuts.ravel()


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
