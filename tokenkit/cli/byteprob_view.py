"""Byte distributions, covers and scores on a terminal."""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from byteprob import END, Bits, ByteDist, ByteModel, Cover, Score
from tokenkit.cli.bars import bar
from tokenkit.cli.colours import TERMINAL

_ROOM = 36
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


def show_covers(
    console: Console, model: ByteModel, covers: Sequence[Cover], most: int, chosen: str = ""
) -> None:
    """The likeliest covers, as the tree that they are; the prompt ends at ``·``."""
    console.print(f"[bold]covers[/], {len(covers):,}; the prompt ends at ·{chosen}")
    root = _Node()
    for cover in covers[:most]:
        root.add(pieces(model, cover), math.exp(cover.log_prob))
    tree = Tree(Text("", "dim"), guide_style="dim", hide_root=True)
    for child in root.children.values():
        child.grow(tree, console.is_terminal, 0)
    console.print(tree, soft_wrap=True)
    if len(covers) > most:
        rest = sum(math.exp(cover.log_prob) for cover in covers[most:])
        console.print(f"{rest:.4f} {len(covers) - most:,} more", style="dim")


def pieces(model: ByteModel, cover: Cover) -> Pieces:
    """The tokens of a cover."""
    tokens = [model.reading.vocabulary.token(id_) for id_ in cover.ids]
    beyond = len(cover.surplus)
    return [
        (token[: len(token) - beyond], token[len(token) - beyond :])
        if i == len(tokens)
        else (token, b"")
        for i, token in enumerate(tokens, 1)
    ]


@dataclass
class _Node:
    """Covers that begin with the same tokens: ``run`` of them, since those before differ."""

    run: tuple[tuple[bytes, bytes], ...] = ()
    mass: float = 0.0
    children: "dict[tuple[bytes, bytes], _Node]" = field(default_factory=dict)
    is_cover: bool = False

    def add(self, found: Pieces, mass: float) -> None:
        self.mass += mass
        if not found:
            self.is_cover = True
            return
        child = self.children.setdefault(found[0], _Node((found[0],)))
        child.add(found[1:], mass)

    def grow(self, tree: Tree, is_terminal: bool, depth: int) -> None:
        """Add this and what is below, with tokens that have no alternative in one line."""
        node = self
        while len(node.children) == 1 and not node.is_cover:
            (only,) = node.children.values()
            node = _Node((*node.run, *only.run), node.mass, only.children, only.is_cover)
        label = Text(f"{node.mass:.4f} ").append_text(
            _tokens(node.run, is_terminal, depth, ends=node.is_cover)
        )
        branch = tree.add(label)
        for child in node.children.values():
            child.grow(branch, is_terminal, depth + len(node.run))


def _tokens(found: Pieces, is_terminal: bool, depth: int = 0, *, ends: bool = True) -> Text:
    """Tokens in turning colours, or with bars between them where there are none."""
    text = Text()
    for i, (within, beyond) in enumerate(found):
        style = f"white {TERMINAL[(depth + i) % len(TERMINAL)]}"
        if not is_terminal and depth + i:
            text.append("|")
        text.append(_one_line(within), style)
        if ends and i == len(found) - 1:
            text.append("·", "bold")
            text.append(_one_line(beyond), f"{style} italic")
    return text


def _one_line(raw: bytes) -> str:
    return "".join(_BREAKS.get(c, c) for c in as_text(raw))


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
        table.add_row(name, f"{logs:.4f}", f"{-logs / math.log(2) / max(score.size, 1):.4f}")
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
    table.add_row("[bold]a byte[/]", f"[bold]{bits.per_byte:.4f}[/]")
    table.add_row("a byte, without ends", f"{bits.open:.4f}")
    table.add_row("a byte, without ends and first tokens", f"{bits.shifted:.4f}")
    table.add_row("a character", f"{bits.per_character:.4f}")
    table.add_row("a token, without ends", f"{bits.per_token:.4f}")
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
        table.add_row(Text(name), f"{chained:.4f}", "" if whole is None else f"{whole:.4f}")
    ahead = Table("next", *map(escape, dists), box=None)
    for symbol in symbols:
        probs = (f"{dist.probs[symbol]:.4f}" for dist in dists.values())
        ahead.add_row(Text(symbol_name(symbol), "bold"), *probs)
    for each in (table, ahead):
        for column in each.columns[1:]:
            column.justify = "right"
        console.print(each)
