"""Running every patching kernel once, so that it is compiled and on disk."""

import numpy as np

from tokenkit.words import Dense, Entropy, NgramEntropy, Patcher, Space, Static, Word

_TEXTS = ["a b\u00a0c \u65e5\u672c"]


def compile_kernels() -> None:
    """Compile all kernels under `encoders.patches`; nothing to do where they are cached."""
    model = NgramEntropy.train(_TEXTS, order=2)
    for rule in (Static(3), Space(), Word(), Entropy(model)):
        batch = Patcher(rule, max_patch_length=4, snap_utf8=True).patch_batch(_TEXTS)
    for patches in (batch, batch.framed()):
        for dtype in (np.int16, np.int64):
            Dense.of(patches, dtype=dtype)
