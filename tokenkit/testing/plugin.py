"""The pytest plugin: one test per law.

A test that takes the fixture ``tokenizer_law`` runs once for each law and each tokenizer, which the
marker names, or the option ``--tokenizer FILE`` where there is no marker::

    @pytest.mark.tokenizer("tok.json")
    def test_laws(tokenizer_law):
        tokenizer_law()

The marker takes files, tokenizers, subjects, or functions without arguments that make one;
``contract=`` is what they are held to.

The fixture ``patcher_law`` does the same with the patchers that ``@pytest.mark.patcher(…)`` names,
and the laws of `tokenkit.testing.words`. Nothing heavy is imported before such a test is collected.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_FIXTURE = "tokenizer_law"
_PATCHERS = "patcher_law"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--tokenizer`` and ``--tokenizer-pattern``."""
    group = parser.getgroup("tokenkit")
    group.addoption(
        "--tokenizer",
        action="append",
        default=[],
        metavar="FILE",
        help=f"tokenizer file for tests that take the fixture {_FIXTURE!r}; may be repeated",
    )
    group.addoption(
        "--tokenizer-pattern",
        metavar="PATTERN",
        help="split pattern for tiktoken rank files: a name such as cl100k, or an expression",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line(
        "markers",
        f"tokenizer(*tokenizers, contract=None): what the fixture {_FIXTURE!r} holds to the laws",
    )
    config.addinivalue_line(
        "markers", f"patcher(*patchers): what the fixture {_PATCHERS!r} holds to the laws"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One run per tokenizer or patcher, and law."""
    if _PATCHERS in metafunc.fixturenames:
        _generate_for_patchers(metafunc)
    if _FIXTURE not in metafunc.fixturenames:
        return
    from tokenkit.testing.laws import LAWS

    marker = metafunc.definition.get_closest_marker("tokenizer")
    options = metafunc.config.option
    sources = marker.args if marker else tuple(options.tokenizer)
    contract = marker.kwargs.get("contract") if marker else None
    runs = [
        pytest.param((source, contract, law), id=f"{_name(source)}-{law.name}")
        for source in sources
        for law in LAWS
    ]
    metafunc.parametrize(_FIXTURE, runs, indirect=True)


def _generate_for_patchers(metafunc: pytest.Metafunc) -> None:
    from tokenkit.testing.words import PATCHER_LAWS

    marker = metafunc.definition.get_closest_marker("patcher")
    runs = [
        pytest.param((patcher, law), id=f"{type(patcher.rule).__name__}-{law.__name__}")
        for patcher in (marker.args if marker else ())
        for law in PATCHER_LAWS
    ]
    metafunc.parametrize(_PATCHERS, runs, indirect=True)


@pytest.fixture
def patcher_law(request: pytest.FixtureRequest) -> Callable[[], None]:
    """A function that checks one law on one patcher."""
    from tokenkit.testing.words import check_patcher

    patcher, law = request.param
    return lambda: check_patcher(patcher, laws=(law,))


@pytest.fixture
def tokenizer_law(request: pytest.FixtureRequest) -> Callable[[], None]:
    """A function that checks one law on one tokenizer; skips where the law does not bind it."""
    from tokenkit.testing.checking import check_law
    from tokenkit.testing.subjects import subject_of

    source, contract, law = request.param
    pattern = request.config.option.tokenizer_pattern
    subject = subject_of(_made(source, pattern), contract)
    if not law.binds(subject):
        pytest.skip(f"{law.name} says nothing about a {subject.contract} tokenizer like this")
    return lambda: check_law(law, subject)


def _made(source: Any, pattern: str | None) -> Any:
    if isinstance(source, (str, Path)):
        return _loaded(str(source), pattern)
    return source() if callable(source) else source


@cache
def _loaded(path: str, pattern: str | None) -> Any:
    from tokenkit import Tokenizer

    return Tokenizer.from_file(path, pattern=pattern)


def _name(source: Any) -> str:
    if isinstance(source, (str, Path)):
        return Path(source).name
    return str(getattr(source, "name", None) or getattr(source, "__name__", type(source).__name__))
