"""From the bytes of a tokenizer file to the engine that runs it."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from encoders.scan import WholeScanner, scanner_for
from tokenkit.errors import FormatError
from tokenkit.text.added import AddedToken
from tokenkit.text.cache import cached_plan
from tokenkit.text.changes import Change
from tokenkit.text.engines import (
    Engine,
    KernelEngine,
    LibraryEngine,
    SentencePieceEngine,
    SentencePieceLibrary,
)
from tokenkit.text.formats import sentencepiece, tiktoken, tokenizer_json
from tokenkit.text.formats.plan import Plan, Tables
from tokenkit.text.pipeline import Pipeline, cut_between_tokens, pipeline_from_json


@dataclass(frozen=True)
class Source:
    """Where a tokenizer came from, enough to make it again."""

    path: str | None
    content: bytes | None
    """The file itself, where no path leads to it."""
    sha256: str
    pattern: str | None
    special_tokens: tuple[tuple[str, int], ...]

    def read(self) -> bytes:
        """The file's bytes, unzipped. Raises FormatError where they are others than before."""
        if self.content is not None:
            return self.content
        content = unzipped(Path(self.path or "").read_bytes())
        if sha256(content).hexdigest() != self.sha256:
            raise FormatError(f"{self.path} has changed since this tokenizer was loaded from it")
        return content


def unzipped(content: bytes) -> bytes:
    """The content of a gzip file; anything else as it is."""
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise FormatError(f"a damaged gzip file: {error}") from None


def load(
    content: bytes,
    path: str | None,
    pattern: str | None,
    special_tokens: Mapping[str, int] | None,
) -> tuple[Source, Plan, Engine]:
    """Tell the format by content, read it, and choose the engine, once and for all.

    Raises FormatError where it is none of the known formats.
    """
    special = dict(special_tokens or {})
    digest = sha256(content).hexdigest()
    kept = None if path else content
    if tiktoken.looks_like(content):
        if pattern is None:
            names = ", ".join(tiktoken.NAMED_PATTERNS)
            raise FormatError(f"a rank file needs pattern=, a regular expression or one of {names}")
        source = Source(path, kept, digest, pattern, tuple(special.items()))
        options = json.dumps([pattern, special])
        plan = cached_plan(content, options, lambda: tiktoken.read(content, pattern, special))
        return source, plan, _engine(plan)
    if pattern is not None or special:
        raise FormatError("pattern= and special_tokens= belong to rank files, and this is none")
    source = Source(path, kept, digest, None, ())
    if content.lstrip()[:1] == b"{":
        plan = cached_plan(content, "json", lambda: tokenizer_json.read(content))
        return source, plan, _engine(plan)
    if content[:1] == b"\x0a":
        plan = cached_plan(content, "sentencepiece", lambda: sentencepiece.read(content))
        plan = replace(plan, content=content)
        return source, plan, _sentencepiece_engine(plan)
    raise FormatError("neither a tokenizer.json nor a rank file nor a SentencePiece model")


def _engine(plan: Plan) -> Engine:
    if plan.tables is None:
        return LibraryEngine(plan.content, plan.reason)
    if plan.pattern:
        pipeline = Pipeline(Change(), Change(), scanner_for(plan.pattern))
    else:
        pipeline = pipeline_from_json(plan.head, blanks=plan.blanks)
    return _kernel_engine(plan, pipeline, plan.tables)


def _sentencepiece_engine(plan: Plan) -> Engine:
    if plan.tables is None:
        return SentencePieceEngine(SentencePieceLibrary(plan.content), _added(plan), plan.reason)
    normalize = sentencepiece.normalizer_from_rules(plan.head["sentencepiece"], plan.blanks)
    pipeline = Pipeline(normalize, Change(), WholeScanner(), tokens_as_normalized=True)
    return _kernel_engine(plan, pipeline, plan.tables)


def _kernel_engine(plan: Plan, pipeline: Pipeline, tables: Tables) -> Engine:
    whole = isinstance(pipeline.scanner, WholeScanner)
    scanner = pipeline.scanner
    # Where a piece that is a token becomes it unmerged, parts of a piece may not.
    if not plan.head.get("model", {}).get("ignore_merges"):
        scanner = cut_between_tokens(tables, scanner, blanks=plan.blanks)
    pipeline = replace(pipeline, scanner=scanner, carries=whole)
    return KernelEngine(tables, pipeline, _added(plan), plan.odd or {}, blanks=plan.blanks)


def _added(plan: Plan) -> tuple[AddedToken, ...]:
    return tuple(map(AddedToken.from_json, plan.head.get("added_tokens") or ()))
