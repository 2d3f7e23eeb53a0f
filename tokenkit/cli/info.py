"""``tokenkit info``."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tokenkit.cli.arguments import Pattern, Special, load


def command(
    path: Annotated[
        Path, typer.Argument(help="A tokenizer, or a prepared directory.", exists=True)
    ],
    pattern: Pattern = None,
    special: Special = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """What a tokenizer or a prepared directory is."""
    facts = _of_folder(path) if path.is_dir() else _of_tokenizer(path, pattern, special)
    if as_json:
        print(json.dumps(facts))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:<{width}}  {value}")


def _of_folder(path: Path) -> dict[str, Any]:
    from tokenkit.corpus.journal import NAME
    from tokenkit.corpus.shards import MANIFEST, read_manifest

    if (path / NAME).exists() and not (path / MANIFEST).exists():
        return _of_unfinished(path / NAME)
    manifest = read_manifest(path)
    return {
        "state": "finished",
        **manifest["totals"],
        "shards": len(manifest["shards"]),
        "format": manifest["options"]["format"],
        "dtype": manifest["dtype"],
        "tokenizer": manifest["tokenizer"]["fingerprint"],
        "inputs": len(manifest["inputs"]),
        **{f"quarantined: {reason}": n for reason, n in manifest["quarantine"].items()},
    }


def _of_unfinished(journal: Path) -> dict[str, Any]:
    lines = journal.read_bytes().split(b"\n")[:-1]
    job, entries = json.loads(lines[0]), [json.loads(line) for line in lines[1:]]
    return {
        "state": "not finished: run the same command again to go on",
        "documents": sum(entry["documents"] for entry in entries),
        "tokens": sum(entry["tokens"] for entry in entries),
        "shards": sum(bool(entry["files"]) for entry in entries),
        "inputs done": sum(len(entry["inputs"]) for entry in entries),
        "inputs": len(job["inputs"]),
        "tokenizer": job["tokenizer"],
    }


def _of_tokenizer(path: Path, pattern: str | None, special: list[str] | None) -> dict[str, Any]:
    tok = load(path, pattern, special)
    return {
        "tokens": tok.vocab_size,
        "special tokens": len(tok.special_tokens),
        "added tokens": len(tok.added_tokens),
        "engine": tok.engine + (f" ({tok.engine_reason})" if tok.engine_reason else ""),
        "contract": tok.contract,
        "fingerprint": tok.fingerprint,
    }
