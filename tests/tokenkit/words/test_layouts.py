"""Layouts and their inverses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenkit.errors import PatchError
from tokenkit.testing.words import PatchLawViolation, check_layout, patch_rows
from tokenkit.tokens import Ragged
from tokenkit.words import Blt, Bolmo, BoundaryMask, Dense, Packed, Patcher, Patches, Word

SAMPLE = Patches.of([[b"The", b" cat"], [], [b"sat"]])


@pytest.mark.parametrize("layout", [Packed, Dense, BoundaryMask, Blt, Bolmo])
def test_round_trip(layout):
    check_layout(layout)


@given(patch_rows(), st.integers(1, 9), st.sampled_from([np.int16, np.int64]))
def test_dense_of_any_width(patches, width, dtype):
    dense = Dense.of(patches, width, 300, dtype)
    assert dense.ids.shape == (len(patches.offsets) - 1, width)
    assert dense.patches() == patches
    assert (dense.ids[~dense.mask] == 300).all()
    assert len(dense.overflow) == np.maximum(dense.lengths - width, 0).sum()


@given(patch_rows().filter(lambda patches: patches.values.dtype == np.uint8))
def test_frames_come_off(patches):
    for bos, eos in ((256, 257), (None, 257), (256, None), (1000, 1001)):
        framed = patches.framed(bos, eos)
        assert framed.unframed(bos, eos) == patches
        assert len(framed.values) == len(patches.values) + len(patches) * (
            2 - (bos, eos).count(None)
        )


def test_the_law_can_fail():
    class Forgetful(Dense):
        def patches(self):
            whole = super().patches()
            return Patches(whole.values, whole.offsets, whole.rows[[0, -1]])

        @staticmethod
        def of(patches):
            dense = Dense.of(patches)
            return Forgetful(dense.ids, dense.lengths, dense.overflow, dense.rows)

    with pytest.raises(PatchLawViolation, match="Forgetful does not give back"):
        check_layout(Forgetful)


def test_packed_is_what_flash_attention_takes():
    packed = Packed.of(SAMPLE)
    assert packed.cu_seqlens.dtype == packed.rows.dtype == np.int32
    assert packed.cu_seqlens.tolist() == [0, 3, 7, 10]
    assert packed.rows.tolist() == [0, 2, 2, 3]
    assert packed.max_seqlen == 4
    assert packed.ids is SAMPLE.values


def test_dense_by_hand():
    dense = Dense.of(SAMPLE, 3, fill=258)
    assert dense.ids.tolist() == [[84, 104, 101], [32, 99, 97], [115, 97, 116]]
    assert dense.lengths.tolist() == [3, 4, 3]
    assert bytes(dense.overflow) == b"t"
    assert Dense.of(SAMPLE).ids.tolist()[0] == [84, 104, 101, 0]


def test_blt_by_hand():
    blt = Blt.of(Patches.of([[b"ab", b"c"], [b"d"]]).framed(eos=None))
    assert blt.ids.tolist() == [[1, 101, 102, 103], [1, 104, 0, 0]]
    assert blt.patch_lengths.tolist() == [[1, 2, 1], [1, 1, 0]]
    assert blt.inputs.shape == blt.targets.shape == (2, 3)
    assert blt.patch_lengths.sum(axis=1)[0] == blt.inputs.shape[1] + 1


def test_bolmo_by_hand():
    bolmo = Bolmo.of(Patches.of([[b"ab", b"c"]]))
    assert bolmo.ids.to_lists() == [[101, 102 + 260, 103 + 260]]
    assert Bolmo.of(Patches.of([[bytes([255])]]).framed()).ids.values.max() == 519


def test_a_mask_of_a_router():
    values = np.frombuffer(b"abcdef", np.uint8)
    mask = np.array([0, 0, 1, 0, 0, 1], np.bool_)
    patches = BoundaryMask(values, mask, np.array([0, 4, 6], np.int32)).patches()
    assert patches == Patches.of([[b"ab", b"cd"], [b"e", b"f"]])


def test_views_of_a_batch():
    assert SAMPLE.starts.to_lists() == [[0, 3], [], [0]]
    assert SAMPLE.lengths.to_lists() == [[3, 4], [], [3]]
    assert [bytes(row) for row in SAMPLE.sequences] == [b"The cat", b"", b"sat"]
    assert [patch.tobytes() for patch in SAMPLE[-1]] == [b"sat"]
    with pytest.raises(IndexError):
        SAMPLE[3]
    framed = SAMPLE.framed()
    assert framed.values.dtype == np.uint16
    assert framed[1].to_lists() == [[256], [257]]
    assert framed[2].to_lists() == [[256], [115, 97, 116], [257]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Patches.of([[b""]]), "at least one byte"),
        (SAMPLE.unframed, "no room"),
        (lambda: Patches.of([[b"ab", b"c"]]).unframed(), "not bytes framed"),
        (lambda: Blt.of(SAMPLE.framed(1000)), "id 1000"),
        (lambda: Bolmo.of(SAMPLE.framed(eos=258)), "id 258"),
        (lambda: Dense.of(SAMPLE, 0), "width of at least 1"),
        (lambda: Blt(np.array([[5, 6]]), np.array([[1, 0]])).patches(), "add up"),
        (lambda: Blt(np.array([[3]]), np.array([[1]])).patches(), "not those of bytes"),
        (lambda: Blt(np.array([[260]]), np.array([[1]])).patches(), "not those of bytes"),
        (lambda: Bolmo(Ragged.from_rows([[5]], np.int64)).patches(), "end with a boundary"),
        (
            lambda: BoundaryMask(SAMPLE.values, np.ones(2, np.bool_), np.array([0, 10], np.int32))
            .patches(),
            "marks",
        ),
    ],
)  # fmt: skip
def test_what_is_impossible_is_refused(make, message):
    with pytest.raises(PatchError, match=message):
        make()


def test_a_batch_of_nothing():
    nothing = Patcher(Word()).patch_batch([])
    for layout in (Packed, Dense, BoundaryMask, Blt, Bolmo):
        assert layout.of(nothing).patches() == nothing
