"""Sample corpora built from what every machine has, and recipes for large public ones."""

from corpora.documents import Document
from corpora.fetching import fetch
from corpora.manifest import Download, Entry, Manifest
from corpora.recipes import RECIPES, Recipe
from corpora.samples import SAMPLES, Sample, build

__all__ = [
    "RECIPES",
    "SAMPLES",
    "Document",
    "Download",
    "Entry",
    "Manifest",
    "Recipe",
    "Sample",
    "build",
    "fetch",
]
