"""Timing of contenders side by side in one process, and the table they end in."""

import gc
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
US = "tokenkit"
SLOW = 1.0


@dataclass(frozen=True)
class Contender:
    """``new()`` makes fresh objects, untimed; ``run(objects)`` is timed and returns a count.

    The count (tokens, usually) must be the same for all contenders that claim equal output.
    """

    name: str
    new: Callable[[], Any]
    run: Callable[[Any], int]


@dataclass(frozen=True)
class Row:
    """One contender's medians in one setting; ``ratio`` is ours over theirs, per repeat."""

    setting: str
    name: str
    cold: float
    warm: float
    cold_ratio: float
    warm_ratio: float
    count: int
    error: str = ""


def _timed(run: Callable[[Any], int], subject: Any) -> tuple[float, int]:
    gc.collect()
    start = time.perf_counter()
    count = run(subject)
    return time.perf_counter() - start, count


def race(
    setting: str, contenders: Sequence[Contender], size: int, repeats: int = 5, unit: float = 1e6
) -> list[Row]:
    """Run the contenders in turn ``repeats`` times; speeds are ``size / unit`` per second.

    Cold is a fresh object's first pass; warm is the same object's second pass. A contender that
    fails is kept as a row with its error; one that took more than `SLOW` seconds runs no more.
    """
    print(setting, file=sys.stderr)
    times: dict[str, list[tuple[float, float]]] = {}
    counts: dict[str, int] = {}
    errors: dict[str, str] = {}
    for repeat in range(repeats):
        turn = repeat % len(contenders)
        for contender in [*contenders[turn:], *contenders[:turn]]:
            slow = max(times.get(contender.name, [(0.0, 0.0)])[0]) > SLOW
            if slow or contender.name in errors:
                continue
            try:
                subject = contender.new()
                cold, counts[contender.name] = _timed(contender.run, subject)
                warm, _ = _timed(contender.run, subject)
            except Exception as error:  # a peer's failure is a result, not ours to hide
                errors[contender.name] = f"{type(error).__name__}: {error}"[:200]
                continue
            times.setdefault(contender.name, []).append((cold, warm))
    ours = times.get(US) or next(iter(times.values()))
    return [
        _row(setting, c.name, times.get(c.name, []), ours, size / unit, counts, errors)
        for c in contenders
    ]


def _row(
    setting: str,
    name: str,
    theirs: list[tuple[float, float]],
    ours: list[tuple[float, float]],
    amount: float,
    counts: dict[str, int],
    errors: dict[str, str],
) -> Row:
    if name in errors:
        return Row(setting, name, 0.0, 0.0, 0.0, 0.0, 0, errors[name])
    pairs = list(zip(theirs, ours, strict=False))
    return Row(
        setting,
        name,
        cold=amount / statistics.median(cold for cold, _ in theirs),
        warm=amount / statistics.median(warm for _, warm in theirs),
        cold_ratio=statistics.median(their[0] / our[0] for their, our in pairs),
        warm_ratio=statistics.median(their[1] / our[1] for their, our in pairs),
        count=counts[name],
    )


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if "model name" in line), model)
    return {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version()}


def versions(*packages: str) -> dict[str, str]:
    """Installed versions of the peers."""
    from importlib import metadata

    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def report(name: str, title: str, rows: Sequence[Row], notes: dict[str, Any] | None = None) -> None:
    """Print the rows as a table and keep them as ``results/<name>.json``."""
    table = Table(title=title)
    for heading in ("setting", "contender", "cold", "warm", "ours/cold", "ours/warm", "count"):
        justify = "left" if heading in ("setting", "contender") else "right"
        table.add_column(heading, justify=justify)
    for row in rows:
        if row.error:
            table.add_row(row.setting, row.name, row.error)
            continue
        numbers = (f"{row.cold:.1f}", f"{row.warm:.1f}", f"{row.cold_ratio:.2f}x")
        table.add_row(row.setting, row.name, *numbers, f"{row.warm_ratio:.2f}x", f"{row.count:,}")
    Console(width=120).print(table)
    save(name, title, [asdict(row) for row in rows], notes)


def show(title: str, rows: list[dict[str, Any]], digits: int) -> None:
    """Print rows that all have the same columns, floats with so many digits behind the point."""
    table = Table(title=title)
    for heading in rows[0]:
        table.add_column(heading)
    for row in rows:
        cells = (f"{v:.{digits}f}" if isinstance(v, float) else str(v) for v in row.values())
        table.add_row(*cells)
    Console(width=200).print(table)


def save(name: str, title: str, rows: list[dict[str, Any]], notes: dict[str, Any] | None) -> None:
    """Write one table's JSON, rounded so that a diff is readable."""
    RESULTS.mkdir(exist_ok=True)
    rounded = [
        {key: round(v, 4) if isinstance(v, float) else v for key, v in row.items()} for row in rows
    ]
    content = {"title": title, "machine": machine(), "notes": notes or {}, "rows": rounded}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
