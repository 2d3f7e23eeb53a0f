"""Scanners of every kind whose sight is known, and letters of all kinds to each of them."""

from encoders.scan import patterns
from encoders.scan.scanners import SequenceScanner, WholeScanner

_WORDS = " \n\u2009'!a0½srvel"
_LLAMA3 = _WORDS + "\rSRLEſ"
_CASES = _LLAMA3 + "/A日ʰǅ\u0301"
_DEEPSEEK = " \n\r\u2009aZé日あ\u0301!'¡+€\x000½"
SCANNERS = {
    "whole": (WholeScanner(), " \naé"),
    "lines": (patterns.LINES, " \n\ra'"),
    "gpt2": (patterns.GPT2, _WORDS + "S\u0301"),
    "cl100k": (patterns.CL100K, _LLAMA3),
    "llama3": (patterns.LLAMA3, _LLAMA3),
    "qwen2": (patterns.QWEN2, _LLAMA3),
    "o200k": (patterns.O200K, _CASES),
    "phrases": (patterns.PHRASES, _LLAMA3),
    "short3": (patterns.SHORT3, " \n\u2009aceoxé!"),
    "short4": (patterns.SHORT4, " \n\u2009aceoxé!"),
    "deepseek": (patterns.DEEPSEEK_V3, _DEEPSEEK),
    "starcoder": (
        SequenceScanner((patterns.DIGITS_INDIVIDUAL, patterns.GPT2)),
        _WORDS + "\U0001246f",
    ),
    "digits": (SequenceScanner((patterns.DIGITS, patterns.PHRASES)), _LLAMA3 + "\U0001246f"),
    "marks": (SequenceScanner((patterns.PUNCTUATION, patterns.O200K)), _CASES + "+€"),
    "three": (
        SequenceScanner((*patterns.DEEPSEEK_V3.scanners[:2], patterns.LLAMA3)),
        _LLAMA3 + "日あ",
    ),
    "short": (SequenceScanner((patterns.LINES, patterns.DIGITS, patterns.SHORT3)), " \n\raxé!01"),
}
