"""Exact byte-level probabilities over any token-level language model."""
