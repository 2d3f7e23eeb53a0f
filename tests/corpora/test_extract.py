"""Each reader on a small file of its format, made here."""

import bz2
import csv
import io
import tarfile
import zipfile

import pytest

from corpora.extract import books, edgar, law, opinions, wikipedia
from corpora.extract.markup import html_text


def test_html_text():
    page = """<html><head><title>no</title><style>p{}</style></head><body>
      <h1>One &amp; two</h1><p>A <b>bold</b>
      word.<br>Next<br/>line</p><table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>
      <script>var x = "<p>";</script><ul><li>a<li>b</ul>unclosed <i>tail"""
    assert html_text(page) == (
        "One & two\n\nA bold word.\nNext\nline\n\n1\t2\n\n3\n\na\nb\nunclosed tail\n"
    )
    assert html_text("<p> </p>") == ""


_USLM = """<?xml version="1.0"?>
<uscDoc xmlns="http://xml.house.gov/schemas/uslm/1.0"><meta><title>no</title></meta><main>
<title identifier="/us/usc/t1"><num>Title 1</num><heading>GENERAL</heading>
<section identifier="/us/usc/t1/s1"><num value="1">§ 1.</num><heading> Words</heading>
<chapeau>In this Act—</chapeau>
<paragraph><num>(1)</num><content> “person” means <i>any</i>
 one; and</content></paragraph>
<sourceCredit>(61 Stat. 633)</sourceCredit><notes><note>no</note></notes></section>
<section><num>quoted, without identifier</num></section>
<section identifier="/us/usc/t1/s2"><num>§ 2.</num><content><section>inner</section></content>
</section></title></main></uscDoc>"""


def test_us_code(tmp_path):
    path = tmp_path / "usc.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("usc01.xml", _USLM)
        archive.writestr("usc.css", "no")
    found = list(law.us_code(path))
    assert [document.id for document in found] == ["/us/usc/t1/s1", "/us/usc/t1/s2"]
    assert found[0].text == ("§ 1.\nWords\nIn this Act—\n(1)\n“person” means any one; and\n")
    assert found[1].text == "§ 2.\ninner\n"


def test_ecfr(tmp_path):
    path = tmp_path / "ECFR-title12.xml"
    path.write_text(
        '<DLPSTEXTCLASS><TEXT><DIV1 N="12" TYPE="TITLE"><HEAD>no</HEAD><DIV5 N="1" TYPE="PART">'
        '<AUTH><P>no</P></AUTH><DIV8 N="§ 1.1" TYPE="SECTION"><HEAD>§ 1.1 Scope.</HEAD>'
        "<P>(a) <I>General.</I> All banks.</P><CITA>[no]</CITA></DIV8></DIV5></DIV1></TEXT>"
        "</DLPSTEXTCLASS>"
    )
    (found,) = law.ecfr(path)
    assert found.id == "12 CFR 1.1"
    assert found.text == "§ 1.1 Scope.\n(a) General. All banks.\n"


def test_eur_lex(tmp_path):
    page = tmp_path / "32016R0679"
    page.write_text('<?xml version="1.0"?><html><body><p class="oj">Article 1</p></body></html>')
    assert [d.text for d in law.eur_lex(page)] == ["Article 1\n"]
    formex = tmp_path / "L_2016119EN.xml"
    formex.write_text(
        '<ACT xsi="http://formex.publications.europa.eu/schema/formex-05.xd">'
        "<BIB.INSTANCE><P>no</P></BIB.INSTANCE><TITLE><TI><P>REGULATION</P></TI></TITLE>"
        "<ALINEA>Whereas <HT>this</HT> applies:</ALINEA></ACT>"
    )
    assert [d.text for d in law.eur_lex(formex)] == ["REGULATION\nWhereas this applies:\n"]


_SUBMISSION = """<SUBMISSION>
<ACCESSION-NUMBER>0000000001-24-000001
<DOCUMENT>
<TYPE>10-K
<SEQUENCE>1
<FILENAME>a.htm
<TEXT>
<html><head><title>no</title></head><body><ix:header><ix:hidden>no</ix:hidden></ix:header>
<p>Net&#160;sales rose.</p><table><tr><td>2023</td><td>$ 5</td></tr></table></body></html>
</TEXT>
</DOCUMENT>
<DOCUMENT>
<TYPE>EX-27
<SEQUENCE>2
<TEXT>
<PAGE>
<TABLE>
<S>        <C>
Cash &amp; equivalents    5
</TABLE>
</TEXT>
</DOCUMENT>
<DOCUMENT>
<TYPE>GRAPHIC
<TEXT>
begin 644 a.jpg
</TEXT>
</DOCUMENT>
<DOCUMENT>
<TYPE>EX-101.INS
<TEXT>
<XBRL>
no
</XBRL>
</TEXT>
</DOCUMENT>
</SUBMISSION>
"""


