"""Bits per byte of whole documents, along the encoding: what compares models across tokenizers.

Under the target "canonical" the probability of a whole document is that of its one encoding and
then the end, so that no covers are needed, and

    bits per byte = -log2 P(start, ids of the text, end) / bytes of the text in UTF-8

is that of `ByteModel.score(text, ended=True)`, and an upper bound of what the text costs by any
tokens. Only where the tokenizer puts a blank before every text is `score` less, by what that blank
costs: it is under the condition that the blank is there. Other figures that are published under
the name differ:

- Without the end (`Bits.open`) the text is one of all that begin so, whose probabilities do not
  sum to 1 over texts; the last token too is then taken to be whole, which no prefix says.
- Without the first id (`Bits.shifted`), as labels that are shifted by one have it where no start
  is put before them: the most uncertain token of the text is free.
- A loss per token (`Bits.per_token`) and its exponential, perplexity, compare models of one
  tokenizer only: longer tokens cost more each.
- Per character (`Bits.per_character`) is more than per byte for all text that is not ASCII; and
  a piece such as SentencePiece's "▁" is one byte of the text, not the three that it is spelled
  with (parameter-golf #897: about 20 % off). Bytes are counted in the text, never in tokens.
- A space or a line end at the end of a text is a byte and most often a token of its own, which few
  models expect before the end (lighteval #1264): texts are taken as they are, so strip all or none.
- The product of conditionals of bytes, each normalised (`Score.chained`), leaves out the leak: it
  flattered the model of the specification by 0.6 %.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from byteprob.errors import ByteprobError
from byteprob.token_models import Context, TokenModel
from byteprob.tokenizers.spelling import vocabulary_of
from byteprob.vocabulary import ByteVocabulary
from tokenkit.text import Tokenizer

_BATCH = 64


@runtime_checkable
class ScoresDocuments(Protocol):
    """What a `TokenModel` may have besides, if it scores all ids of a document at once."""

    def document_log_probs(
        self, documents: Sequence[Context], vocabulary: ByteVocabulary
    ) -> list[NDArray[np.float64]]:
        """Log-probabilities of each id behind the start, and last of the end, whichever it is.

        ``documents`` begin with the start. Normalised over the ids of the vocabulary. float64[ids
        behind the start + 1] for each document.
        """
        ...


@dataclass(frozen=True, eq=False)
class Bits:
    """Of documents, in bits; each array has one value a document.

    ``bits``: float64, of the whole document with its end. ``ends``: of the end alone. ``firsts``:
    of the first id, or of the end where there is no other. ``sizes``, ``characters``, ``tokens``:
    int64, of the text; tokens without the end.
    """

    bits: NDArray[np.float64]
    ends: NDArray[np.float64]
    firsts: NDArray[np.float64]
    sizes: NDArray[np.int64]
    characters: NDArray[np.int64]
    tokens: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.bits)

    @property
    def per_byte(self) -> float:
        """Bits per byte of all documents together: the figure to publish. NaN for no bytes."""
        return _ratio(self.bits.sum(), self.sizes.sum())

    @property
    def of_each(self) -> NDArray[np.float64]:
        """Bits per byte of each document, NaN for one of no bytes."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.sizes > 0, self.bits / self.sizes, np.nan)

    @property
    def open(self) -> float:
        """Bits per byte without the end."""
        return _ratio((self.bits - self.ends).sum(), self.sizes.sum())

    @property
    def shifted(self) -> float:
        """Bits per byte without the end and the first id, over all bytes."""
        inner = np.where(self.tokens > 0, self.bits - self.ends - self.firsts, 0.0)
        return _ratio(inner.sum(), self.sizes.sum())

    @property
    def per_token(self) -> float:
        """Bits per id, without the end; ``2 ** per_token`` is the perplexity."""
        return _ratio((self.bits - self.ends).sum(), self.tokens.sum())

    @property
    def per_character(self) -> float:
        """Bits per character of the text, with the end."""
        return _ratio(self.bits.sum(), self.characters.sum())


def bits_per_byte(model: TokenModel, tokenizer: Tokenizer, texts: Iterable[str | bytes]) -> Bits:
    """Bits of documents along their encodings, each between the model's start and its end.

    Special tokens spelled in a text are text. A model that `ScoresDocuments` scores all ids of
    documents at once; of others logits are asked for as `ByteModel` would.

    Raises UnsupportedTokenizerError for a tokenizer whose tokens do not spell the bytes of its
    texts, ByteprobError for one that normalises texts to others or has more ids than the model.
    """
    vocabulary = vocabulary_of(tokenizer)
    raw = [text.encode() if isinstance(text, str) else text for text in texts]
    encoded = [tokenizer.encode(text).tolist() for text in raw]
    for text, ids in zip(raw, encoded, strict=True):
        if tokenizer.decode_bytes(ids) != text:
            raise ByteprobError(
                f"{tokenizer!r} makes another text of {text[:40]!r}: normalise it before, so that "
                "its bytes are those that are scored"
            )
    found = _log_probs(model, [(*model.start, *ids) for ids in encoded], vocabulary)
    costs = [-log_probs / math.log(2) for log_probs in found]
    return Bits(
        np.array([cost.sum() for cost in costs]),
        np.array([cost[-1] for cost in costs]),
        np.array([cost[0] for cost in costs]),
        np.array([len(text) for text in raw], np.int64),
        np.array([len(text.decode(errors="replace")) for text in raw], np.int64),
        np.array([len(ids) for ids in encoded], np.int64),
    )


def _log_probs(
    model: TokenModel, documents: Sequence[Context], vocabulary: ByteVocabulary
) -> list[NDArray[np.float64]]:
    if isinstance(model, ScoresDocuments):
        return model.document_log_probs(documents, vocabulary) if documents else []
    return [_through_logits(model, document, vocabulary) for document in documents]


def _through_logits(
    model: TokenModel, document: Context, vocabulary: ByteVocabulary
) -> NDArray[np.float64]:
    """As `ScoresDocuments`, of any model: id by id where it gives handles, else in batches."""
    first = len(model.start)
    found = np.empty(len(document) - first + 1)
    at, handle, size = first, None, 1
    while at <= len(document):
        stop = min(at + size, len(document) + 1)
        contexts = [document[:length] for length in range(at, stop)]
        evaluated = model.logits(contexts, [handle] * len(contexts))
        vocabulary.check(evaluated.logits.shape[1])
        for length, row in zip(range(at, stop), evaluated.logits, strict=True):
            id_ = document[length] if length < len(document) else None
            found[length - first] = _log_prob(row, id_, vocabulary)
        handle = evaluated.handles[-1]
        at, size = stop, _BATCH if handle is None else 1
    return found


def _log_prob(row: NDArray[Any], id_: int | None, vocabulary: ByteVocabulary) -> float:
    """Of an id, or of the end, among the ids of the vocabulary."""
    ranges = vocabulary.ranges
    _, _, largest, total = ranges.weigh(row, ranges.every, vocabulary.counted)
    chosen = row[vocabulary.ends if id_ is None else [id_]].astype(np.float64) - largest
    with np.errstate(divide="ignore"):
        return float(np.log(np.exp(chosen).sum()) - math.log(total))


def _ratio(bits: float, count: float) -> float:
    return float(bits / count) if count else math.nan
