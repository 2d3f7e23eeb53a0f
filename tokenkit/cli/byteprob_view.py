"""Byte distributions, covers and scores on a terminal."""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import takewhile

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from byteprob import END, Bits, ByteDist, ByteModel, Cover, Score
from tokenkit.cli.bars import bar
from tokenkit.cli.colours import TERMINAL

_ROOM = 36
_MOST_TOKENS = 12
_BREAKS = {"\n": "⏎", "\t": "⇥", "\r": "␍"}

Pieces = Sequence[tuple[bytes, bytes]]
"""Tokens, each in two parts: what is within the prompt, and what goes beyond it."""


def symbol_name(symbol: int) -> str:
    """A symbol in a few visible letters; ``END`` is the end of the text."""
    if symbol == END:
        return "END"
    return "␣" if symbol == 32 else chr(symbol) if 32 < symbol < 127 else f"\\x{symbol:02x}"


def as_text(raw: bytes) -> str:
    """Bytes as they may be shown: what is no UTF-8 and what commands terminals as ``\\x..``."""
    return "".join(
        f"\\x{ord(c):02x}" if unicodedata.category(c) == "Cc" and c not in "\n\t" else c
        for c in raw.decode("utf-8", "backslashreplace")
    )


def show_next(
    model: ByteModel, exact: ByteDist, naive: ByteDist, covers: Sequence[Cover], most: int
) -> None:
    """The likeliest symbols, and the covers behind them."""
    console = Console(highlight=False)
    console.print(_title(exact))
    table = Table("next", "", "exact", "naive", box=None)
    for column in table.columns[2:]:
        column.justify = "right"
    for symbol, prob in exact.top(most):
        strip = Text(f"{bar(prob, _ROOM):<{_ROOM}}", "cyan")
        beside = Text(f"{naive.probs[symbol]:.4f}", "dim")
        table.add_row(Text(symbol_name(symbol), "bold"), strip, f"{prob:.4f}", beside)
    console.print(table)
    distance = abs(exact.probs - naive.probs).sum() / 2
    console.print(
        f"naive, by tokens behind the encoded prompt, is {distance:.4f} away", style="dim"
    )
    show_covers(console, model, covers, most)


def show_covers(console: Console, model: ByteModel, covers: Sequence[Cover], most: int) -> None:
    """The likeliest covers, as the tree that they are; the prompt ends at ``·``."""
    console.print(f"[bold]covers[/], {len(covers):,}; the prompt ends at ·")
    tree = Tree("", guide_style="dim", hide_root=True)
    shown = [(pieces(model, cover), math.exp(cover.log_prob)) for cover in covers[:most]]
    _grow(tree, shown, console.is_terminal)
    console.print(tree, soft_wrap=True)
    if len(covers) > most:
        rest = sum(math.exp(cover.log_prob) for cover in covers[most:])
        console.print(f"{rest:.4f} {len(covers) - most:,} more", style="dim")


def pieces(model: ByteModel, cover: Cover) -> Pieces:
    """The tokens of a cover."""
    if not cover.ids:
        return []
    *before, last = (model.reading.vocabulary.token(id_) for id_ in cover.ids)
    within = len(last) - len(cover.surplus)
    return [*((token, b"") for token in before), (last[:within], last[within:])]


def _grow(
    tree: Tree, covers: Sequence[tuple[Pieces, float]], is_terminal: bool, depth: int = 0
) -> None:
    """Add covers and their probabilities; what several begin with is one branch.

    ``depth``: tokens that all of them have before.
    """
    groups: dict[tuple[bytes, bytes], list[tuple[Pieces, float]]] = {}
    for found, mass in covers:
        if found:
            groups.setdefault(found[0], []).append((found, mass))
    for group in groups.values():
        columns = zip(*(found for found, _ in group), strict=False)
        run = [column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns)]
        label = Text(f"{sum(mass for _, mass in group):.4f} ")
        label.append_text(_tokens(run, is_terminal, depth, whole=len(group) == 1))
        rest = [(found[len(run) :], mass) for found, mass in group]
        _grow(tree.add(label), rest, is_terminal, depth + len(run))


