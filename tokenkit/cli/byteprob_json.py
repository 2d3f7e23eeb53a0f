"""What ``tokenkit byteprob`` finds, as JSON has it."""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from byteprob import Bits, ByteDist, ByteModel, Cover, Score


def of_text(raw: bytes) -> str:
    """Bytes as a string; what is not UTF-8 as ``\\x..``."""
    return raw.decode("utf-8", "backslashreplace")


def of_dist(dist: "ByteDist") -> dict[str, Any]:
    """``probabilities``: of the 256 bytes, and of the end of the text."""
    facts = {"target": dist.target, "leak": dist.leak, "error": dist.error}
    return facts | {"probabilities": dist.probs.tolist()}


def of_cover(model: "ByteModel", cover: "Cover") -> dict[str, Any]:
    """``surplus``: what it spells beyond the prompt."""
    token = model.reading.vocabulary.token
    return {
        "ids": list(cover.ids),
        "tokens": [of_text(token(id_)) for id_ in cover.ids],
        "surplus": of_text(cover.surplus),
        "probability": math.exp(cover.log_prob),
    }


def of_score(target: str, score: "Score") -> dict[str, Any]:
    """Natural logarithms; null for what cannot be."""
    return {
        "target": target,
        "bytes": score.size,
        "bits_per_byte": finite(score.bits_per_byte),
        "log_prob": finite(score.log_prob),
        "high": finite(score.high),
        "chained": finite(score.chained),
    }


def of_bits(bits: "Bits") -> dict[str, Any]:
    """All figures of documents together."""
    return {
        "documents": len(bits),
        "bytes": int(bits.sizes.sum()),
        "tokens": int(bits.tokens.sum()),
        "bits_per_byte": finite(bits.per_byte),
        "without_ends": finite(bits.open),
        "without_ends_and_first_tokens": finite(bits.shifted),
        "bits_per_character": finite(bits.per_character),
        "bits_per_token": finite(bits.per_token),
    }


def finite(value: float) -> float | None:
    """None for what JSON cannot say."""
    return value if math.isfinite(value) else None
