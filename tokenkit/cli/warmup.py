"""``tokenkit warmup``."""

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor


def command() -> None:
    """Compile all kernels now, once, so that nothing waits for them later."""
    from encoders.threads import cores

    start = time.perf_counter()
    print("compiling kernels, once", flush=True)
    every = groups()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(cores(), len(every)), context, _quietly) as pool:
        list(pool.map(_run, every))
    print(f"all kernels are compiled and cached ({time.perf_counter() - start:.1f} s)")


def groups() -> tuple[Callable[[], None], ...]:
    """Functions that compile all kernels between them, the slowest first; a line for each part."""
    from byteprob import warmup as byteprob
    from tokenkit.audit import warmup as audit
    from tokenkit.corpus import warmup as corpus
    from tokenkit.domain import warmup as domain
    from tokenkit.numbers import warmup as numbers
    from tokenkit.text import warmup as text
    from tokenkit.words import warmup as words

    return (
        *text.GROUPS,
        audit.compile_kernels,
        corpus.compile_kernels,
        byteprob.compile_kernels,
        domain.compile_kernels,
        numbers.compile_kernels,
        words.compile_kernels,
    )


def _run(group: Callable[[], None]) -> None:
    group()


def _quietly() -> None:
    from encoders import jit

    jit.announced()
