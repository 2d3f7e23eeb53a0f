"""Which tokens no text becomes.

Magikarp (Land and Bartolo 2024, arXiv 2405.05417; `categorize_token`) decodes each token, encodes
the result and looks whether it comes back. A token that fails may still be made inside a longer
text, so here it is tried between many neighbours too before it is called dead.
"""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from itertools import chain

import numpy as np

from tokenkit.audit.characters import is_normal
from tokenkit.audit.contexts import completions
from tokenkit.audit.findings import MOST_EXAMPLES, Finding, shown
from tokenkit.audit.vocabulary import Vocabulary
from tokenkit.text import byte_map
from tokenkit.text.decoders import byte_of
from tokenkit.text.pipeline import is_byte_level

_FEW, _MANY = 10, 0.001  # dead tokens, and their share of a vocabulary, that are no error yet
_FALLBACK = "byte fallback, which other tokens spare"


class Category(StrEnum):
    """How a token fares by itself; the names are Magikarp's."""

    OK = "OK"
    OK_SPECIAL = "OK_SPECIAL"
    UNREACHABLE_SPECIAL = "UNREACHABLE_SPECIAL"
    UNDECODEABLE = "UNDECODEABLE"
    UNREACHABLE_SINGLE_TOKEN = "UNREACHABLE_SINGLE_TOKEN"
    UNREACHABLE_MULTI_TOKEN = "UNREACHABLE_MULTI_TOKEN"


def categories(vocabulary: Vocabulary) -> tuple[Category, ...]:
    """By id, what Magikarp says of the token."""
    found = [Category.OK] * len(vocabulary)
    for id_ in vocabulary.tokenizer.special_tokens.values():
        found[id_] = Category.OK_SPECIAL
    for id_ in np.flatnonzero(~vocabulary.standalone).tolist():
        found[id_] = _unreached(vocabulary.tokens[id_], len(vocabulary.alone[id_]))
    return tuple(found)


def _unreached(raw: bytes, length: int) -> Category:
    """Of a token that its own text does not become, but so many others."""
    text = raw.decode("utf-8", "replace")
    bracketed = len(text) > 2 and text[0] in "[<" and text[-1] in "]>"
    if bracketed and any(map(str.isalpha, text)):
        return Category.UNREACHABLE_SPECIAL
    if "\ufffd" in text:
        return Category.UNDECODEABLE
    return Category.UNREACHABLE_SINGLE_TOKEN if length == 1 else Category.UNREACHABLE_MULTI_TOKEN


def dead_tokens(vocabulary: Vocabulary) -> tuple[int, ...]:
    """Tokens that no text tried becomes; of those of partial characters, which take any bytes of a
    text that is no UTF-8, such as an added token takes part of."""
    return tuple(
        id_
        for id_ in np.flatnonzero(~vocabulary.emitted).tolist()
        if vocabulary.tokens[id_]
        and (vocabulary.texts[id_] is not None or vocabulary.shadow_of(id_) is not None)
    )


# --- the checks


def unreachable(vocabulary: Vocabulary) -> Finding:
    """Tokens that no text tried becomes, and why."""
    dead = dead_tokens(vocabulary)
    alone = {
        id_
        for id_ in np.flatnonzero(~vocabulary.standalone).tolist()
        if vocabulary.tokens[id_] and vocabulary.texts[id_] is not None
    }
    byte_level = is_byte_level(vocabulary.tokenizer.head.get("pre_tokenizer"))
    reasons = {id_: _reason(vocabulary, id_, byte_level) for id_ in dead}
    share = len(dead) / max(len(vocabulary), 1)
    by_design = sum(reason == _FALLBACK for reason in reasons.values())
    many = len(dead) - by_design > max(_FEW, _MANY * len(vocabulary))
    return Finding(
        check="unreachable",
        severity="ok" if not dead else "error" if many else "warning",
        count=len(dead),
        title=f"{len(dead):,} tokens ({share:.1%}) that no text becomes",
        why="Their embeddings are never trained, and a model may emit them all the same.",
        advice="Leave them out of the vocabulary, or mask them while decoding.",
        examples=tuple(
            vocabulary.example(
                id_,
                f"{reasons[id_]}; its text becomes "
                + (vocabulary.spelled(vocabulary.alone[id_].tolist()[:6]) or "nothing"),
            )
            for id_ in _of_each(reasons)
        ),
        ids=dead,
        facts={
            "not by themselves": len(alone),
            "of these, inside a longer text": len(alone - set(dead)),
            **{f"because of {reason}": n for reason, n in Counter(reasons.values()).items()},
        },
    )


