"""Writes unicode.npz: what each code point becomes, as the `tokenizers` library has it.

Run ``python -m encoders.normalize.build_tables``, about 30 s, after an upgrade of `tokenizers`.
Its Rust crates each carry their own version of Unicode (decomposition that of version 9, letter
case a recent one), which no Python module offers, so the library itself is asked about every code
point. Candidates for composition come from `unicodedata`, and each is tried on the library.
Classes of grapheme clusters come from `regex`, and what extends or joins a cluster is tried on
the library with a SentencePiece charsmap made for the purpose.
"""

import io
import unicodedata
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import regex
import sentencepiece
from numpy.typing import NDArray
from tokenizers import normalizers

CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]

CLUSTER_CLASSES = (
    r"[\p{GCB=Control}\p{GCB=CR}\p{GCB=LF}]",
    r"\p{GCB=Extend}",
    r"\p{GCB=SpacingMark}",
    r"\p{GCB=ZWJ}",
    r"\p{GCB=Prepend}",
    r"\p{GCB=L}",
    r"\p{GCB=V}",
    r"\p{GCB=T}",
    r"\p{GCB=LV}",
    r"\p{GCB=LVT}",
    r"\p{GCB=Regional_Indicator}",
    r"\p{Extended_Pictographic}",
)
"""Classes 1 to 12 of `encoders.normalize._kernels`; a code point of none of them has class 0."""

CONSONANT, LINKER, JOINED = 13, 14, 15
"""Classes of Indic conjuncts: joined are the marks that may stand between linker and consonant."""


def changes(normalize: Callable[[str], str]) -> dict[int, str]:
    """Code points that a function on texts changes, and what they become."""
    found = {code: normalize(chr(code)) for code in CODES}
    return {code: text for code, text in found.items() if text != chr(code)}


def packed(name: str, found: dict[int, str]) -> dict[str, NDArray[Any]]:
    """Arrays that hold a dictionary: gaps between keys, bytes of each value, all bytes."""
    keys = sorted(found)
    values = [found[key].encode() for key in keys]
    return {
        f"{name}_gaps": np.diff(np.array([0, *keys], np.int32)),
        f"{name}_lengths": np.array([len(value) for value in values], np.uint8),
        f"{name}_bytes": np.frombuffer(b"".join(values), np.uint8),
    }


def combining_classes(decompose: Callable[[str], str]) -> dict[int, int]:
    """Canonical combining classes above 0, told by how marks are reordered."""
    last = "\u0345"  # the only one of the highest class

    def before(mark: str, code: int) -> bool:
        given, swapped = "a" + mark + chr(code), "a" + chr(code) + mark
        return given != swapped and decompose(given) == swapped

    found = {code: 0 for code in CODES if before(last, code)}
    # One mark of each class; the library's Unicode is older than ours and may lack some.
    marks = {unicodedata.combining(chr(code)): chr(code) for code in sorted(found, reverse=True)}
    for code in found:
        found[code] = max(value for value, mark in marks.items() if not before(mark, code))
    return found | {ord(last): unicodedata.combining(last)}


def compositions(compose: Callable[[str], str]) -> list[tuple[int, int, int]]:
    """First, second and the character that they compose to; without Hangul."""
    found = []
    for code in CODES:
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            first, second = (int(part, 16) for part in parts)
            if compose(chr(first) + chr(second)) == chr(code):
                found.append((first, second, code))
    return found


def asked_about(codes: list[int]) -> Callable[[str], str]:
    """A normalizer of the library that shows clusters.

    One of less than six bytes that begins with one of ``codes`` or "a" becomes "!".
    """
    rules = "".join(f"{code:X}\t21\n" for code in [*codes, ord("a")])
    with TemporaryDirectory() as folder:
        (Path(folder) / "rules.tsv").write_text(rules)
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["some words to train on"] * 9),
            model_writer=model,
            vocab_size=20,
            hard_vocab_limit=False,
            normalization_rule_tsv=str(Path(folder) / "rules.tsv"),
            minloglevel=2,
        )
    charsmap = message_field(message_field(model.getvalue(), 3), 2)
    library = normalizers.Precompiled(charsmap)
    normalize: Callable[[str], str] = library.normalize_str
    return normalize


