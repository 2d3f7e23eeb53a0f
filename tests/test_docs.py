"""Every code block of the README and of docs/ runs, page by page, in a fresh folder.

`python` blocks of a page share one namespace; `bash` blocks run with `-e`. A line of `make` or
`git clone` is the set-up itself and only checked to exist.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^([ ]*)```(\w+)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_DATA = {"text", "json", "yaml", "toml"}


def blocks(page: Path) -> list[tuple[str, str]]:
    found = []
    for indent, language, body in _BLOCK.findall(page.read_text()):
        found.append((language, re.sub(f"^{indent}", "", body, flags=re.MULTILINE)))
    return found


def _run_bash(code: str, folder: Path) -> None:
    lines = []
    for line in code.splitlines():
        if line.startswith(("git clone", "cd tokenkit")):
            continue
        if line.startswith("make "):
            target = line.split()[1]
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
            continue
        lines.append(line)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(lines)],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, f"{code}\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__page__"}
    for language, code in blocks(page):
        if language in _DATA:
            continue
        if language == "bash":
            _run_bash(code, tmp_path)
        elif language == "python":
            exec(compile(code, str(page), "exec"), namespace)
        else:
            pytest.fail(f"a block of {page.name} is in {language!r}: neither run nor data")


def test_there_are_blocks_to_run():
    languages = [language for page in PAGES for language, _ in blocks(page)]
    assert languages.count("python") >= 5
    assert languages.count("bash") >= 5
