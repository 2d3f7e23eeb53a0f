"""SentencePiece models: the protobuf file, and its BPE as tables for the kernels.

Field numbers are those of sentencepiece_model.proto; only what changes ids is read.
"""

import base64
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.bpe import BpeTables, tables_from_merges
from encoders.buffers import ABSENT, Bytes, Offsets
from encoders.normalize import Normalized, SentencePiece, Sequence
from encoders.unigram import UnigramTables, unigram_tables
from tokenkit.errors import FormatError
from tokenkit.text.added import AddedToken
from tokenkit.text.changes import BLANKS_FOR_MARKS, MARK, Change
from tokenkit.text.formats.plan import Plan, fingerprint_of
from tokenkit.text.pipeline import NotCoveredError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Kind(IntEnum):
    """What a piece is for."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


class Algorithm(IntEnum):
    """How text is cut into pieces."""

    UNIGRAM = 1
    BPE = 2
    WORD = 3
    CHAR = 4


@dataclass(frozen=True)
class Piece:
    """An entry of the vocabulary; its id is its place."""

    text: str
    score: float = 0.0
    kind: Kind = Kind.NORMAL


@dataclass(frozen=True)
class Model:
    """A SentencePiece model as far as it decides on ids."""

    pieces: tuple[Piece, ...]
    algorithm: Algorithm = Algorithm.UNIGRAM
    byte_fallback: bool = False
    blanks_behind: bool = False
    """Whether U+2581 ends words instead of beginning them."""
    charsmap: bytes = b""
    """Precompiled replacements of characters; empty for the identity."""
    dummy_prefix: bool = True
    """Whether a blank is put in front of every text."""
    single_blanks: bool = True
    """Whether runs of blanks become one, and those at the ends vanish."""
    escapes_blanks: bool = True
    """Whether blanks become U+2581."""

    @property
    def unknown(self) -> int:
        """Id of the unknown piece."""
        return next(i for i, piece in enumerate(self.pieces) if piece.kind == Kind.UNKNOWN)


def read_model(content: bytes) -> Model:
    """Read a .model file. Raises FormatError where it is not one."""
    try:
        fields = list(_fields(content))
        trainer = dict(f for n, v in fields if n == 2 and isinstance(v, bytes) for f in _fields(v))
        rules = dict(f for n, v in fields if n == 3 and isinstance(v, bytes) for f in _fields(v))
        pieces = tuple(_piece(v) for n, v in fields if n == 1 and isinstance(v, bytes))
        charsmap = rules.get(2, b"")
        model = Model(
            pieces,
            Algorithm(int(trainer.get(3, 1))),
            byte_fallback=bool(trainer.get(35, 0)),
            blanks_behind=bool(trainer.get(24, 0)),
            charsmap=charsmap if isinstance(charsmap, bytes) else b"",
            dummy_prefix=bool(rules.get(3, 1)),
            single_blanks=bool(rules.get(4, 1)),
            escapes_blanks=bool(rules.get(5, 1)),
        )
    except (ValueError, IndexError, struct.error) as error:
        raise FormatError(f"not a SentencePiece model: {error}") from None
    if not any(piece.kind == Kind.UNKNOWN for piece in model.pieces):
        raise FormatError("not a SentencePiece model: it has no unknown piece")
    return model


def _piece(content: bytes) -> Piece:
    fields = dict(_fields(content))
    text, score = fields.get(1, b""), fields.get(2, b"\0\0\0\0")
    if not isinstance(text, bytes) or not isinstance(score, bytes):
        raise ValueError("a piece is not as the format has it")
    return Piece(text.decode(), struct.unpack("<f", score)[0], Kind(int(fields.get(3, 1))))


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a protobuf message; numbers are int, the rest bytes."""
    at = 0
    while at < len(content):
        tag, at = _varint(content, at)
        wire = tag & 7
        if wire == _VARINT:
            number, at = _varint(content, at)
            yield tag >> 3, number
            continue
        if wire == _BYTES:
            size, at = _varint(content, at)
        elif wire in (_FIXED32, _FIXED64):
            size = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire} at byte {at}")
        if at + size > len(content):
            raise ValueError(f"it ends inside a field at byte {at}")
        yield tag >> 3, content[at : at + size]
        at += size


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while content[at] & 0x80:
        value |= (content[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if shift > 63:
            raise ValueError(f"a number of more than ten bytes at byte {at}")
    return value | content[at] << shift, at + 1


def read(content: bytes) -> Plan:
    """Read a .model file. Raises FormatError where it is not one."""
    model = read_model(content)
    # Control pieces are found only where they are allowed; user-defined ones always, in the
    # normalized text, except by unigram models, to which they are pieces that score high.
    atoms = () if model.algorithm is Algorithm.UNIGRAM else (Kind.USER_DEFINED,)
    added = [
        AddedToken(piece.text, id_, special=piece.kind == Kind.CONTROL).to_json()
        | {"normalized": piece.kind == Kind.USER_DEFINED}
        for id_, piece in enumerate(model.pieces)
        if piece.text and piece.kind in (Kind.CONTROL, *atoms)
    ]
    head = {"sentencepiece": _rules(model), "added_tokens": added}
    fingerprint = fingerprint_of({"sentencepiece": sha256(content).hexdigest()})
    odd = {
        id_: piece.text.encode()
        for id_, piece in enumerate(model.pieces)
        if piece.kind not in (Kind.NORMAL, Kind.CONTROL)
    }
    blanks = _may_have_blanks(model)
    try:
        return Plan(head, fingerprint, _tables(model, blanks), odd, blanks=blanks)
    except NotCoveredError as reason:
        return Plan(head, fingerprint, reason=str(reason))


def _rules(model: Model) -> dict[str, Any]:
    """How the text is normalized, for `normalizer_from_rules`."""
    symbols = [piece.text for piece in model.pieces if piece.kind == Kind.USER_DEFINED]
    return {
        "charsmap": base64.b64encode(model.charsmap).decode(),
        "add_dummy_prefix": model.dummy_prefix,
        "remove_extra_whitespaces": model.single_blanks,
        "escape_whitespaces": model.escapes_blanks,
        "treat_whitespace_as_suffix": model.blanks_behind,
        "kept": symbols,
    }


def normalizer_from_rules(rules: Mapping[str, Any], blanks: bool) -> Change:
    """The normalizer that the head of a `Plan` describes; with ``blanks`` for U+2581."""
    kept = tuple(symbol.encode() for symbol in rules["kept"])
    options = {name: rules[name] for name in rules if name not in ("charsmap", "kept")}
    marked = SentencePiece(base64.b64decode(rules["charsmap"]), kept=kept, **options)
    return Change((_WithBlanks(marked) if blanks else marked,))


@dataclass(frozen=True)
class _WithBlanks:
    """What ``marked`` makes, with a blank for every U+2581."""

    marked: SentencePiece

    @cached_property
    def _unmarked(self) -> SentencePiece:
        return replace(self.marked, escape_whitespaces=False)

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        if MARK.encode() not in self.marked.charsmap:
            without = BLANKS_FOR_MARKS.normalize(text, bounds)
            if without.text is text:
                return self._unmarked.normalize(text, bounds, align=align)
        # U+2581 of the text's own is no blank until blanks have become it.
        return Sequence((self.marked, BLANKS_FOR_MARKS)).normalize(text, bounds, align=align)


def _may_have_blanks(model: Model) -> bool:
    """Whether a blank can stand for U+2581: every blank becomes one, and no piece has a blank."""
    texts = {piece.text for piece in model.pieces}
    return model.escapes_blanks and MARK in texts and not any(" " in text for text in texts)


def _bytes(piece: Piece, blanks: bool) -> bytes:
    return (piece.text.replace(MARK, " ") if blanks else piece.text).encode()


def _tables(model: Model, blanks: bool) -> BpeTables | UnigramTables:
    """Raises NotCoveredError for what the kernels do not do as `sentencepiece` does."""
    if model.algorithm is Algorithm.UNIGRAM:
        return _unigram_tables(model, blanks)
    if model.algorithm in (Algorithm.BPE, Algorithm.CHAR):
        return bpe_tables(model, blanks)
    raise NotCoveredError(f"a SentencePiece {model.algorithm.name.lower()} model")


def bpe_tables(model: Model, blanks: bool) -> BpeTables:
    """Tables of a BPE model: two neighbours merge where a piece is both, best score first.

    A character model is one without merges. ``blanks``: for U+2581.
    """
    if any(piece.kind == Kind.UNUSED for piece in model.pieces):
        raise NotCoveredError("a SentencePiece model with unused pieces")
    ids = {piece.text: i for i, piece in enumerate(model.pieces) if piece.kind == Kind.NORMAL}
    if model.algorithm is Algorithm.CHAR:
        ids = {text: id_ for text, id_ in ids.items() if len(text) == 1}
    if not all(character in ids for text in ids for character in text):
        raise NotCoveredError("a SentencePiece model with pieces of unknown characters")
    scores = sorted({model.pieces[i].score for i in ids.values()}, reverse=True)
    rank_of = {score: rank for rank, score in enumerate(scores)}
    rows = sorted(
        (rank_of[model.pieces[id_].score], ids[text[:cut]], ids[text[cut:]], id_)
        for text, id_ in ids.items()
        for cut in range(1, len(text))
        if text[:cut] in ids and text[cut:] in ids
    )
    table = np.array(rows, np.uint32).reshape(-1, 4)
    byte_ids = _byte_ids(model)
    alphabet = {
        _bytes(model.pieces[id_], blanks): id_ for text, id_ in ids.items() if len(text) == 1
    }
    tokens = [_bytes(p, blanks) if p.kind == Kind.NORMAL else b"" for p in model.pieces]
    return tables_from_merges(
        tokens,
        np.ascontiguousarray(table[:, 1:]),
        byte_ids,
        characters=[alphabet] * 4,
        unknown=model.unknown,
        fuse_unknown=True,
        ranks=np.ascontiguousarray(table[:, 0]),
    )


def _unigram_tables(model: Model, blanks: bool) -> UnigramTables:
    normal = [piece.score for piece in model.pieces if piece.kind == Kind.NORMAL]
    matched = (Kind.NORMAL, Kind.USER_DEFINED)
    return unigram_tables(
        [_bytes(p, blanks) if p.kind in matched else b"" for p in model.pieces],
        [_score(piece) for piece in model.pieces],
        model.unknown,
        least=min(normal, default=0.0),
        single=True,
        byte_ids=_byte_ids(model),
    )


def _score(piece: Piece) -> float:
    """A user-defined piece scores above all others, the longer the higher (as in 0.2.3)."""
    if piece.kind == Kind.USER_DEFINED:
        return 0.1 * len(piece.text.encode()) - 0.1
    return piece.score


def _byte_ids(model: Model) -> NDArray[np.uint32]:
    byte_ids = np.full(256, ABSENT, np.uint32)
    if model.byte_fallback:
        for id_, piece in enumerate(model.pieces):
            if piece.kind == Kind.BYTE:
                byte_ids[int(piece.text[3:5], 16)] = id_
        if (byte_ids == ABSENT).any():
            raise NotCoveredError("byte fallback without some bytes")
    return byte_ids
