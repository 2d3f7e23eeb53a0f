"""All strings of tokens that reach a prefix and those that go beyond it, grown byte by byte.

A head is a string of tokens that ends inside the prefix or with it, seen as a node of a tree: its
next tokens that agree with the rest of the prefix are a range of the sorted vocabulary. One head
stands for all strings that the model and the target cannot tell apart from here on.

Strings of little weight may wait: while they do, they are worth something between nothing and
their weight. With a tolerance of 0 none waits.
"""

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byteprob.dist import END, ByteDist, Target
from byteprob.errors import ImpossiblePrefixError
from byteprob.token_models import Context, TokenModel
from byteprob.viability import Viability
from byteprob.vocabulary import ByteVocabulary
from byteprob.waiting import Waiting, advanced
from encoders.byte_ranges import Logits, Mask, Range, Weights

_NO_WEIGHTS = np.empty(0)


@dataclass(frozen=True, eq=False)
class Reading:
    """A token model read as a distribution over bytes.

    ``viability`` is None for the target "marginal". ``beam``: heads that are kept at each
    position, the heaviest; None keeps all and is exact. ``tolerance``: strings wait while the
    total variation distance that they may make is at most this.

    ``front``: bytes that the tokenizer puts before every text and decoding takes away: all else is
    under the condition that a text begins so.
    """

    model: TokenModel
    vocabulary: ByteVocabulary
    target: Target
    viability: Viability | None = None
    beam: int | None = None
    tolerance: float = 0.0
    front: bytes = b""

    def allowed(self, state: Hashable) -> Mask:
        """Which ids may follow a head of that state."""
        return self.viability.following(state) if self.viability else self.vocabulary.ranges.every


@dataclass(frozen=True, eq=False)
class Head:
    """A string of tokens and what the model says comes next.

    ``log_weight + log(by_id[i])``: log-probability of the string and then id ``i``; 0 where that
    may not follow. ``end``: as a weight, of the end of the text. ``among``, ``depth``: the range of
    tokens that agree with the ``depth`` bytes from here to the end of the prefix and go on.
    ``weights``: those of that range, once it is not the whole vocabulary. ``sums``: the same by the
    byte that is next, float64[257]; the last is of the end of the text.

    ``log_mass``: log-probability of the covers that it stands for: of the string itself where it
    ends with the prefix, else of it with each of those tokens.
    """

    context: Context
    state: Hashable
    handle: Any
    log_weight: float
    by_id: Weights
    end: float
    among: Range
    weights: Weights
    sums: Weights
    log_mass: float
    depth: int = 0

    @cached_property
    def log_next(self) -> float:
        """Of all that goes on behind the prefix, the end included."""
        if self.depth:
            return self.log_mass
        going_on = float(self.sums.sum())
        return self.log_weight + math.log(going_on) if going_on else -math.inf


@dataclass(frozen=True, eq=False)
class Covers:
    """The strings of tokens at a prefix.

    ``log_dropped``: of the heads that a beam has dropped, all together.
    """

    heads: tuple[Head, ...]
    waiting: tuple[Waiting, ...] = ()
    log_dropped: float = -math.inf

    @cached_property
    def log_mass(self) -> float:
        """Log-probability of the prefix, P or S of `Target`; a lower bound where strings wait."""
        return log_sum(
            [head.log_mass for head in self.heads]
            + [each.log_weight for each in self.waiting if not each.since]
        )

    @cached_property
    def log_next(self) -> float:
        """Of all that is known to go on behind the prefix."""
        return log_sum([head.log_next for head in self.heads])

    @cached_property
    def log_unknown(self) -> float:
        """Of the strings that wait or were dropped: what may go on besides."""
        return log_sum([self.log_dropped, *(each.log_weight for each in self.waiting)])

    def log_bounds(self, *, ended: bool) -> tuple[float, float]:
        """Between what the log-probability of the prefix lies, or of the text that ends here."""
        if ended:
            sums, top = self._sums()
            low = top + math.log(sums[END]) if sums[END] else -math.inf
            return low, log_sum([low, self.log_unknown])
        inside = [each.log_weight for each in self.waiting if each.since]
        return self.log_mass, log_sum([self.log_mass, self.log_dropped, *inside])

    def next_byte(self, reading: Reading) -> ByteDist:
        """The distribution of what comes next."""
        sums, top = self._sums()
        total = sums.sum()
        if not total:
            raise ImpossiblePrefixError("after this prefix nothing has any probability")
        known = top + math.log(total)
        seen = log_sum([head.log_mass for head in self.heads])
        with np.errstate(divide="ignore"):
            return ByteDist(
                np.log(sums) - math.log(total),
                reading.target,
                leak=max(0.0, -math.expm1(known - seen)),
                error=math.exp(self.log_unknown - log_sum([known, self.log_unknown])),
            )

    def _sums(self) -> tuple[Weights, float]:
        """By symbol what is known to go on so, float64[257], over the exponential of a number."""
        top = max((head.log_weight for head in self.heads), default=0.0)
        sums = np.zeros(257)
        for head in self.heads:
            sums += math.exp(head.log_weight - top) * head.sums
        return sums, top


