"""``tokenkit compare``."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokenkit.cli.arguments import Kind, Separator, TextField, kind, unescaped
from tokenkit.cli.texts import Texts

if TYPE_CHECKING:
    from tokenkit.corpus.records import ReadOptions
    from tokenkit.domain.compare import Comparison, Progress
    from tokenkit.domain.cuts import AnyTokenizer
    from tokenkit.domain.terms import TermCounts

_SAMPLES = ("licences", "reference", "ledgers", "tables")
_SAMPLE_BYTES = 1 << 20
_SUFFIXES = (".gz", ".json", ".tokenizer", ".tiktoken", ".model", ".numbers")
_FEW = 10


def command(
    tokenizers: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]FILE[@PATTERN]...",
            help="tokenizer.json, .model, numbers, or ranks with the name of their split pattern, "
            "as o200k=o200k_base.tiktoken@o200k.",
        ),
    ],
    corpus: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATH",
            help="File, directory or glob; repeatable, also for one name. Without any, samples "
            "that every machine has.",
        ),
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Name that differences are told to; the first unless given.")
    ] = None,
    terms: Annotated[
        Path | None,
        typer.Option(
            help="Terms, one a line, FIELD and a tab before them if you like. "
            "The 20 of the KL3M paper unless given.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    noise: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of characters misread; 0 for no noise.")
    ] = 0.03,
    documents: Annotated[
        int | None, typer.Option(min=1, help="At most so many documents of each corpus, drawn.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=1, help="Of the documents, for intervals.")] = 1000,
    level: Annotated[float, typer.Option(help="Confidence of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Of resamples, noise and draws.")] = 0,
    separator: Separator = None,
    text_field: TextField = "text",
    input_format: Kind = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with charts too.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Compare tokenizers on corpora: compression, stability under OCR noise, terms of a field.

    Special tokens are not counted. Intervals are over documents, so give whole documents, and
    text that none of the tokenizers was trained on.
    """
    from tokenkit.corpus.records import ReadOptions
    from tokenkit.domain.compare import Options, compare
    from tokenkit.domain.noise import OcrNoise
    from tokenkit.domain.terms import PAPER_TERMS, count_terms, read_terms

    if not 0.0 < level < 1.0:
        raise typer.BadParameter(f"{level}: it is between 0 and 1", param_hint="--level")
    loaded = _tokenizers(tokenizers)
    base = against or next(iter(loaded))
    if base not in loaded:
        raise typer.BadParameter(f"{base!r}: it is {', '.join(loaded)}", param_hint="--against")
    counted = count_terms(loaded, read_terms(terms) if terms else PAPER_TERMS)
    cut = None if separator is None else unescaped(separator)
    options = ReadOptions(cut, text_field, kind=kind(input_format))
    material, left_out = _corpora(corpus, options) if corpus else (_samples(), 0)
    chosen = {name: _drawn(texts, documents, seed) for name, texts in material.items()}
    channel = OcrNoise(noise) if noise else None
    with _bar() as progress:
        asked = Options(resamples, level, channel, seed=seed)
        found = compare(loaded, chosen, asked, progress=progress)
    _print(found, counted, base, as_json=as_json, html=html)
    for name, count in found.documents.items():
        if count < _FEW:
            _tell(f"{name} has {count} documents: intervals mean little; see --separator")
    if left_out:
        _tell(f"{left_out} records or inputs were left out")
        raise typer.Exit(3)


def _print(
    found: "Comparison", terms: "TermCounts", against: str, *, as_json: bool, html: Path | None
) -> None:
    if html:
        from tokenkit.domain.compare_page import as_html

        html.write_text(as_html(found, terms, against), encoding="utf-8")
    if as_json:
        from tokenkit.domain.compare_json import as_json as plain

        print(json.dumps(plain(found, terms, against), ensure_ascii=False))
        return
    from tokenkit.cli.compare_view import show

    show(found, terms, against)
    if html:
        print(f"{html}: the same with charts")


def _tell(message: str) -> None:
    print(f"tokenkit: {message}", file=sys.stderr)


def _tokenizers(given: list[str]) -> dict[str, "AnyTokenizer"]:
    from tokenkit.text.formats.tiktoken import NAMED_PATTERNS

    found: dict[str, AnyTokenizer] = {}
    for entry in given:
        name, path, pattern = "", entry, None
        if not Path(path).is_file() and "=" in path:
            name, _, path = path.partition("=")
        if not Path(path).is_file() and "@" in path:
            path, _, pattern = path.rpartition("@")
            if pattern not in NAMED_PATTERNS:
                raise typer.BadParameter(f"{pattern!r}: a pattern is {', '.join(NAMED_PATTERNS)}")
        if not Path(path).is_file():
            raise typer.BadParameter(f"no such file: {path}")
        name = name or _name(Path(path))
        if name in found:
            raise typer.BadParameter(f"two tokenizers are called {name!r}: give NAME={path}")
        found[name] = _load(Path(path), pattern)
    return found


def _name(path: Path) -> str:
    """The file's name without suffixes; the folder's for a plain tokenizer.json."""
    name = path.name
    while (suffix := Path(name).suffix) in _SUFFIXES:
        name = name.removesuffix(suffix)
    return path.resolve().parent.name if name == "tokenizer" else name


def _load(path: Path, pattern: str | None) -> "AnyTokenizer":
    from tokenkit.numbers import NumericTokenizer
    from tokenkit.text import Tokenizer
    from tokenkit.text.loading import unzipped

    if NumericTokenizer.looks_like(unzipped(path.read_bytes())):
        return NumericTokenizer.from_file(path)
    return Tokenizer.from_file(path, pattern=pattern)


def _corpora(given: list[str], options: "ReadOptions") -> tuple[dict[str, list[str]], int]:
    """The documents of each corpus, and how many records or inputs could not be read."""
    found: dict[str, list[str]] = {}
    left_out = 0
    for entry in given:
        name, _, path = entry.partition("=")
        if not name or not path:
            raise typer.BadParameter(f"{entry!r}: it is NAME=PATH", param_hint="--corpus")
        texts = Texts([path], options)
        found.setdefault(name, []).extend(text.decode("utf-8", "replace") for text in texts)
        left_out += texts.problems
    return found, left_out


def _samples() -> dict[str, list[str]]:
    """What every machine has, a megabyte of each."""
    from corpora import SAMPLES

    found: dict[str, list[str]] = {}
    for sample in SAMPLES:
        if sample.name not in _SAMPLES:
            continue
        size, texts = 0, found.setdefault(sample.name, [])
        for document in sample.documents():
            texts.append(document.text)
            size += len(document.text)
            if size >= _SAMPLE_BYTES:
                break
    return found


def _drawn(texts: list[str], most: int | None, seed: int) -> list[str]:
    """At most so many of the texts, in their order."""
    if most is None or len(texts) <= most:
        return texts
    from random import Random

    return [texts[i] for i in sorted(Random(seed).sample(range(len(texts)), most))]


@contextmanager
def _bar() -> Iterator["Progress | None"]:
    """A progress bar; nothing where nobody looks at it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("comparing"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
