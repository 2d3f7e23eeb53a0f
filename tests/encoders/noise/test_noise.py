"""The compiled channel is its Python code, and each document's noise is its own."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from encoders import noise
from encoders.noise import Readings, _kernels, corrupt

READINGS = Readings(
    rules=np.array([[97, 0, 121, 122], [97, 98, 120, 0], [233, 0, 101, 0]], np.uint32),
    odds=np.array([3.0, 1.0, 1.0]),
    kinds=np.array([4.0, 1.0, 1.0, 1.0, 1.0]),
    specks=np.array([42, 46], np.uint32),
)
documents = st.lists(st.text("abcé \n", max_size=30), max_size=4)


def joined(texts):
    codes = np.array([ord(c) for text in texts for c in text], np.uint32)
    return codes, np.cumsum([0, *map(len, texts)]).astype(np.int64)


@given(documents, st.floats(0, 1), st.integers(0, 2**64))
def test_compiled_as_written(texts, rate, seed):
    compiled = corrupt(*joined(texts), READINGS, rate, seed)
    kernel = _kernels.corrupt
    try:
        _kernels.corrupt = kernel.py_func
        with np.errstate(over="ignore"):
            plain = corrupt(*joined(texts), READINGS, rate, seed)
    finally:
        _kernels.corrupt = kernel
    for one, other in zip(compiled, plain, strict=True):
        assert one.tolist() == other.tolist()


@given(documents, st.integers(0, 9))
def test_documents_apart(texts, seed):
    out, bounds, edits, edit_bounds = corrupt(*joined(texts), READINGS, 0.5, seed)
    for i in range(len(texts)):
        others = ["b" * (3 * k) for k in range(i)]
        alone = corrupt(*joined([*others, texts[i]]), READINGS, 0.5, seed)
        assert alone[0][alone[1][i] :].tolist() == out[bounds[i] : bounds[i + 1]].tolist()
        own = edits[edit_bounds[i] : edit_bounds[i + 1]]
        assert alone[2][alone[3][i] :].tolist() == own.tolist()


def test_seeds_differ():
    text = joined(["abc é" * 200])
    first, second = (noise.corrupt(*text, READINGS, 0.2, seed)[0] for seed in (0, 1))
    assert first.tolist() != second.tolist()
