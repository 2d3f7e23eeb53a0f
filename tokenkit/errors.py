"""Everything that tokenkit raises on purpose."""


class TokenkitError(Exception):
    """Base of all errors of tokenkit."""


class FormatError(TokenkitError):
    """A tokenizer file is not what it claims to be, or says something that cannot be honoured."""


class VocabularyError(TokenkitError):
    """A token or an id is not in the vocabulary."""


class EncodeError(TokenkitError):
    """A text cannot be encoded as asked."""


class DisallowedSpecialTokenError(EncodeError):
    """A text holds the spelling of a special token that the caller disallowed."""


class DecodeError(TokenkitError):
    """Ids cannot be decoded as asked."""


class CorpusError(TokenkitError):
    """Input or output of corpus preparation is not as it must be."""


class InputError(CorpusError):
    """One input cannot be read; the others can."""


class ManifestMismatchError(CorpusError):
    """An output directory was begun with another tokenizer or other options."""


class ShardError(CorpusError):
    """A shard is damaged or is not a shard."""


class DownloadError(TokenkitError):
    """A corpus could not be fetched or is not the one expected."""


class MissingExtraError(TokenkitError):
    """A part of tokenkit was used without the packages that it needs."""

    def __init__(self, need: str, extra: str) -> None:
        super().__init__(f"{need}: install tokenkit with its extra, pip install -e '.[{extra}]'")


class AlignmentError(TokenkitError):
    """Two texts are not aligned, or cannot be, as asked."""


class NoiseError(TokenkitError):
    """A noisy channel is described in a way that makes none."""


class PatchError(TokenkitError):
    """Bytes cannot be cut into patches, or patches laid out, as asked."""


class AuditError(TokenkitError):
    """An audit was asked for something that it does not have."""


class ComparisonError(TokenkitError):
    """Tokenizers cannot be compared as asked."""


class RecipeError(TokenkitError):
    """A recipe for a tokenizer asks for what cannot be, or would make dead tokens."""
