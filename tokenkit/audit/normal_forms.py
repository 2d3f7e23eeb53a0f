"""What a normalizer makes equal."""

from collections import defaultdict

from tokenkit.audit.characters import characters, is_normal, normal_forms, normalizes
from tokenkit.audit.findings import MOST_EXAMPLES, Example, Finding, shown
from tokenkit.audit.vocabulary import Vocabulary


def normalizer_collisions(vocabulary: Vocabulary) -> Finding:
    """Characters, and tokens, that share a normal form with others."""
    tokenizer = vocabulary.tokenizer
    given = characters() if normalizes(tokenizer) else ()
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for character, normal in zip(given, normal_forms(tokenizer, given), strict=True):
        groups[normal].append(character)
    alike = {normal: group for normal, group in groups.items() if len(group) > 1}
    lost = sum(len(group) - 1 for group in alike.values())
    ids = [id_ for id_, text in enumerate(vocabulary.texts) if text and id_ not in vocabulary.added]
    texts = [vocabulary.texts[id_] or "" for id_ in ids]
    normals = normal_forms(tokenizer, texts)
    odd = tuple(
        id_
        for id_, text, normal in zip(ids, texts, normals, strict=True)
        if not is_normal(text, normal)
    )
    return Finding(
        check="normalizer_collisions",
        severity="ok" if not (lost or odd) else "warning" if odd else "note",
        count=lost,
        title=f"{lost:,} characters that the normalizer makes equal to others; "
        f"{len(odd):,} tokens not in normal form",
        why="A text comes back as its normal form; a token that is none is never made.",
        advice="Train without the normalizer where text must come back as it was.",
        examples=tuple(
            Example(None, shown(normal), "of " + " ".join(shown(c) for c in group[:6]))
            for normal, group in sorted(alike.items(), key=lambda item: -len(item[1]))[
                :MOST_EXAMPLES
            ]
        ),
        ids=odd,
        facts={"groups": len(alike), "tokens not in normal form": len(odd)},
    )
