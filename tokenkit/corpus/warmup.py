"""Running every corpus kernel once, so that it is compiled and on disk."""

import numpy as np

from tokenkit.corpus import _kernels
from tokenkit.corpus.documents import documents_of
from tokenkit.corpus.records import ReadOptions, Records
from tokenkit.corpus.writing import reordered


def compile_kernels() -> None:
    """Compile all kernels under `tokenkit.corpus`; nothing to do where they are cached."""
    from tokenkit.corpus.encoding import Frame

    text = np.frombuffer(b'{"text": "x"}\n', np.uint8)
    start, number = np.zeros(1, np.int64), np.zeros(1, np.int64)
    for json in (True, False):
        records = Records(text.copy(), start, start + 13, number, json=json)
        documents_of(records, "", ReadOptions())
    found, separator = np.empty(20, np.int64), text[13:]
    _kernels.find_separators(records.text, 0, separator, found)
    _kernels.longest_run(np.zeros(4, np.uint8), 0, 4)
    for dtype in (np.uint16, np.uint32):
        bounds = np.array([0, 1], np.int64)
        rows, offsets = Frame(0, 0, dtype).around(np.zeros(1, np.uint32), bounds)
        reordered(rows[0], offsets, np.zeros(1, np.int64))
    reordered(text, offsets, np.zeros(1, np.int64))
