"""What of each input is done: what the journal says of a shard beside its content."""

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tokenkit.corpus.encoding import Encoded
from tokenkit.corpus.inputs import Checkpoint
from tokenkit.corpus.journal import Journal
from tokenkit.corpus.quarantine import Quarantine
from tokenkit.corpus.reading import InputEnd, Position
from tokenkit.corpus.records import Rejected


@dataclass
class _Page:
    """Since the last shard: inputs that ended, and records rejected by reason."""

    inputs: list[dict[str, Any]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


class Ledger:
    """Follows the documents of a job in order."""

    def __init__(self, journal: Journal) -> None:
        """Go on where the journal is."""
        last = journal.entries[-1] if journal.entries else None
        self.position = _from_json(last["position"]) if last else Position()
        self.quarantine = Quarantine(journal.folder, last["quarantine"] if last else 0)
        self._page = _Page()

    def documents(self, encoded: Encoded, first: int, last: int) -> None:
        """Documents ``first`` to ``last`` of a batch, and what lies before them, are done."""
        until = int(encoded.inputs[last - 1]), int(encoded.numbers[last - 1]) + 1
        counts = Counter(encoded.inputs[first:last].tolist())
        rejected = _taken(encoded.rejected, until)
        ends = [end for end in encoded.ends if end.input < until[0]]
        del encoded.ends[: len(ends)]
        self._advance(counts, rejected, ends)
        self._reach(Position(*until))

    def rest(self, encoded: Encoded) -> None:
        """The batch is done."""
        self._advance(Counter(), _taken(encoded.rejected, None), encoded.ends)
        if encoded.reached is not None and encoded.reached.input >= self.position.input:
            self._reach(encoded.reached)

    def take(self) -> dict[str, Any]:
        """What the journal is to say, from the last time to now."""
        page, self._page = self._page, _Page()
        return {
            "inputs": page.inputs,
            "reasons": dict(page.reasons),
            "quarantine": self.quarantine.size,
            "position": asdict(self.position),
        }

    def _advance(
        self, counts: Counter[int], rejected: list[tuple[int, Rejected]], ends: list[InputEnd]
    ) -> None:
        self.quarantine.add(record for _, record in rejected)
        self._page.reasons.update(record.reason.partition(":")[0] for _, record in rejected)
        rejections = Counter(index for index, _ in rejected)
        for index in sorted({*counts, *rejections, *(end.input for end in ends)}):
            here = self.position if self.position.input == index else Position(index)
            self.position = replace(
                here,
                documents=here.documents + counts[index],
                rejected=here.rejected + rejections[index],
            )
            for end in ends:
                if end.input == index:
                    self._page.inputs.append(_described(end, self.position))
                    self.position = Position(index + 1)

    def _reach(self, there: Position) -> None:
        here = self.position if self.position.input == there.input else Position(there.input)
        checkpoint = there.checkpoint or here.checkpoint
        self.position = replace(here, record=there.record, checkpoint=checkpoint)


def _taken(
    rejected: list[tuple[int, Rejected]], until: tuple[int, int] | None
) -> list[tuple[int, Rejected]]:
    """Take from the front of the list what lies before ``until`` (input, record)."""
    count = len(rejected)
    if until is not None:
        count = sum((index, record.record) <= until for index, record in rejected)
    taken = rejected[:count]
    del rejected[:count]
    return taken


def _described(end: InputEnd, done: Position) -> dict[str, Any]:
    return {
        "path": end.path,
        "bytes": end.read.size,
        "size": end.size,
        "sha256": end.read.sha256,
        "records": end.records,
        "documents": done.documents,
        "quarantined": done.rejected,
        "broken": end.broken,
    }


def _from_json(position: dict[str, Any]) -> Position:
    checkpoint = position["checkpoint"]
    return Position(**{**position, "checkpoint": checkpoint and Checkpoint(**checkpoint)})
