"""Running every kernel of the audits once, so that it is compiled and on disk."""

from encoders.buffers import joined
from encoders.segment import Segmenter


def compile_kernels() -> None:
    """Compile all kernels under `encoders.segment`; nothing to do where they are cached."""
    segmenter, batch = Segmenter.of([b"a", b"ab"]), joined([b"ab"])
    segmenter.counts(*batch)
    segmenter.pairs(*batch)
    segmenter.edges(b"ab")
