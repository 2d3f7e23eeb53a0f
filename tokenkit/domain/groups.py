"""Groups of custom tokens: what a domain writes often and a split pattern would cut apart.

The groups are those of the KL3M tokenizers ("KL3M Tokenizers: A Family of Domain-Specific and
Character-Level Tokenizers", arXiv 2503.17247, section 3), written anew; the reporters are our own
list of common ones. A group is a plain tuple with a name: compose them by putting them into
`DomainRecipe.groups`, or make your own.
"""

from dataclasses import dataclass
from typing import Literal

Spaced = Literal["never", "also", "only"]


@dataclass(frozen=True)
class TokenGroup:
    """Tokens under a name.

    ``spaced``: whether the spelling with a space before it is worth a token: "never" for what
    stands alone, "also" for what stands in running text, "only" for what would be found inside
    words otherwise, as "art." in "part.".
    """

    name: str
    tokens: tuple[str, ...]
    spaced: Spaced = "never"

    def __len__(self) -> int:
        return len(self.tokens)

    def spellings(self, *, both: bool = True) -> tuple[str, ...]:
        """The tokens as they are to be found; bare ones without ``both``, as KL3M has them."""
        if not both or self.spaced == "never":
            return self.tokens
        if self.spaced == "only":
            return tuple(f" {token}" for token in self.tokens)
        return tuple(text for token in self.tokens for text in (token, f" {token}"))


def _listed(text: str) -> tuple[str, ...]:
    """The entries of a list, which stand between bars or line ends."""
    return tuple(text.strip().replace("\n", "|").split("|"))


def _runs(characters: str, longest: int = 8) -> tuple[str, ...]:
    return tuple(c * n for c in characters for n in range(2, longest + 1))


WHITESPACE = TokenGroup("whitespace", (*_runs(" \t\r\n"), "\r\n", "\r\n\r\n", "\t "))
"""Runs of one kind of white space, two to eight long."""

RULES = TokenGroup("rules", _runs(".-=_*~"))
"""Leaders, rules and blanks to fill in: runs of one mark, two to eight long."""

MARKDOWN = TokenGroup(
    "markdown",
    (
        *("#" * n for n in range(2, 7)),
        *("**", "__", "~~", "```", "---", "***", "* ", "- ", "> ", "| ", "[^", "![", "](", "]: "),
        *("http://", "https://", "ftp://", "mailto:", "file://"),
    ),
)

_TAGS = [
    "html",
    "head",
    "body",
    "title",
    "meta",
    "link",
    "script",
    "style",
    "div",
    "span",
    "p",
    "br",
    "hr",
    "a",
    "img",
    "ul",
    "ol",
    "li",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "b",
    "i",
    "em",
    "strong",
    "sup",
    "sub",
    "code",
    "pre",
    "form",
    "input",
]
_ATTRIBUTES = ["class", "id", "href", "src", "style", "name"]

HTML = TokenGroup(
    "html",
    (
        *(f"<{tag}" for tag in _TAGS),
        *(f"<{tag.upper()}" for tag in _TAGS),
        *(f"</{tag}>" for tag in _TAGS),
        *(f"</{tag.upper()}>" for tag in _TAGS),
        *(f' {attribute}="' for attribute in _ATTRIBUTES),
        *("&nbsp;", "&amp;", "&lt;", "&gt;", "&quot;", "/>", '">'),
    ),
)

JSON = TokenGroup(
    "json",
    (
        *('{"', '"}', '":', '": ', '":"', '": "', '",', '","', '", "', '"]', '["', '":[', '":{'),
        *("[]", "{}", "},", "}]", "],", "[{", "null", ": true", ": false"),
    ),
)

XML = TokenGroup(
    "xml", ("<?xml", "?>", "<!--", "-->", "<![CDATA[", "]]>", "<!DOCTYPE", "xmlns", 'xmlns="', "/>")
)

