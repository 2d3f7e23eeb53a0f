"""Tokens shown in colours, on a terminal and as a page."""

import html
from collections.abc import Sequence

TERMINAL = ("on #264653", "on #6d3b47", "on #2f5d3a", "on #5b4a1e", "on #433878")
_PAGE = ("#cfe8ef", "#f6d3d8", "#d5ecd4", "#f5e6bd", "#ddd6f3")

Tokens = Sequence[tuple[int, bytes]]


def visible(raw: bytes) -> str:
    """A token's bytes as text: control characters and incomplete UTF-8 made visible."""
    text = raw.decode("utf-8", "backslashreplace")
    return text.replace("\n", "⏎\n").replace("\t", "⇥\t").replace("\r", "␍")


def as_terminal(
    text: str, tokens: Tokens, ids: bool, one: str = "token", many: str = "tokens"
) -> None:
    """Print the tokens, or what ``one`` and ``many`` of them are called; where there is no colour,
    with a bar between them."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    line = Text()
    for i, (id_, raw) in enumerate(tokens):
        if i and not console.is_terminal:
            line.append("|")
        line.append(visible(raw), style=f"white {TERMINAL[i % len(TERMINAL)]}")
        if ids:
            line.append(f"{id_}", style="dim")
    console.print(line, soft_wrap=True)
    console.print(_facts(text, tokens, one, many))


def _facts(text: str, tokens: Tokens, one: str, many: str) -> str:
    ratio = len(text.encode()) / max(len(tokens), 1)
    return f"{len(tokens)} {many}, {len(text)} characters, {ratio:.2f} bytes a {one}"


def as_html(text: str, tokens: Tokens, one: str = "token", many: str = "tokens") -> str:
    """One self-contained page; the id shows when the pointer rests on a token."""
    spans = "".join(
        f'<span style="background:{_PAGE[i % len(_PAGE)]}" title="{id_}">'
        f"{html.escape(visible(raw))}</span>"
        for i, (id_, raw) in enumerate(tokens)
    )
    return (
        "<!doctype html><meta charset=utf-8><title>"
        f"{many}</title>"
        "<style>body{font:16px/1.7 ui-monospace,monospace;max-width:60em;margin:2em auto;"
        "padding:0 1em;color:#222;background:#fff}p{white-space:pre-wrap;word-break:break-word}"
        "span{border-radius:3px;padding:1px 0}footer{color:#666;font-size:14px}</style>"
        f"<p>{spans}</p><footer>{_facts(text, tokens, one, many)}</footer>\n"
    )
