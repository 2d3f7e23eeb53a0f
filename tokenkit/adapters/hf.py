"""A `transformers` tokenizer whose encoding and decoding is done by our kernels.

It is a ``PreTrainedTokenizerFast``: collators, chat templates, padding, saving and everything else
are inherited. What the kernels do not do (pairs, words given apart, overflowing parts, offsets) the
library underneath does, with the same ids.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer as LibraryTokenizer
from transformers import BatchEncoding, PreTrainedTokenizerFast
from transformers.tokenization_utils_base import TruncationStrategy
from transformers.utils.generic import PaddingStrategy

from tokenkit.errors import DecodeError, FormatError
from tokenkit.text import Tokenizer
from tokenkit.tokens import Ragged

_CUT_AS_ONE = (TruncationStrategy.LONGEST_FIRST, TruncationStrategy.ONLY_FIRST)


class KernelTokenizerFast(PreTrainedTokenizerFast):
    """Made by `wrap` from a tokenizer, or by ``from_pretrained`` from a folder of any fast one.

    ``save_pretrained`` writes what plain `transformers` reads as a ``PreTrainedTokenizerFast``.
    """

    # No __init__: transformers rebuilds the pipeline of a class that has one, and loses parts.
    _kernels: Tokenizer | None = None
    _tokenizer: Any

    @classmethod
    def wrap(cls, tokenizer: Tokenizer, **options: Any) -> "KernelTokenizerFast":
        """``options`` are those of ``PreTrainedTokenizerFast``: special tokens, sides, lengths.

        Raises FormatError for a tokenizer that no tokenizer.json expresses (a SentencePiece model).
        """
        content = tokenizer.to_bytes()
        if not content.lstrip().startswith(b"{"):
            raise FormatError(f"{tokenizer!r} has no tokenizer.json, which transformers needs")
        return cls(tokenizer_object=LibraryTokenizer.from_str(content.decode()), **options)

    @property
    def kernels(self) -> Tokenizer:
        """Our tokenizer as it is now, special tokens added since included."""
        if self._kernels is None:
            spec = json.loads(self._tokenizer.to_str())
            spec["truncation"] = spec["padding"] = None  # applied here, and changed by every call
            self._kernels = Tokenizer.from_bytes(json.dumps(spec).encode())
        return self._kernels

    def _add_tokens(self, new_tokens: Any, special_tokens: bool = False) -> int:
        self._kernels = None
        return int(super()._add_tokens(new_tokens, special_tokens=special_tokens))

    def update_post_processor(self) -> None:
        """As inherited; the template here follows."""
        self._kernels = None
        super().update_post_processor()  # type: ignore[no-untyped-call]

    def _encode_plus(  # type: ignore[override]
        self, text: Any, text_pair: Any = None, **options: Any
    ) -> BatchEncoding:
        single = isinstance(text, str)
        texts = [text] if single else text
        strategy = options.get("truncation_strategy", TruncationStrategy.DO_NOT_TRUNCATE)
        room = options.get("max_length") if strategy != TruncationStrategy.DO_NOT_TRUNCATE else None
        if not self._is_plain(texts, text_pair, options, strategy, room):
            return super()._encode_plus(text, text_pair, **options)
        split = options.get("split_special_tokens")
        allowed: Any = () if (self.split_special_tokens if split is None else split) else "all"
        rows = self.kernels.encode_batch(texts, allowed_special=allowed)
        template = self.kernels.template if options.get("add_special_tokens", True) else None
        around = len(template.prefix) + len(template.suffix) if template else 0
        if room is not None:
            rows = _cut(rows, room - around, left=self.truncation_side == "left")
        if template:
            rows = template.apply_batch(rows)
        data = self._columns(rows, template, options)
        padding = options.get("padding_strategy", PaddingStrategy.DO_NOT_PAD)
        if padding != PaddingStrategy.DO_NOT_PAD:
            data = self._padded(data, rows, padding, options)
        for ids in data["input_ids"]:
            self._eventual_warn_about_too_long_sequence(
                ids, options.get("max_length"), options.get("verbose", True)
            )
        tensors = options.get("return_tensors")
        if single and tensors is None:
            data = {name: c[0] if isinstance(c[0], list) else c for name, c in data.items()}
        inherited = super()._encode_plus
        return _Encoded(data, tensors, lambda: inherited(text, text_pair, **options).encodings)

    def _is_plain(
        self, texts: Any, pair: Any, options: dict[str, Any], strategy: Any, room: int | None
    ) -> bool:
        """Whether the kernels do all that is asked."""
        library = (
            "is_split_into_words", "return_overflowing_tokens", "return_offsets_mapping",
            "sanitize_control_tokens",
        )  # fmt: skip
        if pair or not texts or any(options.get(name) for name in library):
            return False
        if not all(isinstance(text, str) for text in texts) or self.kernels.engine != "kernels":
            return False
        template = self.kernels.template
        fits = room is None or room >= len(template.prefix) + len(template.suffix)
        cut = strategy == TruncationStrategy.DO_NOT_TRUNCATE or strategy in _CUT_AS_ONE
        return cut and fits and not any(template.single_types)

    def _columns(self, rows: Ragged, template: Any, options: dict[str, Any]) -> dict[str, Any]:
        lengths = rows.lengths.tolist()
        data: dict[str, Any] = {"input_ids": rows.to_lists()}
        for name, value in (("token_type_ids", 0), ("attention_mask", 1)):
            asked = options.get(f"return_{name}")
            if name in self.model_input_names if asked is None else asked:
                data[name] = [[value] * length for length in lengths]
        if options.get("return_special_tokens_mask"):
            before = len(template.prefix) if template else 0
            after = len(template.suffix) if template else 0
            data["special_tokens_mask"] = [
                [1] * before + [0] * (length - before - after) + [1] * after for length in lengths
            ]
        if options.get("return_length"):
            data["length"] = lengths
        return data

    def _padded(
        self, data: dict[str, Any], rows: Ragged, padding: Any, options: dict[str, Any]
    ) -> dict[str, Any]:
        width = int(rows.lengths.max(initial=0))
        if padding == PaddingStrategy.MAX_LENGTH and options.get("max_length") is not None:
            width = options["max_length"]  # rows that are longer stay so
        if multiple := options.get("pad_to_multiple_of"):
            width = -(-width // multiple) * multiple
        fill = {
            "input_ids": self.pad_token_id,
            "token_type_ids": self.pad_token_type_id,
            "attention_mask": 0,
            "special_tokens_mask": 1,
        }
        left = (options.get("padding_side") or self.padding_side) == "left"
        padded = dict(data)
        for name in fill.keys() & data.keys():
            padded[name] = [
                [fill[name]] * (width - len(row)) + row if left
                else row + [fill[name]] * (width - len(row))
                for row in data[name]
            ]  # fmt: skip
        if "length" in data:
            padded["length"] = [max(width, length) for length in data["length"]]
        return padded

    def _decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        **options: Any,
    ) -> str:
        clean = clean_up_tokenization_spaces
        if self.clean_up_tokenization_spaces if clean is None else clean:
            return str(super()._decode(token_ids, skip_special_tokens, clean, **options))
        if isinstance(token_ids, dict):
            token_ids = token_ids["input_ids"]
        ids: Any = [token_ids] if isinstance(token_ids, (int, np.integer)) else token_ids
        try:
            return self.kernels.decode(ids, skip_special_tokens=skip_special_tokens)
        except DecodeError:  # transformers leaves out ids that are no tokens
            return str(super()._decode(token_ids, skip_special_tokens, clean, **options))

    def save_pretrained(self, save_directory: Any, *args: Any, **options: Any) -> tuple[str, ...]:
        """As inherited, under the name of the class that every `transformers` has."""
        files: tuple[str, ...] = super().save_pretrained(save_directory, *args, **options)
        for file in files:
            if file.endswith("tokenizer_config.json"):
                config = json.loads(Path(file).read_text())
                config["tokenizer_class"] = "PreTrainedTokenizerFast"
                Path(file).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")
        return files


class _Encoded(BatchEncoding):
    """A BatchEncoding whose `tokenizers` encodings are made when somebody asks for them."""

    def __init__(self, data: dict[str, Any], tensors: Any, encodings: Callable[[], Any]) -> None:
        self._make = encodings
        self._made: Any = None
        super().__init__(data, tensor_type=tensors, n_sequences=1)

    @property
    def _encodings(self) -> Any:
        if self._made is None:
            self._made = self._make()
        return self._made

    @_encodings.setter
    def _encodings(self, value: Any) -> None:
        self._made = value

    def __getstate__(self) -> dict[str, Any]:
        return {"data": self.data, "encodings": self.encodings}


def _cut(rows: Ragged, length: int, *, left: bool) -> Ragged:
    """Rows of at most ``length`` ids; ``left`` cuts at their beginning."""
    kept = np.minimum(rows.lengths, length)
    offsets = np.concatenate(([0], np.cumsum(kept))).astype(np.int64)
    starts = rows.offsets[1:] - kept if left else rows.offsets[:-1]
    index = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], kept)
    return Ragged(rows.values[index], offsets)
