"""Models that vLLM serves in this process, by the log-probabilities that it gives back.

Written for the interface of vLLM 0.12 and later, and tested against recordings of its shape: it
was not run with vLLM here. A request asks for one token and the log-probabilities of all ids, and
vLLM's cache of prefixes takes the place of handles:

    llm = vllm.LLM("…", enable_prefix_caching=True, max_logprobs=-1)
    model = VllmModel(llm, tokenizer.vocab_size, start=(bos,))

``logprobs_mode`` must be "raw_logprobs", which is the default, or "raw_logits".
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from byteprob.errors import ByteprobError
from byteprob.token_models import Context, Evaluated
from tokenkit.errors import MissingExtraError


class Generates(Protocol):
    """What is asked of ``vllm.LLM``: its ``generate``."""

    def generate(self, prompts: Any, sampling_params: Any = None, *, use_tqdm: bool = True) -> Any:
        """A ``RequestOutput`` for each prompt, in order."""
        ...


class VllmModel:
    """A `TokenModel` over vLLM. Logits are its log-probabilities, float32."""

    def __init__(
        self, llm: Generates, vocab_size: int, start: Context, sampling_params: Any = None
    ) -> None:
        """``vocab_size``: ids that must all come back, those of the tokenizer.

        ``sampling_params``: by default one greedy token, with all log-probabilities.

        Raises MissingExtraError without vLLM where it has to make them, ByteprobError for an
        empty start.
        """
        if not start:
            raise ByteprobError("a text starts with one or more ids: pass start=(id,)")
        self._llm, self._size, self.start = llm, vocab_size, tuple(start)
        self._params = _one_token() if sampling_params is None else sampling_params

    def state(self, context: Context) -> Hashable:
        """See `TokenModel`: the whole context."""
        return context

    def logits(self, contexts: Sequence[Context], parents: Sequence[Any]) -> Evaluated:
        """See `TokenModel`: float32[contexts, vocab_size].

        Raises ByteprobError where vLLM gives fewer log-probabilities than there are ids.
        """
        del parents
        prompts = [{"prompt_token_ids": list(context)} for context in contexts]
        outputs = self._llm.generate(prompts, self._params, use_tqdm=False)
        rows = [self._row(output.outputs[0].logprobs) for output in outputs]
        return Evaluated(np.array(rows, np.float32), [None] * len(rows))

    def _row(self, log_probs: Any) -> NDArray[np.float32]:
        ids, values = _first_position(log_probs)
        row = np.full(self._size, np.nan, np.float32)
        inside = ids < self._size
        row[ids[inside]] = values[inside]
        if missing := int(np.isnan(row).sum()):
            raise ByteprobError(
                f"vLLM gave no log-probability for {missing} of {self._size} ids: make the LLM "
                "with max_logprobs=-1, and ask with SamplingParams(logprobs=-1)"
            )
        return row


def _first_position(log_probs: Any) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ids and log-probabilities of the one token asked for, of either format that vLLM has: lists
    of all (``FlatLogprobs``), or for each position a dictionary from id to ``Logprob``."""
    if log_probs is None:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    if hasattr(log_probs, "token_ids"):
        whole = slice(log_probs.start_indices[0], log_probs.end_indices[0])
        ids, values = log_probs.token_ids[whole], log_probs.logprobs[whole]
        return np.asarray(ids, np.int64), np.asarray(values, np.float32)
    first: Mapping[int, Any] = log_probs[0]
    values = [each.logprob for each in first.values()]
    return np.array(list(first), np.int64), np.array(values, np.float32)


def _one_token() -> Any:
    try:
        from vllm import SamplingParams
    except ImportError:
        raise MissingExtraError("VllmModel needs vllm", "vllm") from None
    return SamplingParams(
        max_tokens=1, temperature=0.0, logprobs=-1, flat_logprobs=True, detokenize=False
    )
