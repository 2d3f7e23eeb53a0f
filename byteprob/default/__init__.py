"""The model that comes with byteprob, so that everything runs without downloads."""

from functools import cache
from importlib.resources import as_file, files

from byteprob.models.ngram import NgramModel
from tokenkit.text import Tokenizer


@cache
def default_model() -> tuple[NgramModel, Tokenizer]:
    """A 3-gram model and its tokenizer of 4096 ids, byte-level BPE with the split of Llama 3.

    Of the sources and the documentation of Python's standard library (PSF-2.0): good at code and
    technical English, a toy elsewhere. ``<|endoftext|>`` is its start and its end. It is a file in
    the package and not trained at first use, so that all machines have the same one.
    """
    folder = files(__name__)
    with as_file(folder / "model.npz") as path:
        model = NgramModel.load(path)
    return model, Tokenizer.from_bytes((folder / "tokenizer.json").read_bytes())
