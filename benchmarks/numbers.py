"""Numbers with tokens of their own: MB/s beside the base alone, and beside others, one thread.

"base" is the tokenizer that TST is put on, so ours over it is what numbers cost. The author's
converter rewrites text and encodes nothing; it is read from the file that TST_CONVERTER names
(tst_converter.py of olgachetverina/triadic-suffix-tokenization). `tokenizers` splits at digits
before its own split, which is as near as it comes.
"""

import importlib.util
import json
import os
from collections.abc import Callable
from typing import Any

from benchmarks.harness import US, Contender, Row, race, report, versions
from benchmarks.material import VOCABULARIES, text, unpacked
from tokenkit import Tokenizer
from tokenkit.numbers import R2L, TST, Digits, NumericTokenizer, Scheme

SIZE = 8_000_000
CORPORA = ("english", "financial")
SCHEMES: dict[str, Scheme] = {
    US: TST(),
    "tokenkit TST-A": TST(option="A"),
    "tokenkit R2L": R2L(),
    "tokenkit digits": Digits(),
}


def base(vocabulary: str) -> Tokenizer:
    return Tokenizer.from_file(unpacked(f"{vocabulary}.tokenizer.json"))


def ours(vocabulary: str, scheme: Scheme | None, whole: str) -> tuple[Any, str]:
    tok = base(vocabulary)
    # A text never seen: CPython keeps the UTF-8 that a library once asked a str for.
    fresh = whole.encode().decode()
    return (tok if scheme is None else NumericTokenizer(tok, scheme)), fresh


def split_on_digits(vocabulary: str, whole: str) -> tuple[Any, str]:
    import tokenizers

    spec = json.loads(unpacked(f"{vocabulary}.tokenizer.json").read_bytes())
    digits = {"type": "Split", "pattern": {"Regex": "[0-9]{1,3}"}, "behavior": "Isolated"}
    steps = [{**digits, "invert": False}, spec["pre_tokenizer"]]
    spec["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": steps}
    return tokenizers.Tokenizer.from_str(json.dumps(spec)), whole.encode().decode()


def converter() -> Callable[[str], str]:
    path = os.environ.get("TST_CONVERTER")
    if not path:
        raise RuntimeError("set TST_CONVERTER to the author's tst_converter.py")
    spec = importlib.util.spec_from_file_location("tst_converter", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[str], str] = module.tst_transform_text
    return found


def contenders(vocabulary: str, corpus: str) -> list[Contender]:
    whole = text(corpus, SIZE)

    def one(name: str, scheme: Scheme | None) -> Contender:
        new = lambda: ours(vocabulary, scheme, whole)  # noqa: E731
        return Contender(name, new, lambda made: len(made[0].encode(made[1])))

    return [
        *(one(name, scheme) for name, scheme in SCHEMES.items()),
        one("base", None),
        Contender(
            "tokenizers, Split at digits",
            lambda: split_on_digits(vocabulary, whole),
            lambda made: len(made[0].encode(made[1], add_special_tokens=False).ids),
        ),
        Contender(
            "the author's converter",
            lambda: (converter(), whole),
            lambda made: made[0](made[1]).count(" "),
        ),
    ]


def load_kernels() -> None:
    """Before anything is timed."""
    for scheme in (None, *SCHEMES.values()):
        tok, text = ours(VOCABULARIES[1], scheme, "a 1")
        tok.encode(text)


def run() -> None:
    load_kernels()
    rows: list[Row] = []
    for vocabulary in VOCABULARIES[1:]:
        for corpus in CORPORA:
            size = len(text(corpus, SIZE).encode())
            rows += race(f"{vocabulary} {corpus}", contenders(vocabulary, corpus), size, repeats=5)
    notes = {"size": SIZE, "versions": versions("tokenizers")}
    report("numbers", "Encode with numbers, 1 thread, MB/s", rows, notes)


if __name__ == "__main__":
    run()
