"""The probe, with models whose behaviour is known."""

import json
from itertools import cycle

import pytest

from tests.samples import trained
from tokenkit.audit import Encodings
from tokenkit.audit.phantom import Artifact
from tokenkit.audit.probe import STOP_WORDS, run_probe
from tokenkit.errors import AuditError

TOKENIZER = trained()
TEXTS = [
    "The statement evaluates every expression in the list and prints nothing.",
    "A class definition is an executable statement, see section naming.",
    "the of and",
]


def answering(change):
    """A model that reads the words and the text of its prompt, and writes what ``change`` says."""

    def model(prompt):
        head, _, text = prompt.partition("\n\n")
        words = head.partition("that fits: ")[2].partition(". Change")[0].split(", ")
        return change(words, text)

    return model


def other_words(words, text):
    for word in words:
        text = text.replace(word, "zebra")
    return TOKENIZER.encode(text)


def same_text(words, text):
    return TOKENIZER.encode(text)


def other_tokens(words, text):
    """The targets byte by byte, all else as it was."""
    found = []
    for i, piece in enumerate(text.split(" ")):
        spelled = (" " if i else "") + piece
        if any(word in piece for word in words):
            found += [TOKENIZER.vocab[c] for c in spelled.replace(" ", "Ġ")]
        else:
            found += TOKENIZER.encode(spelled).tolist()
    return found


@pytest.mark.parametrize(
    ("change", "outcome"),
    [(other_words, "replaced"), (same_text, "kept"), (other_tokens, "phantom")],
)
def test_rates(change, outcome):
    report = run_probe(TOKENIZER, answering(change), TEXTS, share=0.5)
    assert len(report.trials) == 2  # the last has stop words only
    assert report.targets > 4
    assert {name: report.rate(name) for name in ("replaced", "kept", "phantom")} == {
        "replaced": 0.0, "kept": 0.0, "phantom": 0.0, outcome: 1.0,
    }  # fmt: skip
    assert sum(report.artifacts.values()) == (report.targets if outcome == "phantom" else 0)
    shown = json.loads(json.dumps(report.to_json()))
    assert shown[outcome] == 1.0
    assert len(shown["trials"]) == 2


def test_targets_are_content_words():
    report = run_probe(TOKENIZER, answering(same_text), TEXTS, share=1.0)
    targets = {word for trial in report.trials for word in trial.targets}
    assert {"expression", "nothing", "naming"} <= targets
    assert not {word.lower() for word in targets} & STOP_WORDS


def test_the_seed_decides():
    def targets(seed):
        report = run_probe(TOKENIZER, answering(same_text), TEXTS, seed=seed)
        return [trial.targets for trial in report.trials]

    assert targets(1) == targets(1)
    assert any(targets(1) != targets(seed) for seed in range(2, 6))
    assert all(len(chosen) == 1 for chosen in targets(1))


def test_any_answer_is_taken():
    strange = cycle([[], Encodings.of(TOKENIZER).sample("no such text", 1)[0], [5, 5, 5]])
    report = run_probe(TOKENIZER, lambda prompt: next(strange), TEXTS * 2)
    assert report.rate("replaced") == 1.0
    assert report.one_to_one == 0.0


def test_twins_are_whitespace_boundaries():
    text = "the statement"
    model = lambda prompt: [*TOKENIZER.encode("the"), *TOKENIZER.encode("statement")]  # noqa: E731
    report = run_probe(TOKENIZER, model, [text])
    # Without the blank the two words are one, and so another.
    assert report.rate("replaced") == 1.0
    first = "statement the"
    model = lambda prompt: TOKENIZER.encode(" statement the")  # noqa: E731
    report = run_probe(TOKENIZER, model, [first])
    assert report.artifacts == {Artifact.WHITESPACE_BOUNDARY: 1}
    assert report.rate("phantom") == 1.0


def test_nothing_to_probe():
    report = run_probe(TOKENIZER, answering(same_text), [])
    assert (report.targets, report.rate("phantom"), report.one_to_one) == (0, 0.0, 0.0)


@pytest.mark.parametrize("share", [0.0, -1.0, 1.1])
def test_shares_that_cannot_be(share):
    with pytest.raises(AuditError, match="share"):
        run_probe(TOKENIZER, answering(same_text), TEXTS, share=share)
