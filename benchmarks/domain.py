"""Domain recipes on documents they were not trained on: four tables and a picture.

``domain``: tokens per character of our recipes and of published vocabularies, no special tokens
counted, with the seconds that training took; a tokenizer of the KL3M recipe that the `tokenizers`
library trained stands beside ours. ``domain-folds``: with every document held out once.
``domain-options``: what each option of a recipe brings.
``domain-characters``: short tokens under OCR noise. `benchmarks.held_out` tells what a document is.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from itertools import permutations
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from benchmarks.harness import save, show, versions
from benchmarks.held_out import DOMAINS, ONE_IN, split
from benchmarks.material import folder
from tokenkit import Tokenizer
from tokenkit.domain import groups
from tokenkit.domain.boundaries import stabilities, total
from tokenkit.domain.compare import Options, compare
from tokenkit.domain.measures import TOKENS_PER_CHARACTER
from tokenkit.domain.noise import Noisy, OcrNoise, sentences
from tokenkit.domain.recipe import (
    CHARACTERS_4K,
    CHARACTERS_8K,
    CHARACTERS_16K,
    DOMAIN,
    KL3M,
    LINES,
    DomainRecipe,
    Pruning,
    Source,
)
from tokenkit.report import bar_chart

PICTURE = Path(__file__).parents[1] / "docs" / "domain.svg"
RIVAL = "o200k_base"
PUBLISHED = (RIVAL, "cl100k_base", "r50k_base", "kl3m-001-32k", "kl3m-004-char-4k-cased")
LARGE = 65_536
DRAWN = (
    *PUBLISHED[:3],
    "kl3m 32k, by `tokenizers`",
    "domain 32k",
    "domain 64k",
    "lines 32k, no groups",
    "lines 64k, no groups",
)
PLAIN = replace(DOMAIN, groups=(), superwords=None)

RECIPES: dict[str, DomainRecipe] = {
    "domain 32k": DOMAIN,
    "domain 64k": replace(DOMAIN, vocab_size=LARGE),
    "domain 32k, NFKC": replace(DOMAIN, form="NFKC"),
    "lines 32k, no groups": replace(DOMAIN, groups=(), superwords=LINES),
    "lines 64k, no groups": replace(DOMAIN, groups=(), vocab_size=LARGE, superwords=LINES),
    "kl3m 32k": KL3M,
}
OPTIONS: dict[str, DomainRecipe] = {
    "neither groups nor superwords": PLAIN,
    "every KL3M group, one spelling": replace(
        PLAIN, groups=groups.KL3M_GROUPS, both_spellings=False
    ),
    "every KL3M group, both spellings": replace(PLAIN, groups=groups.KL3M_GROUPS),
    **{
        f"{group.name}, {spelling}": replace(PLAIN, groups=(group,), both_spellings=both)
        for group in groups.KL3M_GROUPS
        for spelling, both in (("one spelling", False), ("both spellings", True))
        if both <= (group.spaced != "never")
    },
    "groups of the recipe, one spelling": replace(DOMAIN, superwords=None, both_spellings=False),
    "groups of the recipe, both spellings": replace(DOMAIN, superwords=None),
    "superwords of phrases": replace(PLAIN, superwords=DOMAIN.superwords),
    "superwords of lines": replace(PLAIN, superwords=LINES),
    "domain: groups, superwords of phrases": DOMAIN,
    "groups, superwords of lines": replace(DOMAIN, superwords=LINES),
    "domain, pruned": replace(DOMAIN, pruning=Pruning()),
    "superwords of lines, pruned": replace(PLAIN, superwords=LINES, pruning=Pruning()),
}
SHORT = {
    **{recipe.name: recipe for recipe in (CHARACTERS_4K, CHARACTERS_8K, CHARACTERS_16K)},
    "char-8k, trained without noise": replace(CHARACTERS_8K, noise=None),
    "char-8k, by the split of GPT-2": replace(CHARACTERS_8K, pattern=KL3M.pattern, noise=None),
    "char-8k, by the split of GPT-2, with noise": replace(CHARACTERS_8K, pattern=KL3M.pattern),
}
ERRORS, SEED, LEAST, MOST, SENTENCES = 4.0, 7, 40, 400, 2865
"""Of the noise: errors a sentence; of the sentences: characters, and how many."""
AT_RANDOM = OcrNoise(confusions=tuple((a, b, 1.0) for a, b in permutations(ascii_lowercase, 2)))
"""A channel that no recipe was made for: any small letter for any other."""


@cache
def sources() -> tuple[tuple[str, ...], ...]:
    return tuple(split(domain).train for domain in DOMAINS)


@cache
def held_out() -> dict[str, tuple[str, ...]]:
    return {domain: split(domain).test for domain in DOMAINS}


def skewed(recipe: DomainRecipe) -> Tokenizer:
    """Trained on all law, and an eighth of the other two."""
    law, *others = sources()
    return recipe.train(law, *(Source(texts, 0.125) for texts in others))


def published(name: str) -> Tokenizer:
    return Tokenizer.from_file(folder() / "vocab" / f"{name}.tokenizer.json.gz")


def by_library() -> Tokenizer:
    """The KL3M recipe as its authors run it, by `tokenizers`."""
    import tokenizers as hf

    custom = list(KL3M.custom_tokens)
    trainer = hf.ByteLevelBPETokenizer(add_prefix_space=False)
    trainer.normalizer = hf.normalizers.NFKC()
    trainer.train_from_iterator(
        (text for source in sources() for text in source),
        vocab_size=KL3M.vocab_size - len(KL3M.special_tokens) - len(custom),
        min_frequency=KL3M.min_frequency,
        show_progress=False,
    )
    trainer.add_special_tokens(list(KL3M.special_tokens))
    known = trainer.get_vocab()
    trainer.add_tokens([token for token in custom if token not in known])
    return Tokenizer.from_bytes(trainer.to_str().encode())


def compression(makers: Mapping[str, Callable[[], Tokenizer]]) -> list[dict[str, Any]]:
    """A row for each tokenizer; the first is what the others are compared with."""
    made, seconds = {}, {}
    for name, make in makers.items():
        start = time.perf_counter()
        made[name] = make()
        seconds[name] = time.perf_counter() - start
    found = compare(made, held_out(), Options(noise=None))
    rows, first = [], next(iter(made))
    for name, tok in made.items():
        row: dict[str, Any] = {"tokenizer": name, "tokens": tok.vocab_size}
        for domain in DOMAINS:
            estimate = found.estimate(TOKENS_PER_CHARACTER, domain, name)
            rival = found.estimate(TOKENS_PER_CHARACTER, domain, first).value
            row |= {
                domain: estimate.value,
                f"{domain} from": estimate.low,
                f"{domain} to": estimate.high,
                f"{domain} against {first}": estimate.value / rival - 1,
            }
        rows.append(row | {"seconds": seconds[name]})
    return rows


@cache
def misread(channel: OcrNoise) -> tuple[Noisy, ...]:
    """Held-out sentences, read with noise that no training had."""
    found = [s for texts in held_out().values() for text in texts for s in sentences(text)]
    fitting = [s for s in found if LEAST <= len(s) <= MOST and "\n" not in s]
    chosen = fitting[:: max(1, len(fitting) // SENTENCES)]
    return tuple(channel.per_sentence(ERRORS, chosen).read_batch(chosen, SEED))


def stability(name: str, tok: Tokenizer) -> dict[str, Any]:
    noisy, other = misread(OcrNoise()), misread(AT_RANDOM)
    found, further = total(stabilities(tok, noisy)), total(stabilities(tok, other))
    return {
        "tokenizer": name,
        "tokens": tok.vocab_size,
        "boundary F1": found.f1,
        "inflation": found.inflation,
        "F1, letters at random": further.f1,
        "inflation, letters at random": further.inflation,
        "characters per token": sum(len(one.clean) for one in noisy) / found.clean_tokens,
    }


def run() -> None:
    run_compression()
    run_folds()
    run_options()
    run_characters()


def run_compression() -> None:
    recipes: dict[str, Callable[[], Tokenizer]] = {
        **{name: partial(published, name) for name in PUBLISHED},
        **{name: _training(recipe) for name, recipe in RECIPES.items()},
        "kl3m 32k, by `tokenizers`": by_library,
    }
    rows = compression(recipes)
    for row in rows[: len(PUBLISHED)]:
        row["seconds"] = 0.0  # they were not trained here
    _report("domain", "Tokens per character of held-out documents", rows)
    _draw(rows)


def run_folds() -> None:
    """Each document held out once: how much the choice of documents decides."""
    rows = []
    for fold in range(ONE_IN):
        parts = {domain: split(domain, fold) for domain in DOMAINS}
        texts = [part.train for part in parts.values()]
        made = {RIVAL: published(RIVAL)}
        made |= {name: RECIPES[name].train(*texts) for name in ("domain 32k", "domain 64k")}
        test = {domain: part.test for domain, part in parts.items()}
        found = compare(made, test, Options(noise=None, resamples=1))
        for name in made:
            row: dict[str, Any] = {"fold": fold, "tokenizer": name}
            for domain in DOMAINS:
                value, rival = (
                    found.estimate(TOKENS_PER_CHARACTER, domain, one).value for one in (name, RIVAL)
                )
                row |= {domain: value, f"{domain} against {RIVAL}": value / rival - 1}
            rows.append(row)
    _report("domain-folds", "Every fold of the documents held out", rows)


def run_options() -> None:
    makers = {name: _training(recipe) for name, recipe in OPTIONS.items()}
    for balance in (0.0, 0.5, 1.0):
        recipe = replace(DOMAIN, balance=balance)
        makers[f"domain, an eighth of two sources, balance {balance}"] = partial(skewed, recipe)
    rows = compression(makers)
    _report("domain-options", "What the options of a recipe bring, 32k", rows)


def run_characters() -> None:
    rows = [stability(name, published(name)) for name in PUBLISHED]
    rows += [stability(name, _training(recipe)()) for name, recipe in SHORT.items()]
    _report("domain-characters", "Short tokens under OCR noise", rows)


def _training(recipe: DomainRecipe) -> Callable[[], Tokenizer]:
    return lambda: recipe.train(*sources())


def _report(name: str, title: str, rows: list[dict[str, Any]]) -> None:
    show(title, rows, 4)
    notes = {
        "held out": f"whole documents, one in {ONE_IN} by hash",
        "trained on MB": sum(len(t.encode()) for source in sources() for t in source) / 1e6,
        "documents": {domain: len(texts) for domain, texts in held_out().items()},
        "versions": versions("tokenizers"),
    }
    save(name, title, rows, notes)


def _draw(rows: list[dict[str, Any]]) -> None:
    shown = [row for row in rows if row["tokenizer"] in DRAWN]
    drawn = bar_chart(
        {row["tokenizer"]: {domain: row[domain] for domain in DOMAINS} for row in shown},
        title="Documents that were held out, whole",
        y_label="tokens per character (less is better)",
        errors={
            row["tokenizer"]: {d: (row[f"{d} from"], row[f"{d} to"]) for d in DOMAINS}
            for row in shown
        },
        digits=3,
    )
    PICTURE.write_text(drawn)


if __name__ == "__main__":
    run()
