"""What runs a tokenizer: our kernels, or a library where they do not cover its pipeline."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from encoders.bpe import BpeEncoder, BpeTables, decode
from encoders.buffers import Bytes, Ids, Offsets, joined
from encoders.match import stitch
from encoders.scan import Scanner
from tokenkit.errors import DecodeError, EncodeError
from tokenkit.text.added import AddedToken, AddedTokenFinder, Segments, enabled

Allowed = frozenset[str] | None
"""Special tokens to recognise in text; None is all of them."""


class Engine(Protocol):
    """Encodes and decodes without templates, truncation or padding."""

    name: str

    def encode(
        self, text: Bytes, bounds: Offsets, allowed: Allowed, threads: int
    ) -> tuple[Ids, Offsets]:
        """Ids (uint32) and their bounds (int64[n + 1]) of documents in one padded buffer."""
        ...

    def decode_bytes(self, ids: Ids) -> bytes:
        """The text of ids as bytes."""
        ...


class KernelEngine:
    """Byte-level BPE on our own kernels."""

    name = "kernels"

    def __init__(
        self,
        tables: BpeTables,
        scanner: Scanner,
        added: tuple[AddedToken, ...],
        odd: Mapping[int, bytes],
        normalize: Callable[[str], str] | None,
        keeps_ascii: bool,
    ) -> None:
        self.tables = tables
        self.added = added
        self.odd = odd
        self._encoder = BpeEncoder(tables, scanner)
        self._normalize = normalize
        self._keeps_ascii = keeps_ascii
        self._finders: dict[Allowed, tuple[AddedTokenFinder, AddedTokenFinder]] = {}

    def encode(
        self, text: Bytes, bounds: Offsets, allowed: Allowed, threads: int
    ) -> tuple[Ids, Offsets]:
        """See `Engine.encode`."""
        raw, normalized = self._finders_for(allowed)
        segments = raw.cut(text, bounds)
        if segments is None:
            return self._encode_rest(text, bounds, normalized, threads)
        text, inner = self._normalized(text, segments.bounds, segments.replaced < 0)
        ids, id_bounds = self._encode_rest(text, inner, normalized, threads, normalized_already=True)
        return stitch(ids, id_bounds, segments.replaced, segments.segment_of)

    def encode_dropout(
        self, text: Bytes, bounds: Offsets, dropout: float, seed: int
    ) -> tuple[Ids, Offsets]:
        """Encode with BPE-dropout; added tokens are ordinary text here."""
        text, bounds = self._normalized(text, bounds, np.ones(len(bounds) - 1, np.bool_))
        return self._encoder.encode_dropout(text, bounds, dropout, seed)

    def _encode_rest(
        self,
        text: Bytes,
        bounds: Offsets,
        finder: AddedTokenFinder,
        threads: int,
        normalized_already: bool = False,
    ) -> tuple[Ids, Offsets]:
        if not normalized_already:
            text, bounds = self._normalized(text, bounds, np.ones(len(bounds) - 1, np.bool_))
        segments = finder.cut(text, bounds)
        if segments is None:
            return self._encoder.encode_parallel(text, bounds, threads)
        ids, id_bounds = self._encoder.encode_parallel(text, segments.bounds, threads)
        return stitch(ids, id_bounds, segments.replaced, segments.segment_of)

    def _finders_for(self, allowed: Allowed) -> tuple[AddedTokenFinder, AddedTokenFinder]:
        if allowed not in self._finders:
            tokens = enabled(self.added, allowed)
            raw = AddedTokenFinder(tuple(token for token in tokens if not token.normalized))
            later = tuple(token for token in tokens if token.normalized)
            self._finders[allowed] = raw, AddedTokenFinder(later, self._normalize or str)
        return self._finders[allowed]

    def _normalized(self, text: Bytes, bounds: Offsets, wanted: Any) -> tuple[Bytes, Offsets]:
        """The text with every wanted document normalised; itself where nothing needs it."""
        if self._normalize is None:
            return text, bounds
        body = text[bounds[0] : bounds[-1]]
        if self._keeps_ascii and not (body & 0x80).any():
            return text, bounds
        documents = []
        for document, (start, stop) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
            raw = text[start:stop].tobytes()
            if wanted[document] and not (self._keeps_ascii and raw.isascii()):
                raw = self._normalize(raw.decode("utf-8", "replace")).encode()
            documents.append(raw)
        return joined(documents)

    @cached_property
    def decode_tables(self) -> tuple[Bytes, Offsets]:
        """Token bytes of all ids, added ones by their content, and their offsets."""
        vocab, offsets = self.tables.vocab, self.tables.offsets
        contents = {**self.odd, **{token.id: token.content.encode() for token in self.added}}
        if not contents:
            return vocab, offsets
        size = max(len(offsets) - 1, 1 + max(contents))
        lengths = np.zeros(size, np.int64)
        lengths[: len(offsets) - 1] = np.diff(offsets)
        if min(contents) >= len(offsets) - 1:
            for id_, content in contents.items():
                lengths[id_] = len(content)
            tail = b"".join(contents[id_] for id_ in sorted(contents))
            flat = np.concatenate((vocab[:-16], np.frombuffer(tail + bytes(16), np.uint8)))
        else:
            raw = vocab.tobytes()
            tokens = [raw[a:b] for a, b in zip(offsets[:-1], offsets[1:], strict=True)]
            tokens += [b""] * (size - len(tokens))
            for id_, content in contents.items():
                tokens[id_] = content
            lengths = np.array([len(token) for token in tokens], np.int64)
            flat = np.frombuffer(b"".join(tokens) + bytes(16), np.uint8)
        return flat, np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))

    def decode_bytes(self, ids: Ids) -> bytes:
        """See `Engine.decode_bytes`."""
        try:
            return decode(ids, *self.decode_tables).tobytes()
        except IndexError as error:
            raise DecodeError(str(error)) from None


class LibraryEngine:
    """The `tokenizers` library on the whole pipeline, exactly."""

    name = "tokenizers"

    def __init__(self, content: str, reason: str) -> None:
        """``content``: the tokenizer.json; ``reason``: why the kernels do not run it."""
        import tokenizers

        self.reason = reason
        self.library = tokenizers.Tokenizer.from_str(content)
        self.library.no_truncation()
        self.library.no_padding()
        # The switch between the two readings of special tokens is state of the object, so that
        # threads need one object for each.
        self._plain = tokenizers.Tokenizer.from_str(content)
        self._plain.no_truncation()
        self._plain.no_padding()
        self._plain.encode_special_tokens = True

    def encode(
        self, text: Bytes, bounds: Offsets, allowed: Allowed, threads: int
    ) -> tuple[Ids, Offsets]:
        """See `Engine.encode`; the library decides on threads itself."""
        del threads
        library = self._for(allowed)
        texts = [
            text[start:stop].tobytes().decode("utf-8", "replace")
            for start, stop in zip(bounds[:-1], bounds[1:], strict=True)
        ]
        rows = [e.ids for e in library.encode_batch_fast(texts, add_special_tokens=False)]
        id_bounds = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=id_bounds[1:])
        return np.array([id_ for row in rows for id_ in row], np.uint32), id_bounds

    def encoding(self, text: str, allowed: Allowed) -> Any:
        """The library's own Encoding of one text."""
        return self._for(allowed).encode(text, add_special_tokens=False)

    def _for(self, allowed: Allowed) -> Any:
        if allowed is not None and allowed:
            raise EncodeError(
                f"this tokenizer runs on `tokenizers` ({self.reason}), which allows all special "
                "tokens or none: pass allowed_special='all' or ()"
            )
        return self.library if allowed is None else self._plain

    def decode_bytes(self, ids: Ids) -> bytes:
        """See `Engine.decode_bytes`."""
        text: str = self.library.decode(ids.tolist(), skip_special_tokens=False)
        return text.encode("utf-8", "surrogatepass")


class SentencePieceEngine:
    """The `sentencepiece` library on a .model file."""

    name = "sentencepiece"

    def __init__(self, model: bytes) -> None:
        import sentencepiece

        self.reason = "a SentencePiece model"
        self.processor = sentencepiece.SentencePieceProcessor(model_proto=model)

    def encode(
        self, text: Bytes, bounds: Offsets, allowed: Allowed, threads: int
    ) -> tuple[Ids, Offsets]:
        """See `Engine.encode`. Control symbols are never recognised in text, as in the library."""
        del allowed
        texts = [
            text[start:stop].tobytes().decode("utf-8", "replace")
            for start, stop in zip(bounds[:-1], bounds[1:], strict=True)
        ]
        rows = self.processor.encode(texts, num_threads=threads) if texts else []
        id_bounds = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=id_bounds[1:])
        return np.array([id_ for row in rows for id_ in row], np.uint32), id_bounds

    def decode_bytes(self, ids: Ids) -> bytes:
        """See `Engine.decode_bytes`."""
        text: str = self.processor.decode(ids.tolist())
        return text.encode("utf-8", "surrogatepass")


__all__ = ["Engine", "KernelEngine", "LibraryEngine", "Segments", "SentencePieceEngine"]
