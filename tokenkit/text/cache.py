"""Read vocabularies, kept as arrays in the user's cache directory.

Reading 200,000 tokens of JSON takes half a second, reading their arrays a few milliseconds.
``TOKENKIT_CACHE`` names the directory, or switches the cache off when it is empty; otherwise it
is ``tokenkit`` under ``XDG_CACHE_HOME`` or ``~/.cache``. Nothing depends on it being writable.
"""

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders import bpe, unigram, wordpiece
from encoders.bpe import BpeTables
from encoders.buffers import Bytes, aligned
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
    path = folder / f"{key}.plan"
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


# A file: MAGIC, the length of a JSON header, the header, and then the arrays, each on the bound of
# a cache line as the kernels want their tables. It is read at once into one piece of memory.

_MAGIC = b"TKPLAN\x00\x01"
_ALIGN = 64


def _load(path: Path) -> Plan | None:
    try:
        with open(path, "rb") as file:
            start = file.read(16)
            size = int.from_bytes(start[8:], "little")
            meta = json.loads(file.read(size)) if start[:8] == _MAGIC else {}
            file.seek(_aligned(16 + size))
            memory = aligned(meta["size"], np.uint8)
            if file.readinto(memory.data) != meta["size"] or file.read(1):
                return None
        arrays = {name: _view(memory, *place) for name, place in meta["arrays"].items()}
        odd = {int(id_): bytes.fromhex(raw) for id_, raw in meta["odd"].items()}
        tables = _TABLES[meta["tables"]](**arrays)
        found = (meta["head"], meta["fingerprint"], tables, odd, meta["pattern"])
        return Plan(*found, blanks=meta["blanks"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _view(memory: Bytes, start: int, dtype: str, shape: list[int]) -> NDArray[Any]:
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    return memory[start : start + size].view(dtype).reshape(shape)


def _aligned(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN


def _store(path: Path, plan: Plan) -> None:
    assert plan.tables is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    places, at = {}, 0
    arrays = plan.tables.arrays()
    for name, array in arrays.items():
        places[name] = at, array.dtype.str, array.shape
        at = _aligned(at + array.nbytes)
    meta = {
        "head": plan.head,
        "fingerprint": plan.fingerprint,
        "pattern": plan.pattern,
        "blanks": plan.blanks,
        "tables": type(plan.tables).__name__,
        "odd": {id_: raw.hex() for id_, raw in (plan.odd or {}).items()},
        "arrays": places,
        "size": at,
    }
    header = json.dumps(meta).encode()
    start = _MAGIC + len(header).to_bytes(8, "little") + header
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
        file.write(start.ljust(_aligned(len(start)), b"\0"))
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).data)
            file.write(bytes(-array.nbytes % _ALIGN))
    os.replace(file.name, path)
    stored = sorted(path.parent.glob("*.plan"), key=lambda other: other.stat().st_mtime)
    for old in stored[:-_KEPT]:
        old.unlink(missing_ok=True)
