"""What of a text gets lost: bytes without a token, and characters that do not come back."""

from itertools import pairwise

from tokenkit.audit.characters import characters, normal_forms
from tokenkit.audit.findings import MOST_EXAMPLES, Example, Finding, shown
from tokenkit.audit.vocabulary import Vocabulary
from tokenkit.text import byte_map
from tokenkit.text.changes import MARK
from tokenkit.text.pipeline import is_byte_level


def missing_bytes(vocabulary: Vocabulary) -> Finding:
    """Bytes that no token stands for."""
    known = vocabulary.tokenizer.vocab
    if is_byte_level(vocabulary.tokenizer.head.get("pre_tokenizer")):
        spelled = [byte_map.CHARACTER_OF[byte] for byte in range(256)]
    else:
        spelled = [f"<0x{byte:02X}>" for byte in range(256)]
    missing = [byte for byte in range(256) if spelled[byte] not in known]
    bytewise = len(missing) < 256
    return Finding(
        check="missing_bytes",
        severity="ok" if not missing else "error" if bytewise else "warning",
        count=len(missing),
        title=f"{len(missing)} of 256 bytes have no token"
        if bytewise
        else "no byte tokens: what is not in the alphabet is unknown",
        why="Text with such a byte is encoded without it, or as an unknown token.",
        advice="Train with all 256 bytes in the alphabet, or with byte fallback.",
        examples=tuple(
            Example(None, f"0x{byte:02X}", f"no token {spelled[byte]}")
            for byte in (missing[:MOST_EXAMPLES] if bytewise else ())
        ),
    )


def lost_characters(vocabulary: Vocabulary) -> Finding:
    """Characters that decode to something else than themselves or their normal form."""
    lost = _lost(vocabulary)
    plain = [character for character, _ in lost if character.isascii()]
    return Finding(
        check="lost_characters",
        severity="ok" if not lost else "error" if plain else "warning",
        count=len(lost),
        title=f"{len(lost):,} of {len(characters()):,} characters do not come back",
        why="They vanish from a text, or become an unknown token, without a word.",
        advice="Complete the byte alphabet; see missing_bytes.",
        examples=tuple(
            Example(None, shown(character), f"comes back as {shown(back)}")
            for character, back in lost[:MOST_EXAMPLES]
        ),
        facts={"of them ASCII": len(plain)},
    )


def _lost(vocabulary: Vocabulary) -> list[tuple[str, bytes]]:
    """Characters and what comes back instead."""
    given = characters()
    rows = vocabulary.encode(given)
    tokens = vocabulary.tokens
    spelled = [tokens[id_] for id_ in rows.values.tolist()]
    backs = [b"".join(spelled[start:stop]) for start, stop in pairwise(rows.offsets.tolist())]
    changed = [(c, back) for c, back in zip(given, backs, strict=True) if not _is(c, back)]
    normals = normal_forms(vocabulary.tokenizer, [character for character, _ in changed])
    return [
        (character, back)
        for (character, back), normal in zip(changed, normals, strict=True)
        if not _is(normal if character == MARK else normal.replace(MARK, " "), back)
    ]


def _is(text: str, back: bytes) -> bool:
    """Whether it is the text, but for a blank that a tokenizer puts before every text."""
    return text.encode() in (back, back.removeprefix(b" "))
