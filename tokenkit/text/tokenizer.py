"""The Tokenizer: one immutable object for every format."""

import codecs
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Ids, Offsets, joined, padded
from tokenkit.errors import (
    DisallowedSpecialTokenError,
    EncodeError,
    FormatError,
    VocabularyError,
)
from tokenkit.text import byte_map
from tokenkit.text.added import AddedToken
from tokenkit.text.engines import Engine, KernelEngine, LibraryEngine, SentencePieceEngine
from tokenkit.text.formats import tiktoken, tokenizer_json
from tokenkit.text.formats.plan import Plan, fingerprint_of
from tokenkit.text.templates import Template, template_from_json
from tokenkit.tokens import Ragged

Text = str | bytes | bytearray | memoryview
Special = Literal["all"] | Iterable[str]


@dataclass(frozen=True, eq=False)
class Encoding:
    """Ids with the spans of the input that they stand for.

    ``ids``: uint32[n]; ``byte_spans`` and ``char_spans``: int64[n, 2], start and stop. A token
    that holds part of a character spans the whole character in ``char_spans``.
    """

    ids: Ids
    byte_spans: Offsets
    char_spans: Offsets


@dataclass(frozen=True)
class _Source:
    """Where a tokenizer came from, enough to make it again."""

    path: str | None
    content: bytes | None
    sha256: str
    pattern: str | None
    special_tokens: tuple[tuple[str, int], ...]

    def read(self) -> bytes:
        if self.content is not None:
            return self.content
        assert self.path is not None
        content = _unzipped(Path(self.path).read_bytes())
        if sha256(content).hexdigest() != self.sha256:
            raise FormatError(f"{self.path} has changed since this tokenizer was loaded from it")
        return content


