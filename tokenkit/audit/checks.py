"""All checks, and running them."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from tokenkit.audit.added import duplicates, garbled_added, stripping, whitespace
from tokenkit.audit.coverage import lost_characters, missing_bytes
from tokenkit.audit.cuts import chunk_safety
from tokenkit.audit.encodings import alternatives, twins
from tokenkit.audit.findings import Audit, Finding, by_gravity
from tokenkit.audit.normal_forms import normalizer_collisions
from tokenkit.audit.numbers import number_fragmentation
from tokenkit.audit.reach import shadowed, undecodable, unreachable
from tokenkit.audit.roundtrips import offset_gaps, save_drift
from tokenkit.audit.vocabulary import Vocabulary
from tokenkit.errors import AuditError, FormatError
from tokenkit.text import Tokenizer
from tokenkit.text.added import AddedToken
from tokenkit.text.loading import unzipped

CHECKS: Mapping[str, Callable[[Vocabulary], Finding]] = MappingProxyType(
    {
        "missing_bytes": missing_bytes,
        "lost_characters": lost_characters,
        "shadowed": shadowed,
        "unreachable": unreachable,
        "duplicates": lambda v: duplicates(v.tokens, _spellings(v)),
        "save_drift": save_drift,
        "offset_gaps": offset_gaps,
        "whitespace": lambda v: whitespace(_texts(v), len(v)),
        "garbled_added": lambda v: garbled_added(v.tokenizer.added_tokens),
        "stripping": lambda v: stripping(v.tokenizer.added_tokens),
        "normalizer_collisions": normalizer_collisions,
        "number_fragmentation": number_fragmentation,
        "chunk_safety": chunk_safety,
        "undecodable": undecodable,
        "twins": twins,
        "alternatives": alternatives,
    }
)
"""Name to check, the gravest kinds of defects first."""


def _texts(vocabulary: Vocabulary) -> dict[int, str]:
    return {id_: text for id_, text in enumerate(vocabulary.texts) if text}


def _spellings(vocabulary: Vocabulary) -> list[str | None]:
    return [vocabulary.tokenizer.id_to_token(id_) for id_ in range(len(vocabulary))]


def audit(tokenizer: Tokenizer, *, name: str = "", checks: Iterable[str] | None = None) -> Audit:
    """Look for everything that is known to go wrong with a tokenizer.

    ``name``: what the report calls it; ``checks``: names of `CHECKS`, all unless given. Nothing
    but the tokenizer is needed, neither text nor a model. A check says what was tried: a clean
    report proves nothing beyond that.

    Raises AuditError for a check that there is not.
    """
    wanted = list(CHECKS) if checks is None else list(checks)
    if unknown := set(wanted) - CHECKS.keys():
        raise AuditError(f"{min(unknown)!r} is no check; there are {', '.join(CHECKS)}")
    vocabulary = Vocabulary.of(tokenizer)
    findings, seconds = [], {}
    for check in wanted:
        start = time.perf_counter()
        findings.append(CHECKS[check](vocabulary))
        seconds[check] = round(time.perf_counter() - start, 3)
    return Audit(
        name or repr(tokenizer),
        len(vocabulary),
        tokenizer.engine,
        tokenizer.fingerprint,
        by_gravity(findings),
        seconds,
    )


def audit_added_tokens(tokens: Sequence[AddedToken], *, name: str = "added tokens") -> Audit:
    """The checks that added tokens alone allow."""
    texts = {token.id: token.content for token in tokens}
    by_id: list[str | None] = [None] * (1 + max(texts, default=-1))
    for id_, text in texts.items():
        by_id[id_] = text
    raw = [b"" if text is None else text.encode("utf-8", "surrogatepass") for text in by_id]
    findings = [
        whitespace(texts, len(texts)),
        duplicates(raw, by_id),
        garbled_added(tokens),
        stripping(tokens),
    ]
    return Audit(name, len(texts), "none", "", by_gravity(findings))


def added_tokens_of(path: str | Path) -> tuple[AddedToken, ...] | None:
    """The added tokens of a tokenizer_config.json, gzip allowed; None for any other file.

    Raises FormatError, naming the file, for gzip that is broken.
    """
    try:
        content = unzipped(Path(path).read_bytes())
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None
    if not content.lstrip().startswith(b"{"):
        return None
    try:
        entries = json.loads(content)["added_tokens_decoder"]
        return tuple(AddedToken.from_json({**e, "id": int(id_)}) for id_, e in entries.items())
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