def test_edgar(tmp_path):
    feed = tmp_path / "20240102.nc.tar.gz"
    with tarfile.open(feed, "w:gz") as archive:
        info = tarfile.TarInfo("./0000000001-24-000001.nc")
        raw = _SUBMISSION.encode("latin-1")
        info.size = len(raw)
        archive.addfile(info, io.BytesIO(raw))
    single = tmp_path / "0000000001-24-000001.txt"
    single.write_text(_SUBMISSION)
    found = list(edgar.filings(feed))
    assert [(d.id, d.text) for d in found] == [
        ("0000000001-24-000001/10-K/1", "Net\N{NO-BREAK SPACE}sales rose.\n\n2023\t$ 5\n"),
        ("0000000001-24-000001/EX-27/2", "Cash & equivalents    5\n"),
    ]
    assert list(edgar.filings(single)) == found


def test_opinions(tmp_path):
    path = tmp_path / "opinions.csv.bz2"
    rows = [
        {"id": "1", "plain_text": 'He said "no"\\.\nSecond line', "html": ""},
        {"id": "2", "plain_text": " ", "html": "<p>From <em>html</em></p>"},
        {"id": "3", "plain_text": "", "html": ""},
    ]
    with bz2.open(path, "wt", newline="") as file:
        writer = csv.DictWriter(
            file, list(rows[0]), quoting=csv.QUOTE_ALL, doublequote=False, escapechar="\\"
        )
        writer.writeheader()
        writer.writerows(rows)
    texts = {document.id: document.text for document in opinions.opinions(path)}
    assert texts == {
        "opinion/1": 'He said "no"\\.\nSecond line',
        "opinion/2": "From html\n",
        "opinion/3": "",
    }


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1"])
def test_gutenberg(tmp_path, encoding):
    path = tmp_path / "pg1.txt"
    path.write_bytes(
        "Licence\r\n*** START OF THE PROJECT GUTENBERG EBOOK X ***\r\n\r\nÉté.\r\n\r\n"
        "*** END OF THE PROJECT GUTENBERG EBOOK X ***\r\nmore".encode(encoding)
    )
    assert [d.text for d in books.gutenberg(path)] == ["Été.\n"]
    assert books.strip_gutenberg("no marks") == "no marks\n"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("'''Bold''' and ''it'' [[Link|shown]] [[Plain]]", "Bold and it shown Plain"),
        ("a{{t|{{u}}|x=[[y]]}}b<!-- no -->c", "abc"),
        ("x<ref name=q>no [[a]]</ref>y<ref name=q />z", "xyz"),
        ("{| class=w\n| a {| inner\n|}\n|}after", "after"),
        ("[[File:A.jpg|thumb|A [[nested]] caption]]text[[Category:C]]", "text"),
        ("== Head ==\n* one\n** two\n# three", "Head\none\ntwo\nthree"),
        ("[https://x.org/a label] [https://x.org]", "label"),
        ("5 &lt; 6&nbsp;m<br/>__TOC__", "5 < 6\N{NO-BREAK SPACE}m"),
        ("unclosed {{template and [[link", "unclosed {{template and [[link"),
    ],
)
def test_wikitext(source, text):
    assert wikipedia.strip_wikitext(source).rstrip("\n").rstrip(" ") == text


def test_wikipedia(tmp_path):
    page = "<page><title>{}</title><ns>{}</ns>{}<revision><text>{}</text></revision></page>"
    pages = [
        page.format("One", 0, "", "'''One''' &amp;amp; all."),
        page.format("Talk:One", 1, "", "no"),
        page.format("Uno", 0, '<redirect title="One"/>', "#REDIRECT [[One]]"),
        page.format("Two", 0, "", "Two."),
    ]
    start = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/"><siteinfo/>'
    path = tmp_path / "wiki.xml.bz2"
    # A multistream dump is several bz2 streams one after another.
    parts = (start, *pages, "</mediawiki>")
    path.write_bytes(b"".join(bz2.compress(part.encode()) for part in parts))
    assert [(d.id, d.text) for d in wikipedia.articles(path)] == [
        ("One", "One & all.\n"),
        ("Two", "Two.\n"),
    ]
