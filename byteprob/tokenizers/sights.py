"""What the split patterns of byte-level BPE tell apart in a text."""

import string
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from encoders.buffers import Bytes
from encoders.scan import patterns
from encoders.scan.classes import (
    LETTER,
    LOWER,
    MARK,
    NUMBER,
    PUNCTUATION,
    SPACE,
    SYMBOL,
    UPPER,
    load_classes,
)
from encoders.scan.scanners import (
    ClassScanner,
    KernelScanner,
    Scanner,
    SequenceScanner,
    WholeScanner,
)

_CODES = 0x110000
_STANDING = "abA日é\u02b0\u01c50½!+\u0301 \n\t'/\x00"
_NAMED = "srleSRLE"


@dataclass(frozen=True)
class Sight:
    """What a scanner tells apart.

    Characters are of one kind if they are in the same ``classes`` (each flags of
    `encoders.scan.classes`, any of which a character of it has) and in the same ``sets``.
    ``named``: sets of letters that matter behind an apostrophe only ("'ll"). ``runs``: how many
    letters, numbers and others of one kind in a row are as good as one more.
    """

    classes: tuple[int, ...] = ()
    sets: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    runs: tuple[int, int, int] = (1, 1, 1)

    @cached_property
    def kinds(self) -> Bytes:
        """The kind of each code point: uint8[0x110000], numbers from 0 on."""
        block_of, blocks = load_classes()
        flags = blocks.reshape(-1, 256)[block_of].ravel()
        seen = np.zeros(_CODES, np.int64)
        for bit, classes in enumerate(self.classes):
            seen |= ((flags & np.uint16(classes)) != 0) * np.int64(1 << bit)
        for bit, characters in enumerate(self.sets, len(self.classes)):
            seen[[ord(character) for character in characters]] |= 1 << bit
        seen[0xD800:0xE000] = seen[0]  # surrogates, which no text has
        number = np.cumsum(np.bincount(seen) > 0) - 1
        return number.astype(np.uint8)[seen]

    @cached_property
    def standing(self) -> str:
        """A character of each kind, which stands for it."""
        first = np.zeros(int(self.kinds.max()) + 1, np.int64)
        first[self.kinds[::-1]] = np.arange(_CODES)[::-1]
        nice = [ord(character) for character in reversed(_STANDING)]
        first[self.kinds[nice]] = nice
        return "".join(map(chr, first.tolist()))

    @cached_property
    def names(self) -> dict[int, int]:
        """From code points of letters that are named to those that stand for them."""
        standing = dict[tuple[int, ...], int]()
        found = dict[int, int]()
        for letter in dict.fromkeys(_NAMED + "".join(self.named)):
            within = [letter in named for named in self.named]
            if any(within):
                key = int(self.kinds[ord(letter)]), *within
                found[ord(letter)] = standing.setdefault(key, ord(letter))
        return found

    @cached_property
    def longest(self) -> dict[str, int]:
        """By the character that stands for a kind: see ``runs``."""
        letters, numbers, others = self.runs
        return {
            one: letters if _has(one, LETTER) else numbers if _has(one, NUMBER) else others
            for one in self.standing
        }

    @cached_property
    def blanks(self) -> str:
        """Of `standing` those that are white space."""
        return "".join(one for one in self.standing if _has(one, SPACE))


def _has(character: str, flag: int) -> bool:
    block_of, blocks = load_classes()
    code = ord(character)
    return bool(blocks[int(block_of[code >> 8]) << 8 | code & 255] & flag)


def sight_of(scanner: Scanner) -> Sight | None:
    """None where it is not known, or the scanner drops pieces."""
    if isinstance(scanner, WholeScanner):
        return _WHOLE
    if isinstance(scanner, KernelScanner):
        return _OF_KERNELS.get(scanner)
    if isinstance(scanner, ClassScanner) and not scanner.dropped:
        return Sight(tuple(filter(None, (scanner.isolated, scanner.grouped))), runs=(1, 2, 2))
    if isinstance(scanner, SequenceScanner):
        return _of_all(scanner)
    return None


@cache
def _of_all(scanner: SequenceScanner) -> Sight | None:
    """What any of them tells apart: each sees what those before it cut out.

    A text may begin where any of them cuts, so all but the last must cut its rest as they would
    have cut it there: what they cut out are runs, or numbers that no other cuts.
    """
    *others, _ = scanner.scanners
    if not all(isinstance(part, ClassScanner) or part in _OF_RUNS for part in others):
        return None
    found = Sight()
    for part in scanner.scanners:
        sight = sight_of(part)
        cuts_numbers = isinstance(part, ClassScanner) or sight is _SHORT
        if sight is None or (cuts_numbers and found.runs == _THREES):
            return None
        letters, numbers, rest = map(max, found.runs, sight.runs)
        found = Sight(
            tuple(dict.fromkeys(found.classes + sight.classes)),
            tuple(dict.fromkeys(found.sets + sight.sets)),
            tuple(dict.fromkeys(found.named + sight.named)),
            (letters, numbers, rest),
        )
    return found


_WHOLE = Sight()
_LINE_ENDS = "\r\n"
_THREES = (1, 4, 2)
"""Numbers in threes: a text of four has a cut inside, wherever the first group begins."""
_WORDS = (LETTER, NUMBER, SPACE)
_CASES = (*_WORDS, MARK, UPPER, LOWER)
_LOWER = ("sdmt", "rv", "e", "l")
_ANY_CASE = ("sdmtSDMTſ", "rvRV", "eE", "lL")
_GPT2 = Sight(_WORDS, (" ", "'"), _LOWER, (1, 1, 2))
_CL100K = Sight(_WORDS, (" ", "'", _LINE_ENDS), _ANY_CASE, _THREES)
_QWEN2 = Sight(_WORDS, (" ", "'", _LINE_ENDS), _ANY_CASE, (1, 2, 2))
_O200K = Sight(_CASES, (" ", "'", "/", _LINE_ENDS), _ANY_CASE, _THREES)
_SHORT = Sight((SPACE,), (" ", "aceo"), runs=(4, 4, 2))
_CJK = "".join(map(chr, (*range(0x4E00, 0x9FA6), *range(0x3040, 0x3100))))
_DEEPSEEK = Sight(
    (LETTER | MARK, PUNCTUATION | SYMBOL, SPACE),
    (" ", _LINE_ENDS, string.ascii_letters, string.punctuation),
    runs=(1, 2, 2),
)
_OF_RUNS = {
    patterns.LINES: Sight(sets=(_LINE_ENDS,)),
    patterns.DEEPSEEK_V3.scanners[0]: Sight((NUMBER,), runs=_THREES),
    patterns.DEEPSEEK_V3.scanners[1]: Sight(sets=(_CJK,)),
}
_OF_KERNELS = {
    **_OF_RUNS,
    patterns.GPT2: _GPT2,
    patterns.CL100K: _CL100K,
    patterns.LLAMA3: _CL100K,
    patterns.PHRASES: _CL100K,
    patterns.QWEN2: _QWEN2,
    patterns.O200K: _O200K,
    patterns.SHORT3: _SHORT,
    patterns.SHORT4: _SHORT,
    patterns.DEEPSEEK_V3.scanners[2]: _DEEPSEEK,
}