def beginning(reading: Reading) -> Covers:
    """The covers of the empty prefix: one head, unless something stands before every text."""
    exact = replace(reading, tolerance=0.0)
    found = _begun(exact, 0.0)
    return _begun(exact, -found.log_mass) if reading.front else found


def _begun(reading: Reading, log_weight: float) -> Covers:
    state = reading.viability.start if reading.viability else None
    begun = Waiting(reading.model.start, state, None, log_weight)
    found = settled(reading, [Covers((), (begun,))])
    for byte in reading.front:
        found = pushed(reading, found, [byte])
    return found[0]


def pushed(reading: Reading, before: Sequence[Covers], following: Sequence[int]) -> list[Covers]:
    """The covers of prefixes, each with one byte more; as few calls of the model as there can be.

    Raises ImpossiblePrefixError where a byte cannot follow its prefix.
    """
    moved = [
        _moved(reading, covers, bytes([byte]))
        for covers, byte in zip(before, following, strict=True)
    ]
    return settled(reading, moved)


def settled(reading: Reading, found: Sequence[Covers]) -> list[Covers]:
    """Evaluate strings that wait, the heaviest first, until what is left is tolerated.

    One call evaluates what has to be, of all prefixes, whatever that call will say.
    """
    parts = [_parted(reading, covers) for covers in found]
    while due := [each for now, _ in parts for each in now]:
        heads = iter(evaluated(reading, due))
        found = [
            _with_heads(reading, replace(covers, waiting=later), now, islice(heads, len(now)))
            for covers, (now, later) in zip(found, parts, strict=True)
        ]
        parts = [_parted(reading, covers) for covers in found]
    if any(covers.log_mass == -math.inf for covers in found):
        raise ImpossiblePrefixError(
            f"the model gives no probability to this prefix under the target {reading.target!r}"
        )
    return list(found)


def evaluated(reading: Reading, waiting: Sequence[Waiting]) -> list[Head]:
    """What the model says behind strings that wait, in one call; of the bytes since nothing."""
    found = reading.model.logits(
        [each.context for each in waiting], [each.parent for each in waiting]
    )
    reading.vocabulary.check(found.logits.shape[1])
    return [
        _head(reading, *each) for each in zip(waiting, found.logits, found.handles, strict=True)
    ]


def _moved(reading: Reading, covers: Covers, byte: bytes) -> Covers:
    """What is left of the covers behind one byte more; nothing is evaluated."""
    ranges, viability = reading.vocabulary.ranges, reading.viability
    grown = [_grown(reading, head, byte) for head in covers.heads]
    heads = tuple(head for head, _ in grown if head is not None)
    old = [advanced(each, byte, ranges, viability) for each in covers.waiting]
    new = _merged(reading.model, [each for _, complete in grown for each in complete])
    kept, dropped = _kept(reading.beam, new)
    waiting = (*(each for each in old if each is not None), *kept)
    return Covers(heads, waiting, log_sum([covers.log_dropped, *dropped]))


def _with_heads(
    reading: Reading, covers: Covers, evaluated: Sequence[Waiting], new: Iterator[Head]
) -> Covers:
    """The covers with strings that have just been evaluated, behind the bytes since."""
    grown = [_grown(reading, head, each.since) for each, head in zip(evaluated, new, strict=True)]
    heads = (*covers.heads, *(head for head, _ in grown if head is not None))
    waiting = [*covers.waiting, *(each for _, complete in grown for each in complete)]
    return Covers(heads, tuple(_merged(reading.model, waiting)), covers.log_dropped)


