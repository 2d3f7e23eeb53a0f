"""An n-gram language model over ids: trained in seconds, and exact as an oracle must be.

Interpolated modified Kneser-Ney smoothing (Chen and Goodman, "An Empirical Study of Smoothing
Techniques for Language Modeling", TR-10-98, section 3): of all they compare the best at every
size, in closed form, and every id has a probability after every context.
"""

import io
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byteprob.errors import ByteprobError
from byteprob.token_models import Context, Evaluated
from byteprob.vocabulary import ByteVocabulary

MAX_ORDER = 5
_FALLBACK = (0.5, 1.0, 1.5)
"""Discounts where counts are too few to estimate them; those of KenLM."""

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NgramModel:
    """A `TokenModel`, and one that `ScoresDocuments`, of the last ``order - 1`` ids. Immutable.

    All n-grams are one tree, level by level: node ``i`` has the children ``first[i]`` to
    ``first[i + 1]``, sorted by word. The first ``vocab_size`` nodes are the ids themselves.

    ``words``: last id of each node, uint32[nodes]. ``first``: int64[inner nodes + 1].
    ``counts``: int64[nodes], how often a node was seen at the highest level; below, behind how
    many different ids. ``totals``: int64[inner nodes + 1], of all children, those pruned too; the
    last is of the ids. ``discounts``: float64[order, 3], for counts of 1, 2 and more.
    """

    order: int
    vocab_size: int
    start: Context
    end: int
    words: NDArray[np.uint32]
    first: NDArray[np.int64]
    counts: Counts
    totals: Counts
    discounts: NDArray[np.float64]

    @staticmethod
    def train(
        documents: Iterable[Any],
        *,
        vocab_size: int,
        start: int,
        end: int,
        order: int = 3,
        min_count: int = 1,
    ) -> "NgramModel":
        """Count the n-grams of documents: a `Ragged`, or arrays of ids, without start and end.

        ``min_count``: n-grams of the highest order that were seen less are forgotten, and what
        they had goes to shorter contexts; the model is smaller and a little worse.

        Raises ByteprobError for ids that are not below ``vocab_size``, an order that is not 1 to
        5, and no documents.
        """
        if not 1 <= order <= MAX_ORDER:
            raise ByteprobError(f"the order of an n-gram model is 1 to {MAX_ORDER}, not {order}")
        ids, at = _laid_out(documents, start, end)
        if not len(ids) or min(ids.min(), start) < 0 or max(ids.max(), start) >= vocab_size:
            raise ByteprobError(
                f"an n-gram model needs a document, and ids of 0 to {vocab_size - 1}"
            )
        levels = _counted(ids, at, vocab_size, order)
        discounts = np.array([_discounts(counts) for _, _, counts in levels])
        return _built(levels, discounts, vocab_size, start, end, min_count)

    def save(self, path: str | Path) -> None:
        """Write an ``.npz`` file that `load` reads."""
        np.savez_compressed(
            Path(path),
            allow_pickle=False,
            shape=np.array([self.order, self.vocab_size, self.start[0], self.end]),
            words=_narrow(self.words[self.vocab_size :]),
            children=_narrow(np.diff(self.first)),
            counts=_narrow(self.counts),
            totals=_narrow(self.totals),
            discounts=self.discounts,
            fingerprint=np.array(self.fingerprint),
        )

    @staticmethod
    def load(path: str | Path) -> "NgramModel":
        """What `save` wrote. Raises ByteprobError, naming the file, where that is damaged."""
        content = io.BytesIO(Path(path).read_bytes())
        try:
            with np.load(content, allow_pickle=False) as file:
                order, vocab_size, start, end = (int(each) for each in file["shape"])
                children = file["children"].astype(np.int64)
                model = NgramModel(
                    order,
                    vocab_size,
                    (start,),
                    end,
                    np.concatenate([np.arange(vocab_size), file["words"]]).astype(np.uint32),
                    np.concatenate([[vocab_size], vocab_size + np.cumsum(children)]),
                    file["counts"].astype(np.int64),
                    file["totals"].astype(np.int64),
                    file["discounts"],
                )
                fingerprint = str(file["fingerprint"])
        except Exception as error:  # damage makes zipfile and numpy raise a dozen kinds
            raise ByteprobError(f"{path} is no n-gram model, or is damaged: {error}") from None
        if fingerprint != model.fingerprint:
            raise ByteprobError(f"{path} is damaged: what it holds is not what was saved")
        return model

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of all that the model is made of."""
        digest = sha256(repr((self.order, self.vocab_size, self.start, self.end)).encode())
        for array in (self.words, self.first, self.counts, self.totals, self.discounts):
            digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()

    def logits(self, contexts: Sequence[Context], parents: Sequence[Any]) -> Evaluated:
        """Log-probabilities, normalised, float64[contexts, vocab_size]; see `TokenModel`."""
        from byteprob.models import _ngram_kernels

        del parents
        width = self.order - 1
        last = np.full((len(contexts), width), -1, np.int64)
        for row, context in zip(last, contexts, strict=True):
            kept = context[-width:] if width else ()
            row[width - len(kept) :] = kept
        if last.size and last.max() >= self.vocab_size:
            raise ByteprobError(f"a context has an id that is not below {self.vocab_size}")
        out = np.empty((len(contexts), self.vocab_size))
        tables = (self.words, self.first, *self._shares, *self._base)
        _ngram_kernels.fill_rows(*tables, last, np.empty(self.order, np.int64), out)
        return Evaluated(out, [None] * len(contexts))

    def document_log_probs(
        self, documents: Sequence[Context], vocabulary: ByteVocabulary
    ) -> list[NDArray[np.float64]]:
        """See `ScoresDocuments`: about a microsecond an id, as no other ids are looked at."""
        known = np.concatenate([vocabulary.ranges.order, vocabulary.counted]).astype(np.int64)
        if known.max() >= self.vocab_size:
            raise ByteprobError(
                f"the tokenizer has {known.max() + 1} ids, and the model {self.vocab_size}"
            )
        outside = np.setdiff1d(np.arange(self.vocab_size), known)
        found = []
        for document in documents:
            text = np.array(document[1:], np.int64)
            last = np.concatenate([np.full(self.order, -1), np.array(document, np.int64)])
            contexts = np.lib.stride_tricks.sliding_window_view(last, self.order)[1:, 1:].copy()
            probs = self._probs(contexts[:-1], text[:, None])[:, 0]
            end = self._probs(contexts[-1:], vocabulary.ends.astype(np.int64)[None]).sum()
            others = self._probs(contexts, np.tile(outside, (len(contexts), 1))).sum(axis=1)
            with np.errstate(divide="ignore"):
                found.append(np.log(np.append(probs, end)) - np.log1p(-others))
        return found

    def _probs(self, contexts: Counts, ids: Counts) -> NDArray[np.float64]:
        """Of some ids, int64[contexts, n], after the last ``order - 1`` ids of each context."""
        from byteprob.models import _ngram_kernels

        out, nodes = np.empty(ids.shape), np.empty(self.order, np.int64)
        tables = (self.words, self.first, *self._shares, self._base[0])
        _ngram_kernels.fill_probs(*tables, contexts, nodes, ids, out)
        return out

    def state(self, context: Context) -> Hashable:
        """See `TokenModel`: the last ``order - 1`` ids."""
        return context[-(self.order - 1) :] if self.order > 1 else ()

    @cached_property
    def _shares(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of each node, its discounted share of its parent; of each inner node, what is left."""
        parents = np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))
        shares = np.zeros(len(self.words))
        left = self.counts[self.vocab_size :] - self._discount_of_each[self.vocab_size :]
        shares[self.vocab_size :] = left / self.totals[parents]
        rests = np.ones(len(self.first) - 1)
        rests -= np.bincount(parents, shares[self.vocab_size :], len(rests))
        return shares, rests

    @cached_property
    def _base(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probabilities of ids without any context, and their logarithms."""
        ids = slice(self.vocab_size)
        shares = (self.counts[ids] - self._discount_of_each[ids]) / self.totals[-1]
        probs = shares + (1.0 - shares.sum()) / self.vocab_size
        return probs, np.log(probs)

    @cached_property
    def _discount_of_each(self) -> NDArray[np.float64]:
        table = np.concatenate([np.zeros((self.order, 1)), self.discounts], axis=1)
        return table[self._levels, np.minimum(self.counts, 3)]

    @cached_property
    def _levels(self) -> NDArray[np.int64]:
        """The level of each node, 0 for the ids."""
        bounds = [0, self.vocab_size]
        while len(bounds) <= self.order:
            bounds.append(int(self.first[min(bounds[-1], len(self.first) - 1)]))
        return np.repeat(np.arange(self.order), np.diff(bounds))


_Level = tuple[Counts, Counts, Counts]
"""Of each n-gram of one length, sorted: node of all but its last id, that id, its count."""


def _laid_out(documents: Iterable[Any], start: int, end: int) -> tuple[Counts, Counts]:
    """All ids, each document between start and end; and how far each is behind its start."""
    parts: list[Any] = []
    for document in documents:
        parts += ([start], document, [end])
    lengths = [len(parts[i + 1]) + 2 for i in range(0, len(parts), 3)]
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    ids = np.concatenate([np.asarray(part, np.int64) for part in parts])
    begins = np.repeat(np.cumsum([0, *lengths[:-1]]), lengths)
    return ids, np.arange(len(ids)) - begins


def _counted(ids: Counts, at: Counts, vocab_size: int, order: int) -> list[_Level]:
    """All n-grams up to an order. Of those shorter than it, behind how many ids each was seen, or
    how often where nothing precedes them."""
    nodes = ids  # of the n-gram that ends at each place
    seen = np.bincount(ids[at > 0], minlength=vocab_size)
    grams = [(np.zeros(vocab_size, np.int64), np.arange(vocab_size), seen)]
    for length in range(2, order + 1):
        here = np.flatnonzero(at >= length - 1)
        keys = nodes[here - 1] * vocab_size + ids[here]
        by_key = np.argsort(keys)
        ranked = keys[by_key]
        begins = np.flatnonzero(np.diff(ranked, prepend=-1))
        keys, places, seen = ranked[begins], by_key[begins], np.diff(begins, append=len(ranked))
        parents, words, often = grams[-1]
        behind = np.bincount(nodes[here[places]], minlength=len(words))
        grams[-1] = parents, words, np.where(behind > 0, behind, often)
        grams.append((keys // vocab_size, keys % vocab_size, seen))
        nodes = np.full(len(ids), -1)
        nodes[here[by_key]] = np.repeat(np.arange(len(keys)), seen)
    return grams


def _discounts(counts: Counts) -> tuple[float, float, float]:
    """Chen and Goodman, equation 26, of the n-grams of one length."""
    once, twice, thrice, often = (int((counts == n).sum()) for n in (1, 2, 3, 4))
    if not (once and twice and thrice and often):
        return _FALLBACK
    share = once / (once + 2 * twice)
    found = (
        1 - 2 * share * twice / once,
        2 - 3 * share * thrice / twice,
        3 - 4 * share * often / thrice,
    )
    return found if all(0 < each <= n + 1 for n, each in enumerate(found)) else _FALLBACK


def _built(
    levels: list[_Level],
    discounts: NDArray[np.float64],
    vocab_size: int,
    start: int,
    end: int,
    min_count: int,
) -> NgramModel:
    """The tree of all levels."""
    order = len(levels)
    children, totals = [], []
    for depth in range(1, order):
        parents, words, counts = levels[depth]
        size = len(levels[depth - 1][1])
        totals.append(np.bincount(parents, counts, size).astype(np.int64))
        if depth == order - 1:
            kept = counts >= min_count
            parents, words, counts = parents[kept], words[kept], counts[kept]
            levels[depth] = parents, words, counts
        children.append(np.bincount(parents, minlength=size))
    first = vocab_size + np.cumsum(np.concatenate([[0], *children])).astype(np.int64)
    return NgramModel(
        order,
        vocab_size,
        (start,),
        end,
        np.concatenate([words for _, words, _ in levels]).astype(np.uint32),
        first,
        np.concatenate([counts for _, _, counts in levels]),
        np.concatenate([*totals, [levels[0][2].sum()]]).astype(np.int64),
        discounts,
    )


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """In the smallest integers that hold them."""
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))
