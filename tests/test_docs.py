"""Every code block of the README and of docs/ runs, page by page, in a fresh folder and process.

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


def _run_bash(code: str) -> None:
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
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(lines)],
        env={**os.environ, "PATH": path},
        check=True,
    )


def run_page(page: Path) -> None:
    """In the folder and process that are this page's own: a page may start workers by fork."""
    namespace = {"__name__": "__page__"}
    for language, code in blocks(page):
        if language in _DATA:
            continue
        print(code, flush=True)  # what is printed last is what failed
        if language == "bash":
            _run_bash(code)
        else:
            assert language == "python", f"a block is in {language!r}: neither run nor data"
            exec(compile(code, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_runs(page, tmp_path):
    run = subprocess.run(
        [sys.executable, __file__, str(page)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:]


def test_there_are_blocks_to_run():
    languages = [language for page in PAGES for language, _ in blocks(page)]
    assert languages.count("python") >= 5
    assert languages.count("bash") >= 5


if __name__ == "__main__":
    run_page(Path(sys.argv[1]))
