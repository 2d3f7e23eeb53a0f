"""The known split patterns, and which scanner runs each."""

from encoders.scan.classes import DELIMITER, DIGIT, SPACE, WORD
from encoders.scan.scanners import (
    ClassScanner,
    KernelScanner,
    RegexScanner,
    Scanner,
    SequenceScanner,
)

_CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"

GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LINES_PATTERN = r"[^\r\n]*[\r\n]+|[^\r\n]+"
SHORT3_PATTERN, SHORT4_PATTERN = (
    rf" [^\saceo]{{0,{k - 1}}}[aceo]|[^\saceo]{{0,{k}}}[aceo]| ?[^\saceo]{{1,{k}}}|\s"
    for k in (2, 3)
)
R50K_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
CL100K_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
CL100K_ONIGURUMA_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s+\z|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""The same in the spelling that `tokenizers` reads alike: there ``$`` ends every line."""
LLAMA3_PATTERN = (
    _CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + _SPACES
)
PHRASES_PATTERN = LLAMA3_PATTERN.replace(r"\p{L}+", r"\p{L}+(?: \p{L}+)*")
QWEN2_PATTERN = LLAMA3_PATTERN.replace("{1,3}", "")
O200K_PATTERN = "|".join(
    [
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_CONTRACTION}?",
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_CONTRACTION}?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        _SPACES,
    ]
)
DEEPSEEK_V3_PATTERNS = (
    r"\p{N}{1,3}",
    "[一-龥぀-ゟ゠-ヿ]+",
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"""
    r"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|" + _SPACES,
)

GPT2 = KernelScanner("scan_gpt2")
"""GPT-2, r50k, p50k, and `ByteLevel` of `tokenizers`."""
BYTE_LEVEL = GPT2
LINES = KernelScanner("scan_lines")
"""A line with its line end and the empty lines behind it."""
CL100K = KernelScanner("scan_cl100k", (3, True, False))
"""cl100k as tiktoken has it: white space at the very end of a text is one piece."""
LLAMA3 = KernelScanner("scan_cl100k", (3, False, False))
"""Llama 3, and cl100k as Hugging Face files spell it."""
PHRASES = KernelScanner("scan_cl100k", (3, False, True))
"""Llama 3, but that words with single blanks between them are one piece: for superwords."""
QWEN2 = KernelScanner("scan_cl100k", (1, False, False))
"""Qwen 2, 2.5 and 3."""
O200K = KernelScanner("scan_o200k")
DEEPSEEK_V3 = SequenceScanner(
    (
        KernelScanner("scan_numbers", cuts_at_lines=False),
        KernelScanner("scan_cjk", cuts_at_lines=False),
        KernelScanner("scan_deepseek"),
    )
)
"""DeepSeek V3 and R1: three splits in sequence."""


WHITESPACE = ClassScanner(dropped=SPACE, grouped=WORD)
WHITESPACE_SPLIT = ClassScanner(dropped=SPACE)
DIGITS = ClassScanner(grouped=DIGIT)
DIGITS_INDIVIDUAL = ClassScanner(isolated=DIGIT)
PUNCTUATION = ClassScanner(isolated=DELIMITER)
BERT = ClassScanner(dropped=SPACE, isolated=DELIMITER)
SHORT3 = KernelScanner("scan_short", (2,))
"""At most three characters, cut behind a, c, e and o, which print confuses with each other: a
misreading moves few cuts, as a cut depends on few characters before it."""
SHORT4 = KernelScanner("scan_short", (3,))
"""The same of at most four."""
METASPACE = KernelScanner("scan_metaspace", cuts_at_lines=False)
"""A piece begins with each U+2581, as `Metaspace` splits."""
BLANKS = KernelScanner("scan_blanks", cuts_at_lines=False)
"""The same where U+2581 is still a blank."""

_KNOWN: dict[str, Scanner] = {
    GPT2_PATTERN: GPT2,
    SHORT3_PATTERN: SHORT3,
    SHORT4_PATTERN: SHORT4,
    LINES_PATTERN: LINES,
    R50K_PATTERN: GPT2,
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+": GPT2,
    CL100K_PATTERN: CL100K,
    CL100K_ONIGURUMA_PATTERN: CL100K,
    LLAMA3_PATTERN: LLAMA3,
    LLAMA3_PATTERN.replace(_CONTRACTION, "'(?i:[sdmt]|ll|ve|re)"): LLAMA3,
    PHRASES_PATTERN: PHRASES,
    QWEN2_PATTERN: QWEN2,
    O200K_PATTERN: O200K,
    DEEPSEEK_V3_PATTERNS[0]: DEEPSEEK_V3.scanners[0],
    DEEPSEEK_V3_PATTERNS[1]: DEEPSEEK_V3.scanners[1],
    DEEPSEEK_V3_PATTERNS[2]: DEEPSEEK_V3.scanners[2],
}


def scanner_for(pattern: str) -> Scanner:
    """The scanner that isolates the matches of a split pattern.

    A kernel where the pattern is a known one, spelled as tiktoken or a Hugging Face file spells
    it; otherwise the `regex` library on the pattern as it is.
    """
    return _KNOWN.get(pattern) or RegexScanner(pattern)
