"""Running every kernel of comparisons once, so that it is compiled and on disk."""


def compile_kernels() -> None:
    """Compile the kernels of alignment and noise; nothing to do where they are cached."""
    from tokenkit.domain.alignment import align
    from tokenkit.domain.noise import OcrNoise

    noisy = OcrNoise(rate=0.5).read("The modern clerk, 1 of 10.")
    align(noisy.clean, noisy.text)
