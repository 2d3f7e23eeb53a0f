"""Longer texts around a token, to see whether it is ever made."""

from collections.abc import Iterator

# A neighbour for every class that split patterns tell apart, and those that end pieces.
BEFORE = ("", " ", "\n", "a", "A", "1", ".", "*/", "(", "'", "é", "中", "«", "  ", "\t", "x ", "I")
BEHIND = ("", " ", "\n", "a", "A", "1", ".", "/", ")", "'", "é", "中", "s", "d", "ll", "re", "\n\n")
UNKNOWN = "\u0378\ue000\U000e0080"
"""Unassigned, private, unassigned: what has no token anywhere but an unknown one."""
START = "«"
"""To put before a token where a tokenizer changes the beginning of a text."""

_CONTINUATION = tuple(bytes([byte]) for byte in range(0x80, 0xC0))
_HEADS: tuple[tuple[bytes, ...], ...] = (
    (b"",),
    (
        *(bytes([lead]) for lead in range(0xC2, 0xE0)),
        *(bytes([lead, 0xA0 if lead == 0xE0 else 0x9F]) for lead in range(0xE0, 0xF0)),
        b"\xf0\x9f\x98",
        b"\xf0\x90\x8c",
    ),
    (*(bytes([lead]) for lead in range(0xE0, 0xF0)), b"\xf0\x9f", b"\xf0\x90", b"\xf3\xa0"),
    (b"\xf0", b"\xf1", b"\xf3", b"\xf4"),
)
"""By the number of bytes of a character that a token begins with, what may be before them."""
_MOST_COMPLETIONS = 96


def completions(token: bytes) -> list[bytes]:
    """Texts of whole characters with a token of partial ones inside, at most 96.

    Empty where no UTF-8 text holds the token.
    """
    rest = token.lstrip(bytes(range(0x80, 0xC0)))
    begun = len(token) - len(rest)
    if begun >= len(_HEADS):
        return []
    found = []
    for head in _HEADS[begun]:
        for tail in _tails(token if rest else head + token):
            text = head + token + tail
            try:
                text.decode()
            except UnicodeDecodeError:
                continue
            found.append(text)
    step = -(-len(found) // _MOST_COMPLETIONS) or 1
    return found[::step]


def _tails(token: bytes) -> Iterator[bytes]:
    """What may end the character that a token ends in the middle of."""
    yield b""
    for back in range(1, min(4, len(token) + 1)):
        lead = token[-back]
        if lead < 0x80:
            return
        if lead >= 0xC0:
            needed = (2 if lead < 0xE0 else 3 if lead < 0xF0 else 4) - back
            for byte in _CONTINUATION if needed > 0 else ():
                yield byte + b"\x90" * (needed - 1)
                yield byte + b"\xa5" * (needed - 1)
            return
