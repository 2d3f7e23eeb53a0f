"""Whether spans cover the text, and whether a saved tokenizer is the same."""

import numpy as np

from tokenkit.audit.findings import MOST_EXAMPLES, Example, Finding, shown
from tokenkit.audit.vocabulary import Vocabulary
from tokenkit.errors import TokenkitError
from tokenkit.text import Tokenizer

PROBES = (
    "",
    " ",
    "  ",
    "a",
    " a",
    "a ",
    " a  b ",
    "\n",
    "a\n\nb",
    "\r\n",
    "a\r\n b",
    "\ta",
    "\x00",
    "a\x18b",
    "The quick brown fox jumps over the lazy dog.",
    "don't I'LL we've",
    "x = y[0] + 3.14e-10;",
    "if x:\n        return  # why\n\n\n",
    "https://example.org/a?b=c&d=%20",
    "1234567 1,234.56 -0.007",
    "2024-02-29T12:00:00Z",
    "¼ ² ﬁ Ⅷ ａｂｃ",
    "naïve cafe\u0301 Ångström",
    "Größe straße ISTANBUL İı",
    "日本語のテキスト。中文，文本",
    "한국어 텍스트",
    "नमस्ते दुनिया",
    "مرحبا بالعالم",
    "שלום",
    "สวัสดีครับ",
    "👩\u200d👩\u200d👧 🇩🇪 👍🏽",
    "\u200b\ufeff\u2028\xa0x",
    "\u2581a ▁ b",
    "čau Ġthe Ċ",
    "<s> </s> <unk>",
    "<|endoftext|>",
    "ab" * 300,
    " " * 70 + "a",
    "=" * 40,
    "\ue000\u0378",
)
"""Short texts of many kinds."""


def offset_gaps(vocabulary: Vocabulary) -> Finding:
    """Characters that no span of a token covers."""
    gaps, blanks, found = 0, 0, []
    for text in PROBES:
        held = _uncovered(vocabulary.tokenizer, text)
        blank = sum(character.isspace() for character in held)
        gaps, blanks = gaps + len(held), blanks + blank
        if held:
            found.append((len(held) == blank, text, held))
    found.sort(key=lambda case: case[0])  # what is more than white space first
    return Finding(
        check="offset_gaps",
        severity="ok" if not gaps else "note" if gaps == blanks else "warning",
        count=gaps,
        title=f"{gaps:,} characters of {len(PROBES)} texts in no token's span, "
        f"{blanks:,} of them white space",
        why="What is marked up there (an entity, an answer) is marked on no token.",
        advice="Widen spans to the next token's, or use a tokenizer that keeps all text.",
        examples=tuple(
            Example(None, shown(text[:40]), f"not covered: {shown(''.join(held[:8]))}")
            for _, text, held in found[:MOST_EXAMPLES]
        ),
        facts={"of them white space": blanks},
    )


def _uncovered(tokenizer: Tokenizer, text: str) -> list[str]:
    covered = np.zeros(len(text) + 1, np.bool_)
    for start, stop in tokenizer.encode_with_offsets(text).char_spans.tolist():
        covered[start:stop] = True
    return [character for character, fine in zip(text, covered.tolist(), strict=False) if not fine]


def save_drift(vocabulary: Vocabulary) -> Finding:
    """Texts that a saved tokenizer encodes otherwise, by itself or after `tokenizers` saved it."""
    tokenizer = vocabulary.tokenizer
    content = tokenizer.to_bytes()
    drifted = {"saved by tokenkit": _drift(vocabulary, content)}
    if content.lstrip().startswith(b"{"):
        drifted["saved by `tokenizers`"] = _drift_of_peer(vocabulary, content)
    cases = [(how, text) for how, texts in drifted.items() for text in texts]
    return Finding(
        check="save_drift",
        severity="error" if cases else "ok",
        count=len(cases),
        title=f"{len(cases):,} texts that the tokenizer encodes otherwise once saved and loaded",
        why="A model trained with one file would be used with another.",
        advice="Ship the file that the model was trained with, and compare fingerprints.",
        examples=tuple(Example(None, shown(text[:60]), how) for how, text in cases[:MOST_EXAMPLES]),
        facts={how: len(texts) for how, texts in drifted.items()},
    )


def _drift(vocabulary: Vocabulary, content: bytes) -> list[str]:
    again = Tokenizer.from_bytes(content)
    expected = vocabulary.encode(PROBES)
    found = again.encode_batch(PROBES, threads=1, allowed_special="all")
    return [
        text
        for text, a, b in zip(PROBES, expected, found, strict=True)
        if not np.array_equal(a, b) or vocabulary.tokenizer.decode(a) != again.decode(b)
    ]


def _drift_of_peer(vocabulary: Vocabulary, content: bytes) -> list[str]:
    """As `_drift`, with what `tokenizers` writes; one case where it cannot read the file."""
    import tokenizers

    try:
        library = tokenizers.Tokenizer.from_str(content.decode())
        return _drift(vocabulary, library.to_str().encode())
    except TokenkitError as error:
        return [f"tokenkit does not read what it wrote: {error}"]
    except Exception as error:  # the library raises no narrower class
        return [f"it does not read the file: {error}"]