class Tokenizer:
    """Text to ids and back. Immutable, safe to share between threads, small when pickled.

    Special-token text inside input is ordinary text unless ``allowed_special`` names it; added
    tokens that are not special are always found, as in `tokenizers`. BOS, EOS and the like are
    added only with ``add_special_tokens=True``. Truncation and padding that a file asks for are
    kept on saving and not applied: see ``Ragged.to_padded``.

    A `str` with lone surrogates is read as UTF-16 would be: pairs combine, the rest becomes
    U+FFFD. `bytes` that are not UTF-8 are encoded byte by byte without loss where the engine is
    "kernels", and with U+FFFD elsewhere.
    """

    def __init__(self, source: _Source, plan: Plan, engine: Engine) -> None:
        """Not for users: see `from_file`, `from_bytes` and `train`."""
        self._source = source
        self._engine = engine
        self._head = plan.head
        self.fingerprint: str = plan.fingerprint
        """sha256 that names this tokenizer in everything made with it."""
        self.added_tokens = tuple(map(AddedToken.from_json, plan.head.get("added_tokens") or ()))
        self.template: Template = template_from_json(plan.head.get("post_processor"))

    # --- making one

    @staticmethod
    def from_file(
        path: str | Path,
        *,
        pattern: str | None = None,
        special_tokens: Mapping[str, int] | None = None,
    ) -> "Tokenizer":
        """Load a tokenizer.json, a tiktoken rank file or a SentencePiece model, gzip or not.

        The format is told by content. ``pattern`` (a name such as "cl100k", or a regular
        expression) and ``special_tokens`` belong to rank files, which hold neither.

        Raises FormatError, naming the file, where it is none of these.
        """
        path = Path(path).resolve()
        content = _unzipped(path.read_bytes())
        try:
            return _build(content, str(path), pattern, special_tokens)
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None

    @staticmethod
    def from_bytes(
        content: bytes,
        *,
        pattern: str | None = None,
        special_tokens: Mapping[str, int] | None = None,
    ) -> "Tokenizer":
        """As `from_file`, from the bytes of a file."""
        return _build(_unzipped(content), None, pattern, special_tokens)

    @staticmethod
    def train(
        texts: Iterable[str],
        *,
        vocab_size: int,
        pattern: str = "gpt2",
        min_frequency: int = 2,
        special_tokens: Sequence[str] = (),
        max_token_length: int | None = None,
    ) -> "Tokenizer":
        """Train byte-level BPE on texts.

        ``pattern``: a name of `tokenkit.text.formats.tiktoken.NAMED_PATTERNS`, or a regular
        expression. Special tokens get the first ids, in order. Merging stops at ``vocab_size``
        or when no pair occurs ``min_frequency`` times; ``max_token_length`` is in bytes.

        Raises ValueError where ``vocab_size`` has no room for the bytes and special tokens.
        """
        from tokenkit.text.training import train

        return Tokenizer.from_bytes(
            train(
                texts,
                vocab_size=vocab_size,
                pattern=pattern,
                min_frequency=min_frequency,
                special_tokens=special_tokens,
                max_token_length=max_token_length,
            )
        )

    def save(self, path: str | Path) -> None:
        """Write the tokenizer: a tokenizer.json, or the .model that a SentencePiece one came from.

        What a tokenizer.json held beyond what we use is written again as it was.
        """
        Path(path).write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """What `save` writes."""
        content = self._source.read()
        if self._source.pattern is None:
            return content
        tokens = tiktoken.read_ranks(content)
        assert isinstance(self._engine, KernelEngine)
        spec = tiktoken.as_tokenizer_json(
            self._engine.tables, tokens, self._source.pattern, dict(self._source.special_tokens)
        )
        return json.dumps(spec, ensure_ascii=False, indent=1).encode()

    def __reduce__(self) -> tuple[Any, ...]:
        source = self._source
        special = dict(source.special_tokens)
        if source.path is None:
            return _build, (source.content, None, source.pattern, special)
        return _reload, (source.path, source.sha256, source.pattern, special)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tokenizer):
            return NotImplemented
        return self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        origin = f", {self._source.path!r}" if self._source.path else ""
        return f"Tokenizer({self.vocab_size} tokens, {self.engine}{origin})"

    # --- what it is

    @property
    def engine(self) -> str:
        """What runs it: "kernels", "tokenizers" or "sentencepiece"."""
        return self._engine.name

    @property
    def engine_reason(self) -> str:
        """Why it does not run on the kernels; empty where it does."""
        return getattr(self._engine, "reason", "")

    @property
    def contract(self) -> Literal["lossless", "normalizing", "lossy"]:
        """What decoding an encoded text gives back: the text, its normal form, or less."""
        if not isinstance(self._engine, KernelEngine):
            return "lossy"
        if (self._engine.tables.byte_ids == 0xFFFFFFFF).any() or any(
            token.lstrip or token.rstrip for token in self.added_tokens
        ):
            return "lossy"
        return "normalizing" if self._head.get("normalizer") else "lossless"

    @property
    def vocab_size(self) -> int:
        """One more than the highest id."""
        if isinstance(self._engine, KernelEngine):
            return len(self._engine.decode_tables[1]) - 1
        if isinstance(self._engine, SentencePieceEngine):
            return int(self._engine.processor.get_piece_size())
        assert isinstance(self._engine, LibraryEngine)
        return 1 + max(self._engine.library.get_vocab(with_added_tokens=True).values())

    @cached_property
    def vocab(self) -> Mapping[str, int]:
        """Token, as its file spells it, to id; added tokens included."""
        if isinstance(self._engine, SentencePieceEngine):
            processor = self._engine.processor
            return {processor.id_to_piece(i): i for i in range(processor.get_piece_size())}
        if isinstance(self._engine, LibraryEngine):
            found: dict[str, int] = self._engine.library.get_vocab(with_added_tokens=True)
            return found
        assert isinstance(self._engine, KernelEngine)
        added = {token.id: token.content for token in self.added_tokens}
        odd = self._engine.odd
        vocab = {}
        for id_ in range(self.vocab_size):
            raw = self.id_to_bytes(id_)
            if id_ in added:
                vocab[added[id_]] = id_
            elif id_ in odd:
                vocab[odd[id_].decode("utf-8", "surrogatepass")] = id_
            elif raw:
                vocab[byte_map.from_bytes(raw)] = id_
        return vocab

    @cached_property
    def _spelling(self) -> Mapping[int, str]:
        return {id_: token for token, id_ in self.vocab.items()}

    @cached_property
    def special_tokens(self) -> Mapping[str, int]:
        """Special token to id."""
        if isinstance(self._engine, SentencePieceEngine):
            processor = self._engine.processor
            ids = range(processor.get_piece_size())
            return {processor.id_to_piece(i): i for i in ids if processor.is_control(i)}
        return {token.content: token.id for token in self.added_tokens if token.special}

    def token_to_id(self, token: str) -> int | None:
        """Id of a token as its file spells it; None where there is none."""
        if token in self.special_tokens:
            return self.special_tokens[token]
        return self.vocab.get(token)

    def id_to_token(self, id_: int) -> str | None:
        """A token as its file spells it; None where the id has none."""
        return self._spelling.get(id_)

    def id_to_bytes(self, id_: int) -> bytes:
        """The bytes that an id decodes to. Raises VocabularyError outside the vocabulary."""
        if not 0 <= id_ < self.vocab_size:
            raise VocabularyError(f"id {id_} is outside the vocabulary of {self.vocab_size}")
        if isinstance(self._engine, KernelEngine):
            vocab, offsets = self._engine.decode_tables
            return vocab[offsets[id_] : offsets[id_ + 1]].tobytes()
        return self._engine.decode_bytes(np.array([id_], np.uint32))

    # --- encoding

    def encode(
        self,
        text: Text,
        *,
        add_special_tokens: bool = False,
        allowed_special: Special = (),
        disallowed_special: Special = (),
        dropout: float = 0.0,
        seed: int = 0,
    ) -> Ids:
        """Ids of one text, uint32[n].

        ``allowed_special``: special tokens to recognise in the text ("all" for every one);
        ``disallowed_special``: those whose spelling in the text is an error, as in tiktoken.
        ``dropout`` above 0 is BPE-dropout, the same for the same ``seed``.

        Raises DisallowedSpecialTokenError, naming token and position; EncodeError where the
        engine cannot do as asked.
        """
        raw = _to_bytes(text)
        self._refuse(raw, allowed_special, disallowed_special)
        bounds = np.array([0, len(raw)], np.int64)
        if dropout:
            ids = self._encode_dropout(padded(raw), bounds, dropout, seed)
        else:
            allowed = self._allowed(allowed_special)
            ids, _ = self._engine.encode(padded(raw), bounds, allowed, 1)
        return self.template.apply(ids) if add_special_tokens else ids

    def encode_batch(
        self,
        texts: Sequence[Text],
        *,
        threads: int = 1,
        add_special_tokens: bool = False,
        allowed_special: Special = (),
        disallowed_special: Special = (),
    ) -> Ragged:
        """Ids of many texts, with as many threads as given. See `encode`."""
        raws = [_to_bytes(text) for text in texts]
        for raw in raws if disallowed_special else ():
            self._refuse(raw, allowed_special, disallowed_special)
        return self.encode_buffer(
            *joined(raws),
            threads=threads,
            add_special_tokens=add_special_tokens,
            allowed_special=allowed_special,
        )

    def encode_buffer(
        self,
        text: Bytes,
        bounds: Offsets,
        *,
        threads: int = 1,
        add_special_tokens: bool = False,
        allowed_special: Special = (),
    ) -> Ragged:
        """Ids of documents that lie in one buffer, without a copy.

        ``text``: uint8 with `encoders.buffers.PADDING` spare bytes behind the last document;
        ``bounds``: int64[n + 1], ascending; document ``i`` is ``text[bounds[i]:bounds[i + 1]]``.
        """
        ids = Ragged(*self._engine.encode(text, bounds, self._allowed(allowed_special), threads))
        return self.template.apply_batch(ids) if add_special_tokens else ids

    def encode_pair(self, first: Text, second: Text) -> tuple[Ids, Ids]:
        """A pair of texts in the tokenizer's pair template: ids and type ids, both uint32[n]."""
        return self.template.apply_pair(self.encode(first), self.encode(second))

    def encode_with_offsets(self, text: Text, *, allowed_special: Special = ()) -> Encoding:
        """Ids with their spans in the text.

        Raises EncodeError for a tokenizer that normalises or drops bytes, where a span in the
        input is not defined by the ids, unless `tokenizers` runs it and knows the spans.
        """
        raw = _to_bytes(text)
        if isinstance(self._engine, LibraryEngine):
            return self._library_offsets(raw, allowed_special)
        if self.contract != "lossless":
            raise EncodeError(f"offsets are not defined for a {self.contract} tokenizer")
        ids = self.encode(raw, allowed_special=allowed_special)
        assert isinstance(self._engine, KernelEngine)
        lengths = np.diff(self._engine.decode_tables[1])[ids]
        stops = np.cumsum(lengths)
        byte_spans = np.stack((stops - lengths, stops), axis=1)
        return Encoding(ids, byte_spans, _char_spans(raw, byte_spans))

    def count(self, text: Text, *, allowed_special: Special = ()) -> int:
        """Number of ids of a text."""
        return len(self.encode(text, allowed_special=allowed_special))

    def _allowed(self, allowed: Special) -> frozenset[str] | None:
        if allowed == "all":
            return None
        wanted = frozenset(allowed)
        unknown = wanted - self.special_tokens.keys()
        if unknown:
            raise VocabularyError(f"{sorted(unknown)[0]!r} is not a special token of this tokenizer")
        return wanted

    def _refuse(self, raw: bytes, allowed: Special, disallowed: Special) -> None:
        if not disallowed:
            return
        names = self.special_tokens if disallowed == "all" else disallowed
        kept = self.special_tokens if allowed == "all" else set(allowed)
        for token in names:
            at = -1 if token in kept else raw.find(token.encode())
            if at >= 0:
                raise DisallowedSpecialTokenError(
                    f"the text holds the special token {token!r} at byte {at}: pass it in "
                    "allowed_special to encode it as such, or leave disallowed_special empty"
                )

    def _encode_dropout(self, text: Bytes, bounds: Offsets, dropout: float, seed: int) -> Ids:
        if not 0.0 <= dropout <= 1.0:
            raise EncodeError(f"dropout is a probability, not {dropout}")
        if not isinstance(self._engine, KernelEngine):
            raise EncodeError(f"dropout needs the kernels; this tokenizer runs on {self.engine}")
        return self._engine.encode_dropout(text, bounds, dropout, seed)[0]

    def _library_offsets(self, raw: bytes, allowed_special: Special) -> Encoding:
        assert isinstance(self._engine, LibraryEngine)
        readable = raw.decode("utf-8", "replace")
        encoding = self._engine.encoding(readable, self._allowed(allowed_special))
        char_spans = np.array(encoding.offsets, np.int64).reshape(-1, 2)
        widths = np.array([len(character.encode()) for character in readable], np.int64)
        at = np.concatenate((np.zeros(1, np.int64), np.cumsum(widths)))
        return Encoding(np.array(encoding.ids, np.uint32), at[char_spans], char_spans)

    # --- decoding

    def decode_bytes(self, ids: Sequence[int] | NDArray[Any], *, skip_special: bool = False) -> bytes:
        """The bytes of ids. Raises DecodeError, naming the position, for an id out of range."""
        array = _to_ids(ids)
        if skip_special and self.special_tokens:
            array = array[~np.isin(array, list(self.special_tokens.values()))]
        return self._engine.decode_bytes(array)

    def decode(
        self,
        ids: Sequence[int] | NDArray[Any],
        *,
        skip_special: bool = False,
        errors: str = "replace",
    ) -> str:
        """The text of ids; ``errors`` is for bytes that are not UTF-8, as in `bytes.decode`."""
        return self.decode_bytes(ids, skip_special=skip_special).decode("utf-8", errors)

    def decode_batch(self, batch: Ragged | Sequence[Sequence[int]]) -> list[str]:
        """The texts of many rows of ids."""
        return [self.decode(row) for row in batch]

    def decode_stream(self) -> "DecodeStream":
        """A decoder to push ids into one after another, as a model makes them."""
        return DecodeStream(self)


