"""Kernels: arrays in, arrays out. Knows no files, no policy and no command line."""
