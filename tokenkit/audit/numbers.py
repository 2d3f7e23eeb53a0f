"""How numbers are cut: a model that must add them up depends on it.

Singh and Strouse 2024 (arXiv 2402.14903) measured it: groups of three from the right beat groups
from the left, and both beat cuts that differ from number to number.
"""

from collections import Counter

from tokenkit.audit.findings import Example, Finding, shown
from tokenkit.audit.vocabulary import Vocabulary

_DIGITS = range(1, 8)
_EACH = 1000
_IRREGULAR = 0.01


def number_fragmentation(vocabulary: Vocabulary) -> Finding:
    """Whole numbers that are not cut as most numbers of their length are."""
    cut = {digits: _shapes(vocabulary, digits) for digits in _DIGITS}
    odd, total, examples = 0, 0, []
    facts: dict[str, float | int | str] = {}
    for digits, shapes in cut.items():
        counts = Counter(shapes.values())
        usual, often = counts.most_common(1)[0]
        facts[f"{digits} digits"] = f"{_spelled(usual)} in {often / len(shapes):.1%}"
        odd, total = odd + len(shapes) - often, total + len(shapes)
        examples += [
            Example(None, shown(number), f"cut {_spelled(shape)}, most are {_spelled(usual)}")
            for number, shape in list(shapes.items())
            if shape != usual
        ][:3]
    usual_of_four = Counter(cut[4].values()).most_common(1)[0][0]
    irregular = odd > _IRREGULAR * total
    from_left = not irregular and len(usual_of_four) > 1 and usual_of_four[0] > usual_of_four[-1]
    return Finding(
        check="number_fragmentation",
        severity="warning" if irregular else "note" if from_left or odd else "ok",
        count=odd,
        title=f"{odd:,} of {total:,} whole numbers are cut unlike others of their length"
        + ("; digits are grouped from the left" if from_left else ""),
        why="A digit's place value cannot be told from its place in the token.",
        advice="Split digits one by one or in threes from the right (`tokenkit.numbers`).",
        examples=tuple(examples),
        facts=facts,
    )


def _shapes(vocabulary: Vocabulary, digits: int) -> dict[str, tuple[int, ...]]:
    """Up to a thousand numbers, spread evenly, and the lengths of their tokens."""
    first, last = (10 ** (digits - 1) if digits > 1 else 0), 10**digits
    numbers = [str(n) for n in range(first, last, max(1, (last - first) // _EACH))][:_EACH]
    rows = vocabulary.encode(numbers)
    lengths = [len(vocabulary.tokens[id_].strip()) for id_ in rows.values.tolist()]
    bounds = rows.offsets.tolist()
    return {
        number: tuple(length for length in lengths[bounds[i] : bounds[i + 1]] if length)
        for i, number in enumerate(numbers)
    }


def _spelled(shape: tuple[int, ...]) -> str:
    return "+".join(map(str, shape)) or "nothing"
