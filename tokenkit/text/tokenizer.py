"""The Tokenizer: one immutable object for every format."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from encoders.bpe import BpeTables
from encoders.buffers import PADDING, Bytes, Ids, Offsets, joined
from encoders.parallel import share, worth_sharing
from encoders.threads import cores
from tokenkit.errors import (
    DecodeError,
    DisallowedSpecialTokenError,
    EncodeError,
    FormatError,
    VocabularyError,
)
from tokenkit.text import byte_map, spans
from tokenkit.text.added import AddedToken
from tokenkit.text.batching import Padded, Padding, Truncation
from tokenkit.text.changes import normalizer_from_json
from tokenkit.text.contract import Contract, contract_of
from tokenkit.text.decoders import decoder_from_json
from tokenkit.text.engines import (
    Engine,
    KernelEngine,
    LibraryEngine,
    SentencePieceLibrary,
)
from tokenkit.text.formats import tiktoken
from tokenkit.text.formats.plan import Plan
from tokenkit.text.inputs import Text, as_bytes, padded_text, sound, to_ids
from tokenkit.text.loading import Source, load, unzipped
from tokenkit.text.spans import Encoding
from tokenkit.text.stream import DecodeStream
from tokenkit.text.templates import Template, template_from_json
from tokenkit.tokens import Ragged

Special = Literal["all"] | Iterable[str]

_NO_SPECIAL: frozenset[str] = frozenset()


class Tokenizer:
    """Text to ids and back. Immutable, safe to share between threads, small when pickled.

    Special-token text inside input is ordinary text unless ``allowed_special`` names it ("all"
    reads text as `tokenizers` does); added tokens that are not special are always found. BOS, EOS
    and the like are added only with ``add_special_tokens=True``. Truncation and padding that a
    file asks for are in `truncation` and `padding` and applied only by `encode_padded`.

    A `str` with lone surrogates is read as UTF-16 would be: pairs combine, the rest becomes
    U+FFFD. `bytes` that are not UTF-8 are encoded byte by byte without loss by a byte-level
    tokenizer on the kernels, unless it normalises; elsewhere each byte that is not becomes U+FFFD.
    """

    def __init__(self, source: Source, plan: Plan, engine: Engine) -> None:
        """Not for users: see `from_file`, `from_bytes` and `train`."""
        self._source = source
        self._engine = engine
        self._head = plan.head
        self.fingerprint: str = plan.fingerprint
        """sha256 that names this tokenizer in everything made with it."""
        self.added_tokens = tuple(map(AddedToken.from_json, plan.head.get("added_tokens") or ()))
        self.template: Template = template_from_json(plan.head.get("post_processor"))
        truncation, padding = plan.head.get("truncation"), plan.head.get("padding")
        self.truncation = Truncation.from_json(truncation) if truncation else None
        """What the file asks for, and `encode_padded` applies unless told otherwise."""
        self.padding = Padding.from_json(padding) if padding else None
        self._sentencepiece = (
            SentencePieceLibrary(plan.content) if "sentencepiece" in plan.head else None
        )
        decoder = decoder_from_json(plan.head.get("decoder"))
        self._decoder = self._sentencepiece or decoder
        self._bytes_join = decoder.byte_level and not decoder.steps

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
        try:
            content = unzipped(path.read_bytes())
            return Tokenizer(*load(content, str(path), pattern, special_tokens))
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
        return Tokenizer(*load(unzipped(content), None, pattern, special_tokens))

    @staticmethod
    def train(
        texts: Iterable[Text],
        *,
        vocab_size: int,
        pattern: str = "gpt2",
        min_frequency: int = 2,
        special_tokens: Sequence[str] = (),
        max_token_length: int | None = None,
        max_token_characters: int | None = None,
        max_digits: int | None = None,
        within_scripts: bool = False,
        initial_alphabet: str | Iterable[int] | None = None,
        threads: int | None = None,
    ) -> "Tokenizer":
        """Train byte-level BPE on texts, with the merges of the `tokenizers` trainer.

        ``pattern``: a name of `tokenkit.text.formats.tiktoken.NAMED_PATTERNS`, or a regular
        expression. Special tokens get the first ids, in order, then the single bytes. Merging
        stops at ``vocab_size`` or when no pair occurs ``min_frequency`` times; of pairs equally
        frequent the one of lesser ids is merged, the left id before the right. The result does
        not depend on ``threads``, by default as many as the machine has.

        Tokens that are not made, each limit off by default:

        - ``max_token_length``: of so many bytes or more, but that any two bytes may make one; so
          `tokenizers` reads its option of this name.
        - ``max_token_characters``: of more characters. Parts of characters count by their first
          bytes: every byte but 0x80 to 0xBF is one character.
        - ``max_digits``: with more decimal digits (Nd), in whatever script.
        - ``within_scripts``: with characters of two scripts. The Unicode property Script decides;
          Common and Inherited go with any; Han, Hiragana and Katakana are three.

        Under either of the last two a token is whole characters or part of a single one.

        ``initial_alphabet``: bytes, or a text with them, that get ids whatever the texts hold;
        other bytes only if they occur. None is all 256. With fewer, encoding drops what has no id,
        as `tokenizers` does, and `contract` is "lossy".

        Raises ValueError where ``vocab_size`` has no room for the bytes and special tokens, and
        for a limit too low to mean anything.
        """
        from encoders.bpe.training import TrainerOptions
        from tokenkit.text.training import train

        options = TrainerOptions(
            vocab_size,
            min_frequency,
            max_token_length,
            max_token_characters,
            max_digits,
            within_scripts,
        )
        content = train(
            map(as_bytes, texts),
            options,
            pattern=pattern,
            special_tokens=special_tokens,
            initial_alphabet=initial_alphabet,
            threads=cores() if threads is None else threads,
        )
        return Tokenizer.from_bytes(content)

    def save(self, path: str | Path, *, as_ranks: bool = False) -> None:
        """Write the tokenizer: a tokenizer.json, or the .model that a SentencePiece one came from.

        What a tokenizer.json held beyond what we use is written again as it was. ``as_ranks``
        writes a tiktoken rank file instead, which holds neither pattern nor special tokens.

        Raises FormatError where ``as_ranks`` is asked of a tokenizer that ranks cannot express.
        """
        Path(path).write_bytes(self.to_bytes(as_ranks=as_ranks))

    @property
    def file_name(self) -> str:
        """A fitting name for what `save` writes: "tokenizer.json" or "tokenizer.model"."""
        return "tokenizer.model" if self._sentencepiece else "tokenizer.json"

    def to_bytes(self, *, as_ranks: bool = False) -> bytes:
        """What `save` writes."""
        content = self._source.read()
        tables = self._engine.tables if isinstance(self._engine, KernelEngine) else None
        if as_ranks and self._source.pattern is None:
            return tiktoken.ranks_of(tables, self._added_ids)
        if as_ranks or self._source.pattern is None or not isinstance(tables, BpeTables):
            return content
        spec = tiktoken.as_tokenizer_json(
            tables,
            tiktoken.read_ranks(content),
            tiktoken.NAMED_PATTERNS.get(self._source.pattern, self._source.pattern),
            dict(self._source.special_tokens),
        )
        return json.dumps(spec, ensure_ascii=False, indent=1).encode()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reload, (self._source, self.fingerprint)

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
        return self._engine.reason

    @property
    def head(self) -> Mapping[str, Any]:
        """Its tokenizer.json without vocabulary and merges, whatever format it came from."""
        return self._head

    @property
    def kernels(self) -> KernelEngine | None:
        """The engine with its tables and pipeline, where it runs on the kernels."""
        return self._engine if isinstance(self._engine, KernelEngine) else None

    @cached_property
    def contract(self) -> Contract:
        """What decoding an encoded text gives back.

        "lossless": the text; "normalizing": `normalize` of the text; "lossy": perhaps less.
        """
        if self._sentencepiece:
            return "lossy"
        return contract_of(self._head, self._has_every_byte, self._bytes_join)

    def _has_every_byte(self) -> bool:
        if isinstance(self._engine, KernelEngine):
            return self._engine.has_every_byte  # without the time that `vocab` takes
        return all(character in self.vocab for character in byte_map.BYTE_OF)

    @property
    def normalizer(self) -> Mapping[str, Any] | None:
        """What its tokenizer.json says under ``normalizer``."""
        found: Mapping[str, Any] | None = self._head.get("normalizer")
        return found

    def normalize(self, text: str) -> str:
        """The normal form that the file asks for; the text itself where it asks for none."""
        if self._sentencepiece:
            return self._sentencepiece.normalize(sound(text))
        return normalizer_from_json(self._head.get("normalizer")).spelling(sound(text))

    @cached_property
    def vocab_size(self) -> int:
        """One more than the highest id."""
        if isinstance(self._engine, KernelEngine):
            return len(self._engine.decode_tables[1]) - 1
        return 1 + max(self.vocab.values(), default=-1)

    @cached_property
    def vocab(self) -> Mapping[str, int]:
        """Token, as its file spells it, to id; added tokens included."""
        return MappingProxyType(self._engine.vocab())

    @cached_property
    def _spelling(self) -> list[str | None]:
        found: list[str | None] = [None] * self.vocab_size
        for token, id_ in self.vocab.items():
            found[id_] = token
        for added in self.added_tokens:
            found[added.id] = added.content
        return found

    @cached_property
    def special_tokens(self) -> Mapping[str, int]:
        """Special token to id."""
        return {token.content: token.id for token in self.added_tokens if token.special}

    def token_to_id(self, token: str) -> int | None:
        """Id of a token as its file spells it; None where there is none."""
        found = self.special_tokens.get(token)
        return self.vocab.get(token) if found is None else found

    def id_to_token(self, id_: int) -> str | None:
        """A token as its file spells it; None where the id has none."""
        return self._spelling[id_] if 0 <= id_ < self.vocab_size else None

    def id_to_bytes(self, id_: int) -> bytes:
        """The bytes that an id stands for in the middle of a text; none for an id without token.

        Raises VocabularyError outside the vocabulary.
        """
        if not 0 <= id_ < self.vocab_size:
            raise VocabularyError(f"id {id_} is outside the vocabulary of {self.vocab_size}")
        if self._bytes_join and isinstance(self._engine, KernelEngine):
            vocab, offsets = self._engine.decode_tables
            return vocab[offsets[id_] : offsets[id_ + 1]].tobytes()
        token = self._spelling[id_]
        found: bytes = b"" if token is None else self._decoder.token(token, id_ in self._added_ids)
        return found

    @cached_property
    def _added_ids(self) -> frozenset[int]:
        return frozenset(token.id for token in self.added_tokens)

    # --- encoding

    def encode(
        self,
        text: Text,
        *,
        add_special_tokens: bool = False,
        allowed_special: Special = (),
        disallowed_special: Special = (),
        dropout: float = 0.0,
        alpha: float | None = None,
        seed: int = 0,
    ) -> Ids:
        """Ids of one text, uint32[n].

        ``allowed_special``: special tokens to recognise in the text ("all" for every one);
        ``disallowed_special``: those whose spelling in the text is an error, as in tiktoken.
        Subword regularisation, the same for the same ``seed``: ``dropout`` above 0 is BPE-dropout
        (Provilkov et al. 2020); with ``alpha`` a segmentation of a unigram model is drawn, with
        probability in proportion to its own to the power of ``alpha`` (Kudo 2018; 0 makes all
        equal, and the larger the more often the best is drawn).

        Raises DisallowedSpecialTokenError, naming token and position; EncodeError where the
        engine cannot do as asked.
        """
        buffer = padded_text(text)
        bounds = np.array([0, len(buffer) - PADDING], np.int64)
        if disallowed_special:
            self._refuse(buffer[:-PADDING].tobytes(), allowed_special, disallowed_special)
        allowed = self.allowed_names(allowed_special)
        if dropout:
            if not 0.0 <= dropout <= 1.0:
                raise EncodeError(f"dropout is a probability, not {dropout}")
            kernels = self._kernels("dropout")
            ids, _ = kernels.encode_dropout(buffer, bounds, allowed, dropout, seed)
        elif alpha is not None:
            if not 0.0 <= alpha < math.inf:
                raise EncodeError(f"alpha is a number from 0 up, not {alpha}")
            kernels = self._kernels("alpha")
            ids, _ = kernels.encode_sampled(buffer, bounds, allowed, alpha, seed)
        else:
            ids, _ = self._engine.encode(buffer, bounds, allowed, 1)
        return self.template.apply(ids) if add_special_tokens else ids

    def encode_batch(
        self,
        texts: Sequence[Text],
        *,
        threads: int | None = None,
        add_special_tokens: bool = False,
        allowed_special: Special = (),
        disallowed_special: Special = (),
    ) -> Ragged:
        """Ids of many texts, on as many threads as given or else as the machine has. See `encode`.

        Threads share a large batch by bytes; a small one stays on the caller's.
        """
        threads = cores() if threads is None else threads

        def encode(first: int, last: int, threads: int = 1) -> tuple[Ids, Offsets]:
            raws = [as_bytes(text) for text in texts[first:last]]
            for raw in raws if disallowed_special else ():
                self._refuse(raw, allowed_special, disallowed_special)
            return self._engine.encode(*joined(raws), self.allowed_names(allowed_special), threads)

        # Characters stand for bytes, so that each thread makes the bytes of its own texts.
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        if self.engine == "kernels" and worth_sharing(lengths, threads):
            ids = Ragged(*share(encode, np.concatenate(([0], np.cumsum(lengths))), threads))
        else:
            ids = Ragged(*encode(0, len(texts), threads))
        return self.template.apply_batch(ids) if add_special_tokens else ids

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
        ids = Ragged(
            *self._engine.encode(text, bounds, self.allowed_names(allowed_special), threads)
        )
        return self.template.apply_batch(ids) if add_special_tokens else ids

    def encode_pair(
        self,
        first: Text,
        second: Text,
        *,
        truncation: Truncation | None = None,
        allowed_special: Special = (),
    ) -> tuple[Ids, Ids]:
        """A pair of texts in the tokenizer's pair template: ids and type ids, both uint32[n]."""
        a, b = (self.encode(text, allowed_special=allowed_special) for text in (first, second))
        if truncation:
            a, b = truncation.cut_pair(a, b, self.template.added_to_pair)
        return self.template.apply_pair(a, b)

    def encode_padded(
        self,
        texts: Sequence[Text],
        *,
        padding: Padding | None = None,
        truncation: Truncation | None = None,
        add_special_tokens: bool = False,
        allowed_special: Special = (),
        threads: int | None = None,
    ) -> Padded:
        """A batch as a matrix with its mask, cut and filled as asked here or else in the file.

        Raises EncodeError where neither says what to fill with.
        """
        padding = padding or self.padding
        if padding is None:
            raise EncodeError("this tokenizer's file states no padding: pass padding=Padding(id=…)")
        batch = self.encode_batch(texts, threads=threads, allowed_special=allowed_special)
        truncation = truncation or self.truncation
        if truncation:
            reserved = self.template.added_to_single if add_special_tokens else 0
            batch = Ragged.from_rows([truncation.cut(row, reserved) for row in batch])
        return padding.apply(self.template.apply_batch(batch) if add_special_tokens else batch)

    def encode_with_offsets(self, text: Text, *, allowed_special: Special = ()) -> Encoding:
        """Ids with their spans in the text.

        A byte-level tokenizer's spans are those of the bytes of its tokens. A pipeline that
        normalises or drops text has the spans that `tokenizers` or `sentencepiece` report.
        """
        given = text if isinstance(text, str) else bytes(text)
        allowed = self.allowed_names(allowed_special)
        if isinstance(self._engine, KernelEngine) and self._bytes_join and self._covers(allowed):
            ids = self.encode(given, allowed_special=allowed_special)
            bounds = self._engine.decode_tables[1]
            stops = np.cumsum(bounds[ids + 1] - bounds[ids])
            starts = np.concatenate((np.zeros(1, np.int64), stops))[: len(stops)]
            return spans.from_byte_spans(ids, np.stack((starts, stops), axis=1), given)
        clean = spans.readable(given)[0]
        if self._sentencepiece and not any(
            token in clean for token in self.special_tokens if allowed is None or token in allowed
        ):
            raw = given if isinstance(given, bytes) else clean.encode()
            found, byte_spans = self._sentencepiece.spans(raw)
            at = np.array(byte_spans, np.int64).reshape(-1, 2)
            return spans.from_byte_spans(np.array(found, np.uint32), at, given)
        if self._sentencepiece:
            raise EncodeError("spans around control pieces of a SentencePiece model are not known")
        return spans.from_char_spans(*self._spanning_library.spans(clean, allowed), given)

    def _covers(self, allowed: frozenset[str] | None) -> bool:
        """Whether the tokens' bytes are those of the text, one after another."""
        stripping = (t for t in self.added_tokens if t.lstrip or t.rstrip)
        return self.contract == "lossless" and not any(
            not t.special or allowed is None or t.content in allowed for t in stripping
        )

    @cached_property
    def _spanning_library(self) -> LibraryEngine:
        if isinstance(self._engine, LibraryEngine):
            return self._engine
        return LibraryEngine(self.to_bytes(), "offsets of a pipeline that changes text")

    def count(self, text: Text, *, allowed_special: Special = ()) -> int:
        """Number of ids of a text."""
        return len(self.encode(text, allowed_special=allowed_special))

    def allowed_names(self, allowed: Special) -> frozenset[str] | None:
        """The special tokens that an ``allowed_special`` names; None for every one.

        Raises VocabularyError for a name that is none of them.
        """
        if isinstance(allowed, str):
            if allowed != "all":
                raise ValueError(f"allowed_special is 'all' or a set of tokens, not {allowed!r}")
            return None
        wanted = frozenset(allowed) if allowed else _NO_SPECIAL
        if wanted and (unknown := wanted - self.special_tokens.keys()):
            raise VocabularyError(f"{min(unknown)!r} is not a special token of this tokenizer")
        return wanted

    def _refuse(self, raw: bytes | memoryview, allowed: Special, disallowed: Special) -> None:
        names = self.special_tokens if disallowed == "all" else disallowed
        kept = self.special_tokens if allowed == "all" else set(allowed)
        content = bytes(raw)
        for token in names:
            at = -1 if token in kept else content.find(token.encode())
            if at >= 0:
                raise DisallowedSpecialTokenError(
                    f"the text holds the special token {token!r} at byte {at}: pass it in "
                    "allowed_special to encode it as such, or leave disallowed_special empty"
                )

    def _kernels(self, option: str) -> KernelEngine:
        if not isinstance(self._engine, KernelEngine):
            raise EncodeError(f"{option} needs the kernels; this tokenizer runs on {self.engine}")
        return self._engine

    # --- decoding

    def decode_bytes(
        self, ids: Sequence[int] | NDArray[Any], *, skip_special_tokens: bool = False
    ) -> bytes:
        """The bytes of ids. Raises DecodeError, naming the position, for an id out of range."""
        array = self._wanted(ids, skip_special_tokens)
        if self._bytes_join and isinstance(self._engine, KernelEngine):
            return self._engine.decode_bytes(array)
        found: bytes = self._decoder.raw(*self._spelled(array))
        return found

    def decode(
        self,
        ids: Sequence[int] | NDArray[Any],
        *,
        skip_special_tokens: bool = False,
        errors: str = "replace",
    ) -> str:
        """The text of ids; ``errors`` is for bytes that are not UTF-8, as in `bytes.decode`.

        Exact to `tokenizers`, but that added tokens of a byte-level tokenizer are their content.
        """
        if errors != "replace" or (self._bytes_join and isinstance(self._engine, KernelEngine)):
            raw = self.decode_bytes(ids, skip_special_tokens=skip_special_tokens)
            return raw.decode("utf-8", errors)
        found: str = self._decoder.text(*self._spelled(self._wanted(ids, skip_special_tokens)))
        return found

    def decode_batch(
        self, batch: Ragged | Sequence[Sequence[int]], *, skip_special_tokens: bool = False
    ) -> list[str]:
        """The texts of many rows of ids."""
        return [self.decode(row, skip_special_tokens=skip_special_tokens) for row in batch]

    def decode_stream(self, *, skip_special_tokens: bool = False) -> DecodeStream:
        """A decoder to push ids into one after another, as a model makes them."""
        return DecodeStream(self, self._bytes_join, skip_special_tokens)

    @cached_property
    def _special_ids(self) -> NDArray[np.uint32]:
        return np.array(sorted(self.special_tokens.values()), np.uint32)

    def _wanted(self, ids: Sequence[int] | NDArray[Any], skip_special: bool) -> Ids:
        array = to_ids(ids)
        return array[~np.isin(array, self._special_ids)] if skip_special else array

    def _spelled(self, ids: Ids) -> tuple[list[str], list[bool]]:
        """Tokens as their file spells them, and which are added ones."""
        tokens, added = [], []
        for position, id_ in enumerate(ids.tolist()):
            if id_ >= self.vocab_size:
                raise DecodeError(f"id {id_} at position {position} is outside the vocabulary")
            token = self._spelling[id_]
            if token is not None:
                tokens.append(token)
                added.append(id_ in self._added_ids)
        return tokens, added


def _reload(source: Source, fingerprint: str) -> Tokenizer:
    special = dict(source.special_tokens)
    tokenizer = Tokenizer(*load(source.read(), source.path, source.pattern, special))
    if tokenizer.fingerprint != fingerprint:
        raise FormatError("the pickled tokenizer was read by another version of tokenkit")
    return tokenizer
