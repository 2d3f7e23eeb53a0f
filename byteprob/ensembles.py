"""Several byte sources as one: the vocabularies of their models may differ, bytes are the same.

from byteprob import Mean, Product, proxy_tuned, sample, score
score(Mean((small, large), (0.3, 0.7)), b"The end")
sample(proxy_tuned(base, expert, anti_expert), 100, b"The ", seed=0)

An ensemble is a `ByteSource` itself, so that ensembles may be members of others. In what follows
``P_i(b | y)`` is what `next_byte` of member i gives. The `ByteDist` of an ensemble has the target
of its members, None where they differ, the largest of their leaks, and an ``error`` that follows
from theirs: 0 if all are exact. A string has the product of what follows, so that the target
"canonical" counts in them as `Score.chained` does. Bytes go to all members as they are: they are
of normal forms where a member normalises (`ByteModel.normal_form`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from byteprob.dist import ByteDist
from byteprob.errors import ByteprobError, ImpossiblePrefixError
from byteprob.sources import ByteCursor, ByteSource

_Cursor = TypeVar("_Cursor", bound=ByteCursor)


@dataclass(frozen=True)
class Mean:
    """The arithmetic mean of what members say of the next byte, with fixed weights.

    ``P(b | y) = sum of w_i P_i(b | y)``: linear interpolation, or the linear opinion pool. A whole
    string has the product of these, which is no mean of the probabilities that members give to the
    string; that is `Mixture`.

    A member that finds a byte impossible has no opinion behind it: the others go on, with their
    weights normalised. ``weights``: not negative, summing to 1; equal if there are none.
    """

    members: Sequence[ByteSource]
    weights: Sequence[float] = ()

    def __post_init__(self) -> None:
        _check_shares(self)

    def at(self, prefix: bytes = b"") -> "MeanCursor":
        """The place behind a prefix. Raises ImpossiblePrefixError if no member gives it any
        probability."""
        return _behind(MeanCursor(_voices(self), learns=False), prefix)


@dataclass(frozen=True)
class Mixture:
    """The mean of the probabilities that members give to whole strings.

    ``P(y) = sum of w_i P_i(y)``, where ``P_i(y)`` is the product of ``P_i(b | ..)`` over its
    bytes. So the next byte is a mean whose weights follow the likelihood of what came before:
    ``w_i P_i(y)``, normalised. This is Bayesian model averaging, and the weights are its prior.

    A member that finds a byte impossible has weight 0 behind it. ``weights``: as of `Mean`.
    """

    members: Sequence[ByteSource]
    weights: Sequence[float] = ()

    def __post_init__(self) -> None:
        _check_shares(self)

    def at(self, prefix: bytes = b"") -> "MeanCursor":
        """The place behind a prefix. Raises ImpossiblePrefixError if no member gives it any
        probability."""
        return _behind(MeanCursor(_voices(self), learns=True), prefix)


@dataclass(frozen=True)
class Product:
    """A product of experts (Hinton 2002): the weighted geometric mean, normalised for each byte.

    ``P(b | y)`` is proportional to the product of ``P_i(b | y) ** w_i``: a log-linear model, or
    the logarithmic opinion pool. A whole string has the product of these. Weights that sum to
    more than 1 sharpen, as a temperature below 1 does; negative ones turn away from a member.

    A symbol that is impossible to one member, whatever its weight, is impossible. ``weights``: any
    finite numbers; equal and summing to 1 if there are none.
    """

    members: Sequence[ByteSource]
    weights: Sequence[float] = ()

    def __post_init__(self) -> None:
        _check_weights(self)

    def at(self, prefix: bytes = b"") -> "ProductCursor":
        """The place behind a prefix. Raises ImpossiblePrefixError if any member gives it no
        probability."""
        cursors = tuple(member.at() for member in self.members)
        return _behind(ProductCursor(cursors, _weights_of(self)), prefix)


def proxy_tuned(
    base: ByteSource, expert: ByteSource, anti_expert: ByteSource, alpha: float = 1.0
) -> Product:
    """A base model steered by what tuning changed in a small one (Liu et al., arXiv 2401.08565).

    ``P(b | y)`` is proportional to ``base * (expert / anti_expert) ** alpha``; the expert is the
    small model when tuned, the anti-expert before that.
    """
    return Product((base, expert, anti_expert), (1.0, alpha, -alpha))


class Voice(NamedTuple):
    """A member that takes part, and between what the logarithm of its weight lies."""

    cursor: ByteCursor
    low: float
    high: float


class MeanCursor:
    """A place in a text to a `Mean` or, if it ``learns``, a `Mixture`."""

    def __init__(self, voices: Sequence[Voice], *, learns: bool) -> None:
        """Not for users: see `Mean.at`."""
        self._voices, self._learns = tuple(voices), learns

    def next_byte(self) -> ByteDist:
        """What follows."""
        found = []
        for voice in self._voices:
            try:
                found.append((voice, voice.cursor.next_byte()))
            except ImpossiblePrefixError:
                continue  # nothing follows, it says: then it has no part in what follows
        if not found:
            raise ImpossiblePrefixError("after this prefix no member gives anything a probability")
        least = np.logaddexp.reduce(
            [voice.low + _log_low_and_high(dist)[0] for voice, dist in found]
        )
        most = np.logaddexp.reduce([voice.high for voice, _ in found])
        is_exact = all(voice.low == voice.high and not dist.error for voice, dist in found)
        return _between(least, float(most), [dist for _, dist in found], is_exact=is_exact)

    def push(self, byte: int) -> None:
        """Go on by one byte. Raises ImpossiblePrefixError where no member gives it a probability:
        the cursor then stays where it was."""
        moved = [each for voice in self._voices if (each := self._moved(voice, byte)) is not None]
        if not moved:
            raise ImpossiblePrefixError(f"no member gives byte {byte} any probability here")
        top = max(voice.high for voice in moved)
        self._voices = tuple(
            voice._replace(low=voice.low - top, high=voice.high - top) for voice in moved
        )

    def fork(self) -> "MeanCursor":
        """Another cursor at the same place; the two go on by themselves."""
        voices = [voice._replace(cursor=voice.cursor.fork()) for voice in self._voices]
        return MeanCursor(voices, learns=self._learns)

    def _moved(self, voice: Voice, byte: int) -> Voice | None:
        """None where the member gives the byte no probability."""
        try:
            low, high = voice.cursor.next_byte().log_bounds(byte) if self._learns else (0.0, 0.0)
            cursor = voice.cursor.fork()
            cursor.push(byte)
        except ImpossiblePrefixError:
            return None
        return Voice(cursor, voice.low + low, voice.high + high) if high > -math.inf else None


class ProductCursor:
    """A place in a text to a `Product`."""

    def __init__(self, cursors: Sequence[ByteCursor], weights: Sequence[float]) -> None:
        """Not for users: see `Product.at`."""
        self._cursors, self._weights = tuple(cursors), tuple(weights)

    def next_byte(self) -> ByteDist:
        """What follows. Raises ImpossiblePrefixError where members agree on no symbol."""
        dists = [cursor.next_byte() for cursor in self._cursors]
        bounds = [_log_low_and_high(dist) for dist in dists]
        low, high = np.array(bounds).transpose(1, 0, 2)
        weights = np.array(self._weights)[:, None]
        with np.errstate(invalid="ignore"):  # 0 times infinity, where the symbol is impossible
            least = (weights * np.where(weights < 0, high, low)).sum(axis=0)
            most = (weights * np.where(weights < 0, low, high)).sum(axis=0)
        least[np.isneginf(low).any(axis=0)] = -np.inf
        most[np.isneginf(high).any(axis=0)] = -np.inf
        is_exact = not any(dist.error for dist in dists)
        return _between(least, float(np.logaddexp.reduce(most)), dists, is_exact=is_exact)

    def push(self, byte: int) -> None:
        """Go on by one byte. Raises ImpossiblePrefixError where any member gives it no
        probability: the cursor then stays where it was."""
        cursors = [cursor.fork() for cursor in self._cursors]
        for cursor in cursors:
            cursor.push(byte)
        self._cursors = tuple(cursors)

    def fork(self) -> "ProductCursor":
        """Another cursor at the same place; the two go on by themselves."""
        return ProductCursor([cursor.fork() for cursor in self._cursors], self._weights)


def _between(
    least: NDArray[np.float64], most: float, dists: Sequence[ByteDist], *, is_exact: bool
) -> ByteDist:
    """A distribution of which this is known: logarithms of what each symbol has at least, and of
    what all have together at most, both over one unknown number.

    So the exact one has ``exp(least - most)`` of each symbol at least: the rest is the error.
    """
    known = float(np.logaddexp.reduce(least))
    if known == -math.inf:
        raise ImpossiblePrefixError(
            "after this prefix no symbol is known to be possible to the ensemble"
        )
    targets = {dist.target for dist in dists}
    return ByteDist(
        least - known,
        targets.pop() if len(targets) == 1 else None,
        leak=max(dist.leak for dist in dists),
        error=0.0 if is_exact else max(0.0, -math.expm1(known - most)),
    )


def _log_low_and_high(dist: ByteDist) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not dist.error:
        return dist.log_probs, dist.log_probs
    with np.errstate(divide="ignore"):
        return np.log(dist.low), np.log(dist.high)


def _behind(cursor: _Cursor, prefix: bytes) -> _Cursor:
    for byte in prefix:
        cursor.push(byte)
    return cursor


def _voices(ensemble: Mean | Mixture) -> list[Voice]:
    """Members without weight have no say, and are not asked."""
    return [
        Voice(member.at(), math.log(weight), math.log(weight))
        for member, weight in zip(ensemble.members, _weights_of(ensemble), strict=True)
        if weight
    ]


def _weights_of(ensemble: Mean | Mixture | Product) -> Sequence[float]:
    return ensemble.weights or [1.0 / len(ensemble.members)] * len(ensemble.members)


def _check_weights(ensemble: Mean | Mixture | Product) -> None:
    members, weights = ensemble.members, ensemble.weights
    if not members:
        raise ByteprobError("an ensemble has at least one member")
    if weights and len(weights) != len(members):
        raise ByteprobError(f"{len(members)} members need as many weights, not {len(weights)}")
    if not all(map(math.isfinite, weights)):
        raise ByteprobError(f"weights are finite numbers, not {list(weights)}")


def _check_shares(ensemble: Mean | Mixture) -> None:
    _check_weights(ensemble)
    weights = ensemble.weights
    if weights and (min(weights) < 0 or abs(math.fsum(weights) - 1.0) > 1e-9):
        raise ByteprobError(
            f"weights of a {type(ensemble).__name__} are not negative and sum to 1, "
            f"unlike {list(weights)}"
        )
