"""What byteprob must know of a tokenizer: what its ids spell, and which may follow others."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from byteprob.errors import UnsupportedTokenizerError
from byteprob.tokenizers.bpe import BpeViability
from byteprob.tokenizers.character_bpe import CharacterBpeViability
from byteprob.tokenizers.normal_forms import normal_form_of
from byteprob.tokenizers.sights import sight_of
from byteprob.tokenizers.unigram import UnigramViability
from byteprob.viability import Viability
from byteprob.vocabulary import ByteVocabulary
from encoders.bpe import BpeTables
from encoders.buffers import ABSENT
from encoders.unigram import UnigramTables
from encoders.wordpiece import WordPieceTables
from tokenkit.text import Tokenizer
from tokenkit.text.formats.plan import Tables

_PROBES = ("Hello  world,\n it's 1234!", "naïve 日本\u2009語 🙂 \u2581", " x", "<0x41>\t</s>")


def vocabulary_of(tokenizer: Tokenizer) -> ByteVocabulary:
    """What the ids of a tokenizer stand for; its special tokens all end the text.

    That is tried out: the tokens of some texts must spell these texts, or their normal forms.
    The unknown token stands for nothing, so that texts that need it have no probability.

    Raises UnsupportedTokenizerError where tokens do not spell the bytes of a text.
    """
    if loss := _loss(tokenizer):
        raise UnsupportedTokenizerError(
            f"{tokenizer!r} does not give back the bytes of a text, so that no probability of "
            f"bytes follows from those of its tokens: {loss}"
        )
    unknown = _unknown(tokenizer)
    ends = set(tokenizer.special_tokens.values()) - unknown
    silent, plain = ends | unknown, _plain_pieces(tokenizer)
    tokens = {
        id_: raw
        for id_ in range(tokenizer.vocab_size)
        if id_ not in silent and (raw := plain.get(id_) or tokenizer.id_to_bytes(id_))
    }
    vocabulary = ByteVocabulary.of(tokens, ends, unknown)
    _try_out(tokenizer, vocabulary, tokens)
    return vocabulary


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
    kernels = tokenizer.kernels
    if kernels is None:
        raise UnsupportedTokenizerError(
            f'{tokenizer!r} does not run on the kernels: use the target "marginal"'
        )
    if not kernels.is_byte_level:
        return _viability_of_characters(tokenizer, kernels.tables, vocabulary)
    if kernels.byte_level_tables is None:
        raise UnsupportedTokenizerError(
            f'{tokenizer!r} puts a blank in front of texts: use the target "marginal"'
        )
    sight = sight_of(kernels.scanner)
    if sight is None:
        raise UnsupportedTokenizerError(
            f"{tokenizer!r} has a split pattern of which it is not known how far it looks ahead: "
            'use the target "marginal"'
        )
    return BpeViability(kernels.byte_level_tables, kernels.scanner, sight, vocabulary.ranges)


def _viability_of_characters(
    tokenizer: Tokenizer, tables: Tables, vocabulary: ByteVocabulary
) -> Viability:
    """Of models whose symbols are characters, with or without byte fallback."""
    steps = steps_of(tokenizer.head.get("pre_tokenizer"))
    other = any(step["type"] != "Metaspace" for step in steps)
    if other or isinstance(tables, WordPieceTables):
        raise UnsupportedTokenizerError(
            f'{tokenizer!r} splits otherwise than at blanks: use the target "marginal"'
        )
    cut_at_blanks = any(step.get("split", True) for step in steps)
    some = tables.byte_ids != ABSENT
    if some.any() and not some.all():
        raise UnsupportedTokenizerError(
            f'{tokenizer!r} falls back to some bytes only: use the target "marginal"'
        )
    if isinstance(tables, UnigramTables):
        return UnigramViability(tables, vocabulary.ranges, cut_at_blanks=cut_at_blanks)
    if tokenizer.head.get("model", {}).get("ignore_merges"):
        raise UnsupportedTokenizerError(
            f'{tokenizer!r} takes pieces that are tokens unmerged: use the target "marginal"'
        )
    return CharacterBpeViability(tables, vocabulary.ranges, cut_at_blanks=cut_at_blanks)


# --- whether tokens spell texts


def _loss(tokenizer: Tokenizer) -> str:
    """What of a pipeline loses bytes of a text; empty where nothing does."""
    if tokenizer.contract != "lossy":
        return ""
    model, kernels = tokenizer.head.get("model", {}), tokenizer.kernels
    if model.get("type") == "WordPiece":
        return (
            "WordPiece drops the blanks between words, and an unknown word becomes one token that "
            "has no bytes"
        )
    for step in steps_of(tokenizer.head.get("pre_tokenizer")):
        if step["type"] not in ("ByteLevel", "Metaspace", "Digits", "Punctuation", "Split"):
            return f"its pre-tokenizer {step['type']} drops blanks"
        if step.get("behavior") == "Removed":
            return f"its pre-tokenizer {step['type']} drops what it cuts at"
    for token in tokenizer.added_tokens:
        if not token.special and (token.lstrip or token.rstrip):
            return f"its added token {token.content!r} takes blanks with it"
    if kernels is None:
        return f"it does not run on the kernels ({tokenizer.engine_reason})"
    if kernels.is_byte_level:
        return "" if kernels.has_every_byte else "some bytes are no tokens and vanish"
    return _loss_of_characters(tokenizer, kernels.tables, blanks=kernels.blanks)


def _loss_of_characters(tokenizer: Tokenizer, tables: Any, *, blanks: bool) -> str:
    rules = tokenizer.head.get("sentencepiece", {})
    if rules.get("treat_whitespace_as_suffix"):
        return "it puts a blank behind every text"
    marked = rules.get("escape_whitespaces") or any(
        step["type"] == "Metaspace" for step in steps_of(tokenizer.head.get("pre_tokenizer"))
    )
    if marked and not blanks:
        return "it has no token for a single blank, or tokens with blanks beside those with U+2581"
    if isinstance(tables, BpeTables):
        _, unknown, _, _ = tables.options.tolist()
        if (tables.char_values != tables.char_values[:1]).any():
            return "its tokens are spelled differently at the ends of words"
        if unknown == ABSENT and (tables.byte_ids == ABSENT).any():
            return "characters that are no tokens vanish"
    return ""


def steps_of(pre_tokenizer: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The steps of a ``pre_tokenizer`` in turn."""
    if pre_tokenizer is None:
        return []
    if pre_tokenizer["type"] != "Sequence":
        return [pre_tokenizer]
    return [step for inner in pre_tokenizer["pretokenizers"] for step in steps_of(inner)]


