"""Patches as models take them: layouts of arrays, each with its exact inverse.

``Layout.of(patches).patches() == patches`` for every layout here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Offsets
from encoders.patches import rows_of
from tokenkit.errors import PatchError
from tokenkit.tokens import Ragged
from tokenkit.words.patches import BOS, EOS, Patches, sums


@dataclass(frozen=True, eq=False)
class Packed:
    """Patches end to end, nothing filled up: the default.

    ``ids``: [bytes]; ``cu_seqlens``: int32[patches + 1], as flash-attention takes it, for attention
    inside patches; ``max_seqlen``: the longest patch; ``rows``: int32[rows + 1], the ``cu_seqlens``
    of the model over patches.
    """

    ids: NDArray[Any]
    cu_seqlens: NDArray[np.int32]
    max_seqlen: int
    rows: NDArray[np.int32]

    @staticmethod
    def of(patches: Patches) -> "Packed":
        """Raises OverflowError where the batch has 2**31 values or more."""
        flat = Ragged(patches.values, patches.offsets)
        longest = int(flat.lengths.max(initial=0))
        return Packed(patches.values, flat.cu_seqlens(), longest, patches.rows.astype(np.int32))

    def patches(self) -> Patches:
        """The inverse of `of`."""
        return Patches(self.ids, self.cu_seqlens.astype(np.int64), self.rows.astype(np.int64))


@dataclass(frozen=True, eq=False)
class Dense:
    """A matrix with a row for each patch.

    ``ids``: int64 or int16, [patches, width], filled up behind each patch; ``lengths``:
    int64[patches], the whole length of each, also where it is above ``width``; ``overflow``: what
    did not fit, end to end in the order of the patches; ``rows``: int64[rows + 1].
    """

    ids: NDArray[Any]
    lengths: Offsets
    overflow: NDArray[Any]
    rows: Offsets

    @staticmethod
    def of(
        patches: Patches,
        width: int | None = None,
        fill: int = 0,
        dtype: type[np.signedinteger[Any]] = np.int64,
    ) -> "Dense":
        """``width``: of the matrix, the longest patch unless given; ``fill``: behind each patch;
        ``dtype``: of the matrix, int64 as torch looks up, or int16, a quarter of the memory.

        A `Patcher` with ``max_patch_length=width`` leaves no overflow.

        Raises PatchError where ``width`` is not positive.
        """
        lengths = np.diff(patches.offsets)
        width = int(lengths.max(initial=1)) if width is None else width
        if width < 1:
            raise PatchError(f"rows of {width}: give a width of at least 1")
        ids = rows_of(patches.values, patches.offsets, width, fill, dtype)
        overflow = patches.values[_overflowing(patches.offsets, width)]
        return Dense(ids, lengths, overflow, patches.rows)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """bool[patches, width]: false where it is filling."""
        return np.arange(self.ids.shape[1]) < self.lengths[:, None]

    def patches(self) -> Patches:
        """The inverse of `of`."""
        offsets, width = sums(self.lengths), self.ids.shape[1]
        values = self.ids[self.mask].astype(self.overflow.dtype)
        if len(self.overflow):
            fitting, values = values, np.empty(int(offsets[-1]), values.dtype)
            outside = _overflowing(offsets, width)
            values[outside] = self.overflow
            inside = np.ones(len(values), np.bool_)
            inside[outside] = False
            values[inside] = fitting
        return Patches(values, offsets, self.rows)


def _overflowing(offsets: Offsets, width: int) -> Offsets:
    """Positions of what lies behind the first ``width`` of each patch, int64."""
    over = np.maximum(np.diff(offsets) - width, 0)
    if not over.any():
        return np.empty(0, np.int64)
    ends = sums(over)
    return np.repeat(offsets[:-1] + width - ends[:-1], over) + np.arange(int(ends[-1]))


@dataclass(frozen=True, eq=False)
class BoundaryMask:
    """A bit for each byte, as the routers of H-Net (Hwang et al. 2025) make and take.

    ``ids``: [bytes]; ``mask``: bool[bytes], true where a patch begins; ``cu_seqlens``:
    int32[rows + 1].
    """

    ids: NDArray[Any]
    mask: NDArray[np.bool_]
    cu_seqlens: NDArray[np.int32]

    @staticmethod
    def of(patches: Patches) -> "BoundaryMask":
        """Raises OverflowError where the batch has 2**31 values or more."""
        mask = np.zeros(len(patches.values), np.bool_)
        mask[patches.offsets[:-1]] = True
        return BoundaryMask(patches.values, mask, patches.sequences.cu_seqlens())

    def patches(self) -> Patches:
        """The inverse of `of`: how what a router has learned is used as patches.

        A row's first byte begins a patch whatever the mask says, as in H-Net. Raises PatchError
        where the shapes do not fit.
        """
        bounds = self.cu_seqlens.astype(np.int64)
        if self.mask.shape != self.ids.shape or int(bounds[-1]) != len(self.ids):
            raise PatchError(
                f"{len(self.mask)} marks and cu_seqlens up to {bounds[-1]} for {len(self.ids)} ids"
            )
        mask = np.append(self.mask, True)
        mask[bounds] = True
        offsets = np.flatnonzero(mask)
        return Patches(self.ids, offsets, np.searchsorted(offsets, bounds))


_BYTE = 4
"""Id of the byte 0 in BLT and Bolmo, behind pad 0, bos 1, eos 2 and a reserved one."""
_FUSED = 256 + _BYTE
_TO_BLT = np.append(np.arange(256) + _BYTE, [1, 2, 0])
_FILL = 258
_FROM_BLT = np.concatenate(([-1, BOS, EOS, -1], np.arange(256)))


def _check_for_blt(values: NDArray[Any]) -> None:
    if values.max(initial=0) > EOS:
        raise PatchError(f"id {values.max()}: BLT has bytes, bos ({BOS}) and eos ({EOS}) alone")


def _from_blt(ids: NDArray[np.int64]) -> NDArray[Any]:
    """Our ids of those of BLT, uint8 where all are bytes."""
    known = ids[(ids >= 0) & (ids < len(_FROM_BLT))]
    values = _FROM_BLT[known]
    if len(known) < len(ids) or (values < 0).any():
        raise PatchError("the ids are not those of bytes (4 to 259), bos (1) and eos (2)")
    return values.astype(np.uint8 if values.max(initial=0) < 256 else np.uint16)


@dataclass(frozen=True, eq=False)
class Blt:
    """Rows filled up, with the lengths of their patches, in the ids of BLT (Pagnoni et al. 2024).

    ``ids``: int64[rows, T], a byte being its value plus 4, bos 1, eos 2, filled up with 0;
    ``patch_lengths``: int64[rows, P], filled up with 0. They add up to the length of the row; for
    training on `inputs` and `targets` that is one more than the inputs have, as BLT counts with
    ``include_next_token``.
    """

    ids: NDArray[np.int64]
    patch_lengths: NDArray[np.int64]

    @staticmethod
    def of(patches: Patches) -> "Blt":
        """BLT trains on rows that begin with bos, a patch of its own: give `Patches.framed`.

        Raises PatchError where there is another id beside those of bytes, bos and eos.
        """
        _check_for_blt(patches.values)
        bounds = patches.bounds
        width = int(np.diff(bounds).max(initial=0))
        ids = rows_of(patches.values, bounds, width, _FILL, np.int64)
        return Blt(_TO_BLT[ids], patches.lengths.to_padded(0)[0])

    @property
    def inputs(self) -> NDArray[np.int64]:
        """[rows, T - 1]."""
        return self.ids[:, :-1]

    @property
    def targets(self) -> NDArray[np.int64]:
        """[rows, T - 1]: the next id of each input; 0 behind the end."""
        return self.ids[:, 1:]

    def patches(self) -> Patches:
        """The inverse of `of`, in uint8 where there is no bos or eos.

        Raises PatchError where lengths and ids do not fit together.
        """
        real = self.patch_lengths > 0
        sizes = self.patch_lengths.sum(axis=1)
        filled = np.arange(self.ids.shape[1]) >= sizes[:, None]
        if (sizes > self.ids.shape[1]).any() or (self.ids[filled] != 0).any():
            raise PatchError("the patch lengths of a row do not add up to its length")
        values = _from_blt(self.ids[~filled])
        return Patches(values, sums(self.patch_lengths[real]), sums(real.sum(axis=1)))


@dataclass(frozen=True, eq=False)
class Bolmo:
    """Ids that tell the boundary too, as Bolmo (Minixhofer et al. 2025) has them.

    ``ids``: rows of int64. The 260 ids of BLT twice: the last byte of a patch has its id plus 260.
    Bolmo's own configuration uses one id, 1, as bos and as eos: ``framed(eos=BOS)`` gives that.
    """

    ids: Ragged

    @staticmethod
    def of(patches: Patches) -> "Bolmo":
        """Raises PatchError as `Blt.of`."""
        _check_for_blt(patches.values)
        ids = _TO_BLT[patches.values]
        ids[patches.offsets[1:] - 1] += _FUSED
        return Bolmo(Ragged(ids, patches.bounds))

    def patches(self) -> Patches:
        """The inverse of `of`, in uint8 where there is no bos or eos.

        Raises PatchError where an id is none of these, or a row does not end with a boundary.
        """
        ids, bounds = self.ids.values, self.ids.offsets
        last = ids >= _FUSED
        offsets = np.append(0, np.flatnonzero(last) + 1)
        rows = np.searchsorted(offsets, bounds)
        if int(offsets[-1]) != len(ids) or not np.array_equal(offsets[rows], bounds):
            raise PatchError("a row does not end with a boundary")
        return Patches(_from_blt(np.where(last, ids - _FUSED, ids)), offsets, rows)
