"""Texts, bytes and ids that have broken tokenizers, as Hypothesis strategies."""

from collections.abc import Sequence

from hypothesis import strategies as st

BYTE_MAP_LETTERS = "".join(map(chr, range(0x100, 0x144)))
"""Stand-ins of byte-level vocabularies for bytes that do not print."""
CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
SPACES = " \t\n\r\v\f\x1c\x85\xa0\u1680\u2002\u2009\u200b\u2028\u202f\u3000\ufeff\u2581"
NFKC_ACTIVE = "ﬁﬃ½¼Ⅷ①²ªªｱﾞガㄱ㍿ﷺ℃Åµſ…‥＂Ａ９\u0344\u0958\u2126\ufb1d"
COMBINING = "e\u0301a\u030a\u0327\u0323\u1100\u1161\u11a8\u0e33\u094d\u200d\u20e3\ufe0f"
EMOJI = "👩\u200d👩\u200d👧\u200d👦🏽🇩🇪🇫🇷☎\ufe0f"
RIGHT_TO_LEFT = "אבגاللغة\u200f\u202e\u0640"
CASED = "aAsStTßẞİıſŒǅΣςσ'’"

_WORDS = (
    "the", " the", "don't", "I'LL", "'s", "’s", " \n", "end\n", "x\ny", "\r\n", "\n\n", "  ",
    " x", "\u2581x", "\u2581", "čau", "ilÖveyou", "Größe", "日本語", "한국어", "ไทย", "हिन्दी",
    "naïve", "if x:\n    y", "://", "...", "<s>", "</s>", "[MASK]", "<unk>", "<0x0A>", "##ing",
    "Ġ", "Ċ",
)  # fmt: skip
_NUMBERS = r"[-+(]?[0-9]{1,12}([,.][0-9]{3}){0,3}(e[-+]?[0-9]{1,3}|%|½|٣|४)?"


def corners() -> tuple[str, ...]:
    """Texts that are always worth a try: empty, long runs, every family of odd characters."""
    runs = (
        "a",
        " ",
        "\n",
        " \n",
        "end\n",
        "x\ny",
        "0",
        "ab",
        "\u2581",
        "é",
        "日",
        "\x00",
        "!",
        "👩\u200d",
    )
    families = (BYTE_MAP_LETTERS, CONTROLS, SPACES, NFKC_ACTIVE, COMBINING, EMOJI, RIGHT_TO_LEFT)
    ends = (" a", "a ", "  a  b  ", "\ud800", "a\udfffb", "\ud83d\ude00", "a\x18b\x00")
    return ("", *families, *ends, *(run * 10_000 for run in runs), " " * 10_000 + "a")


def texts(spellings: Sequence[str] = ()) -> st.SearchStrategy[str]:
    """Texts of every kind, lone surrogates among them.

    ``spellings``: of special and added tokens, which then occur whole, cut short and surrounded
    by spaces.
    """
    odd = BYTE_MAP_LETTERS + CONTROLS + SPACES + NFKC_ACTIVE + COMBINING + EMOJI + RIGHT_TO_LEFT
    pieces = [
        st.sampled_from(_WORDS),
        st.from_regex(_NUMBERS, fullmatch=True),
        st.text(max_size=4),
        st.text(alphabet=odd + CASED, max_size=6),
        st.characters(categories=["Cs"]),
        st.tuples(st.sampled_from("a 0\n!é"), st.integers(1, 40)).map(lambda run: run[0] * run[1]),
    ]
    if spellings:
        pieces.insert(0, lookalikes(spellings))
    return st.one_of(st.lists(st.one_of(pieces), max_size=6).map("".join), st.text(max_size=30))


def lookalikes(spellings: Sequence[str]) -> st.SearchStrategy[str]:
    """Spellings of tokens as they are, with a character missing, doubled, or with spaces around."""
    whole = st.sampled_from(sorted(spellings))
    spaced = st.tuples(st.sampled_from(["", " ", "  ", "\n"]), whole, st.sampled_from(["", " "]))
    return st.one_of(
        whole, spaced.map("".join), whole.map(lambda s: s[:-1]), whole.map(lambda s: s + s)
    )


def raw_bytes() -> st.SearchStrategy[bytes]:
    """Bytes: any, and texts that were cut inside a character."""
    cut = st.tuples(texts(), st.integers(0, 12)).map(
        lambda pair: pair[0].encode("utf-8", "surrogatepass")[pair[1] :]
    )
    return st.one_of(st.binary(max_size=40), cut)


def ids(known: Sequence[int]) -> st.SearchStrategy[list[int]]:
    """Lists of known ids, whatever they decode to."""
    return st.lists(st.sampled_from(known), max_size=12)
