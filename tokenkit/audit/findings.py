"""What an audit says: findings with evidence, and what to do about them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tokenkit.errors import AuditError

Severity = Literal["ok", "note", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("ok", "note", "warning", "error")
"""From nothing found to text lost or vocabulary wasted."""
MOST_EXAMPLES = 12


@dataclass(frozen=True)
class Example:
    """One case: an id where it is about a token, its spelling, and what happens to it."""

    id: int | None
    spelling: str
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """The outcome of one check; ``count`` is 0 and ``severity`` "ok" where nothing was found."""

    check: str
    severity: Severity
    count: int
    title: str
    """What was found, in a line."""
    why: str
    """What it does to a model or a text."""
    advice: str
    """What to do."""
    examples: tuple[Example, ...] = ()
    ids: tuple[int, ...] = ()
    """All token ids concerned, where the check is about tokens that are wrong."""
    facts: Mapping[str, float | int | str] = field(default_factory=dict)
    """Further figures by name."""


@dataclass(frozen=True)
class Audit:
    """All findings about one tokenizer, the gravest first."""

    name: str
    vocab_size: int
    engine: str
    fingerprint: str
    findings: tuple[Finding, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Check to the time it took."""

    def __getitem__(self, check: str) -> Finding:
        for finding in self.findings:
            if finding.check == check:
                return finding
        raise AuditError(f"no check {check!r} in this audit; it has {', '.join(self.checks)}")

    @property
    def checks(self) -> tuple[str, ...]:
        """Names of the checks that were made."""
        return tuple(finding.check for finding in self.findings)

    @property
    def worst(self) -> Severity:
        """The gravest severity."""
        return max((f.severity for f in self.findings), key=SEVERITIES.index, default="ok")

    def failures(self, fail_on: Iterable[str]) -> tuple[Finding, ...]:
        """The findings that one should fail on.

        ``fail_on``: severities, each meaning itself and what is graver, and names of checks, each
        meaning any finding of it. Raises AuditError for a name that is neither.
        """
        wanted = tuple(fail_on)
        unknown = set(wanted) - set(SEVERITIES[1:]) - set(self.checks)
        if unknown:
            raise AuditError(
                f"{min(unknown)!r} is no severity ({', '.join(SEVERITIES[1:])}) and no check "
                f"({', '.join(self.checks)})"
            )
        return tuple(finding for finding in self.findings if _fails(finding, wanted))

    def to_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`."""
        return asdict(self)


def _fails(finding: Finding, wanted: Collection[str]) -> bool:
    if finding.severity == "ok":
        return False
    reached = SEVERITIES[1 : SEVERITIES.index(finding.severity) + 1]
    return finding.check in wanted or any(severity in wanted for severity in reached)


def by_gravity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The gravest first; of equal ones in the order given."""
    return tuple(sorted(findings, key=lambda found: -SEVERITIES.index(found.severity)))


def shown(token: bytes | str) -> str:
    """A token in quotes, with all that does not print as escapes."""
    text = token if isinstance(token, str) else token.decode("utf-8", "backslashreplace")
    return "“" + "".join(c if c.isprintable() else repr(c)[1:-1] for c in text) + "”"
