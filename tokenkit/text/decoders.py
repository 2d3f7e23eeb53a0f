"""The decoders of `tokenizers`: spelled tokens to text.

Each takes the tokens of a sequence as its file spells them and gives the pieces of text to be
joined. They are exact to `tokenizers` 0.23 but for one deliberate difference: `ByteLevel` leaves
added tokens as they are, where the library reads their letters as stand-ins for bytes and turns
an added "čau" into "\\rau".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

from tokenkit.errors import FormatError
from tokenkit.text import byte_map

Step = Callable[[list[str]], list[str]]
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2}|\+[0-9A-Fa-f])>")


@dataclass(frozen=True)
class Decoder:
    """``steps`` in order; ``byte_level`` where the first step is to map letters to bytes.

    Without any decoder tokens are joined by blanks, as in `tokenizers`.
    """

    steps: tuple[Step, ...] = ()
    byte_level: bool = False
    joined_by: str = ""
    raw_steps: tuple[Step, ...] = ()
    """The same, with bytes outside UTF-8 as lone surrogates instead of U+FFFD."""

    def text(self, tokens: Sequence[str], added: Sequence[bool]) -> str:
        """The text of tokens; ``added`` marks those outside the model."""
        return self._run(tokens, added, self.steps, "replace")

    def raw(self, tokens: Sequence[str], added: Sequence[bool]) -> bytes:
        """The bytes of tokens, also where they are no UTF-8."""
        found = self._run(tokens, added, self.raw_steps, "surrogateescape")
        return found.encode("utf-8", "surrogateescape")

    def token(self, token: str, added: bool) -> bytes:
        """The bytes that one token stands for in the middle of a text."""
        found = self._between([token], [added])
        # What parts any two tokens belongs to the second of them.
        return found.removesuffix(self._between([], []))

    def _between(self, tokens: list[str], added: list[bool]) -> bytes:
        found = self.raw(["\x01", *tokens, "\x02"], [True, *added, True])
        return found[found.find(b"\x01") + 1 : found.rfind(b"\x02")]

    def _run(
        self, tokens: Sequence[str], added: Sequence[bool], steps: tuple[Step, ...], errors: str
    ) -> str:
        pieces = list(tokens)
        if self.byte_level:
            pieces = [_byte_level(pieces, added, errors)]
        for step in steps:
            pieces = step(pieces)
        return self.joined_by.join(pieces)


def decoder_from_json(entry: Mapping[str, Any] | None) -> Decoder:
    """The decoder of a tokenizer.json. Raises FormatError for one of an unknown kind."""
    if entry is None:
        return Decoder(joined_by=" ")
    entries = _flat(entry)
    byte_level = bool(entries) and entries[0]["type"] == "ByteLevel"
    rest = entries[byte_level:]
    return Decoder(
        tuple(_step(inner, "replace") for inner in rest),
        byte_level,
        raw_steps=tuple(_step(inner, "surrogateescape") for inner in rest),
    )


def _flat(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if entry["type"] != "Sequence":
        return [entry]
    return [inner for each in entry["decoders"] for inner in _flat(each)]


def _step(entry: Mapping[str, Any], errors: str) -> Step:
    kind = entry["type"]
    if kind == "ByteLevel":
        return lambda tokens: [_byte_level(tokens, [False] * len(tokens), errors)]
    if kind == "ByteFallback":
        return partial(_byte_fallback, errors)
    if kind == "Fuse":
        return lambda tokens: ["".join(tokens)]
    if kind == "Metaspace":
        first = "" if entry.get("prepend_scheme", "always") != "never" else " "
        return _metaspace(entry["replacement"], first)
    if kind == "WordPiece":
        return _wordpiece(entry["prefix"], entry["cleanup"])
    if kind == "BPEDecoder":
        return _end_of_word(entry["suffix"])
    if kind == "Strip":
        return _strip(entry["content"], entry["start"], entry["stop"])
    if kind == "Replace":
        return _replace(entry["pattern"], entry["content"])
    if kind == "CTC":
        return _ctc(entry["pad_token"], entry["word_delimiter_token"], entry["cleanup"])
    raise FormatError(f"decoder {kind!r} is not one of `tokenizers`")


def _byte_level(tokens: Sequence[str], added: Sequence[bool], errors: str) -> str:
    parts = [
        None if is_added else byte_map.to_bytes(token)
        for token, is_added in zip(tokens, added, strict=True)
    ]
    raw = b"".join(
        token.encode("utf-8", "surrogateescape") if part is None else part
        for token, part in zip(tokens, parts, strict=True)
    )
    return raw.decode("utf-8", errors)


def _byte_fallback(errors: str, tokens: list[str]) -> list[str]:
    """Runs of <0xXX> to text; with "replace", to one U+FFFD a byte where a run is not UTF-8."""
    found: list[str] = []
    run = bytearray()
    for token in [*tokens, None]:
        byte = None if token is None else byte_of(token)
        if byte is not None:
            run.append(byte)
            continue
        if run:
            try:
                found.append(run.decode("utf-8", "strict" if errors == "replace" else errors))
            except UnicodeDecodeError:
                found += ["\ufffd"] * len(run)
            run.clear()
        if token is not None:
            found.append(token)
    return found


def byte_of(token: str) -> int | None:
    """The byte of a byte-fallback token such as <0x0A>; None for other tokens."""
    found = _BYTE.fullmatch(token)
    return int(found[1], 16) if found else None


def _metaspace(replacement: str, first: str) -> Step:
    def step(tokens: list[str]) -> list[str]:
        head = [token.replace(replacement, first) for token in tokens[:1]]
        return head + [token.replace(replacement, " ") for token in tokens[1:]]

    return step


_CLEANUP = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" do not", " don't"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


def _clean(text: str) -> str:
    return reduce(lambda cleaned, pair: cleaned.replace(*pair), _CLEANUP, text)


def _wordpiece(prefix: str, cleanup: bool) -> Step:
    def step(tokens: list[str]) -> list[str]:
        found = []
        for i, token in enumerate(tokens):
            piece = token
            if i:
                piece = token.replace(prefix, "", 1) if token.startswith(prefix) else " " + token
            found.append(_clean(piece) if cleanup else piece)
        return found

    return step


def _end_of_word(suffix: str) -> Step:
    def step(tokens: list[str]) -> list[str]:
        body = [token.replace(suffix, " ") for token in tokens[:-1]]
        return body + [token.replace(suffix, "") for token in tokens[-1:]]

    return step


def _strip(content: str, start: int, stop: int) -> Step:
    def one(token: str) -> str:
        front = 0
        while front < min(start, len(token)) and token[front] == content:
            front += 1
        back = len(token)
        while back > max(len(token) - stop, 0) and token[back - 1] == content:
            back -= 1
        return token[front:back]

    return lambda tokens: [one(token) for token in tokens]


def _replace(pattern: Mapping[str, str], content: str) -> Step:
    ((kind, text),) = pattern.items()
    if kind == "String":
        return lambda tokens: [token.replace(text, content) for token in tokens]
    import tokenizers

    library = tokenizers.decoders.Replace(tokenizers.Regex(text), content)
    return lambda tokens: [library.decode([token]) for token in tokens]


def _ctc(pad: str, delimiter: str, cleanup: bool) -> Step:
    def step(tokens: list[str]) -> list[str]:
        found = []
        for i, token in enumerate(tokens):
            if i and token == tokens[i - 1]:
                continue
            piece = token.replace(pad, "")
            if cleanup:
                piece = _clean(piece).replace(delimiter, " ")
            if piece:
                found.append(piece)
        return found

    return step
