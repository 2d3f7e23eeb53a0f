"""The page shows every finding with its examples, of one tokenizer and of several."""

import html
import re

from tests.samples import trained
from tests.tokenkit.audit import broken
from tokenkit.audit import audit, audit_added_tokens
from tokenkit.audit.report import as_html, defects_chart

CHECKS = ["shadowed", "missing_bytes", "twins"]
BAD = audit(broken.with_added(" "), name="bad", checks=CHECKS)
GOOD = audit(trained(), name="<good>", checks=CHECKS)


def plain(page):
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


def test_one():
    page = plain(as_html([BAD]))
    for finding in BAD.findings:
        assert finding.title in page
    for example in BAD["shadowed"].examples:
        assert example.note in page
    assert "error: shadowed" in page
    assert "missing_bytes: " not in page  # nothing to tell but that it is well
    assert "Overview" not in page


def test_several_side_by_side():
    written = as_html([GOOD, BAD, audit_added_tokens([], name="alone")])
    page = plain(written)
    assert "<good>" in page
    assert "&lt;good&gt;" in written
    overview = page[page.index("Overview") :]
    assert overview.index("shadowed") < overview.index("missing_bytes")  # errors first
    assert f"{BAD['shadowed'].count:,} (error)" in overview
    assert "–" in overview  # what was not checked


def test_chart():
    drawn = defects_chart([GOOD, BAD], ["shadowed", "twins"], title="Defects")
    assert "<svg" in drawn
    assert "Defects" in drawn
    assert f"{100 * BAD['shadowed'].count / BAD.vocab_size:.2f}" in drawn
