"""An audit as a page. Needs the extra ``report``."""

from collections.abc import Sequence

from tokenkit.audit.findings import Audit, Finding, by_gravity
from tokenkit.report import Section, Table, bar_chart, page


def as_html(audits: Sequence[Audit]) -> str:
    """One self-contained page about one tokenizer or several side by side.

    Raises MissingExtraError without the packages of the extra ``report``.
    """
    names = ", ".join(found.name for found in audits)
    sections = [_overview(audits)] if len(audits) > 1 else []
    for found in audits:
        sections += _sections(found, found.name if len(audits) > 1 else "")
    lead = "What is wrong with a tokenizer, the gravest first. A check says what was tried."
    return page(f"Audit of {names}", lead, sections)


def _overview(audits: Sequence[Audit]) -> Section:
    every = (finding for found in audits for finding in found.findings)
    checks = list(dict.fromkeys(finding.check for finding in by_gravity(every)))
    rows = [[check, *(_cell(found, check) for found in audits)] for check in checks]
    return Section("Overview", tables=(Table(["check", *(a.name for a in audits)], rows),))


def _cell(found: Audit, check: str) -> str:
    if check not in found.checks:
        return "–"
    return f"{found[check].count:,} ({found[check].severity})"


def _sections(found: Audit, name: str) -> list[Section]:
    summary = Table(
        ["severity", "check", "finding"], [[f.severity, f.check, f.title] for f in found.findings]
    )
    about = f"{found.vocab_size:,} tokens; runs on {found.engine}. {found.fingerprint[:16]}"
    bad = [finding for finding in found.findings if finding.severity != "ok"]
    heads = [Section(name or "Summary", about, (summary,))]
    return heads + [_section(finding) for finding in bad]


def _section(finding: Finding) -> Section:
    tables = []
    if finding.examples:
        rows = [["" if e.id is None else str(e.id), e.spelling, e.note] for e in finding.examples]
        tables.append(Table(["id", "token or text", ""], rows))
    if finding.facts:
        tables.append(Table(["figure", ""], [[k, _figure(v)] for k, v in finding.facts.items()]))
    text = f"{finding.title}. {finding.why} {finding.advice}"
    return Section(f"{finding.severity}: {finding.check}", text, tuple(tables))


def _figure(value: float | int | str) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else value


def defects_chart(audits: Sequence[Audit], checks: Sequence[str], *, title: str) -> str:
    """Share of each vocabulary that some checks found, in percent, as SVG text."""
    groups = {
        check: {a.name: 100 * a[check].count / max(a.vocab_size, 1) for a in audits}
        for check in checks
    }
    return bar_chart(groups, title=title, y_label="% of the vocabulary")
