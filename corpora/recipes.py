"""Where large public corpora are, under what terms, and how to read them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from corpora.documents import Document
from corpora.extract import books, edgar, law, opinions, wikipedia

Extract = Callable[[Path], Iterator[Document]]


@dataclass(frozen=True)
class Recipe:
    """A corpus that `corpora.fetch` can get.

    ``extract`` reads one downloaded file; ``extraction`` says in words what it keeps. ``sha256``:
    checksums that the publisher gives, in the order of ``urls``; where there are none they are
    recorded at the first fetch and required afterwards. ``checksums``: URL of a list of SHA-1
    sums that the publisher keeps beside the files. ``headers`` go with every request; ``pause``:
    seconds between two files; ``needs_contact``: the publisher wants an address in User-Agent.
    """

    name: str
    what: str
    urls: tuple[str, ...]
    licence: str
    extraction: str
    extract: Extract
    sha256: tuple[str, ...] = ()
    checksums: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    pause: float = 1.0
    needs_contact: bool = False


_ECFR_TITLES = [title for title in range(1, 51) if title != 35]  # 35 is reserved
_EURLEX_ACTS = (
    "32016R0679", "32022R2065", "32022R1925", "32024R1689", "32013R0575", "32014R0600",
    "32006L0112", "32011L0083", "32019R0881", "32006R1907", "12016M/TXT", "12016E/TXT",
)  # fmt: skip
_GUTENBERG_BOOKS = (84, 98, 1342, 1400, 1661, 1727, 2701, 3300, 4300, 5200, 2000, 17489, 2229)
_QUARTER = "https://www.sec.gov/Archives/edgar/Feed/2024/QTR1"
_WIKI = "https://dumps.wikimedia.org/{wiki}/latest/{wiki}-latest"


def _wikipedia(wiki: str, language: str) -> Recipe:
    base = _WIKI.format(wiki=wiki)
    return Recipe(
        name=f"wikipedia-{wiki.removesuffix('wiki')}",
        what=f"Wikipedia in {language}: articles of the latest dump",
        urls=(f"{base}-pages-articles-multistream.xml.bz2",),
        licence="CC-BY-SA-4.0 and GFDL",
        extraction="articles as plain text by a modest wikitext stripper: templates, tables, "
        "references and files are dropped, not expanded",
        extract=wikipedia.articles,
        checksums=f"{base}-sha1sums.txt",
        pause=5.0,
    )


RECIPES: tuple[Recipe, ...] = (
    Recipe(
        "us-code",
        "the United States Code, all titles, one section a document",
        ("https://uscode.house.gov/download/releasepoints/us/pl/119/102/xml_uscAll@119-102.zip",),
        "public domain (17 U.S.C. 105)",
        "USLM XML to sections: number, heading, text; editorial notes and source credits dropped",
        law.us_code,
    ),
    Recipe(
        "ecfr",
        "the electronic Code of Federal Regulations, one section a document",
        tuple(
            f"https://www.govinfo.gov/bulkdata/ECFR/title-{t}/ECFR-title{t}.xml"
            for t in _ECFR_TITLES
        ),
        "public domain (17 U.S.C. 105)",
        "sections of the bulk XML: heading and paragraphs; authority and source notes dropped",
        law.ecfr,
    ),
    Recipe(
        "edgar",
        "SEC EDGAR filings of the first business days of 2024, one document a document",
        tuple(f"{_QUARTER}/202401{day:02d}.nc.tar.gz" for day in (2, 3, 4, 5)),
        "public; filings are their filers' texts, disseminated by the SEC for reuse",
        "10-K, 10-Q, 8-K, 20-F and their exhibits out of the daily feed, markup stripped",
        edgar.filings,
        pause=1.0,
        needs_contact=True,
    ),
    Recipe(
        "court-opinions",
        "opinions of U.S. courts collected by the Free Law Project (CourtListener)",
        ("https://storage.courtlistener.com/bulk-data/opinions-2026-06-30.csv.bz2",),
        "public domain (opinions); CourtListener's compilation: CC0-1.0",
        "the plain text of a row, or else its html, stripped",
        opinions.opinions,
    ),
    Recipe(
        "eur-lex",
        "acts of the European Union in English: data, digital, finance, tax, chemicals, treaties",
        tuple(
            f"https://publications.europa.eu/resource/celex/{act.replace('/', '%2F')}"
            for act in _EURLEX_ACTS
        ),
        "CC-BY-4.0 (Commission Decision 2011/833/EU)",
        "the text of the XHTML or Formex that the Publications Office serves",
        law.eur_lex,
        headers=(("Accept", "application/xhtml+xml, text/html"), ("Accept-Language", "en")),
        pause=2.0,
    ),
    Recipe(
        "gutenberg",
        "thirteen books of Project Gutenberg, mostly English, some Spanish, French and German",
        tuple(f"https://gutenberg.pglaf.org/cache/epub/{n}/pg{n}.txt" for n in _GUTENBERG_BOOKS),
        "public domain in the USA; elsewhere see each book",
        "plain text without the header and footer that Project Gutenberg puts around it",
        books.gutenberg,
        pause=2.0,
    ),
    _wikipedia("simplewiki", "Simple English"),
    _wikipedia("enwiki", "English"),
    _wikipedia("dewiki", "German"),
    _wikipedia("frwiki", "French"),
    _wikipedia("jawiki", "Japanese"),
)
