"""Translated messages of gettext catalogues (``.mo``).

Format: GNU gettext manual, "The Format of GNU MO Files".
"""

import re
import struct
from pathlib import Path

_MAGIC = {b"\xde\x12\x04\x95": "<", b"\x95\x04\x12\xde": ">"}
_CHARSET = re.compile(rb"charset=([-\w]+)")


def translations(path: Path) -> list[str]:
    """The translated messages of a catalogue, in its order, plural forms apart.

    Raises ValueError where the file is no catalogue or not in the charset it names.
    """
    raw = path.read_bytes()
    order = _MAGIC.get(raw[:4])
    if order is None or len(raw) < 20:
        raise ValueError(f"{path} is not a gettext catalogue")
    _, count, _, at = struct.unpack_from(order + "4I", raw, 4)
    try:
        spans = list(struct.iter_unpack(order + "2I", raw[at : at + 8 * count]))
    except struct.error:
        raise ValueError(f"{path} is cut short") from None
    entries = [raw[start : start + length] for length, start in spans]
    head = entries[0] if entries and b"Content-Type" in entries[0] else b""
    charset = _CHARSET.search(head)
    try:
        texts = [entry.decode(charset[1].decode() if charset else "utf-8") for entry in entries]
    except LookupError as error:
        raise ValueError(f"{path}: {error}") from None
    return [form for text in texts[bool(head) :] for form in text.split("\0") if form]
