"""The consistency probe: does a model replace the words that it was asked to replace?

After "Say Anything but This" (arXiv 2601.14658): some words of a text are marked, the model is to
write the text again with others in their place and nothing else changed, and its ids are compared
with those of the text. A marked word that is still there in other ids is a phantom edit.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tokenkit.audit.phantom import Artifact, Comparison, compare
from tokenkit.errors import AuditError
from tokenkit.text import Tokenizer

Model = Callable[[str], Sequence[int]]
"""Prompt to the ids that the model answers with, special tokens left out."""

PROMPT = (
    "Rewrite the text below. Replace each of these words by another word that fits: {words}. "
    "Change nothing else. Answer with the rewritten text only.\n\n{text}"
)
STOP_WORDS = frozenset(
    "a about after all also an and any are as at be because been before but by can could "  # noqa: SIM905
    "did do "
    "does for from had has have he her him his how i if in into is it its just like more most my "
    "no not now of on one only or other our out over said she so some such than that the their "
    "them then there these they this to up was we were what when which who will with would you "
    "your".split()
)
_WORD = re.compile(r"[^ \t\r\n\f\v]+")  # as `compare` parts them


@dataclass(frozen=True)
class Trial:
    """One text: the words that were to be replaced, and what the model made of it."""

    text: str
    targets: tuple[str, ...]
    answer: tuple[int, ...]
    comparison: Comparison
    outcomes: tuple[str, ...]
    """Of each target: "replaced", "kept" or "phantom"."""


@dataclass(frozen=True)
class ProbeReport:
    """What became of all targets."""

    trials: tuple[Trial, ...]

    @property
    def targets(self) -> int:
        """Words that were to be replaced."""
        return sum(len(trial.targets) for trial in self.trials)

    def rate(self, outcome: str) -> float:
        """Share of targets that were "replaced", "kept" in the same ids, or "phantom"."""
        found = Counter(one for trial in self.trials for one in trial.outcomes)
        return found[outcome] / self.targets if self.targets else 0.0

    @property
    def artifacts(self) -> Mapping[Artifact, int]:
        """Phantom edits by artifact, those beside the targets included."""
        edits = (edit for trial in self.trials for edit in trial.comparison.edits)
        return Counter(edit.artifact for edit in edits)

    @property
    def one_to_one(self) -> float:
        """Share of phantom edits in which one token stands for one."""
        edits = [edit for trial in self.trials for edit in trial.comparison.edits]
        return sum(edit.one_to_one for edit in edits) / len(edits) if edits else 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`: figures, and the trials."""
        return {
            "targets": self.targets,
            **{outcome: self.rate(outcome) for outcome in ("replaced", "kept", "phantom")},
            "artifacts": {artifact.value: n for artifact, n in self.artifacts.items()},
            "one to one": self.one_to_one,
            "trials": [asdict(trial) for trial in self.trials],
        }


def run_probe(
    tokenizer: Tokenizer,
    model: Model,
    texts: Iterable[str],
    *,
    share: float = 0.05,
    seed: int = 0,
    prompt: str = PROMPT,
) -> ProbeReport:
    """Ask a model to replace ``share`` of the content words of each text, at least one.

    ``prompt`` has the fields ``{words}`` and ``{text}``. Targets are drawn from words of letters
    that are no `STOP_WORDS` and occur once in their text; the same ``seed`` draws the same.
    Texts without such a word are left out.

    Raises AuditError for a share outside 0 to 1.
    """
    if not 0.0 < share <= 1.0:
        raise AuditError(f"a share of words is above 0 and at most 1, not {share}")
    draw = random.Random(seed)
    trials = []
    for given in texts:
        text = tokenizer.decode(tokenizer.encode(given))  # a normalizer may change it
        places = _content_words(text)
        if not places:
            continue
        chosen = sorted(draw.sample(places, max(1, round(share * len(places)))))
        words = [match.group() for match in _WORD.finditer(text)]
        targets = tuple(words[place].strip(_EDGES) for place in chosen)
        answer = tuple(map(int, model(prompt.format(words=", ".join(targets), text=text))))
        comparison = compare(tokenizer, tokenizer.encode(text), answer)
        outcomes = tuple(comparison.words[place][1] for place in chosen)
        trials.append(Trial(text, targets, answer, comparison, outcomes))
    return ProbeReport(tuple(trials))


_EDGES = ".,;:!?\"'()[]“”‘’—–-"


def _content_words(text: str) -> list[int]:
    """Places, among the words of a text, of those that may be targets."""
    bare = [match.group().strip(_EDGES) for match in _WORD.finditer(text)]
    counts = Counter(bare)
    return [
        place
        for place, word in enumerate(bare)
        if word.isalpha() and word.lower() not in STOP_WORDS and counts[word] == 1
    ]
