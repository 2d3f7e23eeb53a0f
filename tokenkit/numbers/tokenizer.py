"""A tokenizer for everything but numbers, and a scheme for these, in one id space."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import PADDING, Bytes, Ids, Offsets, joined
from encoders.numbers import Decoder, DecodeTables, NumberTokens, describe, rows_of_ids, weave
from encoders.numbers.pieces import LONGEST_NUMBER, NumberEncoder
from encoders.parallel import in_parallel, worth_sharing
from encoders.threads import cores
from tokenkit.errors import DecodeError, FormatError, VocabularyError
from tokenkit.numbers.saving import scheme_from_json, scheme_to_json
from tokenkit.numbers.schemes import NumberEncoding, Scheme
from tokenkit.numbers.stream import NumericStream
from tokenkit.text import AddedToken, Template, Tokenizer
from tokenkit.text.added import AddedTokenFinder, enabled
from tokenkit.text.contract import Contract
from tokenkit.text.inputs import Text, as_bytes, padded_text, to_ids
from tokenkit.text.loading import unzipped
from tokenkit.text.spans import from_byte_spans
from tokenkit.text.tokenizer import Special
from tokenkit.tokens import Ragged

_MAGIC = b'{"tokenkit": "numbers"'
_BASE = b', "base": '
_NUMERALS = frozenset("0123456789.,\u00a0\u202f")
_OF_CHARACTERS = {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents"}
"""Normalizers that leave digits alone, and the ends of a text too."""


class NumericTokenizer:
    """``base`` for all text but the numbers that ``scheme`` finds; these have ids of their own.

    Ids of ``base`` stay what they are; those of the scheme follow from ``base.vocab_size`` on. What
    is between two numbers is encoded by ``base`` as text between two added tokens would be. Its
    added tokens come before numbers, but for those that are nothing else than a number.

    Immutable, safe to share between threads, picklable, equal when its saved form is equal. Methods
    of the names that `Tokenizer` has do what they do there.

    Raises FormatError for a base that does not keep the text that it is given part by part: one
    that drops text, puts blanks in front or strips them.
    """

    def __init__(self, base: Tokenizer, scheme: Scheme) -> None:
        _check_keeps_parts(base)
        self.base = base
        self.scheme = scheme
        self.first = base.vocab_size
        """The scheme's lowest id."""
        self._layout = scheme.layout(self.first)
        about = json.dumps([base.fingerprint, scheme_to_json(scheme)], sort_keys=True)
        self.fingerprint: str = sha256(about.encode()).hexdigest()
        """sha256 that names this tokenizer in everything made with it."""

    # --- saving and loading

    @staticmethod
    def looks_like(content: bytes) -> bool:
        """Whether these bytes, unzipped, begin as `save` writes them."""
        return content.startswith(_MAGIC)

    @staticmethod
    def from_file(path: str | Path) -> "NumericTokenizer":
        """Load what `save` wrote, gzip or not. Raises FormatError, naming the file, for another."""
        try:
            return NumericTokenizer.from_bytes(Path(path).read_bytes())
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None

    @staticmethod
    def from_bytes(content: bytes) -> "NumericTokenizer":
        """As `from_file`, from the bytes of a file."""
        head, found, rest = unzipped(content).partition(_BASE)
        if not head.startswith(_MAGIC) or not found:
            raise FormatError("not a saved NumericTokenizer")
        try:
            scheme = scheme_from_json(json.loads(head + b"}")["scheme"])
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(f"a NumericTokenizer with a damaged scheme: {error}") from None
        return NumericTokenizer(Tokenizer.from_bytes(rest.rstrip()[:-1]), scheme)

    def to_bytes(self) -> bytes:
        """What `save` writes: JSON with the scheme, then the base tokenizer's own saved form."""
        scheme = json.dumps(scheme_to_json(self.scheme)).encode()
        return b"".join((_MAGIC, b', "scheme": ', scheme, _BASE, self.base.to_bytes(), b"}\n"))

    def save(self, path: str | Path) -> None:
        """Write base and scheme as one file."""
        Path(path).write_bytes(self.to_bytes())

    file_name = "tokenizer.numbers.json"
    """A fitting name for what `save` writes."""

    def __reduce__(self) -> tuple[Any, ...]:
        return NumericTokenizer, (self.base, self.scheme)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NumericTokenizer):
            return NotImplemented
        return self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"NumericTokenizer({self.base!r}, {self.scheme!r})"

    # --- what it is

    @property
    def engine(self) -> str:
        """What runs the base: "kernels" or "tokenizers"."""
        return self.base.engine

    @property
    def engine_reason(self) -> str:
        """See `Tokenizer.engine_reason`."""
        return self.base.engine_reason

    @property
    def contract(self) -> Contract:
        """That of the base; "lossy" where the scheme loses zeros."""
        return self.base.contract if self.scheme.lossless else "lossy"

    def normalize(self, text: str) -> str:
        """The base's normal form of everything but digits, and of marked separators."""
        buffer = padded_text(text)
        bounds = np.array([0, len(buffer) - PADDING], np.int64)
        spans = self._spans(buffer, bounds, frozenset())
        parts, reached = [], 0
        for start, _, stop in (*spans.tolist(), (bounds[1],) * 3):
            parts.append(self.base.normalize(buffer[reached:start].tobytes().decode()))
            number = buffer[start:stop].tobytes().decode()
            parts.append(number if self._layout.separators else self.base.normalize(number))
            reached = stop
        return "".join(parts)

    @property
    def vocab_size(self) -> int:
        """One more than the highest id."""
        return self.first + len(self.scheme.vocab)

    @cached_property
    def vocab(self) -> Mapping[str, int]:
        """Token to id. Those of the scheme are spelled ``<num:12k>``, ``<num:lz1>``."""
        return MappingProxyType({**self.base.vocab, **self._scheme_vocab})

    @cached_property
    def _scheme_vocab(self) -> dict[str, int]:
        return {name: self.first + id_ for id_, name in enumerate(token_names(self.scheme))}

    @property
    def special_tokens(self) -> Mapping[str, int]:
        """Those of the base."""
        return self.base.special_tokens

    @property
    def added_tokens(self) -> tuple[AddedToken, ...]:
        """Those of the base."""
        return self.base.added_tokens

    @property
    def template(self) -> Template:
        """That of the base."""
        return self.base.template

    def token_to_id(self, token: str) -> int | None:
        """Id of a token, or None."""
        found = self._scheme_vocab.get(token)
        return self.base.token_to_id(token) if found is None else found

    def id_to_token(self, id_: int) -> str | None:
        """A token as `vocab` spells it; None where the id has none."""
        if self.first <= id_ < self.vocab_size:
            return token_name(self.scheme.vocab[id_ - self.first])
        return self.base.id_to_token(id_)

    def id_to_bytes(self, id_: int) -> bytes:
        """The bytes of an id; of the scheme's, its digits where nothing stands around it.

        Raises VocabularyError outside the vocabulary.
        """
        if self.first <= id_ < self.vocab_size:
            return self.scheme.entries[id_ - self.first].digits.encode()
        if id_ >= self.vocab_size:
            raise VocabularyError(f"id {id_} is outside the vocabulary of {self.vocab_size}")
        return self.base.id_to_bytes(id_)

    # --- encoding

    def encode(
        self,
        text: Text,
        *,
        add_special_tokens: bool = False,
        allowed_special: Special = (),
        disallowed_special: Special = (),
    ) -> Ids:
        """Ids of one text, uint32[n]. See `Tokenizer.encode`."""
        self._refuse([text], allowed_special, disallowed_special)
        buffer = padded_text(text)
        bounds = np.array([0, len(buffer) - PADDING], np.int64)
        ids, _ = self._encode(buffer, bounds, allowed_special, 1)
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
        """Ids of many texts. See `Tokenizer.encode_batch`."""
        self._refuse(texts, allowed_special, disallowed_special)
        return self.encode_buffer(
            *joined([as_bytes(text) for text in texts]),
            threads=cores() if threads is None else threads,
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
        """Ids of documents that lie in one buffer. See `Tokenizer.encode_buffer`."""
        ids = Ragged(*self._encode(text, bounds, allowed_special, threads))
        return self.template.apply_batch(ids) if add_special_tokens else ids

    def encode_with_offsets(self, text: Text, *, allowed_special: Special = ()) -> NumberEncoding:
        """Ids with their spans in the text, and what embeddings of numbers need."""
        buffer = padded_text(text)
        bounds = np.array([0, len(buffer) - PADDING], np.int64)
        spans = self._spans(buffer, bounds, self.base.allowed_names(allowed_special))
        tokens = describe(buffer, spans, self._layout)
        ids, base_spans = self._base_spans(buffer, bounds, spans, tokens, allowed_special)
        own, rest = tokens.ids >= 0, len(ids)
        # Where two begin at one place, the number's has no width.
        every = np.concatenate((tokens.spans[own], base_spans))
        order = np.argsort(every[:, 0], kind="stable")
        given = text if isinstance(text, str) else bytes(text)
        all_ids = np.concatenate((tokens.ids[own].astype(np.uint32), ids))
        found = from_byte_spans(all_ids[order], every[order], given)
        values = self.scheme.values(buffer, spans)[tokens.number[own]]
        return NumberEncoding(
            found.ids,
            found.byte_spans,
            found.char_spans,
            np.append(tokens.power[own], np.zeros(rest, np.int16))[order],
            np.append(tokens.digits_before[own], np.full(rest, -1, np.int16))[order],
            np.append(values, np.full(rest, np.nan))[order],
        )

    def count(self, text: Text, *, allowed_special: Special = ()) -> int:
        """Number of ids of a text."""
        return len(self.encode(text, allowed_special=allowed_special))

    def _encode(
        self, text: Bytes, bounds: Offsets, allowed: Special, threads: int
    ) -> tuple[Ids, Offsets]:
        names = self.base.allowed_names(allowed)
        if worth_sharing(np.diff(bounds), threads):
            one = partial(self._encode, allowed=allowed, threads=1)
            return in_parallel(one, text, bounds, threads, cuts_at_lines=False)
        encoder, kernels = self._encoder, self.base.kernels
        if encoder and kernels and kernels.takes_as_is(text, bounds, names):
            one = partial(self._encode_as_is, encoder)
            return in_parallel(one, text, bounds, threads, encoder.cuts_at_lines)
        return self._weave(text, bounds, self._spans(text, bounds, names), allowed, threads)

    def _encode_as_is(
        self, encoder: NumberEncoder, text: Bytes, bounds: Offsets
    ) -> tuple[Ids, Offsets]:
        """Of what the base's model gets unchanged."""
        spans = self.scheme.scanner.spans(text, bounds)
        longest = (spans[:, 2] - spans[:, 0]).max(initial=0)
        if longest > LONGEST_NUMBER:
            return self._weave(text, bounds, spans, (), 1)
        return encoder.encode(text, bounds, spans)

    def _weave(
        self, text: Bytes, bounds: Offsets, spans: Offsets, allowed: Special, threads: int
    ) -> tuple[Ids, Offsets]:
        def encode(text: Bytes, bounds: Offsets) -> tuple[Ids, Offsets]:
            found = self.base.encode_buffer(text, bounds, threads=threads, allowed_special=allowed)
            return found.values, found.offsets

        return weave(text, bounds, spans, self._layout, self._separators, encode)

    @cached_property
    def _encoder(self) -> NumberEncoder | None:
        """For one pass over text and numbers, where the base is byte-level BPE on the kernels."""
        kernels = self.base.kernels
        tables = kernels.byte_level_tables if kernels else None
        if kernels is None or tables is None:
            return None
        return NumberEncoder(tables, kernels.scanner, self._layout, self._separators)

    @cached_property
    def _separators(self) -> Ids:
        """The base's ids of decimal point and thousands separators."""
        rows = self.base.encode_batch(self.scheme.separators)
        return rows_of_ids(rows.values, rows.offsets)

    def _spans(self, text: Bytes, bounds: Offsets, names: frozenset[str] | None) -> Offsets:
        """The numbers that are not in added tokens; of special ones, in those of ``names``."""
        spans = self.scheme.scanner.spans(text, bounds)
        cut = self._finder(names).cut(text, bounds) if len(spans) else None
        if cut is None:
            return spans
        taken = cut.replaced >= 0
        starts, stops = cut.bounds[:-1][taken], cut.bounds[1:][taken]
        # The last token that begins before a number ends must end before it begins.
        last = np.searchsorted(starts, spans[:, 2]) - 1
        free: Offsets = spans[(last < 0) | (stops[last] <= spans[:, 0])]
        return free

    def _finder(self, names: frozenset[str] | None) -> AddedTokenFinder:
        """What finds the base's added tokens that a number might be in."""
        if names not in self._finders:
            tokens = enabled(self.added_tokens, names)
            plain = [AddedToken(t.content, t.id) for t in tokens if _holds_digits(t.content)]
            self._finders[names] = AddedTokenFinder(tuple(plain))
        return self._finders[names]

    @cached_property
    def _finders(self) -> dict[frozenset[str] | None, AddedTokenFinder]:
        return {}

    def _base_spans(
        self,
        text: Bytes,
        bounds: Offsets,
        spans: Offsets,
        tokens: NumberTokens,
        allowed: Special,
    ) -> tuple[Ids, Offsets]:
        """The base's ids, and their spans of bytes, of what is no number or stands within one."""
        edges = [0, *spans[:, [0, 2]].ravel().tolist(), int(bounds[-1])]
        parts = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
        parts += tokens.spans[tokens.ids < 0].tolist()
        raws = [text[start:stop].tobytes() for start, stop in parts]
        starts = np.array([start for start, _ in parts], np.int64)
        if self.base.contract == "lossless" and not allowed:
            return self._spans_by_bytes(raws, starts)
        ids, found = [np.empty(0, np.uint32)], [np.empty((0, 2), np.int64)]
        for raw, start in zip(raws, starts, strict=True):
            part = self.base.encode_with_offsets(raw, allowed_special=allowed)
            ids.append(part.ids)
            found.append(part.byte_spans + start)
        return np.concatenate(ids), np.concatenate(found)

    def _spans_by_bytes(self, raws: list[bytes], starts: Offsets) -> tuple[Ids, Offsets]:
        """The same, all at once, where the bytes of tokens are those of the text."""
        rows = self.base.encode_batch(raws, threads=1)
        known, which = np.unique(rows.values, return_inverse=True)
        sizes = np.array([len(self.base.id_to_bytes(int(id_))) for id_ in known], np.int64)[which]
        stops = np.cumsum(sizes)
        ends = np.concatenate((np.zeros(1, np.int64), stops))[rows.offsets]
        stops += np.repeat(starts - ends[:-1], rows.lengths)
        return rows.values, np.stack((stops - sizes, stops), axis=1)

    def _refuse(self, texts: Sequence[Text], allowed: Special, disallowed: Special) -> None:
        for text in texts if disallowed else ():
            self.base.encode(text, allowed_special=allowed, disallowed_special=disallowed)

    # --- decoding

    @cached_property
    def _tables(self) -> DecodeTables:
        return self.scheme.decode_tables(
            joined([self.base.id_to_bytes(id_) for id_ in range(self.first)])
        )

    def decode_bytes(
        self, ids: Sequence[int] | NDArray[Any], *, skip_special_tokens: bool = False
    ) -> bytes:
        """The bytes of ids. Raises DecodeError, naming the position, for an id out of range."""
        array = to_ids(ids)
        if skip_special_tokens:
            array = array[~np.isin(array, list(self.special_tokens.values()))]
        try:
            return Decoder(self._tables).push(array, finish=True)
        except IndexError as error:
            raise DecodeError(str(error)) from None

    def decode(
        self,
        ids: Sequence[int] | NDArray[Any],
        *,
        skip_special_tokens: bool = False,
        errors: str = "replace",
    ) -> str:
        """The text of ids. See `Tokenizer.decode`."""
        raw = self.decode_bytes(ids, skip_special_tokens=skip_special_tokens)
        return raw.decode("utf-8", errors)

    def decode_batch(
        self, batch: Ragged | Sequence[Sequence[int]], *, skip_special_tokens: bool = False
    ) -> list[str]:
        """The texts of many rows of ids."""
        return [self.decode(row, skip_special_tokens=skip_special_tokens) for row in batch]

    def decode_stream(self, *, skip_special_tokens: bool = False) -> NumericStream:
        """A decoder to push ids into one after another. A number's token is held until the next."""
        skipped = list(self.special_tokens.values()) if skip_special_tokens else []
        return NumericStream(self._tables, np.array(skipped, np.uint32))


def token_name(spelling: str) -> str:
    """How a token of a scheme is called beside those of a base, which may spell the same."""
    return f"<num:{spelling.strip('<>')}>"


def token_names(scheme: Scheme) -> Iterator[str]:
    """The names of all tokens of a scheme, by id."""
    return map(token_name, scheme.vocab)


def _holds_digits(content: str) -> bool:
    return any("0" <= c <= "9" for c in content) and not _NUMERALS.issuperset(content)


def _check_keeps_parts(base: Tokenizer) -> None:
    if base.contract == "lossy":
        raise FormatError(
            f"{base!r} drops text, or puts blanks before it, and so would around every number: "
            "a NumericTokenizer needs a byte-level base (contract 'lossless' or 'normalizing')"
        )
    unfit = [kind for kind in _normalizers(base.normalizer) if kind not in _OF_CHARACTERS]
    if unfit:
        raise FormatError(f"{base!r} normalises by {unfit[0]}, which may change the ends of a text")


def _normalizers(entry: Mapping[str, Any] | None) -> Iterable[str]:
    if entry is None:
        return
    if entry["type"] == "Sequence":
        for inner in entry["normalizers"]:
            yield from _normalizers(inner)
    else:
        yield entry["type"]
