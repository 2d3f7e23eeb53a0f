"""What runs a tokenizer: our kernels, or a library where they do not cover its pipeline."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from itertools import groupby, pairwise
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from encoders.bpe import BpeEncoder, BpeTables, decode
from encoders.buffers import Bytes, Ids, Offsets, joined
from encoders.match import stitch
from encoders.parallel import in_parallel, worth_sharing
from encoders.scan import Scanner
from encoders.unigram import UnigramEncoder, UnigramTables
from encoders.utf8 import mended
from encoders.wordpiece import WordPieceEncoder
from tokenkit.errors import DecodeError, EncodeError, FormatError
from tokenkit.text import byte_map
from tokenkit.text.added import AddedToken, AddedTokenFinder, enabled
from tokenkit.text.changes import MARK, Change
from tokenkit.text.decoders import byte_of
from tokenkit.text.formats.plan import Tables
from tokenkit.text.pipeline import Pipeline

Allowed = frozenset[str] | None
"""Special tokens to recognise in text; None is all of them."""

_Model: TypeAlias = Callable[[Bytes, Offsets], tuple[Ids, Offsets]]
_KEPT_CHOICES = 64  # sets of allowed specials whose finders are kept


class Engine(Protocol):
    """Text to ids and back, without templates, truncation or padding."""

    name: str
    reason: str
    """Why it is not the kernels; empty where it is."""

    def encode(
        self, text: Bytes, bounds: Offsets, allowed: Allowed, threads: int
    ) -> tuple[Ids, Offsets]:
        """Ids (uint32) and their bounds (int64[n + 1]) of documents in one padded buffer."""
        ...

    def vocab(self) -> dict[str, int]:
        """Token, as its file spells it, to id; added tokens included."""
        ...


class KernelEngine:
    """All models on our own kernels."""

    name = "kernels"
    reason = ""

    def __init__(
        self,
        tables: Tables,
        pipeline: Pipeline,
        added: tuple[AddedToken, ...],
        odd: Mapping[int, bytes],
        *,
        blanks: bool,
    ) -> None:
        """``odd``: bytes of tokens that are spelled otherwise than what they stand for;
        ``blanks``: whether the tables have a blank for U+2581."""
        self.tables = tables
        self.blanks = blanks
        self.added = added
        self.odd = odd
        self.pipeline = pipeline
        scanner = pipeline.scanner
        self._encoder: BpeEncoder | UnigramEncoder | WordPieceEncoder
        if isinstance(tables, BpeTables):
            self._encoder = BpeEncoder(tables, scanner)
        elif isinstance(tables, UnigramTables):
            self._encoder = UnigramEncoder(tables, scanner, carries=pipeline.carries)
        else:
            self._encoder = WordPieceEncoder(tables, scanner)
        self.is_byte_level = isinstance(tables, BpeTables) and not tables.options[0]
        self._finders: dict[Allowed, tuple[AddedTokenFinder, AddedTokenFinder]] = {}

    def encode(
        self, text: Bytes, bounds: Offsets, allowed: Allowed, threads: int
    ) -> tuple[Ids, Offsets]:
        """See `Engine.encode`."""
        finders = self._finders_for(allowed)
        if worth_sharing(np.diff(bounds), threads):
            one = partial(self._encode, finders=finders, model=self._encoder.encode)
            return in_parallel(one, text, bounds, threads, cuts_at_lines=False)
        return self._encode(
            text, bounds, finders, partial(self._encoder.encode_parallel, threads=threads)
        )

    def takes_as_is(self, text: Bytes, bounds: Offsets, allowed: Allowed) -> bool:
        """Whether no added token is in these documents and no normalizer changes them."""
        raw, later = self._finders_for(allowed)
        if raw.cut(text, bounds) is not None:
            return False
        changed, _ = self.pipeline.normalize.all(text, bounds)
        return changed is text and later.cut(text, bounds) is None

    def encode_dropout(
        self, text: Bytes, bounds: Offsets, allowed: Allowed, dropout: float, seed: int
    ) -> tuple[Ids, Offsets]:
        """As `encode`, with BPE-dropout. Raises EncodeError for another model."""
        if not isinstance(self._encoder, BpeEncoder):
            raise EncodeError("dropout is of BPE, and this is another model")
        model = partial(self._encoder.encode_dropout, dropout=dropout, seed=seed)
        return self._encode(text, bounds, self._finders_for(allowed), model)

    def encode_sampled(
        self, text: Bytes, bounds: Offsets, allowed: Allowed, alpha: float, seed: int
    ) -> tuple[Ids, Offsets]:
        """As `encode`, with drawn segmentations. Raises EncodeError for another model."""
        if not isinstance(self._encoder, UnigramEncoder):
            raise EncodeError("alpha is of unigram models, and this is another: try dropout")
        model = partial(self._encoder.encode_sampled, alpha=alpha, seed=seed)
        return self._encode(text, bounds, self._finders_for(allowed), model)

    def _encode(
        self,
        text: Bytes,
        bounds: Offsets,
        finders: tuple[AddedTokenFinder, AddedTokenFinder],
        model: _Model,
    ) -> tuple[Ids, Offsets]:
        raw, later = finders
        cut = raw.cut(text, bounds)
        if cut is None:
            text, bounds = self.pipeline.normalize.all(text, bounds)
            return self._encode_normalized(text, bounds, None, later, model)
        text, inner = self.pipeline.normalize.all(cut.text, cut.bounds, cut.replaced)
        ids, id_bounds = self._encode_normalized(text, inner, cut.begins(None), later, model)
        return stitch(ids, id_bounds, cut.replaced, cut.segment_of)

    def _encode_normalized(
        self,
        text: Bytes,
        bounds: Offsets,
        first: NDArray[np.bool_] | None,
        finder: AddedTokenFinder,
        model: _Model,
    ) -> tuple[Ids, Offsets]:
        prepare = self.pipeline.prepare
        cut = finder.cut(text, bounds)
        if cut is None:
            return model(*prepare.all(text, bounds, first=first))
        text, inner = prepare.all(cut.text, cut.bounds, cut.replaced, cut.begins(first))
        ids, id_bounds = model(text, inner)
        return stitch(ids, id_bounds, cut.replaced, cut.segment_of)

    def _as_in_tables(self, token: str) -> str:
        return token.replace(MARK, " ") if self.blanks else token

    def _finders_for(self, allowed: Allowed) -> tuple[AddedTokenFinder, AddedTokenFinder]:
        found = self._finders.get(allowed)
        if found is None:
            tokens = enabled(self.added, allowed)
            raw = AddedTokenFinder(tuple(token for token in tokens if not token.normalized))
            later = tuple(token for token in tokens if token.normalized)
            as_is = self.pipeline.tokens_as_normalized
            spelling = self._as_in_tables if as_is else self.pipeline.normalize.spelling
            found = raw, AddedTokenFinder(later, spelling)
            if len(self._finders) >= _KEPT_CHOICES:
                self._finders.clear()
            self._finders[allowed] = found
        return found

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
            flat = np.concatenate((vocab[: offsets[-1]], np.frombuffer(tail + bytes(16), np.uint8)))
        else:
            raw = vocab.tobytes()
            tokens = [raw[a:b] for a, b in pairwise(offsets)]
            tokens += [b""] * (size - len(tokens))
            for id_, content in contents.items():
                tokens[id_] = content
            lengths = np.array([len(token) for token in tokens], np.int64)
            flat = np.frombuffer(b"".join(tokens) + bytes(16), np.uint8)
        return flat, np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))

    def decode_bytes(self, ids: Ids) -> bytes:
        """The bytes of ids. Raises DecodeError for one outside the vocabulary."""
        try:
            return decode(ids, *self.decode_tables).tobytes()
        except IndexError as error:
            raise DecodeError(str(error)) from None

    def seen(self, text: bytes) -> bytes:
        """A text as the model gets it: in normal form, with what is put in front."""
        changed = self.pipeline.prepare.all(*self.pipeline.normalize.all(*joined([text])))
        return changed[0][changed[1][0] : changed[1][-1]].tobytes()

    @property
    def scanner(self) -> Scanner:
        """What cuts a text, in normal form and prepared, into pieces."""
        return self.pipeline.scanner

    @property
    def byte_level_tables(self) -> BpeTables | None:
        """Those of BPE over bytes whose pieces are cut from the text itself; None for others."""
        plain = self.is_byte_level and self.pipeline.prepare == Change()
        return self.tables if plain and isinstance(self.tables, BpeTables) else None

    @property
    def has_every_byte(self) -> bool:
        """Whether each of the 256 bytes is a token of the model."""
        vocab, offsets = self.tables.vocab, self.tables.offsets
        return len(np.unique(vocab[offsets[:-1][np.diff(offsets) == 1]])) == 256

    def vocab(self) -> dict[str, int]:
        """See `Engine.vocab`."""
        raw, offsets = self.tables.vocab.tobytes(), self.tables.offsets.tolist()
        tokens = [raw[a:b] for a, b in pairwise(offsets)]
        if self.blanks:
            tokens = [token.replace(b" ", MARK.encode()) for token in tokens]
        spelled = byte_map.from_bytes if self.is_byte_level else _as_text
        found = {
            spelled(token): id_ for id_, token in enumerate(tokens) if token and id_ not in self.odd
        }
        found |= {_as_text(token): id_ for id_, token in self.odd.items()}
        return found | {token.content: token.id for token in self.added}


def _as_text(token: bytes) -> str:
    return token.decode("utf-8", "surrogatepass")


class LibraryEngine:
    """The `tokenizers` library on the whole pipeline, exactly."""

    name = "tokenizers"

    def __init__(self, content: bytes, reason: str) -> None:
        """``content``: the tokenizer.json; ``reason``: why the kernels do not run it."""
        self.reason = reason
        self._content = content
        self._libraries: dict[Allowed, Any] = {}
        # What is not a tokenizer.json to the library must fail now and not at first use.
        self._for(frozenset())

    def encode(
        self, text: Bytes, bounds: Offsets, allowed: Allowed, threads: int
    ) -> tuple[Ids, Offsets]:
        """See `Engine.encode`; the library decides on threads itself."""
        del threads
        texts = [mended(text[start:stop].tobytes()).decode() for start, stop in pairwise(bounds)]
        batch = self._for(allowed).encode_batch_fast(texts, add_special_tokens=False)
        return _rows([encoding.ids for encoding in batch])

    def spans(self, text: str, allowed: Allowed) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids of one text and their spans of characters."""
        encoding = self._for(allowed).encode(text, add_special_tokens=False)
        return encoding.ids, encoding.offsets

    def vocab(self) -> dict[str, int]:
        """See `Engine.vocab`."""
        found: dict[str, int] = self._for(frozenset()).get_vocab(with_added_tokens=True)
        return found

    def _for(self, allowed: Allowed) -> Any:
        """The library's object that recognises these special tokens."""
        if allowed not in self._libraries:
            if len(self._libraries) >= _KEPT_CHOICES:
                self._libraries.clear()
            self._libraries[allowed] = _library(self._content, allowed)
        return self._libraries[allowed]


