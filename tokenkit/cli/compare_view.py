"""A comparison on a terminal: bars by corpus, and tables."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tokenkit.cli.bars import bar
from tokenkit.domain.compare import Comparison
from tokenkit.domain.figures import figure, interval, percent
from tokenkit.domain.measures import (
    BOUNDARY_F1,
    BYTES_PER_TOKEN,
    CUT_WORDS,
    FERTILITY,
    INFLATION,
    TOKENS_PER_CHARACTER,
    TOKENS_PER_WORD,
)
from tokenkit.domain.terms import TermCounts

_SHORTEST, _LONGEST = 8, 40
_FIGURES = 57  # columns that the figures of a line take
_COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")
_IN_TABLE = (BYTES_PER_TOKEN, TOKENS_PER_WORD, FERTILITY, CUT_WORDS, BOUNDARY_F1, INFLATION)


def show(comparison: Comparison, terms: TermCounts, against: str) -> None:
    """Print all of it."""
    console = Console(highlight=False)
    level = comparison.options.level
    console.print(f"[bold]{TOKENS_PER_CHARACTER.title}[/], {level:.0%} interval, to {against}")
    for corpus, count in comparison.documents.items():
        console.print(f"[dim]{corpus}, {count:,} documents[/]")
        for line in _bars(comparison, corpus, against, console.width):
            console.print(line, soft_wrap=True)  # wide terminals have it in one line
    console.print(_table(comparison))
    console.print(_terms(terms))


def _bars(comparison: Comparison, corpus: str, against: str, width: int) -> Iterator[Text]:
    """A line for each tokenizer, with a bar as long as the terminal has room for."""
    measure, names = TOKENS_PER_CHARACTER, list(comparison.vocab_sizes)
    estimates = {name: comparison.estimate(measure, corpus, name) for name in names}
    longest = max(one.value for one in estimates.values())
    names_width = max(map(len, names))
    room = max(_SHORTEST, min(_LONGEST, width - names_width - _FIGURES))
    for rank, (name, one) in enumerate(estimates.items()):
        line = Text(f"  {name:<{names_width}}  ")
        line.append(f"{bar(one.value / longest, room):<{room}}", _COLOURS[rank % len(_COLOURS)])
        line.append(f"  {figure(one.value):<6}  {interval(one):<15}")
        if name != against:
            more = comparison.difference(measure, corpus, name, against)
            line.append(f"  {percent(more.value)} ({interval(more, percent)})")
        yield line


def _table(comparison: Comparison) -> Table:
    """All other measures, the mean over corpora."""
    names = list(comparison.vocab_sizes)
    several = len(comparison.results) > 1
    table = Table(title="mean of corpora" if several else next(iter(comparison.results)))
    table.add_column("measure")
    for name in names:
        table.add_column(name, justify="right")
    for measure in _IN_TABLE:
        if comparison.knows(measure):
            values = [comparison.estimate(measure, None, name).value for name in names]
            table.add_row(measure.title, *map(figure, values))
    table.add_row("ids", *(f"{comparison.vocab_sizes[name]:,}" for name in names))
    for corpus, found in comparison.results.items():
        table.add_row(f"ids used, {corpus}", *(f"{found[name].used:,}" for name in names))
    return table


def _terms(terms: TermCounts) -> Table:
    table = Table(title="tokens of terms")
    table.add_column("term")
    for name in terms.counts:
        table.add_column(name, justify="right")
    for field, own in terms.terms.items():
        for i, term in enumerate(own):
            table.add_row(Text(term), *(str(found[field][i]) for found in terms.counts.values()))
        means = (f"{terms.mean(name, field):.2f}" for name in terms.counts)
        table.add_row(f"[bold]{field}, mean[/]", *means, end_section=True)
    return table
