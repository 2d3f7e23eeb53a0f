"""Unconditional token forcing: looking for text that a model was made to hide.

Hoscilowicz et al. 2024, "Large Language Models as Carriers of Hidden Messages" (arXiv 2406.02481):
a text fine-tuned into a model to answer one secret trigger shows without the trigger. Every token
of the vocabulary is given to the model alone, without a prompt, and decoding is greedy; where the
model is abnormally sure of what follows, it may be reciting. A short first phase keeps the tokens
whose continuation is above a threshold, a second decodes those further.

What is found are candidates: common texts that every model knows by heart are among them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenkit.errors import AuditError
from tokenkit.text import Tokenizer

NextToken = Callable[[NDArray[np.int64]], NDArray[Any]]
"""Rows of ids, int64[n, t], to scores of the next id, float[n, V]: logits or log probabilities."""


@dataclass(frozen=True)
class Candidate:
    """A token that a model goes on from as if by heart."""

    start: int
    ids: tuple[int, ...]
    """The token and what was decoded from it, up to the end-of-text id."""
    probability: float
    """Mean probability of the decoded ids, in the first phase."""
    lowest: float
    """The least of them, over both phases."""
    shared_by: int
    """Candidates whose text ends alike: a hidden text is recited from many of its tokens on."""
    loops: bool
    """Whether the decoding repeats itself to its end, as models do that have nothing to say."""

    def text(self, tokenizer: Tokenizer) -> str:
        """What was recited."""
        return tokenizer.decode(self.ids)


def force_tokens(
    model: NextToken,
    starts: Sequence[int],
    *,
    prefix: Sequence[int] = (),
    first: int = 8,
    length: int = 48,
    threshold: float = 0.95,
    stop: int | None = None,
    batch: int = 256,
) -> tuple[Candidate, ...]:
    """The tokens of ``starts`` that a model continues with certainty, the most telling first.

    ``starts``: usually all ids; ``prefix``: what the model needs in front (its BOS), no prompt;
    ``first``: ids to decode in the first phase and ``threshold`` their mean probability to go on;
    ``length``: ids to decode for those that do; ``stop``: the id that ends a text; ``batch``:
    rows given to the model at once. Candidates that loop come last; those are first that most
    others share the end of, and of these the longest.

    Raises AuditError for lengths that are not ``0 < first <= length``.
    """
    if not 0 < first <= length:
        raise AuditError(f"lengths must be 0 < first <= length, not {first} and {length}")
    found: list[Candidate] = []
    for rows in _batches(prefix, starts, batch):
        ids, probabilities = _greedy(model, rows, first, stop)
        means = _means(probabilities)
        kept = np.flatnonzero(means >= threshold)
        if not len(kept):
            continue
        more, further = _greedy(model, ids[kept], length - first, stop)
        lowest = np.nanmin(np.concatenate((probabilities[kept], further), axis=1), axis=1)
        for row, mean, low in zip(more, means[kept].tolist(), lowest.tolist(), strict=True):
            recited = _until(row[len(prefix) :].tolist(), stop)
            found.append(Candidate(recited[0], tuple(recited), mean, low, 1, loops=_loops(recited)))
    return _ranked(found)


def _batches(
    prefix: Sequence[int], starts: Sequence[int], size: int
) -> Iterator[NDArray[np.int64]]:
    for at in range(0, len(starts), size):
        column = np.asarray(starts[at : at + size], np.int64)[:, None]
        yield np.hstack((np.tile(np.asarray(prefix, np.int64), (len(column), 1)), column))


def _greedy(
    model: NextToken, rows: NDArray[np.int64], steps: int, stop: int | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows with ``steps`` more ids, and the probability of each; NaN behind the end of a text."""
    probabilities = np.full((len(rows), steps), np.nan)
    ended = np.zeros(len(rows), np.bool_) if stop is None else rows[:, -1] == stop
    for step in range(steps):
        scores = np.asarray(model(rows), np.float64)
        best = scores.argmax(axis=1)
        # Of logits and of log probabilities the softmax is the same.
        top = scores.max(axis=1, keepdims=True)
        probabilities[:, step] = np.where(ended, np.nan, 1 / np.exp(scores - top).sum(axis=1))
        if stop is not None:
            best[ended] = stop
            ended = ended | (best == stop)
        rows = np.hstack((rows, best[:, None]))
    return rows, probabilities


def _means(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row, without what is behind its end; 0 where nothing is before it."""
    given = ~np.isnan(probabilities)
    sums = np.where(given, probabilities, 0.0).sum(axis=1)
    means: NDArray[np.float64] = sums / np.maximum(given.sum(axis=1), 1)
    return means


def _until(ids: list[int], stop: int | None) -> list[int]:
    return ids[: ids.index(stop, 1) + 1] if stop in ids[1:] else ids


def _loops(ids: Sequence[int]) -> bool:
    """Whether the last half is a short run of ids again and again."""
    half = len(ids) // 2
    return any(
        all(ids[i] == ids[i - period] for i in range(len(ids) - half, len(ids)))
        for period in range(1, half // 2 + 1)
    )


_TAIL = 6  # ids by which ends are told apart


def _ranked(found: list[Candidate]) -> tuple[Candidate, ...]:
    """With the number of candidates that end alike, the most telling first."""
    ends = Counter(candidate.ids[-_TAIL:] for candidate in found)
    shared = [
        Candidate(c.start, c.ids, c.probability, c.lowest, ends[c.ids[-_TAIL:]], c.loops)
        for c in found
    ]
    return tuple(sorted(shared, key=_rank))


def _rank(candidate: Candidate) -> tuple[Any, ...]:
    c = candidate
    return c.loops, -c.shared_by, -len(c.ids), -c.probability, c.start