def message_field(message: bytes, wanted: int) -> bytes:
    """The value of a length-delimited field of a protocol buffer."""
    at = 0

    def number() -> int:
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while at < len(message):
        key = number()
        length = {0: 0, 1: 8, 5: 4}.get(key & 7)
        if key & 7 == 0:
            number()
        length = number() if length is None else length
        if key >> 3 == wanted:
            return message[at : at + length]
        at += length
    raise ValueError(f"no field {wanted}")


def cluster_classes() -> NDArray[np.uint8]:
    """uint8[0x110000]: classes of grapheme clusters."""
    text = "".join(map(chr, range(0x110000)))
    found = np.zeros(0x110000, np.uint8)
    for value, pattern in enumerate(CLUSTER_CLASSES, 1):
        for match in regex.finditer(f"{pattern}+", text):
            found[match.start() : match.end()] = value
    plain = asked_about([])
    for code in np.flatnonzero((found == 2) | (found == 3)).tolist():
        if plain("a" + chr(code)) != "!":
            found[code] = 0  # newer than the library
    consonants = [ord(c) for c in regex.findall(r"\p{InCB=Consonant}", text) if ord(c) < 0x10000]
    conjunct = asked_about(consonants)
    ka, virama, acute = "\u0915", "\u094d", "\u0301"
    for code in consonants:
        if conjunct(ka + virama + chr(code) + acute)[-1] == acute:
            found[code] = CONSONANT
    for code in np.flatnonzero((found == 2) | (found == 3)).tolist():
        if conjunct(ka + chr(code) + ka + acute)[-1] == acute:
            found[code] = LINKER
        elif conjunct(ka + virama + chr(code) + ka + acute)[-1] == acute and found[code] == 2:
            found[code] = JOINED
    return found


def main() -> None:
    """Write the tables beside this file."""
    bert = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False}
    maps = {
        "nfd": normalizers.NFD(),
        "nfkd": normalizers.NFKD(),
        "nfc": normalizers.NFC(),
        "nfkc": normalizers.NFKC(),
        "lower": normalizers.Lowercase(),
        "marks": normalizers.StripAccents(),
        "nmt": normalizers.Nmt(),
        "clean": normalizers.BertNormalizer(**bert | {"clean_text": True}, lowercase=False),
        "chinese": normalizers.BertNormalizer(
            **bert | {"handle_chinese_chars": True}, lowercase=False
        ),
        # Of NFD and then without nonspacing marks; what NFD alone changes is dropped below.
        "accents": normalizers.BertNormalizer(**bert | {"strip_accents": True}, lowercase=False),
    }
    arrays: dict[str, NDArray[Any]] = {}
    found = {name: changes(library.normalize_str) for name, library in maps.items()}
    found["accents"] = {code: "" for code, text in found["accents"].items() if not text}
    # The same two blanks around each: the code points suffice.
    found["chinese"] = dict.fromkeys(found["chinese"], "")
    for name, changed in found.items():
        syllables = range(0xAC00, 0xD7A4) if name in ("nfd", "nfkd") else ()
        arrays |= packed(name, {k: v for k, v in changed.items() if k not in syllables})
    classes = combining_classes(normalizers.NFD().normalize_str)
    arrays["ccc_codes"] = np.array(sorted(classes), np.int32)
    arrays["ccc_values"] = np.array([classes[code] for code in sorted(classes)], np.uint8)
    arrays["pairs"] = np.array(compositions(normalizers.NFC().normalize_str), np.int32)
    by_cluster = cluster_classes()
    edges = np.flatnonzero(np.diff(by_cluster, prepend=255)).astype(np.int32)
    arrays["cluster_starts"], arrays["cluster_values"] = edges, by_cluster[edges]
    np.savez_compressed(Path(__file__).with_name("unicode.npz"), **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
