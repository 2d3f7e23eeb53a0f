"""All strings of tokens that reach a prefix and those that go beyond it, grown byte by byte.

A head is a string of tokens that ends inside the prefix or with it, seen as a node of a tree: its
next tokens that agree with the rest of the prefix are a range of the sorted vocabulary. One head
stands for all strings that the model and the target cannot tell apart from here on.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byteprob.dist import END, ByteDist, Target
from byteprob.errors import ImpossiblePrefixError
from byteprob.token_models import Context, TokenModel
from byteprob.viability import Viability
from byteprob.vocabulary import ByteVocabulary
from encoders.byte_ranges import Logits, Range, Weights


@dataclass(frozen=True, eq=False)
class Reading:
    """A token model read as a distribution over bytes.

    ``viability`` is None for the target "marginal". ``beam``: heads that are kept at each
    position, the heaviest; None keeps all and is exact.

    ``front``: bytes that the tokenizer puts before every text and decoding takes away: all else is
    under the condition that a text begins so.
    """

    model: TokenModel
    vocabulary: ByteVocabulary
    target: Target
    viability: Viability | None = None
    beam: int | None = None
    front: bytes = b""


@dataclass(frozen=True, eq=False)
class Head:
    """A string of tokens and what the model says comes next.

    ``log_weight + log(weights[place])``: log-probability of the string and then that token.
    ``log_mass``: of the string by itself. ``within``, ``depth``: tokens that agree with the
    ``depth`` bytes from here to the end of the prefix. ``end``: as ``weights``, of the end of the
    text.
    """

    context: Context
    state: Hashable
    handle: Any
    log_mass: float
    log_weight: float
    weights: Weights
    end: float
    within: Range
    depth: int = 0


@dataclass(frozen=True, eq=False)
class Waiting:
    """A string of tokens that has just become complete, before the model has seen it."""

    context: Context
    state: Hashable
    parent: Any
    log_weight: float


@dataclass(frozen=True, eq=False)
class Covers:
    """The heads at a prefix. ``log_mass``: log-probability of the prefix, P or S of `Target`.

    ``log_dropped``: of the heads that a beam has dropped, all together.
    """

    heads: tuple[Head, ...]
    log_mass: float
    log_dropped: float = -math.inf

    def next_byte(self, reading: Reading) -> ByteDist:
        """The distribution of what comes next."""
        top = max(head.log_weight for head in self.heads)
        sums = np.zeros(257)
        for head in self.heads:
            found = np.zeros(257)
            ranges = reading.vocabulary.ranges
            ranges.add_next_bytes(head.within, head.depth, head.weights, found[:256])
            found[END] = head.end if head.depth == 0 else 0.0
            sums += math.exp(head.log_weight - top) * found
        total = sums.sum()
        if not total:
            raise ImpossiblePrefixError("after this prefix nothing has any probability")
        kept = top + math.log(total)
        dropped = math.exp(min(self.log_dropped - kept, 700.0))
        with np.errstate(divide="ignore"):
            return ByteDist(
                np.log(sums) - math.log(total),
                reading.target,
                leak=max(0.0, -math.expm1(kept - self.log_mass)),
                error=dropped / (1.0 + dropped),
            )


def beginning(reading: Reading) -> Covers:
    """The covers of the empty prefix: one head, unless something stands before every text."""
    found = _begun(reading, 0.0)
    return _begun(reading, -found.log_mass) if reading.front else found


def _begun(reading: Reading, log_weight: float) -> Covers:
    state = reading.viability.start if reading.viability else None
    begun = Waiting(reading.model.start, state, None, log_weight)
    found = complete(reading, [(Covers((), -math.inf), [begun])])
    for byte in reading.front:
        found = pushed(reading, found, [byte])
    return found[0]


def pushed(reading: Reading, before: Sequence[Covers], following: Sequence[int]) -> list[Covers]:
    """The covers of prefixes, each with one byte more; one call of the model for all of them.

    Raises ImpossiblePrefixError where a byte cannot follow its prefix.
    """
    moved = [_moved(reading, covers, byte) for covers, byte in zip(before, following, strict=True)]
    return complete(reading, moved)


def _moved(reading: Reading, covers: Covers, byte: int) -> tuple[Covers, list[Waiting]]:
    """What is left of the heads behind one byte more, and the strings that are complete with it."""
    ranges = reading.vocabulary.ranges
    heads: list[Head] = []
    waiting: dict[Hashable, Waiting] = {}
    masses: list[float] = []
    for head in covers.heads:
        low, high = ranges.narrowed(head.within, head.depth, byte)
        depth = head.depth + 1
        _, beyond = ranges.ending((low, high), depth)
        for place in range(low, beyond):
            _add(reading, waiting, head, place)
        mass = float(head.weights[beyond:high].sum())
        if mass:
            masses.append(head.log_weight + math.log(mass))
            heads.append(replace(head, within=(beyond, high), depth=depth))
    kept, dropped = _kept(reading.beam, list(waiting.values()))
    log_dropped = _log_sum([covers.log_dropped, *dropped])
    return Covers(tuple(heads), _log_sum(masses), log_dropped), kept


def _add(reading: Reading, waiting: dict[Hashable, Waiting], head: Head, place: int) -> None:
    """Put a complete string to those that wait, together with those of the same state."""
    weight = head.weights[place]
    if not weight:
        return
    context = (*head.context, int(reading.vocabulary.ranges.order[place]))
    state = reading.viability.after(head.state, place) if reading.viability else None
    log_weight = head.log_weight + math.log(weight)
    key = (reading.model.state(context), state)
    if key in waiting:
        same = waiting[key]
        waiting[key] = replace(same, log_weight=_log_sum([same.log_weight, log_weight]))
    else:
        waiting[key] = Waiting(context, state, head.handle, log_weight)


def _kept(beam: int | None, waiting: list[Waiting]) -> tuple[list[Waiting], list[float]]:
    """The heaviest, and the log-weights of the others."""
    if beam is None or len(waiting) <= beam:
        return waiting, []
    waiting = sorted(waiting, key=lambda each: -each.log_weight)
    return waiting[:beam], [each.log_weight for each in waiting[beam:]]


def complete(reading: Reading, moved: Sequence[tuple[Covers, list[Waiting]]]) -> list[Covers]:
    """Evaluate all strings that wait, in one call, and make heads of them."""
    every = [each for _, waiting in moved for each in waiting]
    evaluated = None
    if every:
        evaluated = reading.model.logits(
            [each.context for each in every], [each.parent for each in every]
        )
    done, found = 0, []
    for covers, waiting in moved:
        heads = []
        for each in waiting:
            assert evaluated is not None
            heads.append(_head(reading, each, evaluated.logits[done], evaluated.handles[done]))
            done += 1
        mass = _log_sum([covers.log_mass, *(each.log_weight for each in waiting)])
        if mass == -math.inf:
            raise ImpossiblePrefixError(
                f"the model gives no probability to this prefix under the target {reading.target!r}"
            )
        found.append(Covers((*covers.heads, *heads), mass, covers.log_dropped))
    return found


def _head(reading: Reading, waiting: Waiting, logits: Logits, handle: Any) -> Head:
    vocabulary, viability = reading.vocabulary, reading.viability
    weights, largest, total = vocabulary.ranges.weights(logits, vocabulary.counted)
    end = float(np.exp(logits[vocabulary.ends].astype(np.float64) - largest).sum())
    if viability is not None:
        weights *= viability.following(waiting.state)
        end = end if viability.ends(waiting.state) else 0.0
        if reading.target == "canonical-renorm":
            total = float(weights.sum()) + end or 1.0
    return Head(
        waiting.context,
        waiting.state,
        handle,
        waiting.log_weight,
        waiting.log_weight - math.log(total),
        weights,
        end,
        vocabulary.ranges.whole,
    )


def _log_sum(logs: Sequence[float] | NDArray[np.float64]) -> float:
    top = max(logs, default=-math.inf)
    if top == -math.inf:
        return top
    return top + math.log(math.fsum(math.exp(each - top) for each in logs))