YEARS = TokenGroup("years", tuple(str(year) for year in range(1776, 2050)), spaced="also")

NUMBERS = TokenGroup("numbers", tuple(str(number) for number in range(10, 1000)), spaced="also")

_ROMAN = [
    "i",
    "ii",
    "iii",
    "iv",
    "v",
    "vi",
    "vii",
    "viii",
    "ix",
    "x",
    "xi",
    "xii",
    "xiii",
    "xiv",
    "xv",
]

ENUMERATIONS = TokenGroup(
    "enumerations",
    (
        *(f"({letter})" for letter in "abcdefghijklmnopqrstuvwxyz"),
        *(f"({letter})" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        *(f"({number})" for number in range(1, 100)),
        *(f"({numeral})" for numeral in _ROMAN if len(numeral) > 1),
        *(f"({numeral.upper()})" for numeral in _ROMAN if len(numeral) > 1),
    ),
    spaced="also",
)
"""Labels of paragraphs: ``(a)``, ``(A)``, ``(1)``, ``(ii)``."""

# Facts of citation, as courts and the codes themselves write them.
REPORTERS = TokenGroup(
    "reporters",
    _listed("""
U.S.|S. Ct.|L. Ed.|L. Ed. 2d|F.2d|F.3d|F.4th|F. Supp.|F. Supp. 2d|F. Supp. 3d|F.R.D.|F. App'x|B.R.
Fed. Cl.|Ct. Cl.|Cl. Ct.|T.C.|T.C.M.|Vet. App.|D.C. Cir.|Fed. Cir.|A.2d|A.3d|N.E.2d|N.E.3d|N.W.2d
P.2d|P.3d|S.E.2d|S.W.2d|S.W.3d|So. 2d|So. 3d|N.Y.S.2d|N.Y.S.3d|N.Y.2d|A.D.2d|A.D.3d|Misc. 2d
Cal. 2d|Cal. 3d|Cal. 4th|Cal. App.|Cal. Rptr.|Ill. 2d|Ill. App.|Ohio St. 3d|Wis. 2d|Wash. 2d
Mass. App. Ct.|Pa. Super.|N.J. Super.|U.S.C.|U.S.C.A.|U.S.C.S.|C.F.R.|CFR|Fed. Reg.|Stat.|Pub. L.
Cong. Rec.|Rev. Stat.|Treas. Reg.|I.R.C.|Rev. Rul.|Rev. Proc.|U.C.C.|Fed. R. Civ. P.
Fed. R. Crim. P.|Fed. R. App. P.|Fed. R. Evid.|Fed. R. Bankr. P.|D.C. Code|D.C. Law|DCR|Comp. Gen.
Op. Att'y Gen.|H.R.|H.R. Rep.|S. Rep.|H.R. Conf. Rep.|L.P.|LLC|L.L.C.|N.A.|P.C.
"""),
    spaced="also",
)
"""Reporters and codes, as cited in U.S. law."""

ABBREVIATIONS = TokenGroup(
    "abbreviations",
    _listed("""
et seq.|et al.|et ux.|i.e.|e.g.|cf.|v.|ch.|tit.|art.|par.|para.|subsec.|subch.|div.|pt.|ed.
Sec.|No.|Nos.|Cir.|Inc.|Corp.|Co.|Ltd.|FR|Ass'n|Bd.|Comm'n|Dep't|Dist.|Gov't|Int'l|Nat'l|Univ.
Jan.|Feb.|Mar.|Apr.|Aug.|Sept.|Oct.|Nov.|Dec.
"""),
    spaced="only",
)
"""What citations have around them."""

KL3M_GROUPS: tuple[TokenGroup, ...] = (
    WHITESPACE,
    RULES,
    MARKDOWN,
    HTML,
    JSON,
    XML,
    YEARS,
    NUMBERS,
    ENUMERATIONS,
    REPORTERS,
    ABBREVIATIONS,
)
"""What the KL3M tokenizers have."""
