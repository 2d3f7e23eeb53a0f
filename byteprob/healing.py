"""Going on from a prompt that ends in the middle of a token.

A prompt that is encoded and then gone on from is conditioned on more than its bytes: that its last
token ends where the prompt does. `heal` draws the tokens that make the prompt, and perhaps some
bytes beyond it, from what the model says of them; behind them ordinary tokens follow at full speed.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byteprob.covers import Covers, Head, Reading, evaluated, settled
from byteprob.errors import ByteprobError, ImpossiblePrefixError
from byteprob.model import ByteModel
from byteprob.sources import shaped
from byteprob.token_models import Context
from byteprob.waiting import Waiting


@dataclass(frozen=True)
class Cover:
    """A string of tokens that begins with a prompt and whose last token is needed for that.

    ``ids``: without those that the model wants at the start. ``surplus``: what they spell beyond
    the prompt. ``log_prob``: natural logarithm of its probability, given the prompt.
    """

    ids: Context
    surplus: bytes
    log_prob: float


def cover_distribution(model: ByteModel, prompt: bytes, count: int | None = None) -> list[Cover]:
    """All covers of a prompt, or the ``count`` likeliest, the likeliest first.

    ``log_prob`` is that of P of the cover over the sum of all, under the target of the model; it
    is exact unless the model has a beam. Covers of one surplus that the model cannot tell apart
    (`TokenModel.state`) are one, and have the ids of one of them.

    Raises ImpossiblePrefixError for a prompt without probability.
    """
    table = _Table.of(_covers(model, prompt))
    order = np.argsort(-table.log_probs, kind="stable")[:count]
    return [table.cover(model.reading, int(row)) for row in order]


def heal(
    model: ByteModel, prompt: bytes, *, temperature: float = 1.0, seed: int | None = None
) -> Cover:
    """A cover of a prompt, drawn with its probability given the prompt.

    With tokens of the model behind it, its bytes are what the model gives behind the prompt: under
    "marginal" exactly so; under "canonical-renorm" where those tokens are masked in the same way
    (`decode` does); under "canonical" for a model without leak (`byteprob.ByteDist`).

    ``temperature`` is that of whole covers: ``P ** (1 / temperature)``, normalised; at 0 the
    likeliest is taken. Raises ImpossiblePrefixError for a prompt without probability.
    """
    table = _Table.of(_covers(model, prompt))
    row = _drawn(np.random.default_rng(seed), table.log_probs, temperature)
    return table.cover(model.reading, row)


def token_healing(
    model: ByteModel, ids: Sequence[int], *, temperature: float = 1.0, seed: int | None = None
) -> Cover:
    """The usual heuristic: take the last token back, and draw one that begins with its bytes.

    ``ids``: the encoded prompt. What ``heal_tokens`` of transformers and guidance do. It is not
    exact: the tokens before the last stay what the end of the prompt made of them, and one token
    must reach the end. ``log_prob`` is that of the token, given that it begins so.

    Raises ByteprobError for no ids, for a last one without bytes, and as `decode`.
    """
    reading = model.reading
    ranges = reading.vocabulary.ranges
    if not len(ids) or not ranges.holds(ids[-1]):
        raise ByteprobError(f"token healing takes back the last token: {list(ids)[-1:]} is none")
    *before, last = map(int, ids)
    tail = reading.vocabulary.token(last)
    head = _behind(reading, before)
    within = ranges.starting_with(tail)
    logs = _logs(ranges.taken(head.by_id, within))
    row = _drawn(np.random.default_rng(seed), logs, temperature)
    id_ = int(ranges.order[within[0] + row])
    log_prob = float(logs[row] - np.logaddexp.reduce(logs))
    return Cover((*before, id_), reading.vocabulary.token(id_)[len(tail) :], log_prob)


def decode(
    model: ByteModel,
    ids: Sequence[int],
    size: int,
    *,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int | None = None,
) -> bytes:
    """The bytes of ordinary tokens drawn behind ``ids``: up to ``size``, fewer where the text ends.

    One call of the model a token. ``temperature`` and ``top_p`` are those of tokens, the end of
    text among them. Under the canonical targets tokens that are not viable are masked.

    Raises ImpossiblePrefixError where no token may follow, ByteprobError for ids that are not
    viable under a canonical target.
    """
    # Not the numbers that drew the cover, if that had the same seed.
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    reading = model.reading
    ranges, found = reading.vocabulary.ranges, bytearray()
    head = _behind(reading, ids)
    while len(found) < size:
        weights = np.append(ranges.taken(head.by_id, ranges.whole), head.end)
        place = _drawn(random, _logs(weights), temperature, top_p)
        if place == len(ranges):
            break
        id_ = int(ranges.order[place])
        found += reading.vocabulary.token(id_)
        if len(found) < size:
            head = _following(reading, head, id_)
    return bytes(found[:size])


@dataclass(frozen=True, eq=False)
class _Table:
    """Every cover of a prompt. ``heads``: int64[n], the head of each. ``places``: int64[n], the
    token behind it that goes beyond the prompt; -1 where the head ends with the prompt.
    """

    covers: Covers
    heads: NDArray[np.int64]
    places: NDArray[np.int64]
    log_probs: NDArray[np.float64]

    @staticmethod
    def of(covers: Covers) -> "_Table":
        heads, places, logs = [], [], []
        for number, head in enumerate(covers.heads):
            if head.depth:
                places.append(np.arange(*head.among))
                logs.append(head.log_weight + _logs(head.weights))
            else:
                places.append(np.array([-1]))
                logs.append(np.array([head.log_mass]))
            heads.append(np.full(len(places[-1]), number))
        every = np.concatenate(logs)
        held = every > -np.inf
        return _Table(
            covers,
            np.concatenate(heads)[held],
            np.concatenate(places)[held],
            every[held] - np.logaddexp.reduce(every),
        )

    def cover(self, reading: Reading, row: int) -> Cover:
        head, place = self.covers.heads[self.heads[row]], int(self.places[row])
        ids, surplus = head.context[len(reading.model.start) :], b""
        if place >= 0:
            last = int(reading.vocabulary.ranges.order[place])
            ids, surplus = (*ids, last), reading.vocabulary.token(last)[head.depth :]
        return Cover(ids, surplus, float(self.log_probs[row]))


def _covers(model: ByteModel, prompt: bytes) -> Covers:
    """Those of a prompt, none of which waits."""
    exact = replace(model.reading, tolerance=0.0)
    return settled(exact, [model.at(prompt).covers])[0]


def _drawn(
    random: np.random.Generator,
    logs: NDArray[np.float64],
    temperature: float,
    top_p: float = 1.0,
) -> int:
    if logs.max(initial=-math.inf) == -math.inf:
        raise ImpossiblePrefixError("the model gives nothing to any token that may follow here")
    return int(random.choice(len(logs), p=shaped(logs, temperature, top_p)))


def _logs(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        found: NDArray[np.float64] = np.log(weights)
    return found


def _behind(reading: Reading, ids: Sequence[int]) -> Head:
    context = (*reading.model.start, *map(int, ids))
    viability, ranges = reading.viability, reading.vocabulary.ranges
    if viability is None:
        return _head(reading, context, None, None)
    state = viability.start
    for id_ in ids:
        if not ranges.holds(id_) or not viability.following(state)[id_]:
            raise ByteprobError(
                f"id {id_} is in no encoding here: see the target {reading.target!r}"
            )
        state = viability.after(state, id_)
    return _head(reading, context, state, None)


def _following(reading: Reading, head: Head, id_: int) -> Head:
    context = (*head.context, id_)
    state = reading.viability.after(head.state, id_) if reading.viability else None
    return _head(reading, context, state, head.handle)


def _head(reading: Reading, context: Context, state: Hashable, parent: Any) -> Head:
    (head,) = evaluated(reading, [Waiting(context, state, parent, 0.0)])
    return head
