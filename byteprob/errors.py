"""What byteprob raises on purpose."""

from tokenkit.errors import TokenkitError


class ByteprobError(TokenkitError):
    """Base of the errors of byteprob."""


class UnsupportedTokenizerError(ByteprobError):
    """A tokenizer whose ids do not spell the bytes of a text, or whose splits are not known."""


class ImpossiblePrefixError(ByteprobError):
    """A prefix to which the model, under the target asked for, gives no probability at all."""


class PatternError(ByteprobError):
    """A pattern that no automaton over bytes is made of, or that nothing matches."""
