"""How every kernel is compiled: lazily, once, cached on disk, without the GIL.

Importing this module imports Numba (about 0.2 s), so only ``_kernels.py`` files import it,
and the modules beside them import their kernels when they are first used.
"""

import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core import event

_F = TypeVar("_F", bound=Callable[..., Any])


# Counting the references of array arguments atomically, in every call of a small function, took
# more than half of the time of the merge kernels. Without it a kernel cannot allocate.
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}


def kernel(function: _F) -> _F:
    """Compile ``function`` on first use; keep the result in Numba's on-disk cache.

    A kernel cannot allocate: its caller passes scratch memory.
    """
    return cast(_F, numba.njit(**_OPTIONS)(function))


def inlined(function: _F) -> _F:
    """A kernel's helper that is always compiled into its callers."""
    return cast(_F, numba.njit(**_OPTIONS, forceinline=True)(function))


def allocating_kernel(function: _F) -> _F:
    """As `kernel`, for the few that run seldom and make arrays."""
    return cast(_F, numba.njit(**{**_OPTIONS, "_nrt": True})(function))


class _AnnounceFirstCompile(event.Listener):
    """Says once, on a terminal only, why the first call takes seconds."""

    said = False

    def on_start(self, _event: event.Event) -> None:
        if not _AnnounceFirstCompile.said and sys.stderr.isatty():
            print("tokenkit: compiling kernels, once (about 20 s)", file=sys.stderr)
        _AnnounceFirstCompile.said = True

    def on_end(self, _event: event.Event) -> None:
        pass


event.register("numba:compile", _AnnounceFirstCompile())
