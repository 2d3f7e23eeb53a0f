"""From a recipe and texts to a tokenizer.json."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from encoders import normalize
from encoders.bpe.training import TrainedBpe, count_pieces, count_within, train_bpe, train_further
from encoders.bpe.training.pruning import pruned, usage
from encoders.buffers import Bytes, Offsets, joined
from encoders.match import Matcher
from encoders.scan import scanner_for
from tokenkit.domain.noise import OcrNoise
from tokenkit.domain.recipe import DomainRecipe, Source
from tokenkit.errors import RecipeError
from tokenkit.text.added import AddedToken, AddedTokenFinder
from tokenkit.text.inputs import Text, as_bytes
from tokenkit.text.training import alphabet_of, batches_of, reserved_for, tokenizer_json

Counted = tuple[list[bytes], Offsets]
"""Different pieces, sorted, and how often each occurs."""

_TEXTS_MISREAD = 256  # at a time


def train(recipe: DomainRecipe, sources: Sequence[Source], seed: int, threads: int) -> bytes:
    """The tokenizer.json of a recipe; see `DomainRecipe.train`, which this serves."""
    size = recipe.vocab_size - len(recipe.custom_tokens)
    texts = [source.sampled() for source in sources]
    if recipe.pruning:
        apart: list[list[Text]] = [[] for _ in texts]
        every = recipe.pruning.every
        kept = [_all_but(every, *pair) for pair in zip(texts, apart, strict=True)]
        counted = count(recipe, kept, seed, threads)
        large = learn(recipe, counted, int(size * recipe.pruning.surplus))
        trained = pruned(large, usage(large, *count(recipe, apart, seed + 1, threads)), size)
    else:
        trained = learn(recipe, count(recipe, texts, seed, threads), size)
    check_shadows(trained.tokens, (*recipe.special_tokens, *recipe.custom_tokens))
    return json.dumps(_spec(recipe, trained), ensure_ascii=False).encode()


def count(
    recipe: DomainRecipe, sources: Sequence[Iterable[Text]], seed: int, threads: int
) -> Counted:
    """The pieces that the tokenizer will split texts into, with their counts over all sources.

    Counts that ``balance`` scales are rounded to whole numbers.
    """
    scanner = scanner_for(recipe.split_pattern)
    parts = []
    for source in sources:
        texts = _misread(source, recipe.noise, seed) if recipe.noise else source
        parts.append(count_pieces(_prepared(map(as_bytes, texts), recipe), scanner, threads))
    if not recipe.balance:
        return _sum(parts)
    sizes = [sum(len(p) * int(n) for p, n in zip(*part, strict=True)) for part in parts]
    return _sum(
        [
            (pieces, np.rint(counts * (max(sizes) / size) ** recipe.balance).astype(np.int64))
            for (pieces, counts), size in zip(parts, sizes, strict=True)
            if size
        ]
    )


def learn(recipe: DomainRecipe, counted: Counted, size: int) -> TrainedBpe:
    """Merges from counted pieces, in one stage or two; ``size`` counts special tokens too."""
    alphabet, reserved = alphabet_of([], None), reserved_for(recipe.special_tokens)
    if not recipe.superwords:
        return train_bpe(*counted, alphabet, recipe.options(size), reserved)
    base = len(alphabet) + len(reserved)
    first = base + int((size - base) * recipe.superwords.share)
    words = count_within(*counted, scanner_for(recipe.pattern))
    trained = train_bpe(*words, alphabet, recipe.options(first), reserved)
    return train_further(trained, *counted, recipe.options(size))


def _all_but(every: int, texts: Iterable[Text], apart: list[Text]) -> Iterator[Text]:
    """The texts, but every so manieth, which are put ``apart``."""
    for number, text in enumerate(texts, 1):
        if number % every:
            yield text
        else:
            apart.append(text)


def check_shadows(tokens: Iterable[bytes], added: Sequence[str]) -> None:
    """Raise RecipeError where an added token is part of a token of the vocabulary.

    An added token is found in text before merges are made: a longer token that has it inside can
    never come out of encoding.
    """
    held = [token for token in tokens if len(token) > 1]
    if not added or not held:
        return
    text, bounds = joined(held)
    spelled = [token.encode() for token in added]
    found = Matcher.build(spelled).find(text, bounds)
    owners = np.searchsorted(bounds, found.starts, side="right") - 1
    for owner, which in zip(owners.tolist(), found.which.tolist(), strict=True):
        if held[owner] != spelled[which]:
            raise RecipeError(
                f"added token {added[which]!r} would shadow {held[owner]!r} "
                "of the vocabulary: leave it out, or take it out of the texts"
            )


def _prepared(
    texts: Iterable[bytes | memoryview], recipe: DomainRecipe
) -> Iterator[tuple[Bytes, Offsets]]:
    """Batches in normal form, custom tokens cut out of them."""
    tokens = tuple(AddedToken(token, i) for i, token in enumerate(recipe.custom_tokens))
    finder = AddedTokenFinder(tokens)
    for batch in batches_of(texts):
        text, bounds = recipe.change.all(*batch)
        if cut := finder.cut(text, bounds):
            text, bounds, _ = normalize.emptied(cut.text, cut.bounds, cut.replaced >= 0)
        yield text, bounds


def _misread(texts: Iterable[Text], noise: OcrNoise, seed: int) -> Iterator[str]:
    held: list[str] = []
    for number, text in enumerate(texts, 1):
        held.append(bytes(as_bytes(text)).decode("utf-8", "replace"))
        if number % _TEXTS_MISREAD == 0:
            yield from (noisy.text for noisy in noise.read_batch(held, seed + number))
            held = []
    yield from (noisy.text for noisy in noise.read_batch(held, seed))


def _sum(parts: Sequence[Counted]) -> Counted:
    if len(parts) == 1:
        return parts[0]
    totals: dict[bytes, int] = {}
    for pieces, counts in parts:
        for piece, number in zip(pieces, counts.tolist(), strict=True):
            totals[piece] = totals.get(piece, 0) + number
    pieces = sorted(totals)
    return pieces, np.array([totals[piece] for piece in pieces], np.int64)


def _spec(recipe: DomainRecipe, trained: TrainedBpe) -> dict[str, Any]:
    spec = tokenizer_json(trained, recipe.split_pattern, recipe.special_tokens)
    if recipe.form != "lossless":
        steps = recipe.form.split("+")
        spec["normalizer"] = {"type": "Sequence", "normalizers": [{"type": step} for step in steps]}
    used = len(trained.tokens) + len(recipe.custom_tokens)
    size = 1 << (used - 1).bit_length() if recipe.pad_to_power_of_two else used
    padding = tuple(f"<|reserved_{n}|>" for n in range(size - used))
    texts = recipe.custom_tokens + padding
    spec["added_tokens"] += [
        AddedToken(
            text, len(trained.tokens) + i, special=text in padding, normalized=text not in padding
        ).to_json()
        for i, text in enumerate(texts)
    ]
    return spec
