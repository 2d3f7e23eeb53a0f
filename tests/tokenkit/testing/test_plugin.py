"""The pytest plugin, in a pytest of its own."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

_TEST = """
import pytest
from tokenkit.testing import Subject
from tokenkit.testing.laws import as_utf8

SOUND = Subject(
    "sound",
    encode=lambda text: list(map(ord, as_utf8(text))),
    decode=lambda ids: "".join(map(chr, ids)),
    contract="lossy",
)
BROKEN = Subject("broken", SOUND.encode, lambda ids: "x" + SOUND.decode(ids))

def make():
    return SOUND

@pytest.mark.tokenizer(make, BROKEN)
def test_marked(tokenizer_law):
    tokenizer_law()

@pytest.mark.tokenizer(BROKEN, contract="lossless")
def test_unmarked(tokenizer_law):
    tokenizer_law()
"""


def _run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "--strict-markers", *arguments)


def test_one_test_per_tokenizer_and_law(pytester):
    pytester.makepyfile(_TEST)
    result = _run(pytester, "-k", "test_marked", "-rA")
    outcomes = result.parseoutcomes()
    assert outcomes["skipped"] > 0
    result.stdout.fnmatch_lines_random(
        [
            "*test_marked?broken-round_trip*",
            "*broken breaks the law 'round_trip'*",
        ]
    )
    assert "FAILED" not in "\n".join(line for line in result.outlines if "make-" in line)


def test_files_come_from_the_command_line(pytester, trained_file):
    pytester.makepyfile("def test_laws(tokenizer_law):\n    tokenizer_law()\n")
    result = _run(pytester, f"--tokenizer={trained_file}", "-k", "round_trip or inert")
    result.assert_outcomes(passed=3, deselected=10)


def test_without_a_tokenizer_the_test_is_skipped(pytester):
    pytester.makepyfile("def test_laws(tokenizer_law):\n    tokenizer_law()\n")
    _run(pytester).assert_outcomes(skipped=1)


@pytest.fixture
def trained_file(tmp_path):
    from tests.samples import trained

    path = tmp_path / "tok.json"
    trained().save(path)
    return path


def test_the_plugin_loads_nothing_heavy():
    code = (
        "import sys, tokenkit.testing.plugin; "
        "print(*sorted({'hypothesis', 'numpy', 'numba', 'tokenizers'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


_PATCHERS = """
import numpy as np
import pytest
from encoders.patches import marks_at
from tokenkit.words import Patcher

class Broken:
    def marks(self, text, bounds):
        return marks_at(np.arange(0, bounds[-1], 5), bounds)

@pytest.mark.patcher(Patcher(Broken()))
def test_patchers(patcher_law):
    patcher_law()
"""


def test_laws_of_patchers(pytester):
    pytester.makepyfile(_PATCHERS)
    result = _run(pytester, "-rf")
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["FAILED*Broken-batch_equals_single*"])