def _reason(vocabulary: Vocabulary, id_: int, byte_level: bool) -> str:
    tokenizer, text = vocabulary.tokenizer, vocabulary.texts[id_]
    spelling = tokenizer.id_to_token(id_) or ""
    if byte_level and id_ not in vocabulary.added and byte_map.to_bytes(spelling) is None:
        return "its spelling, which is no byte letters"
    if byte_of(spelling) is not None:
        return _FALLBACK
    if vocabulary.shadow_of(id_) is not None:
        return "an added token"
    if text is not None and not is_normal(text, tokenizer.normalize(text)):
        return "the normalizer"
    return "split or merges"


def _of_each(reasons: Mapping[int, str]) -> list[int]:
    """Some ids of every reason."""
    kinds = list(dict.fromkeys(reasons.values()))
    each = MOST_EXAMPLES // max(len(kinds), 1)
    groups = ([id_ for id_, why in reasons.items() if why == kind][:each] for kind in kinds)
    return list(chain.from_iterable(groups))


def shadowed(vocabulary: Vocabulary) -> Finding:
    """Tokens of the model that added tokens keep it from making."""
    by_shadow: dict[int, list[int]] = {}
    for id_ in dead_tokens(vocabulary):
        shadow = vocabulary.shadow_of(id_)
        if shadow is not None and id_ not in vocabulary.added:
            by_shadow.setdefault(shadow, []).append(id_)
    worst = sorted(by_shadow, key=lambda shadow: -len(by_shadow[shadow]))
    ids = tuple(sorted(chain.from_iterable(by_shadow.values())))
    names = ", ".join(shown(vocabulary.tokens[shadow]) for shadow in worst[:3])
    more = " …" if len(worst) > 3 else ""
    return Finding(
        check="shadowed",
        severity="error" if ids else "ok",
        count=len(ids),
        title=f"{len(ids):,} tokens that {len(worst):,} added tokens take the text of"
        + (f": {names}{more}" if ids else ""),
        why="Added tokens are cut out of a text before the model sees it; what would contain one "
        "is never made.",
        advice="Remove the added token, or train without tokens that contain it.",
        examples=tuple(
            vocabulary.example(
                shadow,
                f"keeps back {len(by_shadow[shadow]):,}, as "
                + vocabulary.spelled(by_shadow[shadow][:4]),
            )
            for shadow in worst[:MOST_EXAMPLES]
        ),
        ids=ids,
        facts={shown(vocabulary.tokens[s]): len(by_shadow[s]) for s in worst[:MOST_EXAMPLES]},
    )


def undecodable(vocabulary: Vocabulary) -> Finding:
    """Tokens that are no whole characters."""
    ids = tuple(id_ for id_, text in enumerate(vocabulary.texts) if text is None)
    impossible = [id_ for id_ in ids if not completions(vocabulary.tokens[id_])]
    unmet = [id_ for id_ in ids if not vocabulary.emitted[id_]]
    share = len(ids) / max(len(vocabulary), 1)
    return Finding(
        check="undecodable",
        severity="note" if ids else "ok",
        count=len(ids),
        title=f"{len(ids):,} tokens ({share:.1%}) that are no whole characters",
        why="Decoded one by one they give U+FFFD; a model that stops after one, or is cut there, "
        "emits text that is no UTF-8.",
        advice="Decode with `decode_stream`; mask them where only whole characters may come.",
        examples=tuple(vocabulary.example(id_) for id_ in ids[:: len(ids) // MOST_EXAMPLES + 1]),
        ids=ids,
        facts={"in no UTF-8 text": len(impossible), "not met in any text tried": len(unmet)},
    )
