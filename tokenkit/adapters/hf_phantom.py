"""Masking phantom edits while `transformers` decodes."""

from collections.abc import Sequence

import torch
from transformers import LogitsProcessor

from tokenkit.audit.phantom import phantom_ids
from tokenkit.text import Tokenizer


class PhantomMask(LogitsProcessor):
    """Keeps a model from writing some spans, in whatever tokens, white space in front or not.

    For the consistency probe (arXiv 2601.14658): a word that is to be replaced cannot come back as
    other ids for the same text. Pass it in ``generate(logits_processor=[…])``.
    """

    def __init__(self, tokenizer: Tokenizer, spans: Sequence[str], prompt_length: int) -> None:
        """``prompt_length``: ids at the beginning of each row that the model did not write.

        Raises ValueError for a span that is empty or white space only.
        """
        if not all(span.strip() for span in spans):
            raise ValueError("a span to mask needs more than white space")
        self._tokenizer = tokenizer
        self._spans = tuple(span.strip() for span in spans)
        self._prompt_length = prompt_length
        # What of a span is written lies in its last ids: none is empty, so a byte each is enough.
        self._window = max((len(span.encode()) for span in self._spans), default=0) + 1

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Scores [batch, vocabulary] with -inf for every id that would complete a span."""
        masked = scores.clone()
        for row, ids in enumerate(input_ids[:, self._prompt_length :]):
            banned = self._banned(ids[-self._window :].tolist())
            masked[row, banned] = -torch.inf
        return masked  # type: ignore[return-value]

    def _banned(self, ids: Sequence[int]) -> list[int]:
        raw = b"".join(self._tokenizer.id_to_bytes(id_) for id_ in ids)
        written = raw.decode("utf-8", "replace")
        return sorted(
            {
                id_
                for span in self._spans
                for spelled in _begun(written, span)
                for id_ in phantom_ids(self._tokenizer, span, spelled).tolist()
            }
        )


def _begun(written: str, span: str) -> list[str]:
    """Beginnings of a span, the empty one too, that a text ends with at the start of a word."""
    found = [""]
    for length in range(1, len(span)):
        before = written[: len(written) - length]
        if written.endswith(span[:length]) and not before[-1:].isalnum():
            found.append(span[:length])
    return found
