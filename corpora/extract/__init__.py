"""Readers of public formats: a downloaded file to documents."""
