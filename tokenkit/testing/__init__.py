"""Hypothesis strategies and round-trip laws that every tokenizer must keep."""
