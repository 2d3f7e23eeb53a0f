"""The laws: plain functions of a subject and one example, which raise where the law is broken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from tokenkit.testing.subjects import Contract, Subject

_SHOWN = 200


class LawViolation(AssertionError):  # noqa: N818 - it is what the field calls it
    """A tokenizer broke a law. ``law``, ``example``, ``expected`` and ``found`` say how."""

    def __init__(self, subject: Subject, law: str, example: Any, expected: Any, found: Any) -> None:
        self.law, self.example, self.expected, self.found = law, example, expected, found
        super().__init__(
            f"{subject.name} breaks the law {law!r}\n"
            f"  input     {_shown(example)}\n"
            f"  expected  {_shown(expected)}\n"
            f"  found     {_shown(found)}" + _difference(expected, found)
        )


@dataclass(frozen=True)
class Law:
    """A law with the examples that it speaks of and the subjects that it binds."""

    check: Callable[[Subject, Any], None]
    examples: Literal["text", "texts", "bytes", "ids"]
    needs: tuple[str, ...] = ()
    """Fields of `Subject` without which it says nothing."""
    contracts: tuple[Contract, ...] = ("lossless", "normalizing", "lossy")

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.check.__name__

    @property
    def statement(self) -> str:
        """What must hold, in words."""
        return (self.check.__doc__ or "").partition("\n")[0]

    def binds(self, subject: Subject) -> bool:
        """Whether it says anything about ``subject``."""
        given = all(getattr(subject, need) for need in self.needs)
        return given and subject.contract in self.contracts


def as_utf8(text: str) -> str:
    """``text`` as UTF-16 reads it: surrogate pairs combine, lone surrogates become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def round_trip(subject: Subject, text: str) -> None:
    """``decode(encode(text)) == text``, lone surrogates being U+FFFD."""
    expected = as_utf8(text)
    _equal(subject, round_trip, text, expected, subject.decode(subject.encode(text)))


def normal_form(subject: Subject, text: str) -> None:
    """``decode(encode(text))`` is the normal form of the text, and a fixed point."""
    once = subject.decode(subject.encode(text))
    if subject.normalize is not None:
        _equal(subject, normal_form, text, subject.normalize(as_utf8(text)), once)
    _equal(subject, normal_form, text, once, subject.decode(subject.encode(once)))


def bytes_round_trip(subject: Subject, raw: bytes) -> None:
    """``decode_bytes(encode_bytes(raw)) == raw`` for any bytes."""
    assert subject.encode_bytes is not None
    assert subject.decode_bytes is not None
    found = subject.decode_bytes(subject.encode_bytes(raw))
    _equal(subject, bytes_round_trip, raw, raw, found)


def takes_any_text(subject: Subject, text: str) -> None:
    """No text makes a method raise, and a lone surrogate is as good as U+FFFD."""
    methods: dict[str, Callable[[str], object]] = {"encode": subject.encode}
    for name, method in {**methods, **subject.other_encoders}.items():
        try:
            found = method(text)
        except Exception as error:
            raise LawViolation(
                subject, takes_any_text.__name__, text, f"{name} returns", repr(error)
            ) from error
        if name == "encode":
            expected = list(subject.encode(as_utf8(text)))
            _equal(subject, takes_any_text, text, expected, list(found))  # type: ignore[call-overload]


def tokens_spell_text(subject: Subject, text: str) -> None:
    """The bytes of the tokens, one after another, are the bytes of the text."""
    assert subject.token_bytes is not None
    expected = as_utf8(text).encode()
    found = b"".join(map(subject.token_bytes, subject.encode(text)))
    _equal(subject, tokens_spell_text, text, expected, found)


def spans_are_ordered(subject: Subject, text: str) -> None:
    """One span for each id, inside the text; none begins or ends before the one before it."""
    assert subject.spans is not None
    ids, spans = subject.spans(text)
    _equal(subject, spans_are_ordered, text, list(subject.encode(text)), list(ids))
    _equal(subject, spans_are_ordered, text, f"{len(ids)} spans", f"{len(spans)} spans")
    before = (0, 0)
    for span in spans:
        ordered = before[0] <= span[0] <= span[1] <= len(text) and before[1] <= span[1]
        if not ordered:
            raise LawViolation(
                subject, spans_are_ordered.__name__, text, f"a span after {before}", tuple(span)
            )
        before = (span[0], span[1])


