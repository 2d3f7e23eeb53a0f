"""What a split pattern sees of a text: its shape.

A shape is a short text that a pattern splits as it splits every text of this shape, whatever
stands before and after: each character is the one that stands for its kind (`Sight`), and what is
repeated is left out. Patterns count no further than `Sight.runs`, and letters matter by themselves
only in the two places behind an apostrophe ("'ll").
"""

import re
from functools import cache, cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from byteprob.tokenizers.sights import Sight
from encoders.buffers import Bytes, Offsets

Numbers = NDArray[np.int64]

_NAMED = re.compile(r"(?:^|(?<='))(?:s|re|r$|ll|l$)|^[el]", re.IGNORECASE)
"""Letters that are or may become part of a contraction; s, r, e and l stand for those like them."""
_BEGUN = re.compile(rb"'[rlRL]?$")
_RUN = re.compile(r"(.)\1+", re.DOTALL)
_PAIRS = re.compile(r"([^']{2})\1{2,}")


class Shapes(dict[int, int]):
    """From texts to shapes; a table of characters that fills itself."""

    def __init__(self, sight: Sight) -> None:
        super().__init__()
        self.sight = sight

    def __missing__(self, code: int) -> int:
        is_byte = 0xD800 <= code < 0xE000  # of a character cut in two
        self[code] = code if is_byte else ord(self.sight.standing[self.sight.kinds[code]])
        return self[code]

    def of(self, raw: bytes, *, before: bytes = b"'") -> bytes:
        """The shape of a part of a text; parts of characters at its ends stay as they are.

        ``before``: the shape of what is in front of it; of any text unless it is given.
        """
        text = raw.decode("utf-8", "surrogateescape")
        shape = text.translate(self)
        if self.sight.named:
            begun = bool(_BEGUN.search(before))
            named = "".join(map(self._named, text, shape))
            for found in _NAMED.finditer(named):
                if begun or found.start():
                    shape = shape[: found.start()] + found[0] + shape[found.end() :]
        shape = _PAIRS.sub(r"\1\1", _RUN.sub(self._shortened, shape))
        return shape.encode("utf-8", "surrogateescape")

    def _named(self, character: str, standing: str) -> str:
        code = self.sight.names.get(ord(character))
        return standing if code is None else chr(code)

    def _shortened(self, run: re.Match[str]) -> str:
        return run[0][: self.sight.longest.get(run[1])]

    def of_all(self, values: Bytes, offsets: Offsets) -> tuple[list[bytes], Numbers]:
        """The shapes of many texts, sorted, and which of them each text has, int64[n].

        ``values[offsets[i]:offsets[i + 1]]`` is a text; ``values`` has PADDING spare bytes.
        """
        from byteprob.tokenizers import _kernels

        keys, bounds = np.empty(len(values), np.uint8), np.zeros(len(offsets), np.int64)
        _kernels.shape_keys(values, offsets, self.sight.kinds, self._letters, keys, bounds)
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

    @cached_property
    def _letters(self) -> Bytes:
        """By code point what stands for a letter that is named, 0 for others: uint8[512]."""
        found = np.zeros(512, np.uint8)
        for code, standing in self.sight.names.items():
            found[code] = standing
        return found


def may_be_named(before: bytes) -> bool:
    """Whether letters behind this shape may matter: it ends with an apostrophe, and perhaps a
    letter that is named, or may do so behind another shape."""
    return bool(_BEGUN.search(b"'" + before))


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


def begins_inside(raw: bytes) -> bool:
    """Whether the first byte goes on with a character."""
    return bool(raw) and 0x80 <= raw[0] < 0xC0


@cache
def completions(sight: Sight, cut: bytes) -> dict[int, bytes]:
    """From each kind that a cut character can have to what completes it to one of that kind; of
    none, the kinds that a character of more than one byte can have."""
    if cut and cut[0] >= 0xF8:  # begins no character, though as many bytes as one might follow
        return {}
    length = 4 if not cut or cut[0] >= 0xF0 else 2 if cut[0] < 0xE0 else 3
    missing = length - len(cut)
    lead = cut[0] & (0xFF >> (length + 1)) if cut else 0
    for byte in cut[1:]:
        lead = lead << 6 | byte & 0x3F
    first, least = lead << 6 * missing, {2: 0x80, 3: 0x800, 4: 0x10000}[length] if cut else 0x80
    codes = np.arange(max(first, least), min(first + (1 << 6 * missing), 0x110000))
    codes = codes[(codes < 0xD800) | (codes >= 0xE000)]
    kinds, one_of_each = np.unique(sight.kinds[codes], return_index=True)
    return {
        int(kind): chr(codes[at]).encode()[len(cut) :]
        for kind, at in zip(kinds, one_of_each, strict=True)
    }
