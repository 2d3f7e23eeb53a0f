"""Text tokenizers: load, save, train, encode, decode."""

from tokenkit.text.added import AddedToken
from tokenkit.text.tokenizer import DecodeStream, Encoding, Tokenizer

__all__ = ["AddedToken", "DecodeStream", "Encoding", "Tokenizer"]
