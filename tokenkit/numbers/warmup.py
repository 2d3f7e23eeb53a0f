"""Running every kernel of numbers once, so that it is compiled and on disk."""

import numpy as np

from encoders.bpe import tables_from_ranks
from encoders.buffers import Bytes, Ids, Offsets, joined
from encoders.numbers import describe, rows_of_ids, weave
from encoders.numbers.pieces import NumberEncoder
from encoders.scan import WholeScanner
from tokenkit.numbers.schemes import TST


def compile_kernels() -> None:
    """Compile all kernels that numbers need; nothing to do where they are cached."""
    scheme = TST()
    text, bounds = joined([b"1,234.5 and 67", b"x"])
    spans = scheme.scanner.spans(text, bounds)
    describe(text, spans, scheme.layout())

    def encode(text: Bytes, bounds: Offsets) -> tuple[Ids, Offsets]:
        return text[: bounds[-1]].astype(np.uint32), bounds

    separators = rows_of_ids(*encode(*joined([b".", b","])))
    weave(text, bounds, spans, scheme.layout(), separators, encode)
    scheme.parse(scheme.readable("1.5"))
    tables = tables_from_ranks([bytes([byte]) for byte in range(256)])
    NumberEncoder(tables, WholeScanner(), scheme.layout(), separators).encode(text, bounds, spans)
