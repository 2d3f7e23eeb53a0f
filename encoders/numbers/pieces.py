"""Numbers as pieces of one pass over the text, with the pieces of a byte-level BPE.

What a base makes of the text beside a number is what it makes of that text alone. A scanner that
sees the whole text cuts most of it alike. In the patterns of `_SEE_DIGITS` a digit is only ever in
a piece of digits, with a blank before it at most. So no piece goes on behind a number, unless a
numeral beyond ASCII follows. A piece that goes on into a number is a blank or a run of punctuation
up to there, and so it would be where the text ends there. The pieces before are others only where
they depend on that the text ends, which nothing but white space of two characters or more does. In
these cases the number is cut off before the scanner runs, as a document of its own; elsewhere its
pieces are merged behind it.
"""

from collections.abc import Iterator

import numpy as np

from encoders.bpe import BpeEncoder, BpeTables
from encoders.buffers import Bytes, Ids, Offsets
from encoders.numbers import Layout, with_cuts
from encoders.pieces import LONGEST
from encoders.scan.scanners import KernelScanner, Scanner

LONGEST_NUMBER = LONGEST // 2
"""Bytes: a batch of numbers, five words of the cache a byte, takes no more than one of pieces."""
_TOKENS = 4 * LONGEST_NUMBER + 16  # that a number may have
_SEE_DIGITS = frozenset(("scan_gpt2", "scan_cl100k", "scan_o200k"))
_SPARE = 16  # ids that a kernel may write past the last


class NumberEncoder:
    """Text to ids by a byte-level BPE, numbers by a layout. Safe to share between threads.

    ``scanner`` drops nothing; ``separators``: see `encoders.numbers.weave`, which gives the same
    ids. Numbers have entries in the piece cache, which is therefore no other encoder's.
    """

    def __init__(
        self, tables: BpeTables, scanner: Scanner, layout: Layout, separators: Ids
    ) -> None:
        self._base = BpeEncoder(tables, scanner)
        self._layout = layout
        self._separators = separators

    @property
    def cuts_at_lines(self) -> bool:
        """See `Scanner`; no number goes on from one line to the next."""
        return self._base.scanner.cuts_at_lines

    def encode(self, text: Bytes, bounds: Offsets, spans: Offsets) -> tuple[Ids, Offsets]:
        """Encode documents on this thread, as `BpeEncoder.encode`.

        ``spans``: int64[n, 3], their numbers, none of more than LONGEST_NUMBER bytes, as the same
        `NumberScanner` finds them each time: where the point is, is remembered with the digits.
        """
        from encoders.numbers import _piece_kernels

        base = self._base
        if not len(spans):
            return base.encode(text, bounds)
        work = base.workspaces.take()
        scheme = self._layout.numbers, self._separators, np.empty(_TOKENS, np.int64)
        # A number has two ids a byte at most, and four; memory never written to costs nothing.
        room = 2 * int(bounds[-1] - bounds[0]) + 4 * len(spans) + _SPARE
        out, id_bounds = np.empty(room, np.uint32), np.zeros(len(bounds), np.int64)
        document, position, at = 0, int(bounds[0]), 0
        for ends, marked, these in pieces(base.scanner, text, bounds, spans):
            done, mark = 0, 0
            while done < len(ends):
                done, mark, document, position, at, full = _piece_kernels.encode_with_numbers(
                    text,
                    bounds,
                    ends,
                    document,
                    position,
                    out,
                    at,
                    id_bounds,
                    *base.arguments(work),
                    done,
                    marked,
                    mark,
                    these,
                    scheme,
                )
                if full:
                    work.cache.make_room()
                elif done < len(ends):
                    number = marked[mark] if mark < len(marked) else len(ends)
                    count, document, position, at = base.encode_unkept(
                        work,
                        text,
                        bounds,
                        ends[done:number],
                        document,
                        position,
                        out,
                        at,
                        id_bounds,
                    )
                    done += count
        id_bounds[document + 1 :] = at
        base.workspaces.give(work)
        return out[:at], id_bounds


def pieces(
    scanner: Scanner, text: Bytes, bounds: Offsets, spans: Offsets
) -> Iterator[tuple[Offsets, Offsets, Offsets]]:
    """Yield piece ends as `Scanner.chunks`, which pieces are numbers, and the spans of these."""
    from encoders.numbers import _piece_kernels

    sees_digits = isinstance(scanner, KernelScanner) and scanner.kernel in _SEE_DIGITS
    cuts = np.empty(2 * len(spans) + 2, np.int64)
    count = _piece_kernels.cuts_at_numbers(text, spans, not sees_digits, cuts)
    number, reached, room = 0, int(bounds[0]), 0
    for ends in scanner.chunks(text, with_cuts(bounds, cuts[:count])):
        if room < len(ends):
            room = len(ends)
            merged, marked = np.empty(2 * room + 4, np.int64), np.empty(room + 1, np.int64)
        first = number
        total, marks, number, reached = _piece_kernels.merge_numbers(
            ends, spans, number, reached, merged, marked
        )
        yield merged[:total], marked[:marks], spans[first:number]
