"""What a comparison measures, each a ratio of sums over documents."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from tokenkit.domain.bootstrap import Floats


class Count(IntEnum):
    """What is counted in each document; columns of an array."""

    CHARACTERS = 0
    BYTES = 1
    SPACED_WORDS = 2  # what white space parts
    WORDS = 3  # runs of letters and their marks
    TOKENS = 4
    PARTS = 5  # tokens that words lie in
    CUT_WORDS = 6
    CLEAN_TOKENS = 7  # from here on of the documents that were read with noise
    NOISY_TOKENS = 8
    CLEAN_BOUNDARIES = 9
    NOISY_BOUNDARIES = 10
    KEPT = 11


@dataclass(frozen=True)
class Measure:
    """A ratio: the sum of some counts over the sum of others.

    ``more``: whether more of it is better. ``ideal``: what nothing surpasses, where it has that;
    charts then show how much is missing.
    """

    name: str
    title: str
    meaning: str
    over: tuple[Count, ...]
    under: tuple[Count, ...]
    more: bool = False
    ideal: float | None = None

    def of(self, sums: Floats) -> Floats:
        """float64[...] of sums float64[..., counts]; NaN where there is nothing to divide by."""
        over, under = (sums[..., list(counts)].sum(-1) for counts in (self.over, self.under))
        ratio = np.full(np.shape(over), np.nan)
        np.divide(over, under, out=ratio, where=under > 0)
        return ratio


TOKENS_PER_CHARACTER = Measure(
    "tokens_per_character",
    "tokens per character",
    "all tokens over all characters: the lower, the shorter a text becomes",
    (Count.TOKENS,),
    (Count.CHARACTERS,),
)
BYTES_PER_TOKEN = Measure(
    "bytes_per_token",
    "bytes per token",
    "bytes of UTF-8 that a token stands for on average",
    (Count.BYTES,),
    (Count.TOKENS,),
    more=True,
)
TOKENS_PER_WORD = Measure(
    "tokens_per_word",
    "tokens per word",
    "all tokens, marks and spaces too, over the words that white space parts",
    (Count.TOKENS,),
    (Count.SPACED_WORDS,),
)
FERTILITY = Measure(
    "fertility",
    "fertility",
    "tokens that a run of letters lies in (Rust et al. 2021): 1 where no word is cut",
    (Count.PARTS,),
    (Count.WORDS,),
)
CUT_WORDS = Measure(
    "cut_words",
    "share of words cut",
    "runs of letters that lie in two tokens or more (Rust et al. 2021: continued words)",
    (Count.CUT_WORDS,),
    (Count.WORDS,),
)
BOUNDARY_F1 = Measure(
    "boundary_f1",
    "boundary F1",
    "how well token boundaries stay where they are when text is misread",
    (Count.KEPT, Count.KEPT),
    (Count.CLEAN_BOUNDARIES, Count.NOISY_BOUNDARIES),
    more=True,
    ideal=1.0,
)
INFLATION = Measure(
    "inflation",
    "token inflation",
    "tokens of the misread text over those of the clean text",
    (Count.NOISY_TOKENS,),
    (Count.CLEAN_TOKENS,),
    ideal=1.0,
)
COMPRESSION = (TOKENS_PER_CHARACTER, BYTES_PER_TOKEN, TOKENS_PER_WORD, FERTILITY, CUT_WORDS)
NOISE = (BOUNDARY_F1, INFLATION)