def _grown(reading: Reading, head: Head, following: bytes) -> tuple[Head | None, list[Waiting]]:
    """A head behind more bytes, None where no token goes on so; and the strings that are complete
    on the way, behind the bytes that are left to them."""
    found, ranges = list[Waiting](), reading.vocabulary.ranges
    among, depth, weights, sums, mass = head.among, head.depth, head.weights, head.sums, 1.0
    for done, byte in enumerate(following, 1):
        if not depth:
            among = ranges.beginning_with(byte)
            weights = ranges.taken(head.by_id, among)
        ending, longer, sums, mass = ranges.pushed(among, depth, byte, weights)
        for id_ in ranges.order[slice(*ending)].tolist():
            found += _complete(reading, head, id_, following[done:])
        weights = weights[longer[0] - among[0] : longer[1] - among[0]]
        among, depth = longer, depth + 1
        if not mass:
            return None, found
    if not following:
        return head, found
    log_mass = head.log_weight + math.log(mass)
    left = Head(
        head.context, head.state, head.handle, head.log_weight, head.by_id, head.end, among,
        weights, sums, log_mass, depth,
    )  # fmt: skip
    return left, found


def _complete(reading: Reading, head: Head, id_: int, since: bytes) -> list[Waiting]:
    """A head and a token that may follow, if it can go on with the bytes since."""
    weight, ranges, viability = head.by_id[id_], reading.vocabulary.ranges, reading.viability
    if not weight:
        return []
    state = viability.after(head.state, id_) if viability else None
    log_weight = head.log_weight + math.log(weight)
    found = Waiting((*head.context, id_), state, head.handle, log_weight)
    still = advanced(found, since, ranges, viability) if since else found
    return [] if still is None else [still]


def _merged(model: TokenModel, waiting: Sequence[Waiting]) -> list[Waiting]:
    """Strings that have the same continuations as one."""
    found: dict[Hashable, Waiting] = {}
    for each in waiting:
        key = model.state(each.context), each.state, len(each.since)
        same = found.setdefault(key, each)
        if same is not each:
            both = log_sum([same.log_weight, each.log_weight])
            found[key] = replace(same, log_weight=both)
    return list(found.values())


def _kept(beam: int | None, waiting: list[Waiting]) -> tuple[list[Waiting], list[float]]:
    """The heaviest, and the log-weights of the others."""
    if beam is None or len(waiting) <= beam:
        return waiting, []
    waiting = sorted(waiting, key=lambda each: -each.log_weight)
    return waiting[:beam], [each.log_weight for each in waiting[beam:]]


def _parted(reading: Reading, covers: Covers) -> tuple[tuple[Waiting, ...], tuple[Waiting, ...]]:
    """The strings that have to be evaluated now, and those that may wait.

    What goes on in all can only become less when some are evaluated, so that the lightest that
    are within the tolerance of it may be all that can wait in the end.
    """
    if not reading.tolerance or not covers.waiting:
        return covers.waiting, ()
    order = sorted(covers.waiting, key=lambda each: each.log_weight)
    lightest = np.logaddexp.accumulate([each.log_weight for each in order])
    most = math.log(reading.tolerance) + log_sum([covers.log_next, covers.log_unknown])
    later = int(np.searchsorted(lightest, most, "right"))
    return tuple(order[later:]), tuple(order[:later])


def _head(reading: Reading, waiting: Waiting, logits: Logits, handle: Any) -> Head:
    vocabulary, viability, state = reading.vocabulary, reading.viability, waiting.state
    by_id, sums, largest, total = vocabulary.ranges.weigh(
        logits, reading.allowed(state), vocabulary.counted
    )
    if viability is None or viability.ends(state):
        sums[END] = np.exp(logits[vocabulary.ends].astype(np.float64) - largest).sum()
    if reading.target == "canonical-renorm":
        total = float(sums.sum()) or 1.0
    return Head(
        waiting.context,
        state,
        handle,
        waiting.log_weight - math.log(total),
        by_id,
        float(sums[END]),
        vocabulary.ranges.whole,
        _NO_WEIGHTS,
        sums,
        waiting.log_weight,
    )


def log_sum(logs: Sequence[float] | NDArray[np.float64]) -> float:
    """The logarithm of the sum of exponentials; ``-inf`` of none."""
    top = max(logs, default=-math.inf)
    if top == -math.inf or len(logs) == 1:
        return top
    return top + math.log(math.fsum(math.exp(each - top) for each in logs))
