"""Severities, what to fail on, and how tokens are shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenkit.audit import SEVERITIES, Audit, Finding
from tokenkit.audit.findings import by_gravity, shown
from tokenkit.errors import AuditError


def finding(check, severity):
    return Finding(check, severity, int(severity != "ok"), "title", "why", "advice")


REPORT = Audit("x", 1, "kernels", "", tuple(finding(s + "_check", s) for s in SEVERITIES))


@pytest.mark.parametrize(
    ("fail_on", "expected"),
    [
        ([], []),
        (["error"], ["error"]),
        (["warning"], ["warning", "error"]),
        (["note"], ["note", "warning", "error"]),
        (["note_check"], ["note"]),
        (["ok_check"], []),
        (["error", "note_check"], ["note", "error"]),
    ],
)
def test_failures(fail_on, expected):
    assert [f.severity for f in REPORT.failures(fail_on)] == expected


@pytest.mark.parametrize("name", ["ok", "errors", "", "nonsense"])
def test_what_there_is_not_cannot_be_failed_on(name):
    with pytest.raises(AuditError, match="is no severity"):
        REPORT.failures([name])
    with pytest.raises(AuditError, match="no check"):
        REPORT[name]


def test_order_and_worst():
    ordered = by_gravity(REPORT.findings)
    assert [f.severity for f in ordered] == list(reversed(SEVERITIES))
    assert REPORT.worst == "error"
    assert Audit("x", 0, "", "", ()).worst == "ok"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (b" the", "“ the”"),
        (b"\n\x18", "“\\n\\x18”"),
        (b"\xe4\xb8", "“\\xe4\\xb8”"),
        ("日\u200b", "“日\\u200b”"),
        ("\ud800", "“\\ud800”"),
    ],
)
def test_shown(token, expected):
    assert shown(token) == expected


@given(st.binary() | st.text(st.characters()))
def test_anything_is_shown_printably(token):
    assert shown(token).isprintable()
