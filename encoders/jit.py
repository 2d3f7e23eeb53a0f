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


def kernel(function: _F) -> _F:
    """Compile ``function`` on first use; keep the result in Numba's on-disk cache.

    Reference counting is off: counting the arrays of every small call atomically took most of
    the time of the merge kernels. A kernel therefore cannot allocate; its caller passes scratch.
    """
    compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)(function)
    return cast(_F, compiled)


def inlined(function: _F) -> _F:
    """A kernel's helper that is always compiled into its callers."""
    compiled: Any = numba.njit(
        cache=True, nogil=True, error_model="numpy", _nrt=False, forceinline=True
    )(function)
    return cast(_F, compiled)


def allocating_kernel(function: _F) -> _F:
    """As `kernel`, for the few that run once and make arrays."""
    compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return cast(_F, compiled)


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
