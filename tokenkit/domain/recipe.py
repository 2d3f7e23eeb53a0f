"""Recipes: what decides a domain tokenizer, in one frozen value, and the named ones."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

from encoders import normalize
from encoders.bpe.training import TrainerOptions
from encoders.scan import patterns
from tokenkit.domain import groups
from tokenkit.domain.groups import TokenGroup
from tokenkit.domain.noise import OcrNoise
from tokenkit.errors import RecipeError
from tokenkit.text import Tokenizer
from tokenkit.text.changes import Change
from tokenkit.text.inputs import Text

Form = Literal["lossless", "NFKC", "NFKC+Lowercase"]

_CHANGES = {
    "lossless": Change(),
    "NFKC": Change((normalize.Nfkc(),)),
    "NFKC+Lowercase": Change((normalize.Nfkc(), normalize.Lowercase())),
}

SPECIAL_TOKENS = (
    *("<|start|>", "<|end|>", "<|pad|>", "<|unk|>", "<|sep|>", "<|cls|>", "<|mask|>"),
    *("<|system|>", "</|system|>", "<|user|>", "</|user|>", "<|instruction|>", "</|instruction|>"),
)
"""Those of the KL3M tokenizers."""


@dataclass(frozen=True)
class Source:
    """Texts to train on, and the ``rate`` of them that is used, in (0, 1]: thinned out evenly."""

    texts: Iterable[Text]
    rate: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.rate <= 1.0:
            raise RecipeError(f"a sampling rate is above 0 and at most 1, not {self.rate}")

    def sampled(self) -> Iterable[Text]:
        """Every text that takes the number kept up to the next whole one: of rate 1/4, the fourth,
        the eighth and so on."""
        rate = Fraction(self.rate).limit_denominator(1_000_000)
        for i, text in enumerate(self.texts):
            if math.floor((i + 1) * rate) > math.floor(i * rate):
                yield text


@dataclass(frozen=True)
class Superwords:
    """Tokens of several words, learned in a second stage ("SuperBPE", arXiv 2503.13423).

    The first ``share`` of the vocabulary is learned from the pieces of the recipe's own pattern,
    the rest from those of ``pattern``, which are longer; the tokenizer splits by ``pattern``.
    """

    pattern: str = patterns.PHRASES_PATTERN
    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 < self.share < 1.0:
            raise RecipeError(f"share is between 0 and 1, not {self.share}")


LINES = Superwords(patterns.LINES_PATTERN)
"""Across everything but line ends, numbers and punctuation too: the fewest tokens."""


@dataclass(frozen=True)
class Pruning:
    """``surplus`` times the merges are learned, from all texts but every ``every``-th one of each
    source; then the tokens that these use least are dropped (`encoders.bpe.training.pruning`)."""

    surplus: float = 1.1
    every: int = 8

    def __post_init__(self) -> None:
        if not 1.0 <= self.surplus < math.inf:
            raise RecipeError(f"surplus is at least 1, not {self.surplus}")
        if self.every < 2:
            raise RecipeError(f"every is at least 2, not {self.every}: something is to be learned")


@dataclass(frozen=True)
class DomainRecipe:
    """What decides a domain tokenizer, beside the texts.

    - ``vocab_size``: all ids: special tokens, bytes, merges, custom tokens and padding.
    - ``form``: "lossless" keeps every character; "NFKC" and "NFKC+Lowercase" are KL3M's.
    - ``pattern``: the regular expression whose matches are the pieces that merges stay within.
    - ``superwords``: None for one stage of training, within those pieces.
    - ``groups``: custom tokens. They become added tokens, found before anything else, in both
      spellings unless ``both_spellings`` is False. Texts are cut at them before pieces are
      counted, so that no merge is wasted on what they pre-empt.
    - ``special_tokens``: they get the first ids.
    - ``min_frequency``: of a pair that is merged.
    - ``max_token_characters``: of a token that is made by merging.
    - ``noise``: texts are misread by this channel before they are counted, so that merges are
      those that stand it.
    - ``pruning``: None to keep every token that is learned.
    - ``balance``: counts of a source of n bytes are scaled by (N / n) to this power, N being the
      bytes of the largest. 0 leaves them; 1 lets every source count alike, but then learns a small
      one by heart; 0.5 lies between, as when languages are sampled (arXiv 1901.07291, section 3.1).
    - ``pad_to_power_of_two``: the size is a power of two: ``vocab_size`` where there are enough
      merges; where there are too few, the next one, by reserved special tokens. Never more than
      ``vocab_size``, which must be a power of two then.

    Raises RecipeError for a ``balance`` beyond 0 and 1; for a ``vocab_size`` that is no power of
    two with ``pad_to_power_of_two``, or has no room for bytes, special and custom tokens; for
    special tokens that are empty or the same; and for a custom token of one byte, as it would
    shadow every longer token that has it.
    """

    name: str
    vocab_size: int = 32_768
    form: Form = "lossless"
    pattern: str = patterns.LLAMA3_PATTERN
    superwords: Superwords | None = Superwords()
    groups: tuple[TokenGroup, ...] = ()
    both_spellings: bool = True
    special_tokens: tuple[str, ...] = SPECIAL_TOKENS
    min_frequency: int = 2
    max_token_characters: int | None = None
    noise: OcrNoise | None = None
    pruning: Pruning | None = None
    balance: float = 0.0
    pad_to_power_of_two: bool = True

    def __post_init__(self) -> None:
        size = self.vocab_size
        if self.form not in _CHANGES:
            raise RecipeError(f"form {self.form!r}: it is {', '.join(_CHANGES)}")
        if self.pad_to_power_of_two and size & (size - 1):
            below = 1 << (size.bit_length() - 1)
            raise RecipeError(
                f"vocab_size {size} is no power of two: take {below} or {2 * below}, or "
                "pad_to_power_of_two=False"
            )
        if not 0.0 <= self.balance <= 1.0:
            raise RecipeError(f"balance is from 0 to 1, not {self.balance}")
        if "" in self.special_tokens or len(set(self.special_tokens)) < len(self.special_tokens):
            raise RecipeError("special tokens are different texts, none of them empty")
        if single := [token for token in self.custom_tokens if len(token.encode()) < 2]:
            raise RecipeError(f"custom token {single[0]!r} would shadow every token that has it")
        least = 256 + len(self.special_tokens) + len(self.custom_tokens)
        if size < least:
            raise RecipeError(
                f"vocab_size {size} is less than {least}: 256 bytes, {len(self.special_tokens)} "
                f"special and {len(self.custom_tokens)} custom tokens"
            )

    @property
    def change(self) -> Change:
        """What ``form`` does to text."""
        return _CHANGES[self.form]

    @cached_property
    def custom_tokens(self) -> tuple[str, ...]:
        """Custom tokens as they are in normal form, each once, in the order of the groups."""
        spelled = [
            self.change.spelling(token)
            for group in self.groups
            for token in group.spellings(both=self.both_spellings)
        ]
        return tuple(token for token in dict.fromkeys(spelled) if token not in self.special_tokens)

    @property
    def split_pattern(self) -> str:
        """The pattern that the trained tokenizer splits by."""
        return self.superwords.pattern if self.superwords else self.pattern

    def options(self, model_size: int) -> TrainerOptions:
        """Those of the trainer, for so many ids. Raises ValueError for a limit too low."""
        return TrainerOptions(
            model_size, self.min_frequency, max_token_characters=self.max_token_characters
        )

    def train(
        self, *sources: Iterable[Text] | Source, seed: int = 0, threads: int | None = None
    ) -> Tokenizer:
        """Train a tokenizer; what it saves is a tokenizer.json that `tokenizers` reads alike.

        ``sources``: texts, or `Source` for a sampling rate; with ``balance``, give each domain as
        a source of its own. ``seed`` is that of ``noise``. The result does not depend on
        ``threads``, by default all cores.

        Raises RecipeError where a special token would shadow tokens of the vocabulary.
        """
        from encoders.threads import cores
        from tokenkit.domain.training import train

        given = [one if isinstance(one, Source) else Source(one) for one in sources]
        return Tokenizer.from_bytes(train(self, given, seed, threads or cores()))


_CITATIONS = (groups.ENUMERATIONS, groups.REPORTERS, groups.ABBREVIATIONS)
_FIGURES = (groups.YEARS, groups.NUMBERS)

LEGAL = DomainRecipe("legal", groups=(*_CITATIONS, *_FIGURES))
FINANCIAL = DomainRecipe("financial", groups=(groups.ENUMERATIONS, *_FIGURES))
GOVERNMENT = DomainRecipe("government", groups=(*_CITATIONS, *_FIGURES))
DOMAIN = DomainRecipe("domain", groups=(*_CITATIONS, *_FIGURES), balance=0.5)
"""The union of the three, for one source of each."""

KL3M = DomainRecipe(
    "kl3m",
    form="NFKC",
    pattern=patterns.GPT2_PATTERN,
    superwords=None,
    groups=groups.KL3M_GROUPS,
    both_spellings=False,
    min_frequency=1,
)
"""As the KL3M tokenizers are published (arXiv 2503.17247), but for what was wrong with them."""


def _characters(name: str, vocab_size: int, longest: int) -> DomainRecipe:
    return DomainRecipe(
        name,
        vocab_size,
        pattern=patterns.SHORT3_PATTERN if longest == 3 else patterns.SHORT4_PATTERN,
        superwords=None,
        max_token_characters=longest,
        noise=OcrNoise(rate=0.08),
    )


CHARACTERS_4K = _characters("char-4k", 4096, 3)
CHARACTERS_8K = _characters("char-8k", 8192, 3)
CHARACTERS_16K = _characters("char-16k", 16_384, 4)
"""Short tokens whose bounds stand misreadings, for correction work."""

RECIPES = (
    LEGAL,
    FINANCIAL,
    GOVERNMENT,
    DOMAIN,
    KL3M,
    CHARACTERS_4K,
    CHARACTERS_8K,
    CHARACTERS_16K,
)
"""All named recipes."""
