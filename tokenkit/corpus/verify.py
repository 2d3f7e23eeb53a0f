"""Does a prepared directory still hold what its manifest says?"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from tokenkit.corpus.prepare import MANIFEST
from tokenkit.corpus.shards import SUFFIX, Shard
from tokenkit.errors import ShardError


def verify(folder: str | Path) -> tuple[dict[str, Any], list[str]]:
    """The manifest's totals, and a line for everything that is wrong (none where all is well).

    Raises ShardError where there is no manifest to check against.
    """
    folder = Path(folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except FileNotFoundError:
        raise ShardError(f"{folder} has no {MANIFEST}: preparation is not finished") from None
    problems = []
    for shard in manifest["shards"]:
        for file in shard["files"]:
            problems += _check_file(folder / file["name"], file, shard)
    return manifest["totals"], problems


def _check_file(path: Path, file: dict[str, Any], shard: dict[str, Any]) -> list[str]:
    if not path.exists():
        return [f"{path} is missing"]
    digest = sha256()
    with open(path, "rb") as content:
        while block := content.read(1 << 22):
            digest.update(block)
    if digest.hexdigest() != file["sha256"]:
        return [f"{path} has changed: sha256 {digest.hexdigest()}, not {file['sha256']}"]
    if path.suffix == SUFFIX and "sequences" not in shard:
        found = Shard(path).header["documents"]
        if found != shard["documents"]:
            return [f"{path} holds {found} documents, not {shard['documents']}"]
    return []
