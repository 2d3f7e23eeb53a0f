"""GPT-2's printable stand-ins for the 256 bytes, in which byte-level vocabularies are written."""

from collections.abc import Iterable

_PRINTABLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_REST = [byte for byte in range(256) if byte not in set(_PRINTABLE)]
CHARACTER_OF = {byte: chr(byte) for byte in _PRINTABLE} | {
    byte: chr(256 + i) for i, byte in enumerate(_REST)
}
BYTE_OF = {character: byte for byte, character in CHARACTER_OF.items()}
_TO_LATIN1 = {ord(character): chr(byte) for character, byte in BYTE_OF.items()}
_FROM_LATIN1 = dict(CHARACTER_OF.items())


def to_bytes(token: str) -> bytes | None:
    """Bytes of a token as a byte-level vocabulary spells it; None if it is not so spelled."""
    try:
        if not all(character in BYTE_OF for character in token):
            return None
        return token.translate(_TO_LATIN1).encode("latin-1")
    except UnicodeEncodeError:
        return None


def from_bytes(token: bytes) -> str:
    """The spelling of a token's bytes."""
    return token.decode("latin-1").translate(_FROM_LATIN1)


def all_to_bytes(tokens: Iterable[str]) -> list[bytes] | None:
    """`to_bytes` of many tokens at once; None if any is not byte-level."""
    tokens = list(tokens)
    joined = "".join(tokens)
    if not set(joined) <= BYTE_OF.keys():
        return None
    flat = joined.translate(_TO_LATIN1).encode("latin-1")
    found, at = [], 0
    for token in tokens:
        found.append(flat[at : at + len(token)])
        at += len(token)
    return found
