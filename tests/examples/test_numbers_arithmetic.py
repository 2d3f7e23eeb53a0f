"""The arithmetic example: right problems, every scheme can write them, and all of it runs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import numbers_arithmetic

    return numbers_arithmetic


@pytest.mark.parametrize("digits", [1, 3, 6])
def test_problems_are_right_and_of_the_asked_length(example, digits):
    rng = np.random.default_rng(0)
    answers = set()
    for _ in range(200):
        added, compared = (example.problem(rng, task, digits) for task in example.TASKS)
        assert int(added.answer) == added.a + added.b < 10**6
        assert compared.answer == "=<>"[(compared.a < compared.b) + 2 * (compared.a > compared.b)]
        assert {len(str(n)) for n in (added.a, added.b, compared.a, compared.b)} == {digits}
        answers.add(compared.answer)
    assert answers == set("<>=")


@pytest.mark.parametrize("name", ["TST A", "TST B, groups of 1", "left to right", "digits"])
def test_a_model_sees_every_token_of_a_problem_and_learns_its_answer_only(example, name):
    vocabulary = example.Vocabulary(example.SCHEMES[name])
    problems = [example.Problem(123456, "+", 7, "123463"), example.Problem(40, "?", 40, "=")]
    rows = vocabulary.encode(problems)
    scheme = example.SCHEMES[name]
    for row, found in zip(problems, rows, strict=True):
        expected = len(scheme.encode(f"{row.a} {row.b}").ids) + 2
        assert len(found[0]) == expected
        assert all(0 <= id_ < vocabulary.size for ids in found for id_ in ids)
    ids, targets = (array.tolist() for array in vocabulary.batch(problems))
    for (prompt, answer), row, target in zip(rows, ids, targets, strict=True):
        whole = [*prompt, *answer]
        assert row[: len(whole) - 1] == whole[:-1]
        assert [t for t in target if t != example.IGNORED] == answer
        assert target[len(prompt) - 1] == answer[0]


def test_an_answer_counts_only_as_a_whole(example, monkeypatch):
    import torch

    vocabulary = example.Vocabulary(example.SCHEMES["digits"])
    budget = example.Budget(tested=20)
    rng = np.random.default_rng(1_000_003)
    problems = [example.problem(rng, "addition", 3) for _ in range(20)]
    answers = {tuple(prompt): answer for prompt, answer in vocabulary.encode(problems)}

    def knowing(spoil: int):
        def greedy(model, prompts, length):
            given = [answers[tuple(prompt)] for prompt in prompts.tolist()]
            spoiled = [ids[:spoil] + [id_ ^ 1 for id_ in ids[spoil:]] for ids in given]
            return torch.tensor([ids + [0] * (length - len(ids)) for ids in spoiled])

        return greedy

    for spoil, expected in ((9, 1.0), (2, 0.0)):
        monkeypatch.setattr(example, "greedy", knowing(spoil))
        assert example.accuracy(None, vocabulary, "addition", 3, budget) == expected


def test_the_quick_run_measures_every_scheme(example, tmp_path):
    out = tmp_path / "numbers.json"
    command = [sys.executable, EXAMPLES / "numbers_arithmetic.py", "--quick", "--jobs", "1"]
    run = subprocess.run([*command, "--out", out], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    result = json.loads(out.read_text())
    assert [one["scheme"] for one in result["runs"]] == list(example.SCHEMES)
    assert len({one["other_parameters"] for one in result["runs"]}) == 1
    assert all(name in run.stdout for name in example.SCHEMES)
    drawn = example.charts(result)
    assert all("TST B, groups of 1" in picture for picture in drawn.values())


def test_the_page_has_the_figures_that_are_kept(example):
    result = json.loads(example.RESULTS.read_text())
    assert (
        example.table(result) in (example.DOCS / "tutorials" / "numbers-arithmetic.md").read_text()
    )