class DecodeStream:
    """Decodes ids as they come; never gives out part of a character."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, ids: int | Sequence[int]) -> str:
        """The text that these ids complete."""
        row = [ids] if isinstance(ids, (int, np.integer)) else ids
        return self._decoder.decode(self._tokenizer.decode_bytes(row))

    def finish(self) -> str:
        """What is left: U+FFFD for an incomplete character, or nothing."""
        return self._decoder.decode(b"", final=True)

    def pull(self, ids: Iterable[int]) -> Iterator[str]:
        """The texts of a stream of ids, each as soon as it is complete."""
        for id_ in ids:
            if text := self.push(id_):
                yield text
        if text := self.finish():
            yield text


def _build(
    content: bytes,
    path: str | None,
    pattern: str | None,
    special_tokens: Mapping[str, int] | None,
) -> Tokenizer:
    from tokenkit.text.cache import cached_plan

    special = dict(special_tokens or {})
    source = _Source(
        path,
        None if path else content,
        sha256(content).hexdigest(),
        None,
        tuple(special.items()),
    )
    if content[:1].isspace() or content[:1] == b"{":
        plan = cached_plan(content, "json", lambda: tokenizer_json.read(content))
    elif tiktoken.looks_like(content):
        if pattern is None:
            names = ", ".join(tiktoken.NAMED_PATTERNS)
            raise FormatError(f"a rank file needs pattern=, a regular expression or one of {names}")
        source = _Source(path, source.content, source.sha256, pattern, source.special_tokens)
        options = json.dumps([pattern, special])
        plan = cached_plan(
            content, options, lambda: tiktoken.read(content, pattern, special)
        )
    elif content[:1] == b"\x0a":
        return _sentencepiece(content, source)
    else:
        raise FormatError("neither a tokenizer.json nor a rank file nor a SentencePiece model")
    return Tokenizer(source, plan, _engine(plan))


def _engine(plan: Plan) -> Engine:
    if plan.tables is None:
        return LibraryEngine(plan.content.decode(), plan.reason)
    from encoders.scan import scanner_for

    if plan.pattern:
        scanner = scanner_for(plan.pattern)
    else:
        scanner = tokenizer_json.scanner_from_json(plan.head.get("pre_tokenizer"))
    normalize, keeps_ascii = tokenizer_json.normalizer_from_json(plan.head.get("normalizer"))
    added = tuple(map(AddedToken.from_json, plan.head.get("added_tokens") or ()))
    return KernelEngine(plan.tables, scanner, added, plan.odd or {}, normalize, keeps_ascii)


def _sentencepiece(content: bytes, source: _Source) -> Tokenizer:
    try:
        engine = SentencePieceEngine(content)
    except RuntimeError as error:
        raise FormatError(f"not a SentencePiece model: {error}") from None
    plan = Plan({}, fingerprint_of({"sentencepiece": source.sha256}))
    return Tokenizer(source, plan, engine)


def _reload(
    path: str, digest: str, pattern: str | None, special_tokens: Mapping[str, int]
) -> Tokenizer:
    content = _unzipped(Path(path).read_bytes())
    if sha256(content).hexdigest() != digest:
        raise FormatError(f"{path} has changed since the tokenizer was pickled")
    return _build(content, path, pattern, special_tokens)


def _unzipped(content: bytes) -> bytes:
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def _to_bytes(text: Text) -> bytes:
    if isinstance(text, str):
        try:
            return text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    return bytes(text)


def _to_ids(ids: Sequence[int] | NDArray[Any]) -> Ids:
    try:
        array = np.asarray(ids)
        if array.size and (array.dtype.kind not in "iu" or array.min() < 0 or array.max() >> 32):
            raise ValueError
        return np.ascontiguousarray(array, np.uint32)
    except (ValueError, TypeError, OverflowError):
        raise VocabularyError("ids are whole numbers from 0 to 2**32 - 1") from None


def _char_spans(raw: bytes, byte_spans: Offsets) -> Offsets:
    """Character spans that cover byte spans; a byte outside UTF-8 counts as a character."""
    if raw.isascii():
        return byte_spans.copy()
    escaped = raw.decode("utf-8", "surrogateescape")
    widths = [1 if "\udc80" <= c <= "\udcff" else len(c.encode()) for c in escaped]
    character_of = np.repeat(np.arange(len(widths)), widths)
    starts = character_of[byte_spans[:, 0]]
    return np.stack((starts, character_of[byte_spans[:, 1] - 1] + 1), axis=1)
