"""SentencePiece models: the protobuf file, and its BPE as tables for the kernels.

Field numbers are those of sentencepiece_model.proto; only what changes ids is read.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from encoders.bpe import BpeTables, tables_from_merges
from encoders.bpe.tables import ABSENT
from encoders.unigram import UnigramTables, unigram_tables
from tokenkit.errors import FormatError
from tokenkit.text.added import AddedToken
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
    def normalizes_plainly(self) -> bool:
        """Whether all that happens to text is that blanks become U+2581, with one in front."""
        return (
            not self.charsmap
            and not self.single_blanks
            and not self.blanks_behind
            and self.escapes_blanks
        )

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
    controls = [
        AddedToken(piece.text, id_, special=True).to_json()
        for id_, piece in enumerate(model.pieces)
        if piece.kind == Kind.CONTROL and piece.text
    ]
    head = {
        "sentencepiece": {"plain": model.normalizes_plainly, "dummy_prefix": model.dummy_prefix},
        "added_tokens": controls,
    }
    fingerprint = fingerprint_of({"sentencepiece": sha256(content).hexdigest()})
    odd = {
        id_: piece.text.encode()
        for id_, piece in enumerate(model.pieces)
        if piece.kind not in (Kind.NORMAL, Kind.CONTROL)
    }
    try:
        if model.algorithm is Algorithm.BPE:
            return Plan(head, fingerprint, bpe_tables(model), odd)
        if model.algorithm is Algorithm.UNIGRAM:
            return Plan(head, fingerprint, _unigram_tables(model), odd)
        raise NotCoveredError(f"a SentencePiece {model.algorithm.name.lower()} model")
    except NotCoveredError as reason:
        return Plan(head, fingerprint, reason=str(reason))


def bpe_tables(model: Model) -> BpeTables:
    """Tables of a BPE model: two neighbours merge where a piece is both, best score first.

    Raises NotCoveredError for what the kernels do not do as `sentencepiece` does.
    """
    if any(piece.kind in (Kind.USER_DEFINED, Kind.UNUSED) for piece in model.pieces):
        raise NotCoveredError("a SentencePiece model with user-defined or unused pieces")
    ids = {piece.text: i for i, piece in enumerate(model.pieces) if piece.kind == Kind.NORMAL}
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
    alphabet = {text.encode(): id_ for text, id_ in ids.items() if len(text) == 1}
    tokens = [p.text.encode() if p.kind == Kind.NORMAL else b"" for p in model.pieces]
    return tables_from_merges(
        tokens,
        np.ascontiguousarray(table[:, 1:]),
        byte_ids,
        characters=[alphabet] * 4,
        unknown=model.unknown,
        fuse_unknown=True,
        ranks=np.ascontiguousarray(table[:, 0]),
    )


def _unigram_tables(model: Model) -> UnigramTables:
    if any(piece.kind == Kind.USER_DEFINED for piece in model.pieces):
        raise NotCoveredError("a SentencePiece unigram model with user-defined pieces")
    normal = [piece.score for piece in model.pieces if piece.kind == Kind.NORMAL]
    return unigram_tables(
        [p.text.encode() if p.kind == Kind.NORMAL else b"" for p in model.pieces],
        [piece.score for piece in model.pieces],
        model.unknown,
        least=min(normal, default=0.0),
        single=True,
        byte_ids=_byte_ids(model),
    )


def _byte_ids(model: Model) -> NDArray[np.uint32]:
    byte_ids = np.full(256, ABSENT, np.uint32)
    if model.byte_fallback:
        for id_, piece in enumerate(model.pieces):
            if piece.kind == Kind.BYTE:
                byte_ids[int(piece.text[3:5], 16)] = id_
        if (byte_ids == ABSENT).any():
            raise NotCoveredError("byte fallback without some bytes")
    return byte_ids