def spans_cover_text(subject: Subject, text: str) -> None:
    """Every character is in a span, and a token of whole characters is what its span holds."""
    assert subject.spans is not None
    text = as_utf8(text)
    ids, spans = subject.spans(text)
    reached = 0
    for id_, (start, stop) in zip(ids, spans, strict=True):
        if start > reached:
            raise LawViolation(
                subject, spans_cover_text.__name__, text, f"a span from {reached}", (start, stop)
            )
        reached = max(reached, stop)
        if subject.token_bytes is not None:
            token, held = subject.token_bytes(id_), text[start:stop].encode()
            if token not in held or (_is_utf8(token) and token != held):
                raise LawViolation(subject, spans_cover_text.__name__, text, token, held)
    _equal(subject, spans_cover_text, text, len(text), reached)


def reencoding_settles(subject: Subject, ids: Sequence[int]) -> None:
    """Decoding any ids and encoding again changes nothing from the second time on."""
    first = list(subject.encode(subject.decode(ids)))
    second = list(subject.encode(subject.decode(first)))
    _equal(subject, reencoding_settles, list(ids), first, second)


def batch_equals_single(subject: Subject, texts: list[str]) -> None:
    """A batch is encoded as its texts are one by one."""
    assert subject.encode_batch is not None
    expected = [list(subject.encode(text)) for text in texts]
    found = [list(row) for row in subject.encode_batch(texts)]
    _equal(subject, batch_equals_single, texts, expected, found)


def chunks_equal_whole(subject: Subject, text: str) -> None:
    """Cut before a line end that follows an ASCII letter, the parts are encoded as the whole.

    That cut is safe for every split pattern in use: a run of letters ends there, and no pattern
    looks further ahead than to the end of white space.
    """
    text = as_utf8(text)
    cuts = [
        i for i in range(1, len(text))
        if text[i] == "\n" and text[i - 1].isascii() and text[i - 1].isalpha()
    ]  # fmt: skip
    bounds = [0, *cuts, len(text)]
    parts = [text[a:b] for a, b in pairwise(bounds)]
    found = [id_ for part in parts for id_ in subject.encode(part)]
    _equal(subject, chunks_equal_whole, text, list(subject.encode(text)), found)


def stream_equals_whole(subject: Subject, text: str) -> None:
    """Decoding id by id gives the same text, with no U+FFFD for part of a character."""
    assert subject.stream is not None
    text = as_utf8(text)
    ids = subject.encode(text)
    _equal(subject, stream_equals_whole, text, subject.decode(ids), "".join(subject.stream(ids)))


def saved_equals_loaded(subject: Subject, text: str) -> None:
    """Saved and loaded again, it gives the same ids and the same text."""
    assert subject.reload is not None
    again = subject.reload()
    ids = list(subject.encode(text))
    _equal(subject, saved_equals_loaded, text, ids, list(again.encode(text)))
    _equal(subject, saved_equals_loaded, text, subject.decode(ids), again.decode(ids))


def special_text_is_inert(subject: Subject, text: str) -> None:
    """Text that spells a special token does not become that token unless the caller allows it."""
    special = set(subject.special_tokens.values())
    found = [id_ for id_ in subject.encode(text) if id_ in special]
    _equal(subject, special_text_is_inert, text, [], found)


LAWS: tuple[Law, ...] = (
    Law(takes_any_text, "text"),
    Law(round_trip, "text", contracts=("lossless",)),
    Law(normal_form, "text", contracts=("normalizing",)),
    Law(bytes_round_trip, "bytes", ("encode_bytes", "decode_bytes"), ("lossless",)),
    Law(tokens_spell_text, "text", ("token_bytes",), ("lossless",)),
    Law(spans_are_ordered, "text", ("spans",)),
    Law(spans_cover_text, "text", ("spans",), ("lossless",)),
    Law(reencoding_settles, "ids", ("ids",)),
    Law(batch_equals_single, "texts", ("encode_batch",)),
    Law(chunks_equal_whole, "text", contracts=("lossless",)),
    Law(stream_equals_whole, "text", ("stream",)),
    Law(saved_equals_loaded, "text", ("reload",)),
    Law(special_text_is_inert, "text", ("special_tokens",)),
)


def _equal(
    subject: Subject, law: Callable[..., None], example: Any, expected: Any, found: Any
) -> None:
    if expected != found:
        raise LawViolation(subject, law.__name__, example, expected, found)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) and value.startswith("a span") else ascii(value)
    if len(text) <= _SHOWN:
        return text
    return f"{text[: _SHOWN // 2]} … {text[-_SHOWN // 2 :]} (length {len(value)})"


def _difference(expected: Any, found: Any) -> str:
    """Where two sequences part, if that is not seen at a glance."""
    same_kind = type(expected) is type(found) and isinstance(expected, (str, bytes, list))
    if not same_kind or len(expected) <= 1:
        return ""
    pairs = enumerate(zip(expected, found, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(expected), len(found)))
    return f"\n  differ at {at}: {expected[at : at + 8]!a} and {found[at : at + 8]!a}"
