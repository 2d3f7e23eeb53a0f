"""Unicode normal forms (UAX 15), with the tables of the `tokenizers` library.

Each form is idempotent. A text may be cut before any character that is in the form, has combining
class 0 and composes with nothing before it (any ASCII character is one): the normal form of the
whole is that of the parts, joined.
"""

from dataclasses import dataclass
from typing import ClassVar

from encoders.buffers import Bytes, Offsets
from encoders.normalize.running import Normalized, run
from encoders.normalize.tables import form_tables


@dataclass(frozen=True)
class _Form:
    compatible: ClassVar[bool]
    compose: ClassVar[bool]

    def normalize(self, text: Bytes, bounds: Offsets, *, align: bool = False) -> Normalized:
        """See `Normalizer`."""
        from encoders.normalize import _kernels

        tables = form_tables(self.compatible, self.compose)
        arguments = (
            tables.table.pages,
            tables.table.entries,
            tables.offsets,
            tables.parts,
            tables.pair_keys,
            tables.pair_values,
            self.compose,
        )
        return run(_kernels.normal_form, text, bounds, arguments, align=align, scratch=True)


@dataclass(frozen=True)
class Nfc(_Form):
    """Canonical decomposition, then composition."""

    compatible, compose = False, True


@dataclass(frozen=True)
class Nfd(_Form):
    """Canonical decomposition."""

    compatible, compose = False, False


@dataclass(frozen=True)
class Nfkc(_Form):
    """Compatibility decomposition, then composition."""

    compatible, compose = True, True


@dataclass(frozen=True)
class Nfkd(_Form):
    """Compatibility decomposition."""

    compatible, compose = True, False
