"""Running every kernel of byteprob once, so that it is compiled and on disk."""

import numpy as np

from encoders.byte_ranges import ByteRanges


def compile_kernels() -> None:
    """Compile all kernels under `byteprob`; nothing to do where they are cached."""
    ranges = ByteRanges.of({0: b"a", 1: b"ab"})
    ends = np.empty(0, np.uint32)
    for logits in (np.zeros(2, np.float32), np.zeros(2)):
        weights, _, _ = ranges.weights(logits, ends)
    ranges.add_next_bytes(ranges.starting_with(b"a"), 1, weights, np.zeros(256))