def _tokens(found: Pieces, is_terminal: bool, depth: int = 0, *, whole: bool = True) -> Text:
    """Tokens in turning colours, or with bars between them where there are none; of many, the last.

    ``whole``: the last of them ends a cover.
    """
    hidden = max(0, len(found) - _MOST_TOKENS)
    text = Text("…" if hidden else "", "dim")
    for i, (within, beyond) in enumerate(found[hidden:], depth + hidden):
        style = f"white {TERMINAL[i % len(TERMINAL)]}"
        if i and not is_terminal:
            text.append("|", "default")
        text.append(_one_line(within), style)
        if whole and i == depth + len(found) - 1:
            text.append("·", "bold")
            text.append(_one_line(beyond), f"{style} italic")
    return text


def _one_line(raw: bytes) -> str:
    return "".join(_BREAKS.get(c, c) for c in as_text(raw))


def _figure(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4f}"


def _title(dist: ByteDist) -> str:
    error = f"within {dist.error:.2g}" if dist.error else "exact"
    return f"[bold]{dist.target}[/], {error}, leak {dist.leak:.4f}, {dist.entropy():.3f} bits"


def show_continuations(drawn: Mapping[str, tuple[Pieces, bytes]]) -> None:
    """By method: tokens that hold the prompt, and the bytes that follow it."""
    console = Console(highlight=False)
    width = max(map(len, drawn))
    for name, (found, rest) in drawn.items():
        line = Text(f"{name:<{width}}  ", "bold").append_text(_tokens(found, console.is_terminal))
        console.print(line.append(_one_line(rest), "default"), soft_wrap=True)


def show_samples(prompt: bytes, texts: Sequence[bytes]) -> None:
    """Continuations behind the prompt, which is dim; a line of dashes between them."""
    console = Console(highlight=False)
    for i, text in enumerate(texts):
        if i:
            console.print("---", style="dim")
        console.print(Text(as_text(prompt), "dim").append(as_text(text), "default"), soft_wrap=True)


def show_score(target: str, score: Score) -> None:
    """The two ways to count, side by side."""
    table = Table("", "log-probability", "bits a byte", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, logs in _counts(target, score).items():
        bits = -logs / math.log(2) / score.size if score.size else math.nan
        table.add_row(name, f"{logs:.4f}", _figure(bits))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{score.size:,} bytes", style="dim")


def _counts(target: str, score: Score) -> dict[str, float]:
    """What there is to tell of a score; figures that are one are told once."""
    found = {target: score.log_prob}
    if score.high != score.log_prob:
        found[f"{target}, at most"] = score.high
    if not math.isclose(score.chained, score.log_prob):
        found["chained: leaks left out"] = score.chained
    return found


def show_bits(bits: Bits) -> None:
    """What to publish, and what others call the same."""
    table = Table("bits", "", box=None)
    table.columns[1].justify = "right"
    table.add_row("[bold]a byte[/]", f"[bold]{_figure(bits.per_byte)}[/]")
    table.add_row("a byte, without ends", _figure(bits.open))
    table.add_row("a byte, without ends and first tokens", _figure(bits.shifted))
    table.add_row("a character", _figure(bits.per_character))
    table.add_row("a token, without ends", _figure(bits.per_token))
    console = Console(highlight=False)
    console.print(table)
    console.print(
        f"{len(bits):,} documents, {bits.sizes.sum():,} bytes, {bits.tokens.sum():,} tokens",
        style="dim",
    )


def show_comparison(
    bits: Mapping[str, tuple[float | None, float]],
    dists: Mapping[str, ByteDist],
    symbols: Sequence[int],
) -> None:
    """Bits a byte of each source, with and without leaks, and what each says comes next."""
    console = Console(highlight=False)
    table = Table("bits a byte", "chained", "with leaks", box=None)
    for name, (whole, chained) in bits.items():
        table.add_row(Text(name), _figure(chained), "" if whole is None else _figure(whole))
    ahead = Table("next", *map(escape, dists), box=None)
    for symbol in symbols:
        probs = (f"{dist.probs[symbol]:.4f}" for dist in dists.values())
        ahead.add_row(Text(symbol_name(symbol), "bold"), *probs)
    for each in (table, ahead):
        for column in each.columns[1:]:
            column.justify = "right"
        console.print(each)
