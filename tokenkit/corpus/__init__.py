"""Corpus preparation: documents in, token shards and a manifest out."""

from tokenkit.corpus.options import PrepareOptions
from tokenkit.corpus.prepare import Summary, prepare
from tokenkit.corpus.records import ReadOptions
from tokenkit.corpus.shards import Shard, ShardSet, open_shards
from tokenkit.corpus.verify import verify

__all__ = [
    "PrepareOptions",
    "ReadOptions",
    "Shard",
    "ShardSet",
    "Summary",
    "open_shards",
    "prepare",
    "verify",
]
