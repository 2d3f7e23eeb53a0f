"""``tokenkit warmup``."""

import time


def command() -> None:
    """Compile all kernels now, once, so that nothing waits for them later."""
    from tokenkit.corpus.warmup import compile_kernels as compile_corpus_kernels
    from tokenkit.text.warmup import compile_kernels

    start = time.perf_counter()
    compile_kernels()
    compile_corpus_kernels()
    print(f"all kernels are compiled and cached ({time.perf_counter() - start:.1f} s)")
