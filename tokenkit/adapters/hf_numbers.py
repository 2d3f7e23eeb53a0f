"""Tokenizers with numbers in `transformers`, and models that learn their tokens.

The Rust library cannot follow: its `Split` cuts text but cannot give a piece a token that depends
on how many digits stand behind it, and what a Python pre-tokenizer does is not in a tokenizer.json.
So this is a tokenizer in Python, as far as `transformers` is concerned; the kernels do the work.
``save_pretrained`` writes ``tokenizer.numbers.json``, which `NumericPreTrainedTokenizer` and
`NumericTokenizer.from_file` read, and nobody without tokenkit.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from transformers import PreTrainedTokenizer, PreTrainedTokenizerBase

from tokenkit.numbers import NumericTokenizer, Scheme
from tokenkit.text import Tokenizer

FILE = NumericTokenizer.file_name
Init = Literal["mean", "digit+magnitude"]


class NumericPreTrainedTokenizer(PreTrainedTokenizer):
    """A `NumericTokenizer` with all that `transformers` does around tokenizers.

    Tokens are spelled as in `NumericTokenizer.vocab`. Special tokens in a text are recognised, as
    `transformers` does.
    """

    vocab_files_names = {"vocab_file": FILE}  # noqa: RUF012 - declared so by transformers
    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012

    def __init__(self, vocab_file: str | Path, **options: Any) -> None:
        """``options`` are those of ``PreTrainedTokenizer``: special tokens, sides, lengths."""
        self.numeric = NumericTokenizer.from_file(vocab_file)
        self._tokenkit_vocab = dict(self.numeric.vocab)
        super().__init__(**options)  # type: ignore[no-untyped-call]

    @classmethod
    def wrap(cls, tokenizer: NumericTokenizer, **options: Any) -> "NumericPreTrainedTokenizer":
        """From a tokenizer at hand."""
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            tokenizer.save(Path(folder, FILE))
            return cls(Path(folder, FILE), **options)

    @property
    def vocab_size(self) -> int:
        """One more than the highest id, without tokens that were added here."""
        return self.numeric.vocab_size

    def get_vocab(self) -> dict[str, int]:
        """Token to id."""
        return {**self._tokenkit_vocab, **self.added_tokens_encoder}

    def _tokenize(self, text: str, **_: Any) -> list[str]:
        ids = self.numeric.encode(text).tolist()
        return [self.numeric.id_to_token(id_) or "" for id_ in ids]

    def _convert_token_to_id(self, token: str) -> int | None:
        return self._tokenkit_vocab.get(token)

    def _convert_id_to_token(self, index: int) -> str:
        return self.numeric.id_to_token(index) or ""

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """The text of tokens."""
        return self.numeric.decode([self._tokenkit_vocab[token] for token in tokens])

    def _decode(self, token_ids: Any, skip_special_tokens: bool = False, *_: Any, **__: Any) -> str:
        ids = np.asarray(token_ids, np.int64).reshape(-1)
        if skip_special_tokens:
            ids = ids[~np.isin(ids, self.all_special_ids)]
        parts, own = [], ids < self.numeric.vocab_size
        edges = np.flatnonzero(np.diff(own)) + 1
        for part in np.split(ids, edges):
            if len(part) and part[0] < self.numeric.vocab_size:
                parts.append(self.numeric.decode(part))
            else:
                parts += [self._added_tokens_decoder[id_].content for id_ in part.tolist()]
        return "".join(parts)

    def save_vocabulary(
        self, save_directory: str, filename_prefix: str | None = None
    ) -> tuple[str, ...]:
        """Write ``tokenizer.numbers.json``."""
        name = f"{filename_prefix}-{FILE}" if filename_prefix else FILE
        path = Path(save_directory, name)
        self.numeric.save(path)
        return (str(path),)


def extend_vocab(
    tokenizer: PreTrainedTokenizerBase, model: Any, scheme: Scheme, init: Init = "mean"
) -> NumericPreTrainedTokenizer:
    """Give a model the tokens of ``scheme`` behind those it has; returns the tokenizer for it.

    ``tokenizer``: a fast one, byte-level (see `NumericTokenizer`); ``model``: a
    ``PreTrainedModel``, whose embeddings grow in place. The new rows, of inputs and of outputs
    where these are not tied:

    - "mean": the mean of all rows that were there.
    - "digit+magnitude": for digits the mean of the rows of the base's tokens for these digits, and
      for a power of ten as many steps from "1" to "1000" as it has threes; markers get the mean.

    Raises FormatError for a tokenizer that a NumericTokenizer cannot have as its base, ValueError
    for another ``init``.
    """
    if init not in ("mean", "digit+magnitude"):
        raise ValueError(f"init {init!r} is neither 'mean' nor 'digit+magnitude'")
    library: Any = tokenizer
    base = Tokenizer.from_bytes(library.backend_tokenizer.to_str().encode())
    numeric = NumericTokenizer(base, scheme)
    before = model.get_input_embeddings().num_embeddings
    # Models have spare rows now and then; a row less would be a mistake.
    model.resize_token_embeddings(max(before, numeric.vocab_size), mean_resizing=False)
    tables = [model.get_input_embeddings().weight]
    outputs = model.get_output_embeddings()
    if outputs is not None and outputs.weight is not tables[0]:
        tables.append(outputs.weight)
    for table in tables:
        with torch.no_grad():
            old = table[: numeric.first].clone()
            table[numeric.first : numeric.vocab_size] = _rows(old, numeric, init)
    names = ("bos_token", "eos_token", "unk_token", "pad_token", "cls_token", "sep_token")
    special = {name: getattr(tokenizer, name, None) for name in names}
    return NumericPreTrainedTokenizer.wrap(
        numeric, **{name: token for name, token in special.items() if token}
    )


def _rows(old: torch.Tensor, tok: NumericTokenizer, init: Init) -> torch.Tensor:
    """float[tokens of the scheme, width] from the rows that there were."""
    mean = old.mean(0)
    entries = tok.scheme.entries
    rows = mean.repeat(len(entries), 1)
    if init == "mean":
        return rows

    def row_of(text: str) -> torch.Tensor:
        return old[torch.from_numpy(tok.base.encode(text).astype(np.int64))].mean(0)

    step = row_of("1000") - row_of("1")
    known = {entry.digits: row_of(entry.digits) for entry in entries if entry.digits}
    threes = tok.scheme.layout().group / 3
    for i, entry in enumerate(entries):
        if entry.digits:
            rows[i] = known[entry.digits]
        if entry.kind <= 1:  # digits, or a suffix
            rows[i] += entry.level * threes * step
    return rows
