"""A comparison as plain data."""

from math import isnan
from typing import Any

from tokenkit.domain.bootstrap import Estimate
from tokenkit.domain.compare import Comparison
from tokenkit.domain.measures import COMPRESSION, NOISE, Count
from tokenkit.domain.terms import TermCounts

MEAN = "mean"
"""Beside the names of corpora: the mean over them."""
_OF_TEXT = (Count.CHARACTERS, Count.BYTES, Count.SPACED_WORDS, Count.WORDS)


def as_json(comparison: Comparison, terms: TermCounts, against: str) -> dict[str, Any]:
    """All that was found, as `json.dumps` takes it; null where there is no value.

    A ``difference`` is how much more a tokenizer has than ``against``, as a share.
    """
    options = comparison.options
    return {
        "corpora": {name: _corpus(comparison, name) for name in comparison.results},
        "tokenizers": {
            name: {
                "vocab_size": size,
                "used": {corpus: own[name].used for corpus, own in comparison.results.items()},
            }
            for name, size in comparison.vocab_sizes.items()
        },
        "measures": {
            measure.name: {
                corpus or MEAN: {
                    name: {
                        **_bounds(comparison.estimate(measure, corpus, name)),
                        "difference": _bounds(
                            comparison.difference(measure, corpus, name, against)
                        ),
                    }
                    for name in comparison.vocab_sizes
                }
                for corpus in (*comparison.results, None)
            }
            for measure in (*COMPRESSION, *NOISE)
        },
        "terms": {
            field: {
                term: {name: counts[field][i] for name, counts in terms.counts.items()}
                for i, term in enumerate(own)
            }
            for field, own in terms.terms.items()
        },
        "against": against,
        "level": options.level,
        "resamples": options.resamples,
        "seed": options.seed,
        "noise_rate": options.noise.rate if options.noise else None,
    }


def _corpus(comparison: Comparison, name: str) -> dict[str, int]:
    sums = next(iter(comparison.results[name].values())).sums
    counts = {count.name.lower(): int(sums[count]) for count in _OF_TEXT}
    return {"documents": comparison.documents[name], **counts}


def _bounds(estimate: Estimate) -> dict[str, float | None]:
    found = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: None if isnan(value) else value for name, value in found.items()}
