"""Articles of MediaWiki dumps.

The stripper is modest on purpose: it drops what only MediaWiki itself can expand (templates,
tables, references, files) and keeps running text, headings and list items. What a template would
have written is missing from the text.
"""

import bz2
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from xml.etree.ElementTree import Element, iterparse

from corpora.documents import Document
from corpora.extract.markup import local

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_DROPPED = re.compile(
    r"<(ref|math|gallery|timeline|score|syntaxhighlight|source|imagemap|templatestyles)"
    r"(?:\s[^<>]*)?(?:/>|>.*?</\1\s*>)",
    re.DOTALL | re.IGNORECASE,
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_INNERMOST_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
_INNERMOST_TABLE = re.compile(r"\{\|(?:(?!\{\|).)*?\|\}", re.DOTALL)
_INNERMOST_LINK = re.compile(r"\[\[([^\[\]]*)\]\]")
_EXTERNAL = re.compile(r"\[(?:https?:)?//[^\s\]]+\s*([^\]]*)\]")
_HEADING = re.compile(r"^(={1,6})\s*(.*?)\s*\1\s*$", re.MULTILINE)
_QUOTES = re.compile(r"'{2,5}")
_LIST = re.compile(r"^[*#:;]+\s*", re.MULTILINE)
_MAGIC = re.compile(r"__[A-Z]+__")


def _link(found: re.Match[str]) -> str:
    target, _, shown = found[1].partition("|")
    namespace, colon, _ = target.partition(":")
    if colon and namespace and (shown or namespace.isalpha()):
        return ""  # a file, a category, another language
    return shown.rpartition("|")[2] if shown else target


def _until_stable(pattern: re.Pattern[str], text: str, into: str) -> str:
    count = 1
    while count:
        text, count = pattern.subn(into, text)
    return text


def strip_wikitext(source: str) -> str:
    """Plain text of wikitext."""
    text = _DROPPED.sub("", _COMMENT.sub("", source))
    text = _until_stable(_INNERMOST_TEMPLATE, text, "")
    text = _until_stable(_INNERMOST_TABLE, text, "")
    count = 1
    while count:
        text, count = _INNERMOST_LINK.subn(_link, text)
    text = _EXTERNAL.sub(r"\1", text)
    text = _MAGIC.sub("", _QUOTES.sub("", _HEADING.sub(r"\2", _TAG.sub("", text))))
    lines = (line.rstrip() for line in unescape(_LIST.sub("", text)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _field(page: Element, name: str) -> str:
    for element in page.iter():
        if local(element) == name:
            return element.text or ""
    return ""


def articles(path: Path) -> Iterator[Document]:
    """Articles (namespace 0, no redirects) of ``*-pages-articles-multistream.xml.bz2``."""
    with bz2.open(path, "rb") as file:
        root: Element | None = None
        for event, element in iterparse(file, events=("start", "end")):
            if root is None:
                root = element
            if event == "end" and local(element) == "page":
                redirect = any(local(child) == "redirect" for child in element)
                if _field(element, "ns") == "0" and not redirect:
                    text = strip_wikitext(_field(element, "text"))
                    yield Document(_field(element, "title"), text)
                root.clear()
