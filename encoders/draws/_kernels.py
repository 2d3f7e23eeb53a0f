"""Random numbers, the same for the same seed on every machine."""

import numpy as np

from encoders.jit import inlined


@inlined
def next_random(state):
    """xorshift64*, uniform in [0, 1); ``state`` is uint64[1], never zero."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return np.float64((x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(11)) * (
        1.0 / 9007199254740992.0
    )
