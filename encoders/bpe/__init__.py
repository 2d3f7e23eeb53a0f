"""Byte-pair encoding: tables, the merge engine with its cache, decoding."""

from encoders.bpe.encoder import BpeEncoder, decode
from encoders.bpe.tables import BpeTables, tables_from_merges, tables_from_ranks

__all__ = ["BpeEncoder", "BpeTables", "decode", "tables_from_merges", "tables_from_ranks"]
