"""What the laws ask of a tokenizer, and how to reach it in four libraries."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from tokenkit.errors import TokenkitError

Contract = Literal["lossless", "normalizing", "lossy"]
Span = tuple[int, int]


@dataclass(frozen=True)
class Subject:
    """A tokenizer under test: functions, of which only the first two are needed.

    A law that needs a function which is None does not apply.
    """

    name: str
    encode: Callable[[str], Sequence[int]]
    """Text to ids, nothing put around them, special tokens in the text being ordinary text."""
    decode: Callable[[Sequence[int]], str]
    contract: Contract = "lossless"
    """What decoding an encoded text gives back: the text, its normal form, or less."""
    normalize: Callable[[str], str] | None = None
    """The normal form, for a normalizing tokenizer that tells it."""
    ids: Sequence[int] = ()
    """The ids that there are; empty where not known."""
    special_tokens: Mapping[str, int] = field(default_factory=dict)
    """Spelling to id of tokens that text from users must not make."""
    added_tokens: tuple[str, ...] = ()
    """Spellings of tokens that are found in text before anything else."""
    token_bytes: Callable[[int], bytes] | None = None
    """Bytes of one id."""
    spans: Callable[[str], tuple[Sequence[int], Sequence[Span]]] | None = None
    """Ids of a text, and start and stop of each in characters."""
    encode_batch: Callable[[list[str]], Sequence[Sequence[int]]] | None = None
    encode_bytes: Callable[[bytes], Sequence[int]] | None = None
    decode_bytes: Callable[[Sequence[int]], bytes] | None = None
    stream: Callable[[Sequence[int]], Iterable[str]] | None = None
    """Ids to pieces of text, one id after another."""
    reload: Callable[[], "Subject"] | None = None
    """The same tokenizer, saved and loaded."""
    other_encoders: Mapping[str, Callable[[str], object]] = field(default_factory=dict)
    """Further methods that take a text."""


def subject_of(tokenizer: Any, contract: Contract | None = None) -> Subject:
    """The subject for a tokenizer of tokenkit, `tiktoken`, `tokenizers` or `sentencepiece`.

    ``contract`` defaults to what a tokenkit tokenizer says of itself and to "lossless" for others.
    Raises TokenkitError for anything else: build a `Subject` from its functions.
    """
    if isinstance(tokenizer, Subject):
        return tokenizer
    library, kind = type(tokenizer).__module__.partition(".")[0], type(tokenizer).__name__
    if (library, kind) in (("tokenkit", "Tokenizer"), ("tokenkit", "NumericTokenizer")):
        return _tokenkit(tokenizer, contract or tokenizer.contract)
    if kind == "Encoding" and hasattr(tokenizer, "encode_ordinary"):
        return _tiktoken(tokenizer, contract or "lossless")
    if (library, kind) == ("tokenizers", "Tokenizer"):
        return _tokenizers(tokenizer, contract or "lossless")
    if library == "sentencepiece":
        return _sentencepiece(tokenizer, contract or "lossless")
    raise TokenkitError(
        f"no subject is known for {library}.{kind}: build tokenkit.testing.Subject from its "
        "functions, of which encode and decode are enough"
    )


def _tokenkit(tok: Any, contract: Contract) -> Subject:
    def spans(text: str) -> tuple[Sequence[int], Sequence[Span]]:
        found = tok.encode_with_offsets(text)
        return found.ids.tolist(), [(start, stop) for start, stop in found.char_spans.tolist()]

    scheme = getattr(tok, "scheme", None)  # of numbers, whose tokens may depend on each other
    return Subject(
        name=repr(tok),
        encode=lambda text: tok.encode(text).tolist(),
        decode=tok.decode,
        contract=contract,
        normalize=tok.normalize if scheme and contract == "normalizing" else None,
        ids=range(tok.vocab_size),
        special_tokens=tok.special_tokens,
        added_tokens=tuple(token.content for token in tok.added_tokens),
        token_bytes=tok.id_to_bytes if scheme is None or scheme.spells_numbers else None,
        spans=spans if contract == "lossless" else None,
        encode_batch=lambda texts: tok.encode_batch(texts, threads=2).to_lists(),
        encode_bytes=lambda raw: tok.encode(raw).tolist(),
        decode_bytes=tok.decode_bytes,
        stream=lambda ids: tok.decode_stream().pull(ids),
        reload=lambda: _tokenkit(type(tok).from_bytes(tok.to_bytes()), contract),
        other_encoders={"count": tok.count},
    )


def _tiktoken(encoding: Any, contract: Contract) -> Subject:
    def is_token(id_: int) -> bool:
        try:
            return bool(encoding.decode_single_token_bytes(id_))
        except KeyError:
            return False

    def spans(text: str) -> tuple[Sequence[int], Sequence[Span]]:
        ids = encoding.encode_ordinary(text)
        decoded, starts = encoding.decode_with_offsets(ids)
        # A token's stop is not told: it is the start of the first token that begins further on.
        stops, stop = [len(decoded)] * len(starts), len(decoded)
        for i in range(len(starts) - 2, -1, -1):
            stop = starts[i + 1] if starts[i + 1] > starts[i] else stop
            stops[i] = stop
        return ids, list(zip(starts, stops, strict=True))

    return Subject(
        name=repr(encoding),
        encode=encoding.encode_ordinary,
        decode=encoding.decode,
        contract=contract,
        ids=[id_ for id_ in range(encoding.n_vocab) if is_token(id_)],
        special_tokens={
            name: encoding.encode_single_token(name) for name in encoding.special_tokens_set
        },
        token_bytes=encoding.decode_single_token_bytes,
        spans=spans,
        encode_batch=encoding.encode_ordinary_batch,
        decode_bytes=encoding.decode_bytes,
        other_encoders={
            name: partial(getattr(encoding, name), disallowed_special=())
            for name in ("encode", "encode_with_unstable")
            if hasattr(encoding, name)
        },
    )


def _tokenizers(tok: Any, contract: Contract) -> Subject:
    def spans(text: str) -> tuple[Sequence[int], Sequence[Span]]:
        found = tok.encode(text, add_special_tokens=False)
        return found.ids, found.offsets

    def stream(ids: Sequence[int]) -> Iterable[str]:
        from tokenizers.decoders import DecodeStream

        decoder = DecodeStream(skip_special_tokens=False)
        return [piece for id_ in ids if (piece := decoder.step(tok, id_)) is not None]

    added = tok.get_added_tokens_decoder()
    return Subject(
        name=f"tokenizers.Tokenizer({tok.model.__class__.__name__})",
        encode=lambda text: tok.encode(text, add_special_tokens=False).ids,
        decode=lambda ids: str(tok.decode(ids, skip_special_tokens=False)),
        contract=contract,
        ids=sorted(tok.get_vocab().values()),
        special_tokens={token.content: id_ for id_, token in added.items() if token.special},
        added_tokens=tuple(token.content for token in added.values()),
        spans=spans,
        encode_batch=lambda texts: [
            found.ids for found in tok.encode_batch(texts, add_special_tokens=False)
        ],
        stream=stream,
        reload=lambda: _tokenizers(type(tok).from_str(tok.to_str()), contract),
    )


def _sentencepiece(processor: Any, contract: Contract) -> Subject:
    def reload() -> Subject:
        return _sentencepiece(
            type(processor)(model_proto=processor.serialized_model_proto()), contract
        )

    ids = range(processor.get_piece_size())
    return Subject(
        name="sentencepiece.SentencePieceProcessor",
        encode=processor.encode,
        decode=lambda row: str(processor.decode(list(row))),
        contract=contract,
        ids=ids,
        special_tokens={processor.id_to_piece(i): i for i in ids if processor.is_control(i)},
        encode_batch=processor.encode,
        reload=reload,
    )
