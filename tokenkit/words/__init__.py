"""Bytes cut into patches: patchers, and the layouts in which models take patches.

from tokenkit.words import Dense, Patcher, Word
batch = Patcher(Word()).patch_batch(["a text", "and another"])
Dense.of(batch).ids
"""

from tokenkit.words.encoding import PatchedBytes
from tokenkit.words.entropy import Entropy, NgramEntropy
from tokenkit.words.layouts import Blt, Bolmo, BoundaryMask, Dense, Packed
from tokenkit.words.patchers import Patcher
from tokenkit.words.patches import BOS, EOS, Patches
from tokenkit.words.rules import Regex, Rule, Space, Static, TokenEnds, Whitespace, Word
from tokenkit.words.saving import load_patcher, save_patcher

__all__ = [
    "BOS",
    "EOS",
    "Blt",
    "Bolmo",
    "BoundaryMask",
    "Dense",
    "Entropy",
    "NgramEntropy",
    "Packed",
    "PatchedBytes",
    "Patcher",
    "Patches",
    "Regex",
    "Rule",
    "Space",
    "Static",
    "TokenEnds",
    "Whitespace",
    "Word",
    "load_patcher",
    "save_patcher",
]
