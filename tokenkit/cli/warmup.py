"""``tokenkit warmup``."""

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor


def command() -> None:
    """Compile all kernels now, once, so that nothing waits for them later."""
    from encoders.threads import cores
    from tokenkit.corpus.warmup import compile_kernels
    from tokenkit.text.warmup import GROUPS

    start = time.perf_counter()
    print("compiling kernels, once", flush=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(cores(), len(GROUPS) + 1), context, _quietly) as pool:
        list(pool.map(_run, (*GROUPS, compile_kernels)))
    print(f"all kernels are compiled and cached ({time.perf_counter() - start:.1f} s)")


def _run(group: Callable[[], None]) -> None:
    group()


def _quietly() -> None:
    from encoders import jit

    jit.announced()
