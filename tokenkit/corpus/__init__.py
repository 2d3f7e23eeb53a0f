"""Corpus preparation: documents in, token shards and a manifest out."""

from tokenkit.corpus.prepare import PrepareOptions, Summary, prepare
from tokenkit.corpus.shards import Shard, ShardSet, open_shards

__all__ = ["PrepareOptions", "Shard", "ShardSet", "Summary", "open_shards", "prepare"]
