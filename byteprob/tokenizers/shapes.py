"""What the split patterns of byte-level BPE see of a text: its shape.

A shape is a short text that a pattern splits as it splits every text of this shape, whatever
stands before and after: each character is one that stands for its class, and long runs are cut.
Patterns count no further than this: runs of anything but digits are one to them from the second
character on, digits come in threes, and letters matter by themselves only in the two places behind
an apostrophe ("'ll").
"""

import re
from functools import cache, cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets
from encoders.scan.classes import CASELESS, LETTER, LOWER, MARK, NUMBER, SPACE, UPPER, load_classes

Numbers = NDArray[np.int64]

_SEEN = LETTER | NUMBER | SPACE | MARK | UPPER | LOWER | CASELESS
_THEMSELVES = " \r\n'/ſ"
"""Characters that some pattern names; ſ is an s where case is ignored."""
STANDING = "aA日\u02b0\u0301\u01c50½!\t"
"""One of each class: lower, upper, other and modifier letters, marks, title case, numbers, rest."""
NAMED_LETTERS = b"sdmtlvreSDMTLVRE"
_NAMED = re.compile(f"(?:^|')[{NAMED_LETTERS.decode()}ſ]{{1,2}}")
_RUN = re.compile(r"([^0½])\1{3,}")
_DIGITS = re.compile(r"[0½]{7,}")


class Shapes(dict[int, int]):
    """From texts to shapes; a table of characters that fills itself."""

    @cached_property
    def _standing(self) -> dict[int, int]:
        return {kind_of(ord(character)): ord(character) for character in reversed(STANDING)}

    def __missing__(self, code: int) -> int:
        is_byte = 0xD800 <= code < 0xE000  # of a character cut in two
        if is_byte or chr(code) in _THEMSELVES:
            self[code] = code
        else:
            self[code] = self._standing.setdefault(kind_of(code), code)
        return self[code]

    def of(self, raw: bytes) -> bytes:
        """The shape of a part of a text; parts of characters at its ends stay as they are."""
        text = raw.decode("utf-8", "surrogateescape")
        shape = text.translate(self)
        for found in _NAMED.finditer(text):
            shape = shape[: found.start()] + found.group() + shape[found.end() :]
        shape = _RUN.sub(r"\1\1\1", shape)
        shape = _DIGITS.sub(lambda run: run[0][: 4 + (len(run[0]) - 4) % 3], shape)
        return shape.encode("utf-8", "surrogateescape")

    def of_all(self, values: Bytes, offsets: Offsets) -> tuple[list[bytes], Numbers]:
        """The shapes of many texts, sorted, and which of them each text has, int64[n].

        ``values[offsets[i]:offsets[i + 1]]`` is a text; ``values`` has PADDING spare bytes.
        """
        from byteprob.tokenizers import _kernels

        keys, bounds = np.empty(len(values), np.uint8), np.zeros(len(offsets), np.int64)
        _kernels.shape_keys(values, offsets, *load_classes(), _codes(), keys, bounds)
        text, stops = keys.tobytes(), bounds.tolist()
        first: dict[bytes, int] = {}
        like = [
            first.setdefault(text[start:stop], i) for i, (start, stop) in enumerate(pairwise(stops))
        ]
        shape_of = {
            i: self.of(values[offsets[i] : offsets[i + 1]].tobytes()) for i in first.values()
        }
        shapes = sorted(set(shape_of.values()))
        number = {shape: at for at, shape in enumerate(shapes)}
        at = np.zeros(len(like), np.int64)
        at[list(shape_of)] = [number[shape] for shape in shape_of.values()]
        return shapes, at[like]


@cache
def _codes() -> Bytes:
    """One byte for each class, uint8[128], that is no letter or character that patterns name."""
    seen = np.unique(load_classes().blocks & _SEEN)
    named = NAMED_LETTERS + _THEMSELVES[:-1].encode() + b"\x01"  # which stands for the last, ſ
    free = [code for code in range(128) if code not in named]
    found = np.zeros(128, np.uint8)
    found[seen] = free[: len(seen)]
    return found


def flags(codes: NDArray[np.int64]) -> NDArray[np.uint16]:
    """The classes of code points that patterns see."""
    block_of, blocks = load_classes()
    found: NDArray[np.uint16] = blocks[block_of[codes >> 8].astype(np.int64) << 8 | codes & 255]
    return found & np.uint16(_SEEN)


def kind_of(code: int) -> int:
    """As `flags`, of one."""
    block_of, blocks = load_classes()
    return int(blocks[int(block_of[code >> 8]) << 8 | code & 255]) & _SEEN


def cut_character(raw: bytes) -> bytes:
    """The bytes at the end that begin a character and do not complete it; none if there are none.

    What cannot begin a character is not looked for.
    """
    for back in range(1, min(4, len(raw) + 1)):
        byte = raw[-back]
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return raw[-back:] if back < length else b""
        if byte < 0x80:
            return b""
    return b""


@cache
def completions(cut: bytes) -> dict[int, bytes]:
    """From each class that a cut character can have to what completes it to one of that class."""
    if cut[0] >= 0xF8:  # begins no character, though as many bytes as one might follow
        return {}
    length = 2 if cut[0] < 0xE0 else 3 if cut[0] < 0xF0 else 4
    missing = length - len(cut)
    lead = cut[0] & (0xFF >> (length + 1))
    for byte in cut[1:]:
        lead = lead << 6 | byte & 0x3F
    first, least = lead << 6 * missing, {2: 0x80, 3: 0x800, 4: 0x10000}[length]
    codes = np.arange(max(first, least), min(first + (1 << 6 * missing), 0x110000))
    codes = codes[(codes < 0xD800) | (codes >= 0xE000)]
    kinds, one_of_each = np.unique(flags(codes), return_index=True)
    return {
        int(kind): chr(codes[at]).encode()[len(cut) :]
        for kind, at in zip(kinds, one_of_each, strict=True)
    }
