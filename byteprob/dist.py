"""What is computed: which distribution, and its values."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Target = Literal["marginal", "canonical", "canonical-renorm"]
"""Which distribution over byte strings a token model is read as.

Let P be the model's probability of a string of tokens, and a cover of ``y`` a string of tokens
whose bytes begin with ``y`` and whose last token is needed for that.

- "marginal": ``P(y)``, the sum of P over all covers of ``y``: what sampling tokens and decoding
  them gives (Vieira et al., arXiv 2412.03719).
- "canonical": ``S(y)``, the sum of P over the covers that are viable, that is, that the tokenizer
  makes the beginning of some text of. ``P(b | y) = S(yb) / sum of S(yb')``. What the model gives
  to other tokens is the leak (Phan et al., arXiv 2410.09303, with viability in place of
  ``encode(decode(t)) == t``, which is wrong after white space).
- "canonical-renorm": tokens that are not viable are masked and the others renormalised at every
  step (the step-wise form of arXiv 2506.07956).

The three agree for a model that gives nothing to tokens that are not viable.
"""

END = 256
"""The 257th symbol: end of text, which all special tokens are."""


@dataclass(frozen=True, eq=False)
class ByteDist:
    """The distribution of the next byte.

    ``log_probs``: float64[257], natural logarithms of the probabilities of the 256 bytes and of
    `END`; they sum to 1. ``target``: which distribution it is, None if it is made of several.
    ``leak``: the share of the mass of the prefix that the model gives to tokens outside the target,
    which was left out; where ``error`` is not 0, of what is known of the prefix.

    ``error``: 0 if it is exact. Else the exact distribution is ``(1 - error) * probs + error * q``
    for some distribution q, so that its total variation distance is at most ``error``, and `low`
    and `high` hold for each symbol.
    """

    log_probs: NDArray[np.float64]
    target: Target | None
    leak: float = 0.0
    error: float = 0.0

    @property
    def probs(self) -> NDArray[np.float64]:
        """Probabilities, float64[257]."""
        found: NDArray[np.float64] = np.exp(self.log_probs)
        return found

    @property
    def low(self) -> NDArray[np.float64]:
        """What each symbol has at least in the exact distribution, float64[257]."""
        return self.probs * (1.0 - self.error)

    @property
    def high(self) -> NDArray[np.float64]:
        """What each symbol has at most in the exact distribution, float64[257]."""
        return self.low + self.error

    def log_bounds(self, symbol: int) -> tuple[float, float]:
        """Natural logarithms of `low` and `high` of a symbol."""
        log = float(self.log_probs[symbol])
        if not self.error:
            return log, log
        low = log + math.log1p(-self.error) if self.error < 1 else -math.inf
        return low, float(np.logaddexp(low, math.log(self.error)))

    def top(self, count: int = 10) -> list[tuple[int, float]]:
        """The likeliest symbols and their probabilities, the likeliest first."""
        order = np.argsort(-self.log_probs, kind="stable")[:count]
        return [(int(symbol), float(np.exp(self.log_probs[symbol]))) for symbol in order]

    def entropy(self) -> float:
        """In bits."""
        held = self.log_probs[self.log_probs > -np.inf]
        return float(-(np.exp(held) * held).sum() / np.log(2))
