"""Does a prepared directory still hold what its manifest says?"""

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from tokenkit.corpus.shards import PATCHES, SUFFIX, Shard, read_manifest
from tokenkit.errors import ShardError


def verify(folder: str | Path) -> tuple[dict[str, Any], list[str]]:
    """The manifest's totals, and a line for everything that is wrong (none where all is well).

    Raises ShardError where there is no manifest to check against.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    problems = []
    for shard in manifest["shards"]:
        for file in shard["files"]:
            problems += _check_file(folder / file["name"], file, shard, manifest)
    for file in manifest["files"]:
        problems += _check_content(folder / file["name"], file)
    known = {file["name"] for shard in manifest["shards"] for file in shard["files"]}
    for path in sorted(folder.glob("shard-*")):
        if path.name not in known:
            problems.append(f"{path} is not in the manifest")
    for name in ("documents", "tokens", *(["patches"] if "patches" in manifest["totals"] else [])):
        total = sum(shard[name] for shard in manifest["shards"])
        if total != manifest["totals"][name]:
            problems.append(f"the shards hold {total} {name}, not {manifest['totals'][name]}")
    return manifest["totals"], problems


def _check_file(
    path: Path, file: dict[str, Any], shard: dict[str, Any], manifest: dict[str, Any]
) -> list[str]:
    problems = _check_content(path, file)
    if not problems and path.suffix == PATCHES:
        return _check_patches(path, shard, manifest)
    if problems or path.suffix != SUFFIX:
        return problems
    try:
        header = Shard(path).header
    except ShardError as error:
        return [str(error)]
    found = header["tokens"] - header["filling"]
    if found != shard["tokens"]:
        return [f"{path} holds {found} tokens, not {shard['tokens']}"]
    if header["pack"] is None and header["documents"] != shard["documents"]:
        return [f"{path} holds {header['documents']} documents, not {shard['documents']}"]
    if header["tokenizer"] != manifest["tokenizer"]["fingerprint"]:
        return [f"{path} was made with another tokenizer: {header['tokenizer']}"]
    return []


def _check_patches(path: Path, shard: dict[str, Any], manifest: dict[str, Any]) -> list[str]:
    """Whether patches cover the documents of their shard: each begins with one, none is empty."""
    ids = Shard(path.with_suffix(SUFFIX))
    try:
        header, documents = ids.patches.header, ids.offsets
    except ShardError as error:
        return [str(error)]
    if header["tokenizer"] != manifest["tokenizer"]["fingerprint"]:
        return [f"{path} was made with another patcher: {header['tokenizer']}"]
    if header["tokens"] != shard["patches"]:
        return [f"{path} holds {header['tokens']} patches, not {shard['patches']}"]
    if header["documents"] != len(documents) - 1:
        return [f"{path} holds {header['documents']} documents, not {len(documents) - 1}"]
    starts = np.append(ids.patches.tokens.astype(np.int64), documents[-1])
    index = ids.patches.offsets
    if index[0] != 0 or index[-1] != len(starts) - 1 or (np.diff(index) < 0).any():
        return [f"{path}: its index is not one of {len(starts) - 1} patches"]
    if not np.array_equal(starts[index], documents):
        return [f"{path}: a document does not begin with a patch"]
    lengths = np.diff(starts)
    if (lengths < 1).any() or lengths.max(initial=0) != header["longest"]:
        return [f"{path}: patches do not follow one another, the longest of {header['longest']}"]
    return []


def _check_content(path: Path, file: dict[str, Any]) -> list[str]:
    if not path.exists():
        return [f"{path} is missing"]
    digest = sha256()
    with open(path, "rb") as content:
        while block := content.read(1 << 22):
            digest.update(block)
    if digest.hexdigest() != file["sha256"]:
        return [f"{path} has changed: sha256 {digest.hexdigest()}, not {file['sha256']}"]
    return []
