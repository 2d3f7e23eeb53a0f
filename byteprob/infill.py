"""Fill-in-the-middle: the bytes between a prefix and a suffix (Bavarian et al., arXiv 2207.14255).

Where tokenization bias enters, and where it does not:

- "psm" and "suffix-first": the middle begins behind a sentinel, as a text of its own; no token
  can reach over the cut. Trained on documents cut at any character, each part encoded by itself
  (section 3 of the paper), such a model has seen prefixes that end in the middle of what would be
  one token. Ordinary tokens behind the sentinel are exact: "exact" and "naive" are one.
- "spm": prefix and middle are one text behind the last sentinel. The models that were trained with
  both encoded as one (Code Llama, arXiv 2308.12950, section 2.3) never saw the prefix end inside a
  token: "naive" is biased wherever it does, and "exact" draws the tokens around the cut.

Exact means given the tokens of what comes before: a prefix in "psm", and a suffix, are encoded
as the tokenizer does, each by itself.
"""

import math
from dataclasses import astuple, dataclass
from typing import Literal

from byteprob.errors import ByteprobError, ImpossiblePrefixError
from byteprob.healing import decode, heal, token_healing
from byteprob.model import ByteModel
from byteprob.token_models import Context
from tokenkit.text import Tokenizer

Format = Literal["psm", "spm", "suffix-first"]
"""How prefix P, suffix S and middle M are laid out.

- "psm": ``<PRE> P <SUF> S <MID> M``.
- "spm": ``<PRE> <SUF> S <MID> P M``, P and M encoded as one text.
- "suffix-first": ``<SUF> S <PRE> P <MID> M``.
"""
Method = Literal["exact", "healing", "naive"]
"""What is done about a cut inside a token.

- "exact": the tokens around the cut are drawn given the bytes (`byteprob.heal`).
- "healing": the last token of the prefix is taken back (`byteprob.token_healing`); where the
  middle is a text of its own, it moves there from the prefix.
- "naive": the tokens of the prefix stay.
"""


@dataclass(frozen=True)
class Sentinels:
    """The tokens between the parts, as the tokenizer spells them.

    What ends a middle is any special token: it needs no name here.
    """

    prefix: str
    suffix: str
    middle: str


CODE_LLAMA = Sentinels("▁<PRE>", "▁<SUF>", "▁<MID>")
STARCODER = Sentinels("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
QWEN_CODER = Sentinels("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
"""Qwen2.5-Coder and CodeGemma."""
DEEPSEEK_CODER = Sentinels("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")


def infill(
    model: ByteModel,
    tokenizer: Tokenizer,
    prefix: bytes,
    suffix: bytes,
    *,
    sentinels: Sentinels,
    format: Format = "psm",
    method: Method = "exact",
    size: int = 256,
    until_suffix: int | None = None,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int | None = None,
) -> bytes:
    """A middle of up to ``size`` bytes, by ordinary tokens behind the cut.

    It ends where the model ends the text, and, with ``until_suffix``, before that many first bytes
    of the suffix. ``temperature`` is that of covers at the cut (`heal`), and of tokens behind it;
    ``top_p`` is that of tokens.

    Raises ByteprobError for sentinels that the tokenizer does not have, ImpossiblePrefixError for
    a prefix without probability.
    """
    behind, text = _laid_out(model, tokenizer, prefix, suffix, sentinels, format)
    if format != "spm" and method == "healing" and prefix:
        head, text = _without_last_token(tokenizer, prefix)
        behind, _ = _laid_out(model, tokenizer, head, suffix, sentinels, format)
        method = "exact"
    ids, surplus = _around_cut(behind, tokenizer, text, method, temperature, seed)
    rest = decode(behind, ids, size, temperature=temperature, top_p=top_p, seed=seed)
    return _until((surplus + rest)[:size], suffix[:until_suffix] if until_suffix else b"")


def middle_log_prob(
    model: ByteModel,
    tokenizer: Tokenizer,
    prefix: bytes,
    suffix: bytes,
    middle: bytes,
    *,
    sentinels: Sentinels,
    format: Format = "psm",
    ended: bool = True,
) -> float:
    """Log-probability of a middle between a prefix and a suffix, in natural logarithms.

    With ``ended``, the model ends it there; without, it may go on. Under the target of the model
    and exact, with the masses of `byteprob.Cursor.log_prob`; a lower bound where the model is not
    exact. Raises as `infill`.
    """
    behind, text = _laid_out(model, tokenizer, prefix, suffix, sentinels, format)
    cursor = behind.at(text)
    before = cursor.log_prob
    try:
        for byte in middle:
            cursor.push(byte)
    except ImpossiblePrefixError:
        return -math.inf
    return cursor.log_bounds(ended=ended)[0] - before


def _laid_out(
    model: ByteModel,
    tokenizer: Tokenizer,
    prefix: bytes,
    suffix: bytes,
    sentinels: Sentinels,
    format: Format,
) -> tuple[ByteModel, bytes]:
    """The model behind all that is fixed, and the bytes with which the text behind that begins."""
    pre, suf, mid = (_id(tokenizer, name) for name in astuple(sentinels))
    before, after = (tokenizer.encode(text).tolist() for text in (prefix, suffix))
    match format:
        case "psm":
            return model.behind((pre, *before, suf, *after, mid)), b""
        case "suffix-first":
            return model.behind((suf, *after, pre, *before, mid)), b""
        case "spm":
            return model.behind((pre, suf, *after, mid)), prefix


def _around_cut(
    behind: ByteModel,
    tokenizer: Tokenizer,
    text: bytes,
    method: Method,
    temperature: float,
    seed: int | None,
) -> tuple[Context, bytes]:
    """Ids that begin with a text, and what they spell beyond it."""
    if text and method == "naive":
        return tuple(tokenizer.encode(text).tolist()), b""
    if text and method == "healing":
        ids = tokenizer.encode(text).tolist()
        cover = token_healing(behind, ids, temperature=temperature, seed=seed)
    else:
        cover = heal(behind, text, temperature=temperature, seed=seed)
    return cover.ids, cover.surplus


def _id(tokenizer: Tokenizer, name: str) -> int:
    found = tokenizer.token_to_id(name)
    if found is None:
        raise ByteprobError(
            f"{tokenizer!r} has no sentinel {name!r}: see byteprob.infill.Sentinels"
        )
    return found


def _without_last_token(tokenizer: Tokenizer, prefix: bytes) -> tuple[bytes, bytes]:
    """A prefix in two, all of it behind where the last token spells what was not typed."""
    last = tokenizer.id_to_bytes(int(tokenizer.encode(prefix)[-1]))
    return (prefix.removesuffix(last), last) if prefix.endswith(last) else (b"", prefix)


def _until(middle: bytes, stop: bytes) -> bytes:
    return middle.partition(stop)[0] if stop else middle