def _unknown(tokenizer: Tokenizer) -> set[int]:
    """The id that stands for characters that are no tokens, as a set of at most one."""
    tables = tokenizer.kernels.tables if tokenizer.kernels else None
    if isinstance(tables, UnigramTables):
        return {int(tables.options[0])}
    if isinstance(tables, BpeTables) and tables.options[0]:
        return {int(tables.options[1])} - {ABSENT}
    name = tokenizer.head.get("model", {}).get("unk_token")
    return {id_} if name is not None and (id_ := tokenizer.token_to_id(name)) is not None else set()


def _plain_pieces(tokenizer: Tokenizer) -> dict[int, bytes]:
    """The ordinary tokens of byte-level and SentencePiece models, from their tables: asking for
    each by itself is slow."""
    kernels = tokenizer.kernels
    if kernels is None or not (kernels.is_byte_level or "sentencepiece" in tokenizer.head):
        return {}
    raw, offsets = kernels.tables.vocab.tobytes(), kernels.tables.offsets.tolist()
    other = kernels.odd.keys() | {token.id for token in tokenizer.added_tokens}
    return {
        id_: raw[start:stop]
        for id_, (start, stop) in enumerate(pairwise(offsets))
        if id_ not in other
    }


def _try_out(tokenizer: Tokenizer, vocabulary: ByteVocabulary, tokens: Mapping[int, bytes]) -> None:
    """Raises UnsupportedTokenizerError, naming the text, where its tokens do not spell it."""
    form = normal_form_of(tokenizer, vocabulary)
    for text in _probes(vocabulary):
        ids = tokenizer.encode(text).tolist()
        if all(id_ in tokens for id_ in ids):  # else it has no probability
            spelled = b"".join(tokens[id_] for id_ in ids)
            expected = form.front + form.of(text) if ids else b""
            if spelled != expected:
                raise UnsupportedTokenizerError(
                    f"{tokenizer!r} does not give back the bytes of a text: the tokens of "
                    f"{text.decode()!r} spell {spelled!r}"
                )


def _probes(vocabulary: ByteVocabulary) -> Iterator[bytes]:
    """Texts of all kinds, and one of tokens, which has no unknown characters."""
    yield from (text.encode() for text in _PROBES)
    order = vocabulary.ranges.order
    some = [vocabulary.token(id_) for id_ in order[:: max(1, len(order) // 50)].tolist()]
    yield b"".join(some).decode("utf-8", "ignore").encode()
