"""Laws of tokenizers with numbers, and the texts to try them on.

from tokenkit.testing.numbers import check_numbers
check_numbers(NumericTokenizer(base, TST()))
"""

import random
from collections.abc import Callable, Iterator
from fractions import Fraction

from hypothesis import strategies as st

from tokenkit.numbers import NumericTokenizer
from tokenkit.numbers.locales import STYLES
from tokenkit.testing import strategies
from tokenkit.testing.searching import search


class NumberLawViolation(AssertionError):  # noqa: N818 - it is what the field calls it
    """A tokenizer broke a law of numbers; the message names the law and the smallest text."""


# --- texts

_DIGITS = st.one_of(
    st.integers(0, 10**20).map(str),
    st.from_regex("[0-9]{1,20}", fullmatch=True),
    st.integers(1, 400).map(lambda length: "7" * length),
)
_JOINTS = st.sampled_from([*".,-/: eE", "\u00a0", "\u202f", "e-", "E+", "--", ", ", ". "])
_AROUND = st.sampled_from(["", " ", "$", "-", "+", "%", "§ ", "(", ") ", "x", "é", "日", "٣", "½"])


def numerals() -> st.SearchStrategy[str]:
    """What looks like a number: with separators in their places, and in wrong ones."""
    grouped = st.tuples(
        st.integers(0, 999).map(str),
        st.sampled_from([",", ".", "\u00a0", "\u202f"]),
        st.lists(st.from_regex("[0-9]{2,3}", fullmatch=True), min_size=1, max_size=5),
    ).map(lambda parts: parts[1].join((parts[0], *parts[2])))
    whole = st.one_of(_DIGITS, grouped)
    fraction = st.tuples(st.one_of(whole, st.just("")), st.sampled_from(".,"), _DIGITS)
    return st.one_of(whole, fraction.map("".join))


def texts() -> st.SearchStrategy[str]:
    """Texts full of numbers, of dates, versions, addresses and the like, and of anything else."""
    chains = st.lists(st.tuples(numerals(), _JOINTS).map("".join), max_size=4).map("".join)
    parts = st.one_of(chains, _AROUND, numerals(), st.text(max_size=3))
    return st.one_of(st.lists(parts, max_size=6).map("".join), strategies.texts())


def generated(count: int, seed: int = 0) -> Iterator[str]:
    """``count`` short texts with numbers of every shape, made in a few microseconds each."""
    draw = random.Random(seed)
    digits = "".join(draw.choices("0123456789", k=1 << 16))
    shapes = (
        "{a}", "-{a}", "+{b}", "${a}.{b}", "{a},{c}{b}", "{c},{d},{e}.{b}", "0{a}", "00{c}", ".{a}",
        "{a}.", "{a}.{b}0", "{a}.00", "{c}.{d}.{e}", "{a}e-{f}", "{a}.{b}E+{f}", "{a}{d}{e}{b}",
        "{long}", "{long}.{a}", "20{f}-{f}-{f}", "{f}/{f}/20{f}", "{f}:{f}", "{c}.{f}.{f}.{f}",
        "v{f}.{f}", "({c}) {d}-{f}{f}", "+{f} {f} {c}{f} {f}{f}", "{c}-{d}-{f}{f}", "§ {c}.{f}",
        "§{a}", "{a}%", "{a}k", "x{a}", "{a}th", "٣{a}", "{a}½", "１２{a}", "{f},{f},{d}.{b}",
        "{c}.{d},{b}", "{c}\u00a0{d},{f}", "{c}\u202f{d}", "{a} {b}", "[{a}, {b}]", "{a}_{b}",
    )  # fmt: skip
    for _ in range(count):
        at, sizes = draw.randrange(60_000), draw.randrange(1 << 16)
        a, b = digits[at : at + 1 + (sizes & 15)], digits[at + 16 : at + 17 + (sizes >> 4 & 7)]
        c, d, e, f = (digits[at + k : at + k + n] for k, n in ((30, 3), (33, 3), (36, 3), (39, 2)))
        long = digits[at : at + 400] if sizes >> 7 == 0 else a + b
        shape = shapes[(at + sizes) % len(shapes)]
        yield shape.format(a=a, b=b, c=c, d=d, e=e, f=f, long=long)


# --- laws


def numbers_come_back(tok: NumericTokenizer, text: str) -> str:
    """``decode(encode(text)) == text`` under a scheme that loses nothing, or the base's form."""
    if tok.contract == "lossy":
        return ""
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    wanted = clean if tok.contract == "lossless" else tok.normalize(clean)
    found = tok.decode(tok.encode(text))
    return "" if found == wanted else f"became {found!r}"


def tokens_sum_to_numbers(tok: NumericTokenizer, text: str) -> str:
    """Digits of tokens, times their powers of ten, sum to the numbers as they are written."""
    style = STYLES[tok.scheme.locale]
    encoding = tok.encode_with_offsets(text)
    entries, spans = tok.scheme.entries, encoding.char_spans.tolist()
    rows = zip(encoding.ids.tolist(), spans, encoding.power.tolist(), strict=True)
    groups = [
        (start, Fraction(int(entries[id_ - tok.first].digits)) * Fraction(10) ** power)
        for id_, (start, _), power in rows
        if id_ >= tok.first and entries[id_ - tok.first].digits
    ]
    for start, stop in tok.scheme.numbers(text):
        digits = text[start:stop]
        for separator in style.separators:
            digits = digits.replace(separator, "")
        exact = Fraction("0" + digits.replace(style.decimal, "."))
        total = sum(value for at, value in groups if start <= at < stop)
        if total not in (exact, 0):  # none where an added token has the digits
            return f"{text[start:stop]!r} has tokens that sum to {total}"
    return ""


def spelled_tokens_are_text(tok: NumericTokenizer) -> str:
    """A token of a scheme that is spelled out in a text does not become that token."""
    every = tok.scheme.vocab
    for spelling in (*every[:: max(1, len(every) // 50)], *every[-9:]):
        if spelling.isdigit():
            continue
        for spelled in (spelling, f"<num:{spelling}>"):
            row = tok.encode(spelled)
            if int(row.max()) >= tok.first and spelling[-1].isalpha():
                return f"{spelled!r} became a number's token"
            if tok.contract == "lossless" and tok.decode(row) != spelled:
                return f"{spelled!r} became {tok.decode(row)!r}"
    return ""


NumberLaw = Callable[[NumericTokenizer, str], str]
NUMBER_LAWS: tuple[NumberLaw, ...] = (
    numbers_come_back,
    tokens_sum_to_numbers,
)
"""Each tells how it is broken, and nothing where it holds."""


def check_numbers(
    tok: NumericTokenizer, *, laws: tuple[NumberLaw, ...] = NUMBER_LAWS, max_examples: int = 100
) -> None:
    """Hold a tokenizer to laws on texts full of numbers, beside those of `check_tokenizer`.

    Raises NumberLawViolation with the smallest text found.
    """

    def hold(text: str) -> None:
        for law in laws:
            if problem := law(tok, text):
                raise NumberLawViolation(f"{law.__name__}: {text!r} {problem}, by {tok!r}")

    if problem := spelled_tokens_are_text(tok):
        raise NumberLawViolation(f"spelled_tokens_are_text: {problem}, by {tok!r}")
    search(texts(), hold, max_examples)
    for text in generated(200):
        hold(text)
