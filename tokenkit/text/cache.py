"""Read vocabularies, kept as arrays in the user's cache directory.

Reading 200,000 tokens of JSON takes half a second, reading their arrays a few milliseconds.
``TOKENKIT_CACHE`` names the directory, or switches the cache off when it is empty; otherwise it
is ``tokenkit`` under ``XDG_CACHE_HOME`` or ``~/.cache``. Nothing depends on it being writable.
"""

import json
import os
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from encoders import bpe, unigram, wordpiece
from encoders.bpe import BpeTables
from encoders.unigram import UnigramTables
from encoders.wordpiece import WordPieceTables
from tokenkit.text.formats.plan import Plan

_KEPT = 32  # files; the oldest go first
_WORTH_KEEPING = 200_000  # bytes of tokenizer file; less is read as fast as it is found

_TABLES: dict[str, Any] = {
    kind.__name__: kind for kind in (BpeTables, UnigramTables, WordPieceTables)
}


def directory() -> Path | None:
    """Where the cache lies; None where it is switched off."""
    named = os.environ.get("TOKENKIT_CACHE")
    if named is not None:
        return Path(named) if named else None
    home = os.environ.get("XDG_CACHE_HOME")
    with suppress(RuntimeError):
        return (Path(home) if home else Path.home() / ".cache") / "tokenkit"
    return None


def cached_plan(content: bytes, options: str, read: Callable[[], Plan]) -> Plan:
    """``read()``, or what an earlier call with the same content and options read."""
    folder = directory()
    if folder is None or len(content) < _WORTH_KEEPING:
        return read()
    key = sha256(_code() + options.encode() + b"\0" + sha256(content).digest()).hexdigest()
    path = folder / f"{key}.npz"
    plan = _load(path)
    if plan is None:
        plan = read()
        if plan.tables is not None:
            with suppress(OSError):  # a full disk or a read-only home costs time, nothing else
                _store(path, plan)
    return plan


@cache
def _code() -> bytes:
    """Digest of the code that reads files, so that no other version's reading is taken for ours."""
    here = Path(__file__).parent
    modules = [
        here / "formats",
        *(Path(m.__file__ or "").parent for m in (bpe, unigram, wordpiece)),
    ]
    sources = [here / "pipeline.py", *(path for m in modules for path in sorted(m.glob("*.py")))]
    return sha256(b"".join(sha256(path.read_bytes()).digest() for path in sources)).digest()


def _load(path: Path) -> Plan | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        meta = json.loads(arrays.pop("meta").tobytes())
        odd = {int(id_): bytes.fromhex(raw) for id_, raw in meta["odd"].items()}
        tables = _TABLES[meta["tables"]](**arrays)
        return Plan(meta["head"], meta["fingerprint"], tables, odd, meta["pattern"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def _store(path: Path, plan: Plan) -> None:
    assert plan.tables is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = {
        "head": plan.head,
        "fingerprint": plan.fingerprint,
        "pattern": plan.pattern,
        "tables": type(plan.tables).__name__,
        "odd": {id_: raw.hex() for id_, raw in (plan.odd or {}).items()},
    }
    arrays: dict[str, Any] = plan.tables.arrays()
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
        np.savez(file, **arrays)
    os.replace(file.name, path)
    stored = sorted(path.parent.glob("*.npz"), key=lambda other: other.stat().st_mtime)
    for old in stored[:-_KEPT]:
        old.unlink(missing_ok=True)
