"""The house rules of docs/architecture.md: who may import whom, and what an import may cost."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("encoders", "tokenkit", "byteprob", "corpora")
SURFACES = ("tokenkit.adapters", "tokenkit.testing", "tokenkit.cli")
MODALITIES = ("tokenkit.text", "tokenkit.audio", "tokenkit.image")


def _modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imports(module: str, path: Path) -> Iterator[str]:
    """Every module that ``path`` imports anywhere, in functions too."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                kept = parents[: len(parents) - node.level + 1]
                base = ".".join([*kept, base] if base else kept)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def _forbidden(module: str, imported: str) -> str | None:
    """Why ``module`` may not import ``imported``, or None."""
    if not any(_inside(imported, package) for package in PACKAGES):
        return None
    if _inside(module, "encoders") and not _inside(imported, "encoders"):
        return "encoders imports nothing of ours"
    if _inside(module, "tokenkit") and _inside(imported, "byteprob"):
        return None if _inside(module, "tokenkit.cli") else "tokenkit does not import byteprob"
    if _inside(module, "byteprob") and not any(
        _inside(imported, allowed)
        for allowed in (
            "byteprob",
            "encoders",
            "tokenkit.text",
            "tokenkit.tokens",
            "tokenkit.errors",
        )
    ):
        return "byteprob imports encoders and tokenkit.text only"
    entry = module == "tokenkit.__main__"
    for surface in () if entry else SURFACES:
        if _inside(imported, surface) and not any(_inside(module, s) for s in SURFACES):
            return f"{surface} is a surface: the rest never imports it"
    for modality in MODALITIES:
        others = [other for other in MODALITIES if other != modality]
        if _inside(module, modality) and any(_inside(imported, other) for other in others):
            return "modalities never import each other"
    return None


@pytest.mark.parametrize("module", sorted(_modules()))
def test_imports_point_one_way(module):
    path = _modules()[module]
    broken = {name: why for name in _imports(module, path) if (why := _forbidden(module, name))}
    assert not broken


def test_the_rules_can_fail():
    assert _forbidden("encoders.scan", "tokenkit.errors")
    assert _forbidden("tokenkit.text.tokenizer", "tokenkit.cli.main")
    assert _forbidden("tokenkit.text", "tokenkit.audio")
    assert _forbidden("byteprob.model", "tokenkit.corpus")
    assert not _forbidden("tokenkit.text", "encoders.bpe")


def test_importing_tokenkit_loads_nothing_heavy():
    code = (
        "import sys, tokenkit; tokenkit.Tokenizer; "
        "print(*sorted({'torch', 'transformers', 'ray', 'numba', 'tokenizers'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_importing_kernels_compiles_nothing():
    kernels = [name for name in _modules() if name.endswith("_kernels")]
    assert kernels
    code = (
        "from numba.core import event\n"
        "class Seen(event.Listener):\n"
        "    def on_start(self, e): raise SystemExit('compiled ' + str(e.data))\n"
        "    def on_end(self, e): pass\n"
        "event.register('numba:compile', Seen())\n"
        f"import {', '.join(kernels)}\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
