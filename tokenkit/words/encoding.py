"""Bytes as their own tokens, cut into patches: what `tokenkit.corpus.prepare` writes in place of a
tokenizer's ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import ClassVar

from encoders.buffers import Bytes, Offsets
from tokenkit.text.contract import Contract
from tokenkit.tokens import Ragged
from tokenkit.words.patchers import Patcher
from tokenkit.words.patches import BOS, EOS, Patches
from tokenkit.words.saving import PATCHER, files_of, fingerprint_of


@dataclass(frozen=True)
class PatchedBytes:
    """Ids 0 to 255 are the bytes, 256 is bos and 257 eos. Raises PatchError, when first used, for
    a patcher with a rule that cannot be saved."""

    patcher: Patcher
    vocab_size: ClassVar[int] = 258
    engine: ClassVar[str] = "kernels"
    contract: ClassVar[Contract] = "lossless"
    file_name: ClassVar[str] = PATCHER
    special_tokens: ClassVar[Mapping[str, int]] = MappingProxyType({"<bos>": BOS, "<eos>": EOS})

    @cached_property
    def fingerprint(self) -> str:
        """That of the patcher."""
        return fingerprint_of(self.patcher)

    def files(self) -> dict[str, bytes]:
        """See `tokenkit.words.saving.files_of`."""
        return files_of(self.patcher)

    def token_to_id(self, token: str) -> int | None:
        """Of ``<bos>`` and ``<eos>``; None for anything else."""
        return self.special_tokens.get(token)

    def encode_buffer(self, text: Bytes, bounds: Offsets) -> Ragged:
        """The bytes of documents, uint8. See `Tokenizer.encode_buffer`."""
        return Ragged(text[bounds[0] : bounds[-1]], bounds - bounds[0])

    def patch_buffer(
        self, text: Bytes, bounds: Offsets, bos: int | None, eos: int | None
    ) -> Patches:
        """The same in patches, with ``bos`` and ``eos`` around each document; uint8 without."""
        return self.patcher.patch_buffer(text, bounds).framed(bos, eos)
