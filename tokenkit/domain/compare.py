"""Tokenizers compared on corpora, with confidence intervals over documents."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Offsets
from tokenkit.domain.alignment import Alignment
from tokenkit.domain.bootstrap import Estimate, Floats, estimate, resampled_sums
from tokenkit.domain.boundaries import joined_alignment, stabilities
from tokenkit.domain.cuts import AnyTokenizer, cut
from tokenkit.domain.material import Material
from tokenkit.domain.measures import Count, Measure
from tokenkit.domain.noise import Noisy, OcrNoise
from tokenkit.errors import ComparisonError

OCR = OcrNoise()
Progress = Callable[[int, int], None]
"""Called with how many steps are done, and of how many."""


@dataclass(frozen=True)
class Options:
    """How to compare.

    ``resamples`` of the documents give intervals of confidence ``level``. ``noise`` reads about
    ``noise_characters`` of each corpus, whole documents drawn by ``seed``; None leaves it out.
    """

    resamples: int = 1000
    level: float = 0.95
    noise: OcrNoise | None = OCR
    noise_characters: int = 1_000_000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Result:
    """A tokenizer on a corpus.

    ``sums``: float64[len(Count)]; ``resampled``: float64[resamples, len(Count)]; ``used``: how
    many different ids occur.
    """

    sums: Floats
    resampled: Floats
    used: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` found. ``results``: by corpus, then by tokenizer, in the order given.

    ``documents`` and ``vocab_sizes``: by corpus, by tokenizer.
    """

    results: Mapping[str, Mapping[str, Result]]
    documents: Mapping[str, int]
    vocab_sizes: Mapping[str, int]
    options: Options

    def estimate(self, measure: Measure, corpus: str | None, tokenizer: str) -> Estimate:
        """A measure with its interval; ``corpus`` None is the mean over corpora.

        One document has no interval: its bounds are NaN.
        """
        return estimate(*self._values(measure, corpus, tokenizer), self.options.level)

    def knows(self, measure: Measure) -> bool:
        """Whether the measure has a value on any corpus."""
        sums = [one.sums for found in self.results.values() for one in found.values()]
        return not bool(np.isnan(measure.of(np.stack(sums))).all())

    def difference(
        self, measure: Measure, corpus: str | None, tokenizer: str, against: str
    ) -> Estimate:
        """By how much a tokenizer has more than another, as a share: 0.02 is two percent more.

        Both are measured on the same resamples, so that the interval is that of the difference.
        """
        value, resampled = self._values(measure, corpus, tokenizer)
        base, base_resampled = self._values(measure, corpus, against)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = float(np.divide(value, base)) - 1, resampled / base_resampled - 1
        return estimate(*share, self.options.level)

    def _values(self, measure: Measure, corpus: str | None, tokenizer: str) -> tuple[float, Floats]:
        names = list(self.results) if corpus is None else [corpus]
        found = [self.results[name][tokenizer] for name in names]
        value = np.mean([measure.of(result.sums) for result in found])
        resampled = np.mean([measure.of(result.resampled) for result in found], axis=0)
        if min(self.documents[name] for name in names) < 2:
            resampled = np.full_like(resampled, np.nan)
        return float(value), resampled


def compare(
    tokenizers: Mapping[str, AnyTokenizer],
    corpora: Mapping[str, Iterable[str]],
    options: Options | None = None,
    *,
    progress: Progress | None = None,
) -> Comparison:
    """Compare tokenizers on corpora, each the texts of its documents.

    Special tokens are ordinary text, and none are added. Raises ComparisonError where there is
    nothing to compare: no tokenizer, no corpus, or a corpus without text.
    """
    options = options or Options()
    if not tokenizers or not corpora:
        raise ComparisonError("a comparison needs a tokenizer and a corpus at least")
    steps = len(tokenizers) * len(corpora)
    results: dict[str, dict[str, Result]] = {}
    documents: dict[str, int] = {}
    for name, texts in corpora.items():
        material = Material.of(texts)
        if not material.documents:
            raise ComparisonError(f"corpus {name!r} has no text")
        noisy = Misread.of(material, options)
        documents[name] = len(material.documents)
        counts: list[NDArray[np.int64]] = []
        used: list[int] = []
        for tokenizer in tokenizers.values():
            if progress:
                progress(len(results) * len(tokenizers) + len(counts), steps)
            found, ids = _counts(tokenizer, material, noisy)
            counts.append(found)
            used.append(ids)
        results[name] = _results(tokenizers, counts, used, options)
    if progress:
        progress(steps, steps)
    sizes = {name: tokenizer.vocab_size for name, tokenizer in tokenizers.items()}
    return Comparison(results, documents, sizes, options)


@dataclass(frozen=True, eq=False)
class Misread:
    """Some documents of a corpus read with noise; ``documents``: which, int64[n]."""

    documents: Offsets
    texts: list[Noisy]
    alignment: Alignment

    @staticmethod
    def of(material: Material, options: Options) -> "Misread":
        """Whole documents, drawn until there are enough characters."""
        order = np.random.Generator(np.random.PCG64(options.seed)).permutation(
            len(material.documents)
        )
        before = np.cumsum(material.characters[order]) - material.characters[order]
        chosen = np.sort(order[before < options.noise_characters])
        noise = options.noise
        texts = (
            noise.read_batch([material.documents[i] for i in chosen], options.seed) if noise else []
        )
        return Misread(chosen[: len(texts)], texts, joined_alignment(texts))


def _counts(
    tokenizer: AnyTokenizer, material: Material, misread: Misread
) -> tuple[NDArray[np.int64], int]:
    """All counts of each document, int64[documents, len(Count)], and how many ids occur."""
    cuts = cut(tokenizer, material.documents)
    parts = material.parts(cuts)
    found = np.zeros((len(material.documents), len(Count)), np.int64)
    found[:, Count.CHARACTERS] = material.characters
    found[:, Count.BYTES] = material.bytes
    found[:, Count.SPACED_WORDS] = material.spaced_words
    found[:, Count.WORDS] = material.per_document(np.ones_like(parts))
    found[:, Count.TOKENS] = cuts.ids.lengths
    found[:, Count.PARTS] = material.per_document(parts)
    found[:, Count.CUT_WORDS] = material.per_document((parts > 1).astype(np.int64))
    stable = stabilities(tokenizer, misread.texts, misread.alignment)
    for document, one in zip(misread.documents.tolist(), stable, strict=True):
        found[document, Count.CLEAN_TOKENS :] = astuple(one)
    return found, len(np.flatnonzero(np.bincount(cuts.ids.values, minlength=1)))


def _results(
    names: Iterable[str], counts: list[NDArray[np.int64]], used: list[int], options: Options
) -> dict[str, Result]:
    """All tokenizers of a corpus: the same resamples of its documents for each."""
    rows = np.concatenate(counts, axis=1)
    resampled = resampled_sums(rows, options.resamples, options.seed)
    parts = np.split(resampled, len(counts), axis=1)
    return {
        name: Result(own.sum(0).astype(np.float64), part, ids)
        for name, own, part, ids in zip(names, counts, parts, used, strict=True)
    }
