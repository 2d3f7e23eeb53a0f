"""Asking a model early for what will probably be asked next.

Byte by byte, the model is asked behind the tokens of every beginning of a word: of " numbers"
behind " ", " n", " nu" and so on. All of these go on from one context, and what the model said
there tells mostly which they will be. So the first is asked for together with the rest, which tree
attention makes one forward of: about one a token where it was one a byte. Where a guess is wrong,
some contexts were evaluated for nothing; results are the same.
"""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from byteprob.token_models import Context, Evaluated, TokenModel
from byteprob.tokenizers.spelling import vocabulary_of
from encoders.byte_ranges import Logits
from tokenkit.text import Tokenizer

_KEPT = 64
"""Contexts whose logits are kept: those ahead, and those behind which something is guessed."""


class LookAhead:
    """A `TokenModel` with fewer and larger calls. Worth it where the time of a call does not depend
    on how many contexts it has, as on a GPU, or with small models. Not for several threads."""

    def __init__(self, model: TokenModel, tokenizer: Tokenizer, *, least: float = 0.5) -> None:
        """``least``: the probability that a guess must have given the bytes so far, by what the
        model says of the token; below 1 / 2 still one guess.

        Raises ValueError for one that is not above 0 and at most 1.
        """
        if not 0 < least <= 1:
            raise ValueError(f"a guess has a probability above 0 and at most 1, not {least}")
        self._model, self._least = model, least
        self._tokenizer, self._ranges = tokenizer, vocabulary_of(tokenizer).ranges
        self._beginnings = lru_cache(1 << 12)(self._beginnings_of)
        self._known: OrderedDict[Context, tuple[Logits, Any]] = OrderedDict()

    @property
    def start(self) -> Context:
        """See `TokenModel`."""
        return self._model.start

    def state(self, context: Context) -> Hashable:
        """See `TokenModel`."""
        return self._model.state(context)

    def logits(self, contexts: Sequence[Context], parents: Sequence[Any]) -> Evaluated:
        """See `TokenModel`."""
        wanted = dict(zip(contexts, parents, strict=True))
        new = {context: parent for context, parent in wanted.items() if context not in self._known}
        for context, parent in list(new.items()):
            for ahead in self._ahead(context):
                if ahead not in self._known:
                    new.setdefault(ahead, parent)
        if new:
            found = self._model.logits(list(new), list(new.values()))
            for context, row, handle in zip(new, found.logits, found.handles, strict=True):
                # A row of many would keep all of them.
                self._known[context] = row.copy() if len(new) > 1 else row, handle
        for context in wanted:
            self._known.move_to_end(context)
        rows, handles = zip(*(self._known[context] for context in contexts), strict=True)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return Evaluated(rows[0][None] if len(rows) == 1 else np.stack(rows), handles)

    def _ahead(self, context: Context) -> list[Context]:
        """Contexts with a longer last token, along the likeliest that begins with its bytes."""
        ranges, last = self._ranges, context[-1]
        if context[:-1] not in self._known or not ranges.holds(last):
            return []
        begun, (row, _) = ranges.token(last), self._known[context[:-1]]
        first, stop = within = ranges.starting_with(begun)
        logits = row[ranges.order[first:stop]].astype(np.float64)
        if (largest := logits.max()) == -np.inf:
            return []
        weights = np.exp(logits - largest)
        likeliest = ranges.token(int(ranges.order[first + int(weights.argmax())]))
        enough, found = self._least * weights.sum(), list[Context]()
        for depth in range(len(begun), len(likeliest)):
            low, high = within = ranges.narrowed(within, depth, likeliest[depth])
            if not weights[low - first : high - first].sum() >= enough:
                break
            found += [(*context[:-1], *ids) for ids in self._beginnings(likeliest[: depth + 1])]
        return found

    def _beginnings_of(self, raw: bytes) -> set[Context]:
        """The ids that spell some bytes: one of them, and those that the tokenizer makes."""
        ranges = self._ranges
        within = ranges.ending(ranges.starting_with(raw), len(raw))
        found: set[Context] = {(id_,) for id_ in ranges.order[slice(*within)].tolist()}
        ids = tuple(self._tokenizer.encode(raw).tolist())
        if all(map(ranges.holds, ids)) and b"".join(map(ranges.token, ids)) == raw:
            found.add(ids)
        return found
