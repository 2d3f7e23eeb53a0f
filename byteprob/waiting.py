"""Strings of tokens that the model has not been asked about, and the bytes behind them.

How such a string may go on is known without the model: by the tokens there are, and by those that
the target allows. Where none goes on with the bytes behind it, it is dropped for nothing.
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
    where there are no such bytes, as it may then go on in every way.
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
    """A string behind more bytes; None where no string of tokens goes on so."""
    ways = waiting.ways or (Way(waiting.state, ranges.whole, 0),)
    for byte in following:
        found: dict[tuple[Hashable, int], Way] = {}
        for way in ways:
            for longer in _narrowed(way, byte, ranges, viability):
                found[longer.state, longer.depth] = longer
        if not found:
            return None
        ways = tuple(found.values())
    return replace(waiting, ways=ways, since=waiting.since + following)


def _narrowed(way: Way, byte: int, ranges: ByteRanges, viability: Viability | None) -> list[Way]:
    """The ways behind one byte more: the same token goes on, or it is complete."""
    depth = way.depth + 1
    low, high = ranges.narrowed(way.within, way.depth, byte)
    _, beyond = ranges.ending((low, high), depth)
    if viability is None:
        completing = list(range(low, min(low + 1, beyond)))  # ids of the same bytes are one way
        goes_on = beyond < high
    else:
        mask = viability.following(way.state)
        completing = [place for place in range(low, beyond) if mask[place]]
        goes_on = bool(mask[beyond:high].any())
    found = [
        Way(viability.after(way.state, place) if viability else None, ranges.whole, 0)
        for place in completing
    ]
    if goes_on:
        found.append(Way(way.state, (beyond, high), depth))
    return found
