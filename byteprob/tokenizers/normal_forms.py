"""What a tokenizer makes of a text before it cuts it: the bytes that probabilities are of.

Normalizers, blanks that are put in front, and U+2581 that is read as a blank change a text, so that
the model never sees what was typed. Probabilities are of what it sees: of the normal form.
"""

from collections.abc import Callable
from dataclasses import dataclass

from byteprob.vocabulary import ByteVocabulary
from tokenkit.text import Tokenizer


@dataclass(frozen=True, eq=False)
class NormalForm:
    """``change``: a text to what the tokens of it spell; None where that is the text itself.

    ``front``: bytes that come before every text and that decoding takes away, such as the dummy
    prefix of SentencePiece.
    """

    change: Callable[[bytes], bytes] | None = None
    front: bytes = b""

    def of(self, text: bytes) -> bytes:
        """The normal form of a text, without the front.

        It is that of the text by itself, whatever may follow: blanks at the end vanish where the
        tokenizer drops them, and a letter whose accent is still to come stays as it is. What is not
        UTF-8, and all behind it, is taken as it is, a character that is cut at the end as well.
        """
        if self.change is None:
            return text
        sound = _sound(text)
        return self.change(text[:sound]).removeprefix(self.front) + text[sound:]


def normal_form_of(tokenizer: Tokenizer, vocabulary: ByteVocabulary) -> NormalForm:
    """That of a tokenizer whose tokens `byteprob.tokenizers.spelling.vocabulary_of` tells."""
    if tokenizer.contract == "lossless":
        return NormalForm()
    kernels = tokenizer.kernels
    if kernels is None or kernels.is_byte_level:
        return NormalForm(lambda text: tokenizer.decode_bytes(tokenizer.encode(text)))
    puts = kernels.seen(b"x").startswith(b" ")
    return NormalForm(kernels.seen, b" " if puts and _takes_away(tokenizer, vocabulary) else b"")


def _takes_away(tokenizer: Tokenizer, vocabulary: ByteVocabulary) -> bool:
    """Whether decoding drops a blank at the beginning of a text."""
    ranges = vocabulary.ranges
    low, high = ranges.starting_with(b" ")
    ids = ranges.order[low:high].tolist()
    return any(tokenizer.decode_bytes([id_]) == vocabulary.token(id_)[1:] for id_ in ids[:8])


def _sound(text: bytes) -> int:
    """How many bytes at the beginning are whole characters."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(text)
