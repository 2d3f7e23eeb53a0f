"""``tokenkit audit``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokenkit.cli.arguments import Pattern, Special, load, without_numbers

if TYPE_CHECKING:
    from tokenkit.audit import Audit, Finding

_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan", "ok": "green"}


def command(
    path: Annotated[
        Path,
        typer.Argument(
            help="A tokenizer, or a tokenizer_config.json for its added tokens; gzip allowed.",
            exists=True,
            dir_okay=False,
        ),
    ],
    fail_on: Annotated[
        str,
        typer.Option(
            help="Exit with 1 on these: error, warning, note, names of checks; by commas."
        ),
    ] = "",
    check: Annotated[list[str] | None, typer.Option(help="Only this check; repeatable.")] = None,
    examples: Annotated[int, typer.Option(help="Examples to show for each finding.", min=0)] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every id.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with examples too.")] = None,
    pattern: Pattern = None,
    special: Special = None,
) -> None:
    """Say what is wrong with a tokenizer."""
    from tokenkit.audit import CHECKS

    unknown = set(check or ()) - CHECKS.keys()
    if unknown:
        raise typer.BadParameter(
            f"{min(unknown)!r}: it is {', '.join(CHECKS)}", param_hint="--check"
        )
    found = _audit(path, check, pattern, special)
    wanted = [name.strip() for name in fail_on.split(",") if name.strip()]
    failures = _failures(found, wanted)
    if html:
        from tokenkit.audit.report import as_html

        html.write_text(as_html([found]), encoding="utf-8")
    if as_json:
        print(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        _print(found, examples)
    if failures:
        typer.echo(f"failed on {', '.join(f.check for f in failures)}", err=True)
        raise typer.Exit(1)


def _audit(
    path: Path, checks: list[str] | None, pattern: str | None, special: list[str] | None
) -> "Audit":
    from tokenkit.audit import added_tokens_of, audit, audit_added_tokens

    added = added_tokens_of(path)
    if added is not None:
        return audit_added_tokens(added, name=path.name)
    return audit(without_numbers(load(path, pattern, special)), name=path.name, checks=checks)


def _failures(found: "Audit", wanted: list[str]) -> "tuple[Finding, ...]":
    from tokenkit.errors import AuditError

    try:
        return found.failures(wanted)
    except AuditError as error:
        raise typer.BadParameter(str(error), param_hint="--fail-on") from None


def _print(found: "Audit", examples: int) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(found.name, "bold"), f"{found.vocab_size:,} tokens, engine: {found.engine}")
    for finding in found.findings:
        line = Text(f"{finding.severity:<8}", _STYLES[finding.severity])
        console.print(line.append(f"{finding.check:<22}", "bold").append(finding.title, "default"))
        if finding.severity == "ok":
            continue
        for example in finding.examples[:examples]:
            id_ = "" if example.id is None else f"{example.id} "
            console.print(Text(f"{'':<10}{id_}{example.spelling}  {example.note}".rstrip(), "dim"))
        if finding.severity in ("error", "warning"):
            console.print(Text(f"{'':<8}{finding.why}"))
            console.print(Text(f"{'':<8}→ {finding.advice}"))
