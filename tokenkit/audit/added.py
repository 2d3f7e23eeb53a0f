"""Added tokens, which `tokenizers` looks for in a text before its model sees it.

These checks need nothing but the tokens, so that they also run on a ``tokenizer_config.json``.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from tokenkit.audit.findings import MOST_EXAMPLES, Example, Finding, shown
from tokenkit.text import byte_map
from tokenkit.text.added import AddedToken
from tokenkit.text.decoders import byte_of

_LONG = 128
"""Characters of white space that no text needs as one token."""
_MANY, _SHARE = 64, 0.02
"""Tokens of white space that are too many where they are such a share of a vocabulary too."""


def whitespace(texts: Mapping[int, str], size: int) -> Finding:
    """Tokens of nothing but white space; ``texts``: those of a vocabulary of ``size``, by id."""
    blank = sorted(
        (id_ for id_, text in texts.items() if text.isspace()), key=lambda i: -len(texts[i])
    )
    longest = len(texts[blank[0]]) if blank else 0
    absurd = longest > _LONG or len(blank) > max(_MANY, _SHARE * size)
    return Finding(
        check="whitespace",
        severity="ok" if not blank else "warning" if absurd else "note",
        count=len(blank),
        title=f"{len(blank):,} tokens of white space only, up to {longest:,} characters long",
        why="Each is an embedding that hardly any text trains, and a run of blanks is cut "
        "according to its length.",
        advice="Keep runs of up to 16 or so; fill a vocabulary up with unused tokens instead.",
        examples=tuple(_run(id_, texts[id_]) for id_ in blank[:: len(blank) // MOST_EXAMPLES + 1]),
        ids=tuple(sorted(blank)),
        facts={"longest": longest},
    )


def _run(id_: int, text: str) -> Example:
    kinds = dict.fromkeys(text)
    parts = (f"{shown(kind)} × {text.count(kind):,}" for kind in kinds)
    return Example(id_, ", ".join(parts), f"{len(text):,} characters")


def garbled_added(tokens: Iterable[AddedToken]) -> Finding:
    """Added tokens that `tokenizers` decodes to other text (its issues 1392 and 1996)."""
    found = [(token, back) for token in tokens if (back := _garbled(token.content)) is not None]
    return Finding(
        check="garbled_added",
        severity="warning" if found else "ok",
        count=len(found),
        title=f"{len(found):,} added tokens that `tokenizers` decodes to something else",
        why="Its byte-level decoder reads their letters as stand-ins for bytes.",
        advice="Decode with tokenkit, which leaves added tokens alone, or spell them otherwise.",
        examples=tuple(
            Example(token.id, shown(token.content), f"decoded as {shown(back)}")
            for token, back in found[:MOST_EXAMPLES]
        ),
        ids=tuple(token.id for token, _ in found),
    )


def _garbled(content: str) -> bytes | None:
    """What the bytes of a text are where all its letters are stand-ins; None if they are it."""
    raw = byte_map.to_bytes(content)
    return None if raw is None or raw == content.encode() else raw


def stripping(tokens: Iterable[AddedToken]) -> Finding:
    """Added tokens that take the white space beside them, which does not come back."""
    found = [token for token in tokens if token.lstrip or token.rstrip]
    plain = [token for token in found if not token.special]
    return Finding(
        check="stripping",
        severity="ok" if not found else "warning" if plain else "note",
        count=len(found),
        title=f"{len(found):,} added tokens that take the white space beside them",
        why="Text around them is lost: “hello  <m>  world” comes back as “hello<m>world”.",
        advice="Clear `lstrip` and `rstrip`.",
        examples=tuple(
            Example(t.id, shown(t.content), "special" if t.special else "in any text")
            for t in found[:MOST_EXAMPLES]
        ),
        ids=tuple(token.id for token in found),
    )


def duplicates(tokens: Sequence[bytes], spellings: Sequence[str | None]) -> Finding:
    """Ids that stand for the same bytes; ``tokens`` and ``spellings`` by id.

    Byte fallback such as <0x41> is there for what has no other token, and does not count.
    """
    groups: dict[bytes, list[int]] = {}
    for id_, (token, spelling) in enumerate(zip(tokens, spellings, strict=True)):
        if token and byte_of(spelling or "") is None:
            groups.setdefault(token, []).append(id_)
    alike = {token: ids for token, ids in groups.items() if len(ids) > 1}
    copies = sum(len(ids) - 1 for ids in alike.values())
    return Finding(
        check="duplicates",
        severity="warning" if alike else "ok",
        count=copies,
        title=f"{copies:,} ids that say the same as another id",
        why="Of a text only one of them is made; a model may emit any.",
        advice="Keep one of each; an added token needs no copy in the model.",
        examples=tuple(
            Example(
                ids[0], shown(token), ", ".join(f"{id_} is {spellings[id_]!r}" for id_ in ids[:4])
            )
            for token, ids in list(alike.items())[:MOST_EXAMPLES]
        ),
        ids=tuple(sorted(chain.from_iterable(alike.values()))),
    )
