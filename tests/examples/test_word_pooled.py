"""The word-pooled example: the same words for all models, scored as told; all of it runs."""

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
    import word_pooled

    return word_pooled


@pytest.fixture
def models(example):
    import word_models

    return word_models


TEXT = "The cat  sat on the incomprehensibilities;\nthe dog did not. " * 5


def test_windows_are_the_text_in_whole_words(models):
    windows = models.windows_of([TEXT, "", "čau"], 64)
    assert b"".join(windows).decode() == TEXT + "čau"
    assert all(len(window) <= 64 for window in windows)
    assert all(window[:1].isspace() for window in windows[1:5])


def test_targets_are_whole_words_with_their_white_space(models):
    window = b"one two three four  five six seven"
    found = [window[t.start : t.stop] for t in models.targets_of(window)]
    assert found == [b"  five", b" six"]


def greedy_text(model, begin: int, pieces, ids: list[int], enough: int) -> bytes:
    """What a GPT writes, token after token, with nothing remembered or known."""
    import torch

    written = b""
    while len(written) < enough:
        new = int(model(torch.tensor([[begin, *ids]]))[0, -1].argmax())
        if new == begin:
            break
        ids = [*ids, new]
        written += pieces[new]
    return written


@pytest.mark.parametrize("kind", ["bytes", "tokens"])
def test_a_subword_model_is_right_where_it_writes_the_word(models, kind):
    from tiny_gpt import train

    if kind == "bytes":
        pieces = [bytes([i]) for i in range(256)]
        encode = list
    else:
        tok = models.tokenizer_for([TEXT], 290)
        pieces = [tok.id_to_bytes(i) for i in range(tok.vocab_size)]

        def encode(window):
            return tok.encode(window).tolist()

    import torch

    torch.manual_seed(0)
    contender = models.Subwords(pieces, encode)
    windows = models.windows_of([TEXT], 64)[:4]
    losses = (contender.nats(windows).sum() / 256 for _ in iter(int, 1))
    assert len(list(train(contender.model, losses, 12, 0.01))) == 12
    other = models.windows_of(["No dog sat on this incomprehensible mat; it was not the cat."], 64)
    outcomes = []
    for window in windows + other:
        targets = models.targets_of(window)
        for target, right in zip(targets, contender.right(window, targets), strict=True):
            word = window[target.start : target.stop]
            before = encode(window[: target.start])
            text = greedy_text(contender.model, len(pieces), pieces, before, len(word) + 1)
            expected = text.startswith(word) and text[len(word) : len(word) + 1].isspace()
            assert right == expected
            outcomes.append(right)
    assert len(set(outcomes)) == 2


def test_a_subword_model_may_write_a_word_in_other_tokens(models, monkeypatch):
    contender = models.Subwords([b" ", b"a", b"b", b" ab"], lambda text: [3] * (len(text) // 3))
    scripted = {2: 0, 3: 1, 4: 2, 5: 0}  # after " ab": " ", "a", "b", " "

    def model(ids):
        import torch

        logits = torch.zeros(1, ids.shape[1], 5)
        for place in range(ids.shape[1]):
            logits[0, place, scripted.get(place + 1, 1)] = 1
        return logits

    monkeypatch.setattr(contender, "model", model)
    assert contender.right(b" ab ab ab", [models.Target(3, 6)]) == [True]
    scripted[5] = 1
    assert contender.right(b" ab ab ab", [models.Target(3, 6)]) == [False]


def test_a_word_model_is_right_where_it_writes_all_parts_and_the_end(models, monkeypatch):
    import torch

    contender = models.PooledWords()
    window = b"a incomprehensible b c"
    parts = [b"a", b" incomprehen", b"sible", b" b", b" c", b" d"]

    def right(written: list[bytes], target) -> list[bool]:
        words = torch.zeros(len(written), models.LONGEST, dtype=torch.int64)
        for row, word in zip(words, written, strict=True):
            row[: len(word)] = torch.tensor(list(word))
        drawn = words, torch.tensor([len(word) for word in written])
        monkeypatch.setattr(contender.model, "draw", lambda contexts: drawn)
        return contender.right(window, [target])

    long, short = models.Target(1, 18), models.Target(18, 20)
    assert right(parts, long) == right(parts, short) == [True]
    assert right([*parts[:2], b"sibly", *parts[3:]], long) == [False]
    assert right([*parts[:3], b" bc", *parts[4:]], short) == [False]


def test_nats_of_a_window_do_not_depend_on_its_neighbours(models):
    import torch

    windows = models.windows_of([TEXT], 64)[:3]
    for name in models.NAMES:
        contender = models.contender(name, [TEXT], 300)
        together = contender.nats(windows)
        alone = torch.cat([contender.nats([window]) for window in windows])
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-3)


def test_an_interval_holds_its_value(example):
    found = example.interval(np.array([1.0, 0, 2, 1]), np.array([2.0, 1, 4, 1]))
    assert found["value"] == 0.5
    assert found["low"] <= 0.5 <= found["high"]


def test_the_quick_run_measures_every_model(example, tmp_path):
    out = tmp_path / "words.json"
    command = [sys.executable, EXAMPLES / "word_pooled.py", "--quick", "--jobs", "1", "--out", out]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    result = json.loads(out.read_text())
    assert list(result["models"]) == ["word-pooled", "subwords (BPE)", "bytes"]
    words = {model["all words"]["words"] for model in result["models"].values()}
    assert len(words) == 1
    assert all("word-pooled" in picture for picture in example.charts(result).values())


def test_the_page_has_the_figures_that_are_kept(example):
    result = json.loads(example.RESULTS.read_text())
    assert example.table(result) in (example.DOCS / "tutorials" / "word-pooled.md").read_text()
