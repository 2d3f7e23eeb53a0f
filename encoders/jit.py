"""How every kernel is compiled: lazily, once, cached on disk, without the GIL.

Importing this module imports Numba (about 0.2 s), so only ``_kernels.py`` files import it,
and the modules beside them import their kernels when they are first used.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import update_wrapper
from typing import Any, TypeVar, cast

import numba
from numba.core import event, types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

_F = TypeVar("_F", bound=Callable[..., Any])


# Counting the references of array arguments atomically, in every call of a small function, took
# more than half of the time of the merge kernels. Without it a kernel cannot allocate.
_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "_nrt": False,
    "no_cfunc_wrapper": True,
}


class _PartLibrary(JITCodeLibrary):
    """The LLVM code of a part, for its callers to link.

    Numba would optimise it and make machine code of it, which nobody runs, and that was a third
    of all compile time.
    """

    def finalize(self) -> None:
        self._raise_if_finalized()  # type: ignore[no-untyped-call]
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        del name
        return 0

    @property
    def codegen(self) -> Any:
        return self

    def set_env(self, name: str, env: Any) -> None:
        """Nothing, as there is no code that would use it."""


class _PartCompiler(Compiler):
    def define_pipelines(self) -> Any:
        codegen, name = self.state.targetctx.codegen(), self.state.func_id.func_qualname
        self.state.library = _PartLibrary(codegen, name)  # type: ignore[no-untyped-call]
        return super().define_pipelines()  # type: ignore[no-untyped-call]


_PART_OPTIONS = {**_OPTIONS, "no_cpython_wrapper": True, "pipeline_class": _PartCompiler}


def kernel(function: _F) -> _F:
    """Compile ``function`` on first use; keep the result in Numba's on-disk cache.

    A kernel cannot allocate: its caller passes scratch memory.
    """
    return cast(_F, _kept(_once_a_type(numba.njit(**_OPTIONS, cache=True)(function))))


def allocating_kernel(function: _F) -> _F:
    """As `kernel`, for the few that run seldom and make arrays."""
    options = {**_OPTIONS, "_nrt": True, "cache": True}
    return cast(_F, _kept(_once_a_type(numba.njit(**options)(function))))


def part(function: _F) -> _F:
    """What kernels call: compiled with them. Called from Python it is the plain function."""
    return cast(_F, _Part(_once_a_type(numba.njit(**_PART_OPTIONS)(function))))


def inlined(function: _F) -> _F:
    """A part that is always compiled into its callers."""
    return cast(_F, _Part(_once_a_type(numba.njit(**_PART_OPTIONS, forceinline=True)(function))))


class _Part:
    """Hides a dispatcher from Python, for which it has no wrapper, and shows it to Numba."""

    def __init__(self, dispatcher: Any) -> None:
        self._dispatcher = dispatcher  # its type holds it weakly
        self._numba_type_ = types.Dispatcher(dispatcher)
        self.__wrapped__ = dispatcher.py_func
        update_wrapper(self, dispatcher.py_func)

    def __call__(self, *args: Any) -> Any:
        return self.__wrapped__(*args)


def _once_a_type(dispatcher: Any) -> Any:
    """Compile a call with a constant as one with any value of its type.

    Numba would compile every function again for each constant it is called with, which took a
    third of all compile time and made nothing faster.
    """
    template = dispatcher.get_call_template

    def get_call_template(args: Any, kws: Any) -> Any:
        kinds = tuple(types.unliteral(kind) for kind in args)
        return template(kinds, {name: types.unliteral(kind) for name, kind in kws.items()})

    dispatcher.get_call_template = get_call_template
    return dispatcher


def announced() -> None:
    """Say no more in this process that kernels are compiled."""
    _AnnounceFirstCompile.said = True


def _kept(dispatcher: Any) -> Any:
    """Run what cannot be kept, as on a full disk, all the same."""
    save = dispatcher._cache.save_overload

    def save_overload(signature: Any, compiled: Any) -> None:
        with suppress(OSError):
            save(signature, compiled)

    dispatcher._cache.save_overload = save_overload
    return dispatcher


class _AnnounceFirstCompile(event.Listener):
    """Says once, on a terminal only, why the first call takes seconds."""

    said = False

    def on_start(self, _event: event.Event) -> None:
        if not _AnnounceFirstCompile.said and sys.stderr.isatty():
            print("tokenkit: compiling kernels, once (about 20 s)", file=sys.stderr)
        announced()

    def on_end(self, _event: event.Event) -> None:
        pass


event.register("numba:compile", _AnnounceFirstCompile())
