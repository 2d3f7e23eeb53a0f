"""``tokenkit patch``."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from tokenkit.cli.arguments import (
    OptionalTokenizerFile,
    Pattern,
    Special,
    load,
    without_numbers,
)
from tokenkit.cli.patching import (
    MaxPatchLength,
    PatcherName,
    Rise,
    SnapUtf8,
    Threshold,
    patcher_of,
)


def command(
    text: Annotated[str | None, typer.Argument(help="The text; standard input if none.")] = None,
    patcher: PatcherName = "word",
    max_patch_length: MaxPatchLength = None,
    snap_utf8: SnapUtf8 = False,
    threshold: Threshold = None,
    rise: Rise = None,
    tokenizer: OptionalTokenizerFile = None,
    pattern: Pattern = None,
    special: Special = None,
    html: Annotated[Path | None, typer.Option(help="Write a page instead.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One line of JSON: starts, and lengths in short.")
    ] = False,
) -> None:
    """Show how a text is cut into patches, in colour."""
    import numpy as np

    from tokenkit.cli.colours import as_html, as_terminal

    tok = None if tokenizer is None else without_numbers(load(tokenizer, pattern, special))
    cut = patcher_of(patcher or "word", tok, max_patch_length, snap_utf8, threshold, rise)
    content = sys.stdin.buffer.read() if text is None else text.encode("utf-8", "surrogateescape")
    row = cut.patch_batch([content])
    if as_json:
        lengths = np.diff(row.offsets)
        facts = {
            "bytes": len(content),
            "patches": len(lengths),
            "mean": round(len(content) / max(len(lengths), 1), 3),
            "p99": int(np.quantile(lengths, 0.99, method="higher")) if len(lengths) else 0,
            "longest": int(lengths.max(initial=0)),
            "starts": row.offsets[:-1].tolist(),
        }
        print(json.dumps(facts))
        return
    patches = [(start, raw.tobytes()) for start, raw in zip(row.offsets, row[0], strict=False)]
    shown = content.decode("utf-8", "replace")
    if html:
        html.write_text(as_html(shown, patches, "patch", "patches"), encoding="utf-8")
        print(f"{html}: {len(patches)} patches")
    else:
        as_terminal(shown, patches, ids=False, one="patch", many="patches")
