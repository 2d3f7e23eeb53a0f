"""A comparison as one HTML page with charts. Needs the extra ``report``."""

from collections.abc import Sequence
from math import isnan

from tokenkit.domain.bootstrap import Estimate
from tokenkit.domain.compare import Comparison
from tokenkit.domain.figures import figure, interval, percent
from tokenkit.domain.measures import (
    COMPRESSION,
    FERTILITY,
    NOISE,
    TOKENS_PER_CHARACTER,
    Count,
    Measure,
)
from tokenkit.domain.terms import TermCounts
from tokenkit.report import Section, Table, bar_chart, page

MEAN = "mean of corpora"


def as_html(comparison: Comparison, terms: TermCounts, against: str) -> str:
    """The page. ``against``: the tokenizer that differences are told to.

    Raises MissingExtraError without matplotlib and jinja2.
    """
    options = comparison.options
    lead = (
        f"{len(comparison.vocab_sizes)} tokenizers on {len(comparison.results)} corpora; no "
        f"special tokens are counted. Intervals hold {options.level:.0%} of {options.resamples:,} "
        f"resamples of the documents. Differences are to {against}, on the same resamples."
    )
    sections = [_charts(comparison, "Compression", (TOKENS_PER_CHARACTER, FERTILITY))]
    if options.noise:
        rate = f"{options.noise.rate:.1%} of the characters are misread, with seed {options.seed}."
        sections.append(_charts(comparison, "Under OCR noise", NOISE, rate))
    tables = [
        _table(comparison, measure, against)
        for measure in (*COMPRESSION, *NOISE)
        if comparison.knows(measure)
    ]
    sections += [_terms(terms), Section("All figures", "", tables)]
    sections += [_vocabularies(comparison), _corpora(comparison)]
    return page("Tokenizers compared", lead, sections)


def chart(comparison: Comparison, measure: Measure) -> str:
    """Bars of a measure for each corpus and the mean over them, with intervals; SVG text.

    Of a measure with an ideal, how much is missing. Raises ValueError where there is no value.
    """
    bars: dict[str, dict[str, float]] = {}
    ends: dict[str, dict[str, tuple[float, float]]] = {}
    for corpus in _corpora_and_mean(comparison):
        for name in comparison.vocab_sizes:
            one = _missing(measure, comparison.estimate(measure, corpus, name))
            if not isnan(one.value):
                bars.setdefault(corpus or MEAN, {})[name] = one.value
                known = (one.value, one.value) if isnan(one.low) else (one.low, one.high)
                ends.setdefault(corpus or MEAN, {})[name] = known
    title = measure.title[0].upper() + measure.title[1:]
    return bar_chart(bars, title=title, y_label=_axis(measure), errors=ends, digits=3)


def _missing(measure: Measure, one: Estimate) -> Estimate:
    """The distance to the ideal, where there is one."""
    if measure.ideal is None:
        return one
    if measure.more:
        return Estimate(
            measure.ideal - one.value, measure.ideal - one.high, measure.ideal - one.low
        )
    return Estimate(one.value - measure.ideal, one.low - measure.ideal, one.high - measure.ideal)


def _axis(measure: Measure) -> str:
    if measure.ideal is None:
        return f"{measure.title} ({'more' if measure.more else 'less'} is better)"
    sides = (f"{measure.ideal:g}", measure.title)
    return f"{' − '.join(sides if measure.more else sides[::-1])} (less is better)"


def _charts(
    comparison: Comparison, heading: str, measures: Sequence[Measure], text: str = ""
) -> Section:
    known = [measure for measure in measures if comparison.knows(measure)]
    return Section(heading, text, figures=[chart(comparison, measure) for measure in known])


def _table(comparison: Comparison, measure: Measure, against: str) -> Table:
    rows: list[list[str]] = []
    for corpus in _corpora_and_mean(comparison):
        for name in comparison.vocab_sizes:
            value = comparison.estimate(measure, corpus, name)
            more = comparison.difference(measure, corpus, name, against)
            cells = [figure(value.value), interval(value)]
            cells += ["", ""] if name == against else [percent(more.value), interval(more, percent)]
            rows.append([corpus or MEAN, name, *cells])
    header = ["corpus", "tokenizer", measure.title, "interval", f"to {against}", "interval"]
    return Table(header, rows, f"{measure.title}: {measure.meaning}")


def _terms(terms: TermCounts) -> Section:
    names = list(terms.counts)
    rows = []
    for field, own in terms.terms.items():
        for i, term in enumerate(own):
            rows.append([field, term, *(str(terms.counts[name][field][i]) for name in names)])
        rows.append([field, "mean", *(f"{terms.mean(name, field):.2f}" for name in names)])
    text = "Tokens that a term takes, standing alone, without special tokens."
    return Section("Terms", text, [Table(["field", "term", *names], rows)])


def _vocabularies(comparison: Comparison) -> Section:
    rows = [
        [corpus, name, f"{size:,}", f"{found[name].used:,}", f"{found[name].used / size:.1%}"]
        for corpus, found in comparison.results.items()
        for name, size in comparison.vocab_sizes.items()
    ]
    header = ["corpus", "tokenizer", "ids", "ids that occur", "share"]
    return Section("Use of the vocabulary", "", [Table(header, rows)])


def _corpora(comparison: Comparison) -> Section:
    rows = []
    for corpus, found in comparison.results.items():
        sums = next(iter(found.values())).sums
        counts = (Count.CHARACTERS, Count.BYTES, Count.SPACED_WORDS)
        cells = (f"{int(sums[count]):,}" for count in counts)
        rows.append([corpus, f"{comparison.documents[corpus]:,}", *cells])
    return Section(
        "Corpora", "", [Table(["corpus", "documents", "characters", "bytes", "words"], rows)]
    )


def _corpora_and_mean(comparison: Comparison) -> list[str | None]:
    """A mean over one corpus would be that corpus."""
    return [*comparison.results, *([None] if len(comparison.results) > 1 else [])]
