"""Whole documents of the three domains, some of them held out of training.

What a document is, by domain:

- legal: a section of the U.S. Code (a line that begins with ``## §`` or another heading opens
  one); behind the Code, the contracts that the file goes on with, cut where an exhibit's cover
  line stands (``EXHIBIT 10.1``), of which a fifth of the text is held out in one stretch;
- financial: the filings of one company, cut at the cover page of the Commission. All filings of a
  company go to one side, so that no name, product or boilerplate of a tested company was seen;
- government: what blank lines separate: a part of the C.F.R. with its preambles, a section or an
  act of the District of Columbia.

Of sections, companies and acts, those are held out whose name or first line has a hash that leaves
the number of the fold when divided by `ONE_IN`: no order of the file decides.
"""

import gzip
import re
import zlib
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from benchmarks.material import folder

DOMAINS = ("legal", "financial", "government")
ONE_IN = 5

_COVER = re.compile(r"UNITED STATES\s+SECURITIES AND EXCHANGE COMMISSION\s+WASHINGTON", re.I)
_TICKER = re.compile(r"^([a-z]+)-20\d{6}$", re.M)
_HEADING = re.compile(r"^#+ ", re.M)
_EXHIBIT = re.compile(r"\n\nEXHIBIT\s10\.\d+\n", re.I)
_NEAR = 400
"""Characters before a cover page within which a filing names its ticker."""


@dataclass(frozen=True)
class Split:
    """The documents to train on and those kept from it."""

    train: tuple[str, ...]
    test: tuple[str, ...]


@cache
def split(domain: str, fold: int = 0) -> Split:
    """The documents of a domain, on two sides. Each is held out in one of `ONE_IN` folds."""
    packed = (folder() / "text" / f"{domain}.txt.gz").read_bytes()
    text = gzip.decompress(packed).decode()
    named = {"legal": _legal, "financial": _financial, "government": _government}[domain](text)
    sides: tuple[list[str], list[str]] = [], []
    for name, document in named:
        sides[zlib.crc32(name.encode()) % ONE_IN == fold].append(document)
    if domain == "legal":
        train, test = _contracts(text, ONE_IN - 1 - fold)
        sides[0].extend(train)
        sides[1].extend(test)
    return Split(tuple(sides[0]), tuple(sides[1]))


def _legal(text: str) -> list[tuple[str, str]]:
    *cuts, _ = (match.start() for match in _HEADING.finditer(text))  # the last runs into contracts
    return [_by_first_line(text[a:b]) for a, b in pairwise(cuts)]


def _contracts(text: str, fifth: int) -> tuple[list[str], list[str]]:
    begin = [match.start() for match in _HEADING.finditer(text)][-1]
    cuts = [match.start() for match in _EXHIBIT.finditer(text, begin)]
    start, stop = (begin + (len(text) - begin) * n // ONE_IN for n in (fifth, fifth + 1))
    documents = list(pairwise([*cuts, len(text)]))
    return (
        [text[a:b] for a, b in documents if b <= start or a >= stop],
        [text[a:b] for a, b in documents if a >= start and b <= stop],
    )


def _financial(text: str) -> list[tuple[str, str]]:
    found = []
    covers = [match.start() for match in _COVER.finditer(text)]
    for start, stop in pairwise([*covers, len(text)]):
        tickers = _TICKER.findall(text, max(0, start - _NEAR), start)
        found.append((tickers[-1] if tickers else text[start : start + 2000], text[start:stop]))
    return found


def _government(text: str) -> list[tuple[str, str]]:
    return [_by_first_line(document) for document in text.split("\n\n") if document]


def _by_first_line(document: str) -> tuple[str, str]:
    return document[:200], document
