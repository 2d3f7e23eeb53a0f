"""Strings of tokens that the model has not been asked about, and the bytes behind them.

How such a string may go on is known without the model under the canonical targets: by the tokens
that are viable. Where none goes on with the bytes behind it, it is dropped for nothing. Under
"marginal" nearly every string may go on with nearly every byte, so that nothing is looked for.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from byteprob.token_models import Context
from byteprob.viability import Viability
from encoders.byte_ranges import ByteRanges, Range


class Way(NamedTuple):
    """One way in which a string may go on: tokens that the model need not have been asked about,
    and behind them one that has begun.

    ``state``: of the viability, behind those tokens. ``within``, ``depth``: tokens that agree with
    the ``depth`` bytes behind them.
    """

    state: Hashable
    within: Range
    depth: int


@dataclass(frozen=True, eq=False)
class Waiting:
    """A string of tokens that is complete, before the model has seen it.

    ``since``: the bytes pushed since it was complete. ``ways``: how it may go on with them; none
    where there are no such bytes or no target that forbids tokens: it may then go on in every way.
    """

    context: Context
    state: Hashable
    parent: Any
    log_weight: float
    since: bytes = b""
    ways: tuple[Way, ...] = ()


def advanced(
    waiting: Waiting, following: bytes, ranges: ByteRanges, viability: Viability | None
) -> Waiting | None:
    """A string behind more bytes; None where it is known that no string of tokens goes on so."""
    ways = waiting.ways
    if viability is not None:
        ways = ways or (Way(waiting.state, ranges.whole, 0),)
        for byte in following:
            longer = [way for old in ways for way in _narrowed(old, byte, ranges, viability)]
            ways = tuple({(way.state, way.depth): way for way in longer}.values())
        if not ways:
            return None
    return replace(waiting, ways=ways, since=waiting.since + following)


def _narrowed(way: Way, byte: int, ranges: ByteRanges, viability: Viability) -> list[Way]:
    """The ways behind one byte more: the same token goes on, or it is complete."""
    depth, allowed = way.depth + 1, viability.following(way.state)
    low, high = ranges.narrowed(way.within, way.depth, byte)
    _, beyond = ranges.ending((low, high), depth)
    found = [
        Way(viability.after(way.state, id_), ranges.whole, 0)
        for id_ in ranges.order[low:beyond].tolist()
        if allowed[id_]
    ]
    goes_on = allowed[ranges.order[beyond:high]].any()
    return [*found, Way(way.state, (beyond, high), depth)] if goes_on else found
