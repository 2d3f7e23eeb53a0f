"""What byteprob must know of a tokenizer: what its ids spell, and which may follow others."""

from byteprob.bpe import BpeViability
from byteprob.errors import UnsupportedTokenizerError
from byteprob.viability import Viability
from byteprob.vocabulary import ByteVocabulary
from encoders.scan import patterns
from tokenkit.text import Tokenizer

SPLITS = (patterns.GPT2, patterns.CL100K, patterns.LLAMA3, patterns.QWEN2, patterns.O200K)
"""The split patterns of which every way to go on is known (`byteprob.splits`)."""


def vocabulary_of(tokenizer: Tokenizer) -> ByteVocabulary:
    """What the ids of a tokenizer stand for; its special tokens all end the text.

    Raises UnsupportedTokenizerError where tokens do not spell the bytes of a text.
    """
    if tokenizer.contract == "lossy":
        raise UnsupportedTokenizerError(
            f"{tokenizer!r} does not give back the bytes of a text, so that no probability of "
            "bytes follows from those of its tokens"
        )
    ends = set(tokenizer.special_tokens.values())
    tokens = {
        id_: raw
        for id_ in range(tokenizer.vocab_size)
        if id_ not in ends and (raw := tokenizer.id_to_bytes(id_))
    }
    return ByteVocabulary.of(tokens, ends)


def viability_of(tokenizer: Tokenizer, vocabulary: ByteVocabulary) -> Viability:
    """Which tokens a tokenizer may put after others.

    Raises UnsupportedTokenizerError where that is not known: then there is the target "marginal".
    """
    plain = [token.content for token in tokenizer.added_tokens if not token.special]
    if plain:
        raise UnsupportedTokenizerError(
            f"{tokenizer!r} cuts its added token {plain[0]!r} out of every text: "
            'use the target "marginal"'
        )
    found = tokenizer.byte_level_bpe
    if found is None:
        raise UnsupportedTokenizerError(
            f'{tokenizer!r} is no byte-level BPE on the kernels: use the target "marginal"'
        )
    tables, scanner = found
    if scanner not in SPLITS:
        raise UnsupportedTokenizerError(
            f"{tokenizer!r} has a split pattern of which it is not known how far it looks ahead: "
            'use the target "marginal"'
        )
    return BpeViability(tables, scanner, vocabulary.ranges)
