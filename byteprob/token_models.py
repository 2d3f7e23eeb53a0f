"""The few things that are asked of a token-level language model."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Context = tuple[int, ...]
"""All ids before the next one, the first of them being what the model wants at the start."""
Logits = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evaluated:
    """``logits``: float[contexts, ids]. ``handles``: one for each context, see `TokenModel`."""

    logits: Logits
    handles: Sequence[Any]


class TokenModel(Protocol):
    """A causal language model over ids."""

    @property
    def start(self) -> Context:
        """The ids before the first one of a text: BOS, or what stands for it; never empty text."""
        ...

    def logits(self, contexts: Sequence[Context], parents: Sequence[Any]) -> Evaluated:
        """Unnormalised log-probabilities of the next id after each context.

        ``parents[i]``: the handle that came with the logits of ``contexts[i][:-1]``, or of a
        shorter beginning, from which a model with a key/value cache goes on; None where there is
        none. What a handle is is the model's own affair. Ids beyond the tokenizer's are ignored.
        """
        ...

    def state(self, context: Context) -> Hashable:
        """What of a context the model sees: contexts of one state have the same continuations."""
        ...


@dataclass(frozen=True)
class FunctionModel:
    """A plain function of a batch of contexts; it remembers nothing between calls."""

    function: Callable[[Sequence[Context]], Logits]
    """Contexts to logits, float[contexts, ids]."""
    start: Context = ()

    def logits(self, contexts: Sequence[Context], parents: Sequence[Any]) -> Evaluated:
        """See `TokenModel`."""
        del parents
        return Evaluated(self.function(contexts), [None] * len(contexts))

    def state(self, context: Context) -> Hashable:
        """See `TokenModel`: the whole context."""
        return context


@dataclass(frozen=True)
class Prompted:
    """A model behind fixed ids, such as sentinels: they come before every text."""

    model: TokenModel
    ids: Context

    @property
    def start(self) -> Context:
        """See `TokenModel`: that of the model, and the ids."""
        return (*self.model.start, *self.ids)

    def logits(self, contexts: Sequence[Context], parents: Sequence[Any]) -> Evaluated:
        """See `TokenModel`."""
        return self.model.logits(contexts, parents)

    def state(self, context: Context) -> Hashable:
        """See `TokenModel`."""
        return self.model.state(context)


@dataclass
class Counted:
    """A model that counts what it is asked for. ``evaluations``: contexts; ``calls``: batches."""

    model: TokenModel
    evaluations: int = 0
    calls: int = 0

    @property
    def start(self) -> Context:
        """See `TokenModel`."""
        return self.model.start

    def logits(self, contexts: Sequence[Context], parents: Sequence[Any]) -> Evaluated:
        """See `TokenModel`."""
        self.evaluations += len(contexts)
        self.calls += 1
        return self.model.logits(contexts, parents)

    def state(self, context: Context) -> Hashable:
        """See `TokenModel`."""
        return self.model.state(context)
