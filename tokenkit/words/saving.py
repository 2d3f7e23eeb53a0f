"""A patcher as files: ``patcher.json``, and beside it the model or tokenizer that it needs."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from tokenkit.errors import FormatError, PatchError
from tokenkit.text import Tokenizer
from tokenkit.words.entropy import Entropy, NgramEntropy
from tokenkit.words.patchers import Patcher
from tokenkit.words.rules import Regex, Rule, Space, Static, TokenEnds, Whitespace, Word

PATCHER = "patcher.json"
_MODEL = "entropy.npz"


def files_of(patcher: Patcher) -> dict[str, bytes]:
    """Name to content of the files that `load_patcher` reads; ``patcher.json`` is the first.

    It names the others by fingerprint, so its bytes say everything of the patcher. Raises
    PatchError for a rule that is not one of `tokenkit.words`.
    """
    rule, others = _described(patcher.rule)
    spec = {
        "version": 1,
        "rule": rule,
        "max_patch_length": patcher.max_patch_length,
        "snap_utf8": patcher.snap_utf8,
    }
    return {PATCHER: json.dumps(spec, indent=1, sort_keys=True).encode() + b"\n", **others}


def fingerprint_of(patcher: Patcher) -> str:
    """sha256 of ``patcher.json``. Raises PatchError as `files_of`."""
    return sha256(files_of(patcher)[PATCHER]).hexdigest()


def save_patcher(patcher: Patcher, folder: str | Path) -> None:
    """Write the files of a patcher into ``folder``. Raises PatchError as `files_of`."""
    for name, content in files_of(patcher).items():
        Path(folder, name).write_bytes(content)


def load_patcher(folder: str | Path) -> Patcher:
    """The patcher that `save_patcher` or ``tokenkit prepare`` left in ``folder``.

    Raises FormatError, naming the file, where one is damaged or is not the one that was saved.
    """
    path = Path(folder, PATCHER)
    try:
        spec = json.loads(path.read_bytes())
        return Patcher(_rule(spec["rule"], path), spec["max_patch_length"], spec["snap_utf8"])
    except (OSError, ValueError, KeyError, TypeError, PatchError) as error:
        raise FormatError(f"{path} is not a patcher: {error}") from None


def _described(rule: Rule) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A rule as JSON, and the files that it needs."""
    match rule:
        case Static(stride):
            return {"kind": "static", "stride": stride}, {}
        case Space():
            return {"kind": "space"}, {}
        case Word(whitespace):
            return {"kind": "word", "whitespace": whitespace.value}, {}
        case Regex(pattern):
            return {"kind": "regex", "pattern": pattern}, {}
        case TokenEnds(tokenizer):
            name = tokenizer.file_name
            spec = {"kind": "tokenizer", "file": name, "fingerprint": tokenizer.fingerprint}
            return spec, {name: tokenizer.to_bytes()}
        case Entropy(model, threshold, rise):
            threshold = model.threshold if threshold is None else threshold
            limits = {"threshold": threshold, "rise": rise}
            spec = {"kind": "entropy", "file": _MODEL, "fingerprint": model.fingerprint}
            return {**spec, **limits}, {_MODEL: model.to_bytes()}
    raise PatchError(f"{rule} is a rule of your own: it cannot be written to a file")


def _rule(spec: dict[str, Any], path: Path) -> Rule:
    match spec:
        case {"kind": "static", "stride": stride}:
            return Static(stride)
        case {"kind": "space"}:
            return Space()
        case {"kind": "word", "whitespace": whitespace}:
            return Word(Whitespace(whitespace))
        case {"kind": "regex", "pattern": pattern}:
            return Regex(pattern)
        case {"kind": "tokenizer", "file": file, "fingerprint": fingerprint}:
            tokenizer = Tokenizer.from_file(path.with_name(file))
            _check(path.with_name(file), tokenizer.fingerprint, fingerprint)
            return TokenEnds(tokenizer)
        case {"kind": "entropy", "file": file, "threshold": threshold, "rise": rise}:
            model = NgramEntropy.from_file(path.with_name(file))
            _check(path.with_name(file), model.fingerprint, spec["fingerprint"])
            return Entropy(model, threshold, rise)
    raise ValueError(f"no rule is {json.dumps(spec)}")


def _check(path: Path, found: str, expected: str) -> None:
    if found != expected:
        raise FormatError(f"{path} is not the one that {PATCHER} was written with")
