"""What decides the output of a preparation."""

from dataclasses import asdict, dataclass, field
from typing import Any

from tokenkit.corpus.formats import FORMATS
from tokenkit.corpus.records import ReadOptions
from tokenkit.errors import CorpusError


@dataclass(frozen=True)
class PrepareOptions:
    """What decides the output, byte for byte, beside the inputs and the tokenizer.

    ``bos``, ``eos``: ids put before and after every document, or None. ``seed``: shuffles the
    order of inputs, and documents within each shard; None keeps their order. ``pack``: cut each
    shard into sequences of that many tokens, its last filled up with ``fill``. ``shard_tokens``:
    a shard ends with the first document that takes it there; a document that has as many alone
    gets a shard of its own. Memory grows by about eight bytes for each of them.
    """

    format: str = "shards"
    bos: int | None = None
    eos: int | None = None
    seed: int | None = None
    pack: int | None = None
    fill: int = 0
    shard_tokens: int = 1 << 24
    read: ReadOptions = field(default_factory=ReadOptions)

    def to_json(self) -> dict[str, Any]:
        """For the manifest."""
        fields = asdict(self)
        read = fields.pop("read")
        if read["separator"] is not None:
            read["separator"] = read["separator"].decode("latin-1")
        return {**fields, **read}

    def check(self) -> None:
        """Raise CorpusError for what is impossible."""
        if self.format not in FORMATS:
            raise CorpusError(f"no format {self.format!r}; there are {', '.join(FORMATS)}")
        if self.pack is not None and not FORMATS[self.format].packs:
            raise CorpusError(
                f"{self.format} cannot tell packed sequences, and its readers pack by themselves: "
                "leave packing away, or choose shards, parquet or arrow"
            )
        if self.pack is not None and self.pack < 1:
            raise CorpusError(f"sequences of {self.pack} tokens: packing needs a positive length")
        if self.shard_tokens < 1:
            raise CorpusError(f"shards of {self.shard_tokens} tokens: give a positive number")
        if self.seed is not None and self.seed < 0:
            raise CorpusError(f"seed {self.seed}: give one that is not negative")
        if self.read.separator == b"":
            raise CorpusError("the separator is empty")
