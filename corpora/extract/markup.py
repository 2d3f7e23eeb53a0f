"""Plain text out of HTML and XML."""

import re
from html.parser import HTMLParser
from xml.etree.ElementTree import Element

_SILENT = {"script", "style", "head", "title", "template", "ix:header"}
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
    "ol", "p", "page", "pre", "section", "table", "tr", "ul", "opinion", "author",
})  # fmt: skip
_CELLS = {"td", "th"}
_VOID = {"br", "hr"}


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silence = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in _SILENT:
            self._silence += 1
        elif tag in _BLOCKS:
            self.parts.append("\n")
        elif tag in _CELLS:
            self.parts.append("\t")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _SILENT:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silence = max(0, self._silence - 1)
        elif tag in _BLOCKS - _VOID:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silence:
            self.parts.append(re.sub(r"[ \t\r\n]+", " ", data))


def html_text(markup: str) -> str:
    """The text of a page: blocks on lines of their own, cells of a row divided by tabs.

    Whatever is wrong in the markup is taken as `html.parser` takes it; nothing raises.
    """
    parser = _Text()
    parser.feed(markup)
    parser.close()
    return tidy("".join(parser.parts))


def tidy(text: str) -> str:
    """Lines without space around them, at most one empty line between two, one at the end."""
    lines = (re.sub(r"[ ]*\t[ \t]*", "\t", line).strip() for line in text.split("\n"))
    body = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return body + "\n" if body else ""


def xml_text(element: Element, silent: frozenset[str], blocks: frozenset[str]) -> str:
    """Text of an XML element: without ``silent`` elements, ``blocks`` on lines of their own.

    Names are local names, without namespace.
    """
    parts: list[str] = []
    _collect(element, silent, blocks, parts)
    lines = (" ".join(line.split()) for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)


def _collect(
    element: Element, silent: frozenset[str], blocks: frozenset[str], parts: list[str]
) -> None:
    name = local(element)
    if name in silent:
        return
    block = name in blocks
    if block:
        parts.append("\n")
    if element.text:
        parts.append(element.text.replace("\n", " "))
    for child in element:
        _collect(child, silent, blocks, parts)
        if child.tail:
            parts.append(child.tail.replace("\n", " "))
    if block:
        parts.append("\n")


def local(element: Element) -> str:
    """Name of an element without its namespace; empty for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