def _library(content: bytes, allowed: Allowed) -> Any:
    import tokenizers

    if allowed:
        # The library reads all special tokens as text or none; what is allowed is therefore
        # handed to it as an added token that is not special.
        spec = json.loads(content)
        for token in spec["added_tokens"]:
            token["special"] = token["special"] and token["content"] not in allowed
        content = json.dumps(spec).encode()
    try:
        library = tokenizers.Tokenizer.from_str(content.decode())
    except Exception as error:  # the library raises no narrower class
        raise EncodeError(f"`tokenizers` cannot run this tokenizer: {error}") from None
    library.no_truncation()
    library.no_padding()
    library.encode_special_tokens = allowed is not None
    return library


class SentencePieceLibrary:
    """What only the `sentencepiece` library knows exactly: normal forms, decoding, spans.

    ``text``, ``raw`` and ``token`` are those of `decoders.Decoder`.
    """

    def __init__(self, model: bytes) -> None:
        self._model = model

    @cached_property
    def processor(self) -> Any:
        """The library's object. Raises FormatError where it does not take the model."""
        import sentencepiece

        try:
            return sentencepiece.SentencePieceProcessor(model_proto=self._model)
        except RuntimeError as error:
            raise FormatError(f"not a SentencePiece model: {error}") from None

    def normalize(self, text: str) -> str:
        """The text in the form that is cut into pieces."""
        return str(self.processor.normalize(text))

    def spans(self, text: bytes) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids of one text and their spans of bytes."""
        found = self.processor.encode(text, out_type="offset_mapping")
        return found["ids"], found["offsets"]

    def text(self, tokens: Sequence[str], added: Sequence[bool]) -> str:
        """The text of pieces."""
        del added
        return str(self.processor.decode_pieces(list(tokens)))

    def raw(self, tokens: Sequence[str], added: Sequence[bool]) -> bytes:
        """The bytes of pieces, also where byte pieces are no UTF-8."""
        del added
        found = b""
        for spells_bytes, group in groupby(tokens, lambda token: byte_of(token) is not None):
            run = list(group)
            if spells_bytes:
                found += bytes(byte_of(token) or 0 for token in run)
            else:
                # Only at the very beginning does the library take a blank away.
                found += (self.text(["x", *run], ())[1:] if found else self.text(run, ())).encode()
        return found

    def token(self, token: str, added: bool) -> bytes:
        """The bytes that one piece stands for in the middle of a text."""
        del added
        byte = byte_of(token)
        if byte is not None:
            return bytes([byte])
        return self.text(["x", token, "x"], ())[1:-1].encode()


class SentencePieceEngine:
    """The `sentencepiece` library on a .model file."""

    name = "sentencepiece"

    def __init__(
        self, library: SentencePieceLibrary, added: tuple[AddedToken, ...], reason: str
    ) -> None:
        """``added``: the control pieces, which the library itself never finds in text."""
        self.reason = reason
        self._processor = library.processor
        self._added = added

    def encode(
        self, text: Bytes, bounds: Offsets, allowed: Allowed, threads: int
    ) -> tuple[Ids, Offsets]:
        """See `Engine.encode`."""
        cut = AddedTokenFinder(enabled(self._added, allowed)).cut(text, bounds)
        if cut is not None:
            text, bounds = cut.text, cut.bounds
        texts = [text[start:stop].tobytes() for start, stop in pairwise(bounds)]
        rows = self._processor.encode(texts, num_threads=threads) if texts else []
        ids, id_bounds = _rows(rows)
        return (
            (ids, id_bounds)
            if cut is None
            else stitch(ids, id_bounds, cut.replaced, cut.segment_of)
        )

    def vocab(self) -> dict[str, int]:
        """See `Engine.vocab`."""
        processor = self._processor
        return {processor.id_to_piece(i): i for i in range(processor.get_piece_size())}


def _rows(rows: Sequence[Sequence[int]]) -> tuple[Ids, Offsets]:
    bounds = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(row) for row in rows], out=bounds[1:])
    flat = np.fromiter((id_ for row in rows for id_ in row), np.uint32, int(bounds[-1]))
    return flat, bounds
