"""After `tokenkit warmup` nothing is left to compile."""

import importlib
import pkgutil

from numba.core.dispatcher import Dispatcher

import byteprob
import encoders
import tokenkit
from tests.samples import documents
from tokenkit import Tokenizer
from tokenkit.cli.warmup import groups


def kernels():
    """Name to every compiled function that Python can call."""
    found = {}
    for package in (byteprob, encoders, tokenkit):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not module.name.endswith("_kernels"):
                continue
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, Dispatcher) and value.py_func.__module__ == module.name:
                    found[f"{module.name}.{name}"] = value
    return found


def test_all_kernels_are_compiled_and_then_no_more():
    for group in groups():
        group()
    every = kernels()
    compiled = {name: len(kernel.signatures) for name, kernel in every.items()}
    assert len(compiled) > 40
    assert [name for name, count in compiled.items() if not count] == []
    for pattern in ("gpt2", "o200k"):
        tok = Tokenizer.train(documents()[:20], vocab_size=400, pattern=pattern, threads=2)
        text = "\n".join(documents()[:20])
        again = Tokenizer.from_bytes(tok.to_bytes())
        assert again.decode(again.encode_batch([text, ""], threads=2)[0]) == text
        again.encode_with_offsets(text)
    assert {name: len(kernel.signatures) for name, kernel in every.items()} == compiled
