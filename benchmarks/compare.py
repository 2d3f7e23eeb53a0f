"""Comparing tokenizers: reading with noise, aligning, counting and scoring, MB/s of clean text."""

import difflib
import random
from bisect import bisect_right
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from benchmarks import peers
from benchmarks.harness import US, Contender, Row, race, report, versions
from benchmarks.material import text, unpacked
from tokenkit import Tokenizer
from tokenkit.domain.alignment import align
from tokenkit.domain.boundaries import stabilities, total
from tokenkit.domain.compare import Options, compare
from tokenkit.domain.measures import Count
from tokenkit.domain.noise import Noisy, OcrNoise

NOISE = OcrNoise(0.03)
VOCABULARY = "o200k_base"
PAGE = 3000
SHAPES = {
    "sentences of 150": (150, 60_000),
    "pages of 3,000": (PAGE, 60_000),
    "30,000": (30_000, 90_000),
}
"""Characters of a text, and of all texts."""


@cache
def texts(length: int, size: int) -> tuple[str, ...]:
    """ASCII only, so that characters and bytes are the same to every contender."""
    whole = text("legal", size).encode("ascii", "ignore").decode()
    return tuple(whole[i : i + length] for i in range(0, len(whole), length))


@cache
def misread(length: int, size: int) -> tuple[Noisy, ...]:
    return tuple(NOISE.read_batch(texts(length, size), seed=1))


def size_of(read: tuple[Noisy, ...]) -> int:
    return sum(len(one.clean) for one in read)


def plain_noise(given: tuple[str, ...]) -> int:
    """A channel as one writes it in ten lines; its counts differ, as its draws do."""
    chance, edits = random.Random(1), []
    readings: dict[str, list[str]] = {}
    for source, target, _ in NOISE.confusions:
        readings.setdefault(source, []).append(target)
    for whole in given:
        out, i = [], 0
        while i < len(whole):
            taken = written = whole[i]
            if chance.random() < NOISE.rate:
                pair = whole[i : i + 2]
                taken = pair if pair in readings else taken
                choices = [*readings.get(taken, ()), "", chance.choice(NOISE.specks) + taken]
                written = chance.choice(choices)
                edits.append((i, i + len(taken), written))
            out.append(written)
            i += len(taken)
        "".join(out)
    return len(edits)


def noise_rows() -> list[Row]:
    given = texts(PAGE, 2_000_000)
    contenders = [
        Contender(US, lambda: given, lambda own: sum(map(_edits, NOISE.read_batch(own, 1)))),
        Contender("plain Python", lambda: given, plain_noise),
    ]
    return race("noise", contenders, sum(map(len, given)), repeats=3)


def _edits(one: Noisy) -> int:
    return len(one.alignment)


def aligners() -> dict[str, Callable[[str, str], Any]]:
    """Each gives the edits of a shortest script; difflib those of a longer one."""
    import edlib
    from rapidfuzz.distance import Levenshtein

    matcher = partial(difflib.SequenceMatcher, None, autojunk=False)
    return {
        US: align,
        "rapidfuzz": Levenshtein.opcodes,
        "edlib": lambda a, b: edlib.align(a, b, task="path"),
        "difflib": lambda a, b: matcher(a, b).get_opcodes(),
    }


def align_rows() -> list[Row]:
    rows = []
    for shape, (length, size) in SHAPES.items():
        read = misread(length, size)

        def run(aligner: Callable[[str, str], Any], read: tuple[Noisy, ...] = read) -> int:
            return sum(aligner(one.clean, one.text) is not None for one in read)

        contenders = [
            Contender(name, partial(lambda own: own, aligner), run)
            for name, aligner in aligners().items()
            if name != "difflib" or length <= PAGE  # it takes a minute for 30,000
        ]
        rows += race(f"align, {shape} characters", contenders, size_of(read), repeats=3)
    return rows


def compression_rows() -> list[Row]:
    """Tokens of pages: what a loop counts. Ours finds cut words and intervals too."""
    given = texts(PAGE, 4_000_000)
    path = unpacked(f"{VOCABULARY}.tokenizer.json")

    def ours(tokenizer: Tokenizer) -> int:
        found = compare({"o200k": tokenizer}, {"legal": given}, Options(noise=None))
        return int(found.results["legal"]["o200k"].sums[Count.TOKENS])

    def loop(library: peers.Library, tokenizer: Any) -> int:
        return sum(library.encode(tokenizer, one) for one in given)

    libraries = [peers.tiktoken(VOCABULARY), peers.tokenizers(path)]
    contenders = [
        Contender(US, lambda: Tokenizer.from_file(path), ours),
        *(Contender(f"{own.name}, a loop", own.load, partial(loop, own)) for own in libraries),
    ]
    return race("compression", contenders, sum(map(len, given)), repeats=3)


def stability_rows() -> list[Row]:
    """Boundaries that noise keeps, of the same texts and edits."""
    import tokenizers as hf

    read = misread(PAGE, 1_000_000)
    path = unpacked(f"{VOCABULARY}.tokenizer.json")
    contenders = [
        Contender(
            US, lambda: Tokenizer.from_file(path), lambda tok: total(stabilities(tok, read)).kept
        ),
        Contender(
            "tokenizers, a loop",
            lambda: hf.Tokenizer.from_file(str(path)),
            partial(plain_stability, read),
        ),
    ]
    return race("boundary F1", contenders, size_of(read), repeats=3)


def plain_stability(read: tuple[Noisy, ...], tokenizer: Any) -> int:
    """Offsets into sets, and each boundary moved by the edits before it."""
    kept = 0
    for one in read:
        before, after = (
            {stop for _, stop in tokenizer.encode(side, add_special_tokens=False).offsets}
            for side in (one.clean, one.text)
        )
        source, target = one.alignment.source_spans.tolist(), one.alignment.target_spans.tolist()
        starts = [start for start, _ in source]
        moved = set()
        for place in before - {len(one.clean)}:
            i = bisect_right(starts, place) - 1
            while i > 0 and source[i - 1][1] == place == source[i][0]:
                i -= 1
            if i < 0:
                moved.add(place)
            elif source[i][0] == place:
                moved.add(target[i][0])
            elif place >= source[i][1]:
                moved.add(place - source[i][1] + target[i][1])
        kept += len(moved & (after - {len(one.text)}))
    return kept


def load_code() -> None:
    """Have kernels loaded or compiled before anything is timed."""
    path = unpacked(f"{VOCABULARY}.tokenizer.json")
    peers.load_code([peers.ours(path), peers.tiktoken(VOCABULARY), peers.tokenizers(path)])
    compare({"o200k": Tokenizer.from_file(path)}, {"legal": ["Warm-up text, 123."] * 3})
    align("warm", "up")


def run() -> None:
    load_code()
    rows = [*noise_rows(), *align_rows(), *compression_rows(), *stability_rows()]
    named = versions("tiktoken", "tokenizers", "rapidfuzz", "edlib")
    report("compare", "Compare tokenizers, one thread, MB/s", rows, {"versions": named})


if __name__ == "__main__":
    run()
