"""Tokenizer files: one module a format, each turning bytes into a `Plan`."""
