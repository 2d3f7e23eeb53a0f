"""Text that no corpus has: a million bytes of all scripts, spaces, marks and controls."""

import unicodedata
from functools import cache

import numpy as np

_MILLION = 1_000_000
_RANGES = (
    (0x20, 0x7F),
    (0x00, 0x20),
    (0xA0, 0x250),
    (0x300, 0x370),
    (0x370, 0x530),
    (0x590, 0x700),
    (0x900, 0xE80),
    (0x1100, 0x1200),
    (0x2000, 0x2070),
    (0x2100, 0x2400),
    (0x3000, 0x3100),
    (0x4E00, 0x5200),
    (0xAC00, 0xAD00),
    (0xF900, 0x10000),
    (0x1D400, 0x1D800),
    (0x1F300, 0x1F700),
    (0x20000, 0x20100),
)
_WORDS = (" the", "'LL", " 2024", "\r\n", "    ", "<|endoftext|>", "</s>", "\u2581", "日本", "ﬁ")


@cache
def documents(seed: int = 0, length: int = 400) -> tuple[str, ...]:
    """Texts of about ``length`` characters: runs of characters of one range, words between."""
    random = np.random.default_rng(seed)
    ranges = [_known(range(*bounds)) for bounds in _RANGES]
    weights = np.array([8.0, 0.5, *[1.0] * (len(ranges) - 2)])
    found: list[str] = []
    size = 0
    while size < _MILLION:
        text = ""
        while len(text) < length:
            letters = ranges[random.choice(len(ranges), p=weights / weights.sum())]
            text += "".join(random.choice(letters, random.geometric(0.2)))
            if random.random() < 0.2:
                text += str(random.choice(_WORDS))
        found.append(text)
        size += len(text.encode())
    return tuple(found)


def _known(codes: range) -> list[str]:
    """Those characters that every library's version of Unicode has."""
    return [chr(code) for code in codes if unicodedata.category(chr(code)) not in ("Cn", "Cs")]
