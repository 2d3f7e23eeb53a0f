"""tokenkit: exact, fast tokenization and preprocessing of text, audio and images."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenkit.errors import TokenkitError
    from tokenkit.text import Tokenizer
    from tokenkit.tokens import Ragged

__version__ = "0.1.0"
__all__ = ["Ragged", "Tokenizer", "TokenkitError"]

_HOMES = {
    "Ragged": "tokenkit.tokens",
    "Tokenizer": "tokenkit.text",
    "TokenkitError": "tokenkit.errors",
}


def __getattr__(name: str) -> Any:
    """Public names load when first used, so that ``import tokenkit`` costs next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tokenkit' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
